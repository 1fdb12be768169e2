//! A server whose log is not the one that a replica holds: detected at the first sync, and nothing from it is applied.

use super::{Device, open, options};
use crate::carving::file_of_dropped;
use kith_client::replica::{Replica, SyncError};
use kith_core::position::Position;
use kith_tests::server::{DataFolder, Server, kithd};
use redb::ReadableTable;
use std::{fs, path::Path, sync::Arc};

/// Copies a data folder that no server uses.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let (path, to) = (item.as_ref().unwrap().path(), to.join(item.unwrap().file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// A device in sync with a log of three entries, and a copy of that log's data folder.
async fn recorded() -> (Device, Arc<DataFolder>, Arc<DataFolder>) {
    let server = Server::start();
    let device = Device::of(&server);
    device.add_person("amina");
    device.add_person("ben");
    device.meet(&["amina", "ben"]);
    device.replica.sync(&device.client).await.unwrap();
    let data = server.kill();
    let old: Arc<DataFolder> = Arc::default();
    copy(data.path(), old.path());
    (device, data, old)
}

fn at(device: Device, server: &Server) -> Device {
    Device { client: super::client(&server.url(), &server.token()), ..device }
}

#[tokio::test]
async fn a_rolled_back_server_is_noticed_and_so_is_what_it_records_then() {
    let (device, data, old) = recorded().await;
    let server = Server::start_on(data, &[]);
    let device = at(device, &server);
    let lost = device.meet(&["ben", "amina"]);
    device.replica.sync(&device.client).await.unwrap();
    let held = device.replica.root().unwrap();
    drop(server);

    let server = Server::start_on(old, &[]);
    let device = at(device, &server);
    let said = device.expect_alarm().await;
    assert!(said.contains("ends at position 3, although it had sent 4 entries"), "{said}");
    let status = device.replica.status().unwrap();
    assert!(status.alarm.is_some_and(|(why, evidence)| why.contains("rolled back") && !evidence.is_empty()));

    server.cli().run(&["met", "amina", "ben"]).ok();
    server.cli().run(&["met", "amina", "ben"]).ok();
    device.meet(&["amina", "ben"]);
    let said = device.expect_alarm().await;
    assert!(said.contains("history was rewritten"), "{said}");
    assert_eq!(device.replica.root().unwrap(), held, "nothing of it was applied");
    assert_eq!(device.replica.pending().unwrap().len(), 1, "and nothing was sent to it");
    assert!(device.replica.find_event(&lost.id()).unwrap().is_some());
    assert_eq!(device.replica.check().unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn after_an_accepted_rollback_what_the_log_lost_is_sent_again() {
    let (device, data, old) = recorded().await;
    let server = Server::start_on(Arc::clone(&data), &[]);
    let device = at(device, &server);
    let lost = device.meet(&["ben", "amina"]);
    device.replica.sync(&device.client).await.unwrap();
    drop(server.kill());
    fs::copy(old.path().join("log.redb"), data.path().join("log.redb")).unwrap();

    let server = Server::start_on(Arc::clone(&data), &[]);
    let device = at(device, &server);
    let refused = device.replica.sync(&device.client).await.unwrap_err();
    assert!(refused.to_string().contains("signed"), "{refused}");
    drop(server.kill());
    kithd(&["restore", "--data", data.path().to_str().unwrap(), "--accept-rollback"]).ok();

    let server = Server::start_on(data, &[]);
    let device = at(device, &server);
    let report = device.replica.sync(&device.client).await.unwrap();
    let reset = report.reset.expect("the log is another one");
    assert_eq!((reset.held, reset.returned), (4, 4));
    assert_eq!((report.accepted, report.duplicates), (1, 0), "only what the log lost was sent again");
    assert!(device.replica.find_event(&lost.id()).unwrap().is_some());
    device.expect_level().await;
}

#[tokio::test]
async fn another_server_under_the_same_name_is_refused_where_the_key_is_given() {
    let (first, second) = (Server::start(), Server::start());
    let device = Device::of(&first);
    let key = device.client.checkpoint().await.unwrap().key;
    let folder = tempfile::tempdir().unwrap();
    let mut given = options();
    given.key = Some(key);
    let replica = Replica::open(folder.path(), given).unwrap();
    replica.sync(&device.client).await.unwrap();
    let device = Device { replica, client: super::client(&second.url(), &second.token()), folder };
    device.meet(&["amina", "ben"]);
    let said = device.expect_alarm().await;
    assert!(said.contains("key changed"), "{said}");
    assert_eq!(device.replica.pending().unwrap().len(), 1);
}

#[tokio::test]
async fn an_entry_that_was_altered_here_is_found_by_a_check() {
    let (device, data, _) = recorded().await;
    let path = device.folder.path().join("replica.redb");
    let Device { replica, client, folder } = device;
    drop(replica);
    let database = file_of_dropped(&path);
    let transaction = database.begin_write().unwrap();
    {
        let table = redb::TableDefinition::<(u32, u64), &[u8]>::new("entries");
        let mut table = transaction.open_table(table).unwrap();
        let mut block = table.get((1, 1)).unwrap().unwrap().value().to_vec();
        let amina = block.windows(5).position(|window| window == b"amina").unwrap();
        block[amina] = b'o';
        table.insert((1, 1), block.as_slice()).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);
    let replica = open(folder.path());
    assert_eq!(replica.check().unwrap().problems.len(), 1);
    let server = Server::start_on(data, &[]);
    let device = at(Device { replica, client, folder }, &server);
    device.replica.reset(kith_client::replica::Outbox::Keep).unwrap();
    device.replica.sync(&device.client).await.unwrap();
    device.expect_level().await;
}

#[tokio::test]
async fn a_server_with_one_altered_entry_is_noticed_by_a_new_replica() {
    let (device, data, _) = recorded().await;
    let path = data.path().join("log.redb");
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let table = redb::TableDefinition::<(u32, u64), &[u8]>::new("entries");
        let mut table = transaction.open_table(table).unwrap();
        let mut block = table.get((1, 1)).unwrap().unwrap().value().to_vec();
        let role = block.windows(2).position(|window| window == b"GP").unwrap();
        block[role] = b'M';
        table.insert((1, 1), block.as_slice()).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);
    let server = Server::start_on(data, &[]);
    drop(device);
    let device = Device::of(&server);
    let Err(SyncError::Alarm(alarm)) = device.replica.sync(&device.client).await else {
        panic!("an altered entry is noticed")
    };
    assert!(alarm.to_string().contains("is not what it signed"), "{alarm}");
    assert_eq!(device.replica.head(), Position::ZERO, "nothing of it was applied");
}

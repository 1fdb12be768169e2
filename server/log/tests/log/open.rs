//! Opening: everything is still there, and what cannot be trusted is refused.

use crate::support::*;
use kith_core::{
    detail::DetailKind,
    event::{DirectoryFact, Fact},
    position::Position,
};
use kith_log::{Log, OpenError};
use redb::TableDefinition;
use std::fs;

#[tokio::test]
async fn everything_is_there_after_a_reopen() {
    let place = Place::new();
    let (log, network) = place.network().await;
    three_join(&network).await;
    let many: Vec<_> = (10..700).map(|number| meets(number, &["amina", "ben"])).collect();
    append(&network, many).await;
    append(&network, vec![prepare(event(800, merged("amina", "ben")), &[]), founds(801, "riverside")]).await;
    append(&network, vec![prepare(event(802, merged("amina", "chloe")), &[]), retracts(803, 800)]).await;
    append(&network, vec![meets_with_note(804, &["amina", "ben"], "a note")]).await;
    let (head, entries) = (network.summary(), network.history().read(Position::ZERO, END, ALL).unwrap());
    let (created_at, details) = (network.created_at(), network.details(&owner(), &[head.position]).unwrap());
    assert_eq!(details[0].1.opened.len(), 1);
    drop((log, network));

    let (_log, network) = place.network().await;
    assert_eq!(network.summary(), head);
    assert_eq!(network.created_at(), created_at);
    assert_eq!(network.history().read(Position::ZERO, END, ALL).unwrap(), entries);
    assert_eq!(network.details(&owner(), &[head.position]).unwrap(), details);
    let directory = network.directory();
    assert_eq!(directory.people().len(), 3);
    assert!(directory.merge(&person("ben")).is_none(), "the merge was withdrawn");
    assert_eq!(directory.root(&person("chloe")), &person("amina"));
    assert_eq!(directory.organisations().len(), 1);
    let next = append(&network, vec![joins(900, "dana"), meets(901, &["dana", "ben"])]).await;
    assert_eq!(next[0], head.position.next());
    assert_eq!(network.directory().person(&person("dana")).unwrap().handle, 4);
}

#[tokio::test]
async fn entries_from_memory_and_from_disk_are_the_same() {
    let mut place = Place::new();
    let (log, network) = place.network().await;
    three_join(&network).await;
    append(&network, (10..60).map(|number| meets(number, &["amina", "ben"])).collect()).await;
    let read = |network: &kith_log::Network| {
        let mut parts = Vec::new();
        for after in [0, 1, 10, 52, 53] {
            for until in [0, 1, 20, 53, 99] {
                let part = network.history().read(Position::new(after), Position::new(until), ALL).unwrap();
                parts.push((after, until, part));
            }
        }
        parts
    };
    let from_memory = read(&network);
    drop((log, network));
    place.config.tail_bytes_max = 0;
    let (_log, network) = place.network().await;
    assert_eq!(read(&network), from_memory);
    let budget = kith_core::history::Budget { entries: 7, bytes: usize::MAX };
    assert_eq!(network.history().read(Position::ZERO, END, budget).unwrap().len(), 7);
    let budget = kith_core::history::Budget { entries: 7, bytes: 0 };
    assert_eq!(network.history().read(Position::ZERO, END, budget).unwrap().len(), 1);
    let ahead = network.history().read(Position::new(54), END, ALL);
    assert!(ahead.is_err(), "{ahead:?}");
    assert!(network.entry(&owner(), Position::ZERO).unwrap().is_none());
    assert!(network.entry(&owner(), Position::new(54)).unwrap().is_none());
    let (bytes, header) = network.entry(&owner(), Position::new(53)).unwrap().unwrap();
    let all = &from_memory[4].2;
    assert_eq!((header.id, &bytes), (id(59), &all[52]));
    let history = network.history();
    let at = history.read_at(&[Position::new(9), Position::new(99), Position::new(2)]).unwrap();
    assert_eq!(at, [all[8].clone(), all[1].clone()]);
}

#[tokio::test]
async fn a_data_folder_is_opened_once() {
    let place = Place::new();
    let log = place.open();
    let second = Log::open(&place.config, ticking());
    assert!(matches!(second, Err(OpenError::AlreadyOpen { .. })), "{second:?}");
    let other_handle = log.clone();
    drop(log);
    assert!(Log::open(&place.config, ticking()).is_err());
    drop(other_handle);
    assert!(Log::open(&place.config, ticking()).is_ok());
}

#[tokio::test]
async fn files_of_another_version_are_refused() {
    let place = Place::new();
    drop(place.network().await);
    for (version, advice) in [
        (1, "made by an unreleased program; export with that program, import here"),
        (99, "start the program that wrote it, or a newer one"),
    ] {
        change(&place, TableDefinition::<&str, u32>::new("meta"), "format_version", version);
        let refused = Log::open(&place.config, ticking()).unwrap_err();
        assert!(matches!(refused, OpenError::Version { found, .. } if found == version), "{refused:?}");
        assert!(refused.to_string().contains(advice), "{refused}");
    }
}

#[tokio::test]
async fn a_log_without_its_keys_is_refused() {
    let place = Place::new();
    drop(place.network().await);
    let keys = place.folder.path().join("keys");
    let kept = place.folder.path().join("kept");
    fs::rename(&keys, &kept).unwrap();
    let opened = Log::open(&place.config, ticking());
    assert!(matches!(opened, Err(OpenError::RootKeyMissing { .. })), "{opened:?}");
    fs::rename(&kept, &keys).unwrap();
    fs::write(keys.join("root.key"), [0; 32]).unwrap();
    let opened = Log::open(&place.config, ticking());
    assert!(matches!(opened, Err(OpenError::NetworkKeyUnusable { .. })), "{opened:?}");
}

#[tokio::test]
async fn a_head_that_is_not_the_last_entry_is_refused() {
    let place = Place::new();
    let (log, network) = place.network().await;
    three_join(&network).await;
    drop((log, network));
    let entries = TableDefinition::<(u32, u64), &[u8]>::new("entries");
    change(&place, entries, (1, 4), &b"more"[..]);
    let opened = Log::open(&place.config, ticking());
    assert!(matches!(opened, Err(OpenError::Damaged(_))), "{opened:?}");
}

/// Writes a row of `log.redb` behind the log's back.
fn change<'a, K: redb::Key, V: redb::Value>(
    place: &Place,
    table: TableDefinition<'static, K, V>,
    key: impl std::borrow::Borrow<K::SelfType<'a>>,
    value: impl std::borrow::Borrow<V::SelfType<'a>>,
) {
    let database = redb::Database::open(place.folder.path().join("log.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(table).unwrap().insert(key, value).unwrap();
    transaction.commit().unwrap();
}

#[tokio::test]
async fn a_snapshot_of_the_directory_stays_as_it_was() {
    let place = Place::new();
    let (_log, network) = place.network().await;
    three_join(&network).await;
    let before = network.directory();
    append(&network, vec![joins(4, "dana")]).await;
    assert_eq!((before.people().len(), network.directory().people().len()), (3, 4));
    drop(before);
    append(&network, vec![joins(5, "emil")]).await;
    assert_eq!(network.directory().people().len(), 5);
    let named = detail(DetailKind::Name, &["emil"], "Emil Okafor");
    let fact = kith_core::event::PersonChanged { person: person("emil"), organisation: None, role: "porter".into() };
    append(&network, vec![prepare(event(6, Fact::Directory(DirectoryFact::PersonChanged(fact))), &[named])]).await;
    assert_eq!(network.directory().person(&person("emil")).unwrap().role, "porter");
}

#[tokio::test]
async fn a_first_start_that_was_broken_off_is_begun_anew() {
    let place = Place::new();
    let keys = place.folder.path().join("keys");
    fs::create_dir(&keys).unwrap();
    let parts = [place.folder.path().join("log.redb.part"), keys.join("keys.redb.part")];
    for part in &parts {
        fs::write(part, "half a file").unwrap();
    }
    let (log, network) = place.network().await;
    append(&network, vec![joins(1, "amina")]).await;
    log.shutdown().await;
    assert!(parts.iter().all(|part| !part.exists()));
}

//! Backups: one consistent state while the log goes on, restored whole or not at all.

use crate::support::*;
use kith_core::detail::DetailKind;
use kith_log::{
    BackupError, Config, Log, OpenError, RestoreError, backup, backup_keys, check, restore, restore_keys, verify_backup,
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A log with details and a complete chunk of the index; closed.
async fn filled() -> Place {
    let place = Place::new();
    let (log, network) = place.network().await;
    three_join(&network).await;
    append(&network, vec![meets_with_note(4, &["amina", "ben"], "will share the falls pathway")]).await;
    append(&network, vec![changes(5, "amina", &[named()])]).await;
    for first in (1_000..6_000).step_by(500) {
        append(&network, (first..first + 500).map(|number| meets(number, &["amina", "ben"])).collect()).await;
    }
    let south = log.create_network(&"south".parse().unwrap()).await.unwrap();
    append(&south, vec![joins(1, "amina")]).await;
    log.create_network(&"west".parse().unwrap()).await.unwrap();
    log.shutdown().await;
    place
}

fn named() -> kith_core::detail::Detail {
    detail(DetailKind::Name, &["amina"], "Amina Diallo")
}

fn take(place: &Place, name: &str) -> PathBuf {
    let file = place.folder.path().join(name);
    backup(&place.config, &ticking(), &file, |_| ()).unwrap();
    file
}

/// An empty folder, and the settings of a log in it.
fn elsewhere() -> (TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder.path().join("data"));
    (folder, config)
}

fn copy_keys(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("keys")).unwrap();
    for item in fs::read_dir(from.join("keys")).unwrap() {
        let item = item.unwrap();
        fs::copy(item.path(), to.join("keys").join(item.file_name())).unwrap();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let items = fs::read_dir(folder).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = items.collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_one_state_and_restores_elsewhere() {
    let place = filled().await;
    let log = place.open();
    let network = north(&log).await;
    let file = place.folder.path().join("backup");
    let before = network.head();
    let taking = {
        let (log, file) = (log.clone(), file.clone());
        tokio::task::spawn_blocking(move || kith_log::write_new(&file, |out| log.backup(out, |_| ())).unwrap())
    };
    let mut number = 10_000;
    while !taking.is_finished() {
        append(&network, (number..number + 10).map(|number| meets(number, &["ben", "chloe"])).collect()).await;
        number += 10;
    }
    let taken = taking.await.unwrap();
    let of_north = taken.heading.networks.iter().find(|network| network.name.as_str() == "north").unwrap();
    assert!(before <= of_north.head && of_north.head <= network.head(), "{before} {of_north:?}");
    assert_eq!(fs::metadata(&file).unwrap().len(), taken.bytes);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(verify_backup(&file, |_| ()).unwrap(), taken.heading);

    let (_folder, config) = elsewhere();
    copy_keys(place.folder.path(), &config.data);
    fs::create_dir(config.data.join("views")).unwrap();
    fs::write(config.data.join("views/of-another-log.redb"), "old").unwrap();
    let restored = restore(&config, &file, |_| ()).unwrap();
    assert_eq!(restored.heading, taken.heading);
    assert_eq!((restored.details_opened, restored.details_closed), (2, 0));
    assert_eq!(names(&config.data), ["keys", "log.redb"]);
    let report = check(&config, |_| ()).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);

    let copy = Log::open(&config, ticking()).unwrap();
    let copied = north(&copy).await;
    let summary = copied.summary();
    assert_eq!((summary.position, summary.root), (of_north.head, of_north.root));
    let proof = network.consistency_proof(of_north.head.get(), network.head().get()).unwrap();
    assert_eq!(proof.from_root, summary.root, "the log went on from there");
    assert_eq!(
        copied.history().read(before, of_north.head, ALL).unwrap(),
        network.history().read(before, of_north.head, ALL).unwrap()
    );
    assert_eq!(copied.names(&[person("amina")]).unwrap()[&person("amina")], "Amina Diallo");
    let appended = append(&copied, vec![meets(99_999, &["amina", "ben"])]).await;
    assert_eq!(appended, [of_north.head.next()]);
}

#[tokio::test]
async fn a_log_that_is_there_is_never_touched() {
    let place = filled().await;
    let file = take(&place, "backup");
    let sound = fs::read(place.folder.path().join("log.redb")).unwrap();
    let refused = restore(&place.config, &file, |_| ());
    assert!(matches!(refused, Err(RestoreError::Exists { .. })), "{refused:?}");
    assert!(fs::read(place.folder.path().join("log.redb")).unwrap() == sound);
    let again = backup(&place.config, &ticking(), &file, |_| ());
    assert!(matches!(again, Err(BackupError::Exists { .. })), "{again:?}");
    let log = place.open();
    let busy = backup(&place.config, &ticking(), &place.folder.path().join("other"), |_| ());
    assert!(matches!(busy, Err(BackupError::Open(OpenError::AlreadyOpen { .. }))), "{busy:?}");
    drop(log);
}

#[tokio::test]
async fn damaged_backups_put_nothing_in_place() {
    let place = Place::new();
    let (log, network) = place.network().await;
    three_join(&network).await;
    log.shutdown().await;
    drop((log, network));
    let file = take(&place, "backup");
    let whole = fs::read(&file).unwrap();
    let (_folder, config) = elsewhere();
    for at in (0..whole.len()).step_by(97) {
        for changed in [flipped(&whole, at), whole[..at].to_vec()] {
            fs::write(&file, changed).unwrap();
            let refused = restore(&config, &file, |_| ());
            assert!(refused.is_err(), "byte {at}");
            assert!(!config.data.exists() || names(&config.data).is_empty(), "byte {at}");
        }
    }
    fs::write(&file, &whole).unwrap();
    restore(&config, &file, |_| ()).unwrap();
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

#[tokio::test]
async fn what_is_whole_but_contradicts_itself_is_not_restored() {
    let place = filled().await;
    let table = redb::TableDefinition::<(u32, u64), [u8; 32]>::new("subtrees");
    {
        let database = redb::Database::open(place.folder.path().join("log.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(table).unwrap().insert((1, 3), [7; 32]).unwrap();
        transaction.commit().unwrap();
    }
    let file = take(&place, "backup");
    verify_backup(&file, |_| ()).unwrap();
    let (_folder, config) = elsewhere();
    let refused = restore(&config, &file, |_| ());
    let Err(RestoreError::NotSound(report)) = refused else { panic!("{refused:?}") };
    assert!(report.problems.iter().any(|problem| problem.table == "subtrees"), "{:?}", report.problems);
    assert!(names(&config.data).is_empty());
}

#[tokio::test]
async fn keys_are_backed_up_apart_while_the_server_runs() {
    let place = filled().await;
    let (log, keys_file) = (place.open(), place.folder.path().join("keys-backup"));
    let network = north(&log).await;
    append(&network, vec![meets_with_note(50, &["ben", "chloe"], "a key for Chloe")]).await;
    let copied = backup_keys(&place.config, &keys_file).unwrap();
    assert_eq!((copied.networks, copied.people), (3, 3));
    assert_eq!(fs::metadata(&keys_file).unwrap().permissions().mode() & 0o777, 0o600);
    let verifier = network.verifier_key().to_string();
    log.shutdown().await;
    drop((log, network));

    let file = take(&place, "backup");
    let root = fs::read(place.folder.path().join("keys/root.key")).unwrap();
    let backup = fs::read(&file).unwrap();
    assert!(!backup.windows(root.len()).any(|window| window == root), "no key is in a backup of the log");
    let (_folder, config) = elsewhere();
    let wrong = restore(&config, &keys_file, |_| ());
    assert!(matches!(wrong, Err(RestoreError::OtherContents)), "{wrong:?}");
    restore(&config, &file, |_| ()).unwrap();
    let without = Log::open(&config, ticking());
    assert!(matches!(without, Err(OpenError::RootKeyMissing { .. })), "{without:?}");
    assert_eq!(restore_keys(&config, &keys_file).unwrap(), copied);
    let modes = ["root.key", "checkpoint.key"].map(|name| config.data.join("keys").join(name));
    assert!(modes.iter().all(|path| fs::metadata(path).unwrap().permissions().mode() & 0o777 == 0o600));
    let again = restore_keys(&config, &keys_file);
    assert!(matches!(again, Err(RestoreError::Exists { .. })), "{again:?}");
    let log = Log::open(&config, ticking()).unwrap();
    let network = north(&log).await;
    assert_eq!(network.names(&[person("amina")]).unwrap()[&person("amina")], "Amina Diallo");
    assert_eq!(network.verifier_key().to_string(), verifier);
}

#[tokio::test]
async fn damaged_backups_of_keys_put_nothing_in_place() {
    let place = filled().await;
    let file = place.folder.path().join("keys-backup");
    backup_keys(&place.config, &file).unwrap();
    let whole = fs::read(&file).unwrap();
    let (_folder, config) = elsewhere();
    for at in (0..whole.len()).step_by(29) {
        fs::write(&file, flipped(&whole, at)).unwrap();
        assert!(restore_keys(&config, &file).is_err(), "byte {at}");
        assert!(!config.data.exists() || names(&config.data).is_empty(), "byte {at}");
    }
}

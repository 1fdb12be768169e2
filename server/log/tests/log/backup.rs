//! Backups: one consistent state of a running log, restored whole or not at all.

use crate::support::*;
use kith_core::{
    detail::DetailKind,
    entry::Entry,
    event::{Administration, Fact, Grant, Role},
    timestamp::Timestamp,
};
use kith_log::{
    BackupError, Config, KeysCopied, Log, NewServerToken, NewToken, OpenError, RestoreError, Restored, Trust, Verified,
    backup, backup_into, backup_keys, check, new_secret, restore, restore_keys, verify_backup,
};
use sha2::{Digest, Sha256};
use std::{
    fs,
    fs::File,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A closed log with details and a complete chunk of the index.
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

/// Restores a backup that must be signed.
fn put_back(config: &Config, file: &Path) -> Result<Restored, RestoreError> {
    restore(config, (File::open(file).unwrap(), 0), &Trust::Signed, |_| ())
}

fn put_back_unverified(config: &Config, backup: &[u8]) -> Result<Restored, RestoreError> {
    restore(config, (backup, backup.len() as u64), &Trust::Unverified(ticking()), |_| ())
}

fn put_keys_back(config: &Config, file: &Path) -> Result<KeysCopied, RestoreError> {
    restore_keys(config, File::open(file).unwrap())
}

fn verify(config: &Config, file: &Path) -> Result<Verified, RestoreError> {
    verify_backup(config, (File::open(file).unwrap(), 0), |_| ())
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
    let verified = verify(&place.config, &file).unwrap();
    assert_eq!((verified.heading, verified.is_own), (taken.heading.clone(), true), "beside the running log");
    assert_eq!(verified.signed_by, network.verifier_key().public());

    let (_folder, config) = elsewhere();
    copy_keys(place.folder.path(), &config.data);
    fs::create_dir(config.data.join("views")).unwrap();
    fs::write(config.data.join("views/of-another-log.redb"), "old").unwrap();
    let restored = put_back(&config, &file).unwrap();
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
    let refused = put_back(&place.config, &file);
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
    copy_keys(place.folder.path(), &config.data);
    for at in (0..whole.len()).step_by(97) {
        for changed in [flipped(&whole, at), whole[..at].to_vec()] {
            fs::write(&file, changed).unwrap();
            let refused = put_back(&config, &file);
            assert!(refused.is_err(), "byte {at}");
            assert_eq!(names(&config.data), ["keys"], "byte {at}");
        }
    }
    fs::write(&file, &whole).unwrap();
    put_back(&config, &file).unwrap();
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
    verify(&place.config, &file).unwrap();
    let (_folder, config) = elsewhere();
    copy_keys(place.folder.path(), &config.data);
    let refused = put_back(&config, &file);
    let Err(RestoreError::NotSound(report)) = refused else { panic!("{refused:?}") };
    assert!(report.problems.iter().any(|problem| problem.table == "subtrees"), "{:?}", report.problems);
    assert_eq!(names(&config.data), ["keys"]);
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
    let without = put_back(&config, &file);
    assert!(matches!(without, Err(RestoreError::KeyMissing { .. })), "{without:?}");
    assert!(!config.data.exists(), "nothing is left of what was refused");
    assert_eq!(put_keys_back(&config, &keys_file).unwrap(), copied);
    let wrong = put_back(&config, &keys_file);
    assert!(matches!(wrong, Err(RestoreError::OtherContents)), "{wrong:?}");
    put_back(&config, &file).unwrap();
    let modes = ["root.key", "checkpoint.key"].map(|name| config.data.join("keys").join(name));
    assert!(modes.iter().all(|path| fs::metadata(path).unwrap().permissions().mode() & 0o777 == 0o600));
    let again = put_keys_back(&config, &keys_file);
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
        assert!(put_keys_back(&config, &file).is_err(), "byte {at}");
        assert!(!config.data.exists() || names(&config.data).is_empty(), "byte {at}");
    }
}

/// A closed log whose server has an owner and whose network has a token; returns their secrets.
async fn with_tokens() -> (Place, String, String) {
    let place = Place::new();
    let (log, network) = place.network().await;
    three_join(&network).await;
    let (id, secret) = ("owner".parse().unwrap(), new_secret());
    let token = NewServerToken { id, secret: secret.clone(), role: Role::Owner, expires_at: None };
    log.put_server_token(token).await.unwrap();
    let reader = NewToken { grant: Grant::Role(Role::Reader), person: None, organisation: None, expires_at: None };
    let issued = network.issue_token(&owner(), reader).await.unwrap();
    log.shutdown().await;
    (place, secret, issued.secret)
}

/// A backup with other frames and a digest that matches them: what anybody with the medium can forge.
fn forged(backup: &[u8], forge: impl Fn(u8, &[u8]) -> Vec<u8>) -> Vec<u8> {
    let (start, mut rest) = backup.split_at(16 + 4 + 32);
    let signature = &backup[backup.len() - 64..];
    let mut forged = start.to_vec();
    loop {
        let (length, after) = rest.split_first_chunk().unwrap();
        let length = u32::from_le_bytes(*length) as usize;
        if length == 0 {
            break;
        }
        let (frame, after) = after.split_at(length);
        let rows = forge(frame[0], &frame[1..]);
        forged.extend(u32::try_from(rows.len() + 1).unwrap().to_le_bytes());
        forged.push(frame[0]);
        forged.extend(rows);
        rest = after;
    }
    forged.extend([0; 4]);
    let digest = Sha256::digest(&forged);
    forged.extend(digest);
    forged.extend(signature);
    forged
}

/// The row of another owner of the server, with a secret, as in the table `server_tokens` of a backup.
fn planted(secret: &str) -> Vec<u8> {
    let id: &[u8] = b"owner2";
    let hash = Sha256::digest(secret.as_bytes());
    let row = [&6_u16.to_le_bytes(), id, &hash, &[6, 0, 0], &0_i64.to_le_bytes(), &[0, 0]].concat();
    let behind_its_length = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat();
    [behind_its_length(id), behind_its_length(&row)].concat()
}

const SERVER_TOKENS: u8 = 13;

#[tokio::test]
async fn an_owner_planted_in_a_backup_is_refused() {
    let (place, _, _) = with_tokens().await;
    let file = take(&place, "backup");
    let backup = fs::read(&file).unwrap();
    let secret = new_secret();
    let plant = |table: u8, rows: &[u8]| {
        let more = if table == SERVER_TOKENS { planted(&secret) } else { Vec::new() };
        [rows, &more].concat()
    };
    let forged = forged(&backup, plant);
    assert_eq!(forged.len(), backup.len() + planted(&secret).len());
    fs::write(&file, &forged).unwrap();
    let (_folder, config) = elsewhere();
    copy_keys(place.folder.path(), &config.data);
    let refused = put_back(&config, &file);
    assert!(matches!(refused, Err(RestoreError::NotSigned { .. })), "{refused:?}");
    let checked = verify(&config, &file);
    assert!(matches!(checked, Err(RestoreError::NotSigned { .. })), "{checked:?}");
    assert_eq!(names(&config.data), ["keys"]);

    // Even an unverified restore accepts none of its tokens.
    let restored = put_back_unverified(&config, &forged).unwrap();
    assert_eq!(restored.tokens_ended, 3);
    let log = Log::open(&config, ticking()).unwrap();
    assert_eq!(log.authenticate(&secret, Timestamp::from_millis(START_MS)), None);
    assert!(log.server_tokens().is_empty());
}

#[tokio::test]
async fn a_backup_signed_by_another_server_is_refused() {
    let (place, ..) = with_tokens().await;
    let (other, ..) = with_tokens().await;
    let file = take(&other, "backup");
    let (_folder, config) = elsewhere();
    copy_keys(place.folder.path(), &config.data);
    let refused = put_back(&config, &file);
    assert!(matches!(refused, Err(RestoreError::NotSigned { what: "another key signed it" })), "{refused:?}");
    assert_eq!(names(&config.data), ["keys"]);
    let (_folder, without_keys) = elsewhere();
    let verified = verify(&without_keys, &file).unwrap();
    assert!(!verified.is_own, "whose key it is cannot be told");
}

#[tokio::test]
async fn what_nobody_vouches_for_goes_on_without_its_tokens() {
    let (place, owner_secret, reader_secret) = with_tokens().await;
    let before = place.open();
    let (was, now) = (north(&before).await.summary(), Timestamp::from_millis(START_MS + 1_000));
    assert!(before.authenticate(&owner_secret, now).is_some() && before.authenticate(&reader_secret, now).is_some());
    before.shutdown().await;
    drop(before);
    let backup = fs::read(take(&place, "backup")).unwrap();
    let (_folder, config) = elsewhere();
    let without = put_back_unverified(&config, &backup);
    assert!(matches!(without, Err(RestoreError::KeyMissing { .. })), "{without:?}");
    copy_keys(place.folder.path(), &config.data);
    fs::remove_file(config.data.join("keys/checkpoint.key")).unwrap();
    let unsigned = &backup[..backup.len() - 64];
    let restored = put_back_unverified(&config, unsigned).unwrap();
    assert_eq!(restored.tokens_ended, 2);
    let report = check(&config, |_| ()).unwrap();
    assert!(report.is_sound() && report.server_tokens.is_empty(), "{:?}", report.problems);

    let log = Log::open(&config, ticking()).unwrap();
    let network = north(&log).await;
    assert_ne!(network.incarnation(), was.incarnation);
    for secret in [&owner_secret, &reader_secret] {
        assert_eq!(log.authenticate(secret, now), None);
    }
    assert!(network.tokens(&owner()).iter().all(|token| token.revoked_at.is_some()));
    let (bytes, _) = network.entry(&owner(), was.position.next()).unwrap().unwrap();
    let fact = Entry::decode(&bytes).unwrap().event().unwrap().fact;
    let Fact::Administration(Administration::LogRestored { lost_head, lost_root, unverified, .. }) = fact else {
        panic!("{fact:?}");
    };
    assert_eq!((lost_head, lost_root, unverified), (was.position.get(), *was.root.as_bytes(), true));
}

#[tokio::test]
async fn a_backup_goes_into_a_pipe_and_comes_out_of_one() {
    let (place, ..) = with_tokens().await;
    let (reader, mut writer) = std::io::pipe().unwrap();
    let config = place.config.clone();
    let writing = std::thread::spawn(move || backup_into(&config, &ticking(), &mut writer, |_| ()).unwrap());
    let (_folder, config) = elsewhere();
    copy_keys(place.folder.path(), &config.data);
    let restored = restore(&config, (reader, 0), &Trust::Signed, |_| ()).unwrap();
    assert_eq!(restored.heading, writing.join().unwrap().heading);
}

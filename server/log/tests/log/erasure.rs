//! Erasing people: from the entry on nobody reads their words, and in the end nothing on the disk opens them, whatever is
//! restored.

use crate::support::*;
use kith_core::{
    decide::Refusal,
    detail::DetailKind,
    erasures::Erasure,
    event::{Administration, Grant, Role, Scope},
    id::PersonId,
    position::Position,
};
use kith_log::{
    BackupError, Health, Log, Network, NewToken, OpenError, RewriteError, Trust, accept_rollback, backup_keys, check,
    restore, restore_keys, rewrite, rotate_root_key,
};
use redb::{ReadableDatabase, TableDefinition};
use std::{
    fs,
    path::{Path, PathBuf},
};

const WORDS: &str = "spoke at length about discharge letters";

fn erased(name: &str) -> Administration {
    let reference = Some("IG-1".parse().unwrap());
    Administration::PersonErased { person: person(name), reason: "withdrawn".parse().unwrap(), reference }
}

async fn erase(network: &Network, names: &[&str]) -> Position {
    let facts = names.iter().map(|name| erased(name)).collect();
    network.administer(&owner(), Scope::Network, facts).await.unwrap()
}

/// The erasure of a person, once it is completed.
async fn completed(network: &Network, name: &str) -> Erasure {
    let mut heads = network.watch_head();
    loop {
        heads.borrow_and_update();
        if let Some(erasure) = network.erasures().of(&person(name)).filter(|erasure| erasure.completion.is_some()) {
            return erasure.clone();
        }
        heads.changed().await.unwrap();
    }
}

/// Amina, Ben and Chloe, each with a name, a note about Amina and Ben (4), and one about Chloe (5).
async fn filled(network: &Network) {
    three_join(network).await;
    append(network, vec![meets_with_note(4, &["amina", "ben"], WORDS)]).await;
    append(network, vec![meets_with_note(5, &["chloe", "ben"], "about Chloe and Ben")]).await;
    append(network, vec![changes(6, "amina", &[detail(DetailKind::Name, &["amina"], "Amina Diallo")])]).await;
}

/// The wrapped keys of people in a key file.
fn wrapped_keys(place: &Place, incarnation: [u8; 16], names: &[&str]) -> Vec<Vec<u8>> {
    let keys = redb::Database::open(place.folder.path().join("keys/keys.redb")).unwrap();
    let table = keys.begin_read().unwrap();
    let table = table.open_table(TableDefinition::<(u128, &str), &[u8]>::new("person_keys")).unwrap();
    let key = |name: &&str| table.get((u128::from_be_bytes(incarnation), *name)).unwrap();
    names.iter().filter_map(key).map(|key| key.value().to_vec()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

/// The files under a folder that contain some bytes.
fn holders(folder: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| fs::read(path).unwrap().windows(bytes.len()).any(|window| window == bytes);
    files(folder).into_iter().filter(holds).collect()
}

fn names_of(network: &Network, people: &[&str]) -> Vec<String> {
    let people: Vec<PersonId> = people.iter().map(|name| person(name)).collect();
    let mut names: Vec<_> = network.names(&people).unwrap().into_values().collect();
    names.sort();
    names
}

#[tokio::test]
async fn from_the_entry_on_nobody_reads_the_words_and_in_the_end_no_key_is_on_the_disk() {
    let place = Place::new();
    let (log, network) = place.network().await;
    filled(&network).await;
    let token = NewToken {
        grant: Grant::Role(Role::Reader),
        person: Some(person("amina")),
        organisation: None,
        expires_at: None,
    };
    let issued = network.issue_token(&owner(), token).await.unwrap();
    let incarnation = network.incarnation();
    log.shutdown().await;
    drop((log, network));
    let keys = wrapped_keys(&place, incarnation, &["amina", "ben"]);
    assert_eq!(holders(place.folder.path(), &keys[0]).len(), 1, "this is how a key looks");

    let (log, network) = place.network().await;
    let at = erase(&network, &["amina"]).await;
    let details = network.details(&owner(), &[4, 5, 6].map(Position::new)).unwrap();
    assert_eq!(details[0].1.erased, [(0, at)]);
    assert_eq!(details[1].1.opened[0].text, "about Chloe and Ben");
    assert_eq!((details[2].1.opened.len(), details[2].1.erased.as_slice()), (0, [(0, at)].as_slice()));
    assert_eq!(names_of(&network, &["amina"]), Vec::<String>::new());
    let now = kith_core::timestamp::Timestamp::from_millis(START_MS + 1_000);
    assert_eq!(log.authenticate(&issued.secret, now), None, "the token ended with its person");

    let erasure = completed(&network, "amina").await;
    let end = erasure.completion.unwrap();
    assert_eq!((erasure.position, end.position, end.details_erased, end.keys_destroyed), (at, at.next(), 2, 1));
    assert_eq!(network.details(&owner(), &[4, 5, 6].map(Position::new)).unwrap(), details);
    log.shutdown().await;
    drop((log, network));
    assert_eq!(wrapped_keys(&place, incarnation, &["amina", "ben"]), keys[1..]);
    assert_eq!(holders(place.folder.path(), &keys[0]), Vec::<PathBuf>::new());
    let names: Vec<_> =
        files(&place.folder.path().join("keys")).into_iter().map(|file| file.file_name().unwrap().to_owned()).collect();
    assert!(names.iter().all(|name| name != "keys.old" && name != "keys.redb.part"), "{names:?}");
    let report = check(&place.config, |_| ()).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!((report.details_opened, report.details_erased, report.details_closed), (1, 2, 0));
    let kept = fs::read_to_string(place.config.erasures_path()).unwrap();
    assert!(kept.contains(" amina "), "{kept}");
}

#[tokio::test]
async fn keys_made_after_an_erasure_are_in_the_new_file() {
    let place = Place::new();
    let (log, network) = place.network().await;
    filled(&network).await;
    erase(&network, &["amina"]).await;
    completed(&network, "amina").await;
    append(&network, vec![joins(7, "dana"), meets_with_note(8, &["ben", "dana"], "afterwards")]).await;
    log.shutdown().await;
    drop((log, network));
    let (_log, network) = place.network().await;
    let last = network.head();
    assert_eq!(network.details(&owner(), &[last]).unwrap()[0].1.opened[0].text, "afterwards");
}

#[tokio::test]
async fn people_without_words_are_erased_too_and_several_at_once() {
    let place = Place::new();
    let (log, network) = place.network().await;
    filled(&network).await;
    append(&network, vec![joins(7, "dana")]).await;
    erase(&network, &["dana", "ben"]).await;
    assert_eq!(completed(&network, "dana").await.completion.unwrap().details_erased, 0);
    let of_ben = completed(&network, "ben").await.completion.unwrap();
    assert_eq!(of_ben.details_erased, 2);
    log.shutdown().await;
    drop((log, network));
    assert!(check(&place.config, |_| ()).unwrap().is_sound());
}

#[tokio::test]
async fn single_details_go_at_once_and_the_others_stay() {
    let place = Place::new();
    let (log, network) = place.network().await;
    three_join(&network).await;
    let details = [detail(DetailKind::Note, &["amina"], "keep"), detail(DetailKind::Words, &["amina"], "a patient")];
    append(&network, vec![prepare(event(4, met(&["amina", "ben"])), &details)]).await;
    let (reason, reference) = ("error".parse().unwrap(), None);
    let fact = Administration::DetailsErased { event: id(4), details: vec![1], reason, reference };
    let by = network.administer(&owner(), Scope::Network, vec![fact.clone()]).await.unwrap();
    let found = network.details(&owner(), &[Position::new(4)]).unwrap().remove(0).1;
    assert_eq!((found.opened.as_slice(), found.erased.as_slice()), (&details[..1], [(1, by)].as_slice()));
    assert_eq!(network.administer(&owner(), Scope::Network, vec![fact]).await.unwrap(), by, "again changes nothing");
    log.shutdown().await;
    drop((log, network));
    let report = check(&place.config, |_| ()).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!((report.details_opened, report.details_erased), (1, 1));
}

#[tokio::test]
async fn keys_from_before_bring_nobody_back() {
    let place = Place::new();
    let (log, network) = place.network().await;
    filled(&network).await;
    let before = place.folder.path().join("keys-before");
    backup_keys(&place.config, &before).unwrap();
    let incarnation = network.incarnation();
    log.shutdown().await;
    drop((log, network));
    let old = fs::read(place.folder.path().join("keys/keys.redb")).unwrap();
    let key = wrapped_keys(&place, incarnation, &["amina"]).remove(0);
    let (log, network) = place.network().await;
    erase(&network, &["amina"]).await;
    completed(&network, "amina").await;
    log.shutdown().await;
    drop((log, network));

    fs::write(place.folder.path().join("keys/keys.redb"), old).unwrap();
    let report = check(&place.config, |_| ()).unwrap();
    assert!(report.problems.iter().any(|problem| problem.what.contains("amina")), "{:?}", report.problems);
    let (log, network) = place.network().await;
    let head = network.head();
    assert_eq!(names_of(&network, &["amina"]), Vec::<String>::new());
    log.shutdown().await;
    assert_eq!(network.head(), head, "nothing is recorded again");
    drop((log, network));
    assert_eq!(holders(&place.folder.path().join("keys"), &key), Vec::<PathBuf>::new());
    assert!(check(&place.config, |_| ()).unwrap().is_sound());

    fs::remove_dir_all(place.folder.path().join("keys")).unwrap();
    let copied = restore_keys(&place.config, fs::File::open(&before).unwrap()).unwrap();
    assert_eq!((copied.people, copied.erased_since), (2, 1));
    assert_eq!(holders(&place.folder.path().join("keys"), &key), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_log_and_keys_from_before_bring_nobody_back() {
    let place = Place::new();
    let (log, network) = place.network().await;
    filled(&network).await;
    log.shutdown().await;
    drop((log, network));
    let saved = ["log.redb", "keys/keys.redb"].map(|name| (name, fs::read(place.folder.path().join(name)).unwrap()));
    let (log, network) = place.network().await;
    erase(&network, &["amina"]).await;
    completed(&network, "amina").await;
    network.checkpoint().unwrap();
    log.shutdown().await;
    drop((log, network));
    for (name, bytes) in saved {
        fs::write(place.folder.path().join(name), bytes).unwrap();
    }

    let (log, network) = place.network().await;
    assert_eq!(*log.health().borrow(), Health::RolledBack);
    assert_eq!(names_of(&network, &["amina"]), Vec::<String>::new(), "her key went before anything was served");
    assert_eq!(network.details(&owner(), &[Position::new(5)]).unwrap()[0].1.opened.len(), 1, "others are read");
    log.shutdown().await;
    drop((log, network));
    assert_eq!(accept_rollback(&place.config, ticking()).unwrap().len(), 1);
    let (log, network) = place.network().await;
    let erasure = completed(&network, "amina").await;
    assert_eq!(erasure.reason.as_str(), "restored");
    log.shutdown().await;
    drop((log, network));
    let report = check(&place.config, |_| ()).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
}

#[tokio::test]
async fn holds_that_come_back_with_an_old_log_keep_nobody_who_was_erased() {
    let place = Place::new();
    let (log, network) = place.network().await;
    filled(&network).await;
    let hold = |held| {
        let (reason, reference) = ("inquiry".parse().unwrap(), "INQ-7".parse().unwrap());
        vec![Administration::HoldChanged { person: person("amina"), held, reason, reference }]
    };
    network.administer(&owner(), Scope::Network, hold(true)).await.unwrap();
    let mut before = Vec::new();
    log.backup(&mut before, |_| ()).unwrap();
    network.administer(&owner(), Scope::Network, hold(false)).await.unwrap();
    erase(&network, &["amina"]).await;
    completed(&network, "amina").await;
    log.shutdown().await;
    drop((log, network));
    fs::remove_file(place.folder.path().join("log.redb")).unwrap();
    restore(&place.config, (before.as_slice(), 0), &Trust::Signed, |_| ()).unwrap();

    let (log, network) = place.network().await;
    assert_eq!(*log.health().borrow(), Health::RolledBack);
    assert!(network.erasures().is_erased(&person("amina")), "though no entry says so");
    let details = network.details(&owner(), &[Position::new(4)]).unwrap();
    assert_eq!(details[0].1.erased, [(0, Position::ZERO)]);
    log.shutdown().await;
    drop((log, network));
    accept_rollback(&place.config, ticking()).unwrap();
    let (log, network) = place.network().await;
    let refused = refused(&network, command(vec![meets_with_note(20, &["amina", "ben"], "again")])).await;
    assert!(matches!(refused.why, Refusal::PersonErased { .. }), "{refused:?}");
    assert_eq!(completed(&network, "amina").await.reason.as_str(), "restored");
    log.shutdown().await;
    drop((log, network));
    assert!(check(&place.config, |_| ()).unwrap().is_sound());
}

#[tokio::test]
async fn a_log_that_is_newer_than_the_keys_is_restored_without_the_words_that_no_key_opens() {
    let place = Place::new();
    let (log, network) = place.network().await;
    filled(&network).await;
    let keys = place.folder.path().join("keys-before");
    backup_keys(&place.config, &keys).unwrap();
    append(&network, vec![joins(7, "dana"), meets_with_note(8, &["ben", "dana"], "lost")]).await;
    let mut newer = Vec::new();
    log.backup(&mut newer, |_| ()).unwrap();
    log.shutdown().await;
    drop((log, network));
    fs::remove_file(place.folder.path().join("log.redb")).unwrap();
    fs::remove_dir_all(place.folder.path().join("keys")).unwrap();
    restore_keys(&place.config, fs::File::open(&keys).unwrap()).unwrap();
    let restored = restore(&place.config, (newer.as_slice(), 0), &Trust::Signed, |_| ()).unwrap();
    assert_eq!((restored.details_opened, restored.details_closed), (3, 1));
}

#[tokio::test]
async fn a_backup_of_the_log_from_before_holds_nothing_that_opens() {
    let place = Place::new();
    let (log, network) = place.network().await;
    filled(&network).await;
    let mut before = Vec::new();
    log.backup(&mut before, |_| ()).unwrap();
    erase(&network, &["amina"]).await;
    completed(&network, "amina").await;
    log.shutdown().await;
    drop((log, network));
    fs::remove_file(place.folder.path().join("log.redb")).unwrap();
    let restored = restore(&place.config, (before.as_slice(), 0), &Trust::Signed, |_| ()).unwrap();
    assert_eq!((restored.details_opened, restored.details_erased, restored.details_closed), (1, 0, 2));
    accept_rollback(&place.config, ticking()).unwrap();
    let (log, network) = place.network().await;
    assert_eq!(completed(&network, "amina").await.reason.as_str(), "restored");
    log.shutdown().await;
    drop((log, network));
    assert!(check(&place.config, |_| ()).unwrap().is_sound());
}

#[tokio::test]
async fn lost_keys_are_told_from_erased_ones() {
    let place = Place::new();
    let (log, network) = place.network().await;
    filled(&network).await;
    let incarnation = u128::from_be_bytes(network.incarnation());
    log.shutdown().await;
    drop((log, network));
    let keys = redb::Database::open(place.folder.path().join("keys/keys.redb")).unwrap();
    let transaction = keys.begin_write().unwrap();
    let table = TableDefinition::<(u128, &str), &[u8]>::new("person_keys");
    transaction.open_table(table).unwrap().remove((incarnation, "amina")).unwrap();
    transaction.commit().unwrap();
    drop(keys);
    let report = check(&place.config, |_| ()).unwrap();
    let texts: Vec<_> = report.problems.iter().map(ToString::to_string).collect();
    assert_eq!((report.problems_count, report.keys_missing), (1, 1), "{texts:?}");
    assert!(texts[0].contains("the key of amina is missing, and no entry erases them"), "{texts:?}");
    assert!(Log::open(&place.config, ticking()).is_ok());
}

#[tokio::test]
async fn a_log_that_is_written_anew_has_nothing_left_of_what_was_erased() {
    let place = Place::new();
    let (log, network) = place.network().await;
    three_join(&network).await;
    append(&network, vec![meets_with_note(4, &["amina", "ben"], WORDS)]).await;
    log.shutdown().await;
    drop((log, network));
    let row = {
        let database = redb::Database::open(place.folder.path().join("log.redb")).unwrap();
        let table = TableDefinition::<(u32, u64), &[u8]>::new("details");
        let table = database.begin_read().unwrap().open_table(table).unwrap();
        table.get((1, 4)).unwrap().unwrap().value().to_vec()
    };
    let sealed = &row[row.len() - 40..];
    let (log, network) = place.network().await;
    let (reason, reference) = ("error".parse().unwrap(), None);
    let fact = Administration::DetailsErased { event: id(4), details: vec![0], reason, reference };
    network.administer(&owner(), Scope::Network, vec![fact]).await.unwrap();
    let busy = rewrite(&place.config, &ticking(), |_| ());
    let is_busy = matches!(busy, Err(RewriteError::Read(BackupError::Open(OpenError::AlreadyOpen { .. }))));
    assert!(is_busy, "a server has it open: {busy:?}");
    let head = network.summary();
    log.shutdown().await;
    drop((log, network));
    let in_log = [place.folder.path().join("log.redb")];
    assert_eq!(holders(place.folder.path(), sealed), in_log, "it is in a free page");
    let sizes = rewrite(&place.config, &ticking(), |_| ()).unwrap();
    assert!(sizes.after > 0 && sizes.before > 0);
    assert_eq!(holders(place.folder.path(), sealed), Vec::<PathBuf>::new());
    assert!(check(&place.config, |_| ()).unwrap().is_sound());
    let (_log, network) = place.network().await;
    assert_eq!(network.summary(), head);
    append(&network, vec![joins(9, "dana")]).await;
}

#[tokio::test]
async fn a_damaged_log_is_not_written_anew() {
    let place = Place::new();
    let (log, network) = place.network().await;
    filled(&network).await;
    log.shutdown().await;
    drop((log, network));
    let file = place.folder.path().join("log.redb");
    let database = redb::Database::open(&file).unwrap();
    let transaction = database.begin_write().unwrap();
    let table = TableDefinition::<(u32, u64), &[u8]>::new("details");
    transaction.open_table(table).unwrap().remove((1, 4)).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let refused = rewrite(&place.config, &ticking(), |_| ());
    assert!(matches!(refused, Err(RewriteError::Write(_))), "{refused:?}");
    let left: Vec<_> = ["log.redb.part", "log.old"].map(|name| place.folder.path().join(name)).into();
    assert!(file.exists() && left.iter().all(|path| !path.exists()), "it is where it was");
    assert_eq!(check(&place.config, |_| ()).unwrap().problems[0].table, "details", "and as it was");
}

#[tokio::test]
async fn after_a_rotation_of_the_root_key_everything_opens_as_before() {
    let place = Place::new();
    let (log, network) = place.network().await;
    filled(&network).await;
    let checkpoint = network.checkpoint().unwrap();
    let busy = rotate_root_key(&place.config);
    assert!(matches!(busy, Err(OpenError::AlreadyOpen { .. })), "{busy:?}");
    log.shutdown().await;
    drop((log, network));
    let root = place.folder.path().join("keys/root.key");
    let old = fs::read(&root).unwrap();
    rotate_root_key(&place.config).unwrap();
    assert_ne!(fs::read(&root).unwrap(), old);
    assert_eq!(holders(place.folder.path(), &old), Vec::<PathBuf>::new());
    assert!(check(&place.config, |_| ()).unwrap().is_sound());
    let (_log, network) = place.network().await;
    assert_eq!(names_of(&network, &["amina"]), ["Amina Diallo"]);
    assert_eq!(network.checkpoint().unwrap().unverified(), checkpoint.unverified());
}

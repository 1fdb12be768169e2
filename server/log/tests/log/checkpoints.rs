//! Signed checkpoints: each continues the previous one, and a log that is not the signed one accepts nothing.

use crate::support::*;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use kith_core::{
    checkpoint::{Growth, Receipt, SignedCheckpoint},
    position::Position,
};
use kith_log::{
    AppendError, CheckpointError, Config, CreateNetworkError, Health, Judgement, Log, Network, OpenError, Unavailable,
    Verdict, accept_rollback, judge,
};
use sha2::Sha256;
use std::{fs, path::Path};

/// Appends this many meetings.
async fn meet(network: &Network, count: u64) {
    let from = network.head().get() + 10;
    append(network, (from..from + count).map(|number| meets(number, &["amina", "ben"])).collect()).await;
}

fn size_signed(network: &Network) -> u64 {
    network.checkpoint().unwrap().unverified().size
}

/// Copies the files of a log that is not open.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let path = item.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// A folder with a log of five entries, and a copy of it from when it had three.
async fn with_backup(place: &Place) -> tempfile::TempDir {
    let backup = tempfile::tempdir().unwrap();
    let (log, network) = place.network().await;
    three_join(&network).await;
    network.checkpoint().unwrap();
    drop((log, network));
    copy(place.folder.path(), backup.path());
    let (log, network) = place.network().await;
    meet(&network, 2).await;
    log.shutdown().await;
    backup
}

fn restore(backup: &Path, place: &Place) {
    fs::copy(backup.join("log.redb"), place.folder.path().join("log.redb")).unwrap();
}

fn verdict(judgements: &[Judgement]) -> Verdict {
    assert_eq!(judgements.len(), 1, "{judgements:?}");
    judgements[0].verdict
}

/// The log opens, reads work, and everything that would change it is refused.
async fn is_read_only(place: &Place, expected: Verdict) {
    assert_eq!(verdict(&judge(&place.config).unwrap()), expected);
    let before = fs::read(place.config.checkpoint_path()).unwrap();
    let log = place.open();
    refuses_everything(&log, expected).await;
    log.shutdown().await;
    drop(log);
    assert_eq!(fs::read(place.config.checkpoint_path()).unwrap(), before, "what was signed is kept");
}

async fn refuses_everything(log: &Log, expected: Verdict) {
    assert_eq!(*log.health().borrow(), Health::RolledBack);
    assert_eq!(verdict(log.rollback().unwrap().judgements()), expected);
    if let Some(network) = log.network(&"north".parse().unwrap()) {
        let refused = network.append(command(vec![meets(900, &["amina", "ben"])])).await;
        assert!(matches!(refused, Err(AppendError::Unavailable(Unavailable::RolledBack))), "{refused:?}");
        assert!(matches!(network.checkpoint(), Err(CheckpointError::RolledBack)));
        let head = network.head().get();
        assert_eq!(network.history().read(Position::ZERO, END, ALL).unwrap().len() as u64, head);
        network.consistency_proof(1, head).unwrap();
    }
    let made = log.create_network(&"south".parse().unwrap()).await;
    assert!(matches!(made, Err(CreateNetworkError::Unavailable(Unavailable::RolledBack))), "{made:?}");
    let token = kith_log::NewServerToken {
        id: "t1".parse().unwrap(),
        secret: kith_log::new_secret(),
        role: kith_core::event::Role::Owner,
        expires_at: None,
    };
    let put = log.put_server_token(token).await;
    assert!(matches!(put, Err(Unavailable::RolledBack)), "{put:?}");
}

#[tokio::test]
async fn checkpoints_are_signed_and_continue_each_other() {
    let place = Place::new();
    let (log, network) = place.network().await;
    let key = network.verifier_key();
    let mut signed = vec![network.checkpoint().unwrap()];
    three_join(&network).await;
    for part in [1, 119, 300] {
        signed.push(network.checkpoint().unwrap());
        meet(&network, part).await;
    }
    drop((log, network));
    let (_log, network) = place.network().await;
    assert_eq!(network.verifier_key(), key, "the key stays");
    signed.push(network.checkpoint().unwrap());
    let sizes: Vec<u64> = signed.iter().map(|signed| signed.verify(&key).unwrap().size).collect();
    assert_eq!(sizes, [0, 3, 4, 123, 423]);
    for (earlier, later) in signed.iter().zip(&signed[1..]) {
        let (from, to) = (earlier.unverified().size, later.unverified().size);
        let hashes = network.consistency_proof(from, to).unwrap().hashes;
        let growth = Growth { from, hashes, checkpoint: SignedCheckpoint::clone(later) };
        growth.verify(earlier, &key).unwrap();
    }
    let entries = network.history().read(Position::ZERO, END, ALL).unwrap();
    let last = &signed[4];
    for position in [1, 3, 120, 121, 256, 257, 423] {
        let proof = network.inclusion_proof(Position::new(position), 423).unwrap();
        let index = position - 1;
        let entry = entries[usize::try_from(index).unwrap()].clone();
        let receipt = Receipt { entry, index, hashes: proof.hashes, checkpoint: SignedCheckpoint::clone(last) };
        assert_eq!(receipt.verify(&key).unwrap().position, Position::new(position));
    }
}

#[tokio::test]
async fn the_root_is_that_of_another_implementation_over_the_same_entries() {
    let place = Place::new();
    let (_log, network) = place.network().await;
    three_join(&network).await;
    meet(&network, 800).await;
    let signed = network.checkpoint().unwrap();
    let mut oracle = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for entry in network.history().read(Position::ZERO, END, ALL).unwrap() {
        oracle.push(entry.to_vec());
    }
    assert_eq!(signed.unverified().size, 803);
    assert_eq!(signed.unverified().root.as_bytes(), oracle.root().as_bytes().as_slice());
}

#[tokio::test]
async fn what_is_committed_is_signed_without_being_asked() {
    let place = Place::new();
    let (log, network) = place.network().await;
    let mut newest = network.watch_checkpoint();
    three_join(&network).await;
    let signed = newest.wait_for(|newest| newest.as_ref().is_some_and(|newest| newest.unverified().size == 3)).await;
    assert!(signed.unwrap().as_ref().unwrap().verify(&network.verifier_key()).is_ok());
    meet(&network, 2).await;
    log.shutdown().await;
    let text = fs::read_to_string(place.folder.path().join("checkpoint")).unwrap();
    assert!(text.contains(&format!("{}\n5\n", network.origin())), "the last word is signed: {text}");
    assert_eq!(size_signed(&network), 5, "also when nothing is written any more");
}

#[tokio::test]
async fn an_old_backup_is_noticed_until_somebody_decides() {
    let place = Place::new();
    let backup = with_backup(&place).await;
    restore(backup.path(), &place);
    let behind = Verdict::Behind { signed: 5, head: 3 };
    is_read_only(&place, behind).await;
    accept_rollback(&place.config, ticking()).unwrap();
    let (log, network) = place.network().await;
    assert_eq!((log.rollback(), *log.health().borrow()), (None, Health::Serving));
    meet(&network, 1).await;
    assert_eq!(size_signed(&network), 5, "three that were left, the decision, and one more");
}

#[tokio::test]
async fn another_history_of_the_same_length_is_noticed() {
    let place = Place::new();
    let backup = with_backup(&place).await;
    let other = Place { config: config(backup.path()), folder: backup };
    let (log, network) = other.network().await;
    append(&network, (70..80).map(|number| meets(number, &["amina", "chloe"])).collect()).await;
    drop((log, network));
    restore(other.folder.path(), &place);
    is_read_only(&place, Verdict::Differs { signed: 5 }).await;
}

#[tokio::test]
async fn a_network_that_is_gone_is_noticed() {
    let place = Place::new();
    let empty = tempfile::tempdir().unwrap();
    drop(place.open());
    copy(place.folder.path(), empty.path());
    let (log, network) = place.network().await;
    three_join(&network).await;
    log.shutdown().await;
    drop((log, network));
    for file in ["log.redb", "keys/keys.redb"] {
        fs::copy(empty.path().join(file), place.folder.path().join(file)).unwrap();
    }
    is_read_only(&place, Verdict::Missing { signed: 3 }).await;
}

#[tokio::test]
async fn a_checkpoint_by_another_key_decides_nothing() {
    let place = Place::new();
    drop(with_backup(&place).await);
    fs::remove_file(place.folder.path().join("keys/checkpoint.key")).unwrap();
    is_read_only(&place, Verdict::OtherKey).await;
}

#[tokio::test]
async fn a_whole_older_folder_is_noticed_by_the_file_on_another_disk() {
    let mut place = Place::new();
    let disk = tempfile::tempdir().unwrap();
    place.config.checkpoint = Some(disk.path().join("signed"));
    let backup = with_backup(&place).await;
    assert!(!place.folder.path().join("checkpoint").exists());
    let config = Config { data: backup.path().to_owned(), ..place.config.clone() };
    is_read_only(&Place { config, folder: backup }, Verdict::Behind { signed: 5, head: 3 }).await;
}

#[tokio::test]
async fn of_two_servers_on_copies_of_one_log_only_one_goes_on() {
    let mut place = Place::new();
    let disk = tempfile::tempdir().unwrap();
    place.config.checkpoint = Some(disk.path().join("signed"));
    let (log, network) = place.network().await;
    three_join(&network).await;
    network.checkpoint().unwrap();
    drop((log, network));
    let copied = tempfile::tempdir().unwrap();
    copy(place.folder.path(), copied.path());
    let config = Config { data: copied.path().to_owned(), ..place.config.clone() };
    let other = Place { config, folder: copied };

    let ((log, network), (other_log, other_network)) = (place.network().await, other.network().await);
    meet(&network, 2).await;
    network.checkpoint().unwrap();
    append(&other_network, vec![meets(700, &["ben", "chloe"])]).await;
    assert!(matches!(other_network.checkpoint(), Err(CheckpointError::RolledBack)));
    refuses_everything(&other_log, Verdict::Behind { signed: 5, head: 4 }).await;
    meet(&network, 1).await;
    assert_eq!(size_signed(&network), 6);
    assert_eq!(*log.health().borrow(), Health::Serving);
}

#[tokio::test]
async fn a_file_that_cannot_be_trusted_stops_the_start() {
    let mut place = Place::new();
    drop(with_backup(&place).await);
    let path = place.config.checkpoint_path();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() - 2]).unwrap();
    let opened = Log::open(&place.config, ticking());
    assert!(matches!(opened, Err(OpenError::Kept(_))), "{opened:?}");
    place.config.checkpoint = Some(place.folder.path().join("not mounted/checkpoint"));
    let opened = Log::open(&place.config, ticking());
    assert!(matches!(opened, Err(OpenError::Kept(_))), "{opened:?}");
}

#[tokio::test]
async fn events_are_taken_while_nothing_can_be_signed() {
    let mut place = Place::new();
    let disk = tempfile::tempdir().unwrap();
    place.config.checkpoint = Some(disk.path().join("signed"));
    let (_log, network) = place.network().await;
    disk.close().unwrap();
    three_join(&network).await;
    assert!(matches!(network.checkpoint(), Err(CheckpointError::File(_))));
    fs::create_dir(place.config.checkpoint_path().parent().unwrap()).unwrap();
    assert_eq!(size_signed(&network), 3, "the disk is back");
    fs::remove_dir_all(place.config.checkpoint_path().parent().unwrap()).unwrap();
}

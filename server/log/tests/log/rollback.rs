//! Accepted rollbacks: a log that lost entries continues under a new incarnation and records it.

use crate::support::*;
use kith_core::{
    entry::Entry,
    event::{Administration, Fact},
};
use kith_log::{
    Accepted, Config, Health, Log, Network, Trust, Verdict, accept_rollback, backup, check, judge, restore,
};
use std::fs;

/// Appends this many meetings.
async fn meet(network: &Network, count: u64) {
    let from = network.head().get() + 10;
    append(network, (from..from + count).map(|number| meets(number, &["amina", "ben"])).collect()).await;
}

async fn close(log: Log) {
    log.shutdown().await;
}

/// Replaces the log with that of a backup; keys and checkpoints stay.
fn roll_back(place: &Place) {
    let data = place.folder.path();
    fs::remove_file(data.join("log.redb")).unwrap();
    let backup = fs::File::open(data.join("backup")).unwrap();
    restore(&place.config, (backup, 0), &Trust::Signed, |_| ()).unwrap();
}

fn verdicts(config: &Config) -> Vec<Verdict> {
    judge(config)
        .unwrap()
        .into_iter()
        .map(|judgement| judgement.verdict)
        .filter(|verdict| !verdict.is_sound())
        .collect()
}

fn accept_one(place: &Place) -> Accepted {
    let mut accepted = accept_rollback(&place.config, ticking()).unwrap();
    assert_eq!(accepted.len(), 1, "{accepted:?}");
    accepted.remove(0)
}

async fn is_serving(place: &Place) {
    let log = place.open();
    assert_eq!((log.rollback(), *log.health().borrow()), (None, Health::Serving));
    close(log).await;
}

#[tokio::test]
async fn a_log_goes_on_under_a_new_incarnation() {
    let place = Place::new();
    let (log, network) = place.network().await;
    three_join(&network).await;
    let noted = append(&network, vec![meets_with_note(8, &["amina", "ben"], "kept")]).await[0];
    let south = log.create_network(&"south".parse().unwrap()).await.unwrap();
    append(&south, vec![joins(1, "amina")]).await;
    close(log).await;
    drop((network, south));
    backup(&place.config, &ticking(), &place.folder.path().join("backup"), |_| ()).unwrap();
    let (log, network) = place.network().await;
    meet(&network, 5).await;
    let (lost, old) = (network.summary(), network.origin());
    close(log).await;
    drop(network);
    roll_back(&place);
    fs::create_dir_all(place.folder.path().join("views")).unwrap();
    assert_eq!(verdicts(&place.config), [Verdict::Behind { signed: 9, head: 4 }]);

    let accepted = accept_one(&place);
    assert_eq!(accepted.judgement.origin, old);
    let restarted = accepted.restarted.unwrap();
    assert_eq!((restarted.network.as_str(), restarted.position.get()), ("north", 5));
    assert!(!place.folder.path().join("views").exists(), "rows of the other history are not kept");

    let (log, network) = place.network().await;
    assert_eq!((log.rollback(), *log.health().borrow()), (None, Health::Serving));
    assert_eq!(network.origin(), restarted.origin);
    assert_ne!(network.incarnation(), lost.incarnation);
    let (bytes, _) = network.entry(&owner(), restarted.position).unwrap().unwrap();
    let Fact::Administration(Administration::LogRestored { incarnation, lost_head, lost_root, unverified: false }) =
        Entry::decode(&bytes).unwrap().event().unwrap().fact
    else {
        panic!("another entry is at position 5")
    };
    assert_eq!((incarnation, lost_head, lost_root), (network.incarnation(), 9, *lost.root.as_bytes()));
    assert_eq!(
        network.details(&owner(), &[noted]).unwrap()[0].1.opened[0].text,
        "kept",
        "the keys are those of before"
    );
    append(&network, vec![meets_with_note(90, &["ben", "chloe"], "new")]).await;
    assert_eq!(network.checkpoint().unwrap().unverified().size, 6);
    close(log).await;
    drop(network);
    assert_eq!(accept_rollback(&place.config, ticking()).unwrap(), [], "there is nothing to accept any more");
    let report = check(&place.config, |_| ()).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!(report.details_opened, 2);
    let checkpoints = fs::read_to_string(place.config.checkpoint_path()).unwrap();
    assert!(!checkpoints.contains(&old.to_string()), "{checkpoints}");
    assert!(checkpoints.contains("south"), "a log that was not rolled back is held to its checkpoint as before");
}

#[tokio::test]
async fn a_backup_of_before_a_network_was_made_forgets_it() {
    let place = Place::new();
    close(place.open()).await;
    backup(&place.config, &ticking(), &place.folder.path().join("backup"), |_| ()).unwrap();
    let (log, network) = place.network().await;
    three_join(&network).await;
    close(log).await;
    drop(network);
    roll_back(&place);
    assert_eq!(verdicts(&place.config), [Verdict::Missing { signed: 3 }]);
    let accepted = accept_one(&place);
    assert_eq!((accepted.judgement.verdict, accepted.restarted), (Verdict::Missing { signed: 3 }, None));
    is_serving(&place).await;
}

#[tokio::test]
async fn a_log_under_another_signing_key_is_accepted_too() {
    let place = Place::new();
    let (log, network) = place.network().await;
    three_join(&network).await;
    close(log).await;
    drop(network);
    fs::remove_file(place.folder.path().join("keys/checkpoint.key")).unwrap();
    assert_eq!(verdicts(&place.config), [Verdict::OtherKey]);
    assert_eq!(accept_one(&place).restarted.unwrap().position.get(), 4);
    is_serving(&place).await;
}

#[tokio::test]
async fn a_restart_that_broke_off_is_completed() {
    let place = Place::new();
    let (log, network) = place.network().await;
    three_join(&network).await;
    close(log).await;
    drop(network);
    backup(&place.config, &ticking(), &place.folder.path().join("backup"), |_| ()).unwrap();
    let (log, network) = place.network().await;
    meet(&network, 2).await;
    close(log).await;
    drop(network);
    roll_back(&place);
    let checkpoints = fs::read(place.config.checkpoint_path()).unwrap();
    accept_one(&place);
    fs::write(place.config.checkpoint_path(), checkpoints).unwrap();
    assert_eq!(verdicts(&place.config), [Verdict::Missing { signed: 5 }], "the commit came before");
    assert_eq!(accept_one(&place).restarted, None);
    is_serving(&place).await;
    let (_log, network) = place.network().await;
    assert_eq!(network.head().get(), 4, "the entry is there once");
}

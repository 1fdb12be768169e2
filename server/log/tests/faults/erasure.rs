//! Erasures that stop after each of their steps: the next start goes on, and in the end nothing is left.

use crate::support::*;
use kith_core::{
    detail::DetailKind,
    event::{Administration, Scope},
    position::Position,
};
use kith_log::{Network, check};
use kith_words::faults;
use std::{fs, time::Duration};

/// More steps than a replacement of the key file has.
const STEPS_MAX: u32 = 64;

async fn is_completed(network: &Network) {
    let mut heads = network.watch_head();
    loop {
        heads.borrow_and_update();
        let erasures = network.erasures();
        if erasures.of(&person("amina")).is_some_and(|erasure| erasure.completion.is_some()) {
            return;
        }
        drop(erasures);
        heads.changed().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_stops_after_any_step_goes_on_at_the_next_start() {
    let mut stopped = 0;
    for steps in 0..STEPS_MAX {
        let place = Place::new();
        let keys = place.folder.path().join("keys");
        let (log, network) = place.network().await;
        three_join(&network).await;
        append(&network, vec![meets_with_note(4, &["amina", "ben"], "both")]).await;
        append(&network, vec![changes(5, "ben", &[detail(DetailKind::Name, &["ben"], "Ben Osei")])]).await;
        faults::stop_after(&keys, steps);
        let (reason, reference) = ("withdrawn".parse().unwrap(), None);
        let fact = Administration::PersonErased { person: person("amina"), reason, reference };
        network.administer(&owner(), Scope::Network, vec![fact]).await.unwrap();
        // It ends where it stops: until then, or until the erasure is completed, this waits.
        let ended = tokio::time::timeout(Duration::from_secs(20), async {
            while !faults::is_stopped(&keys) && network.erasures().is_any_pending() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        ended.await.expect("a step takes no such time");
        let note = network.details(&owner(), &[Position::new(4)]).unwrap().remove(0).1;
        assert_eq!((note.opened.len(), note.erased.len()), (0, 1), "{steps}: nobody reads it meanwhile");
        append(&network, vec![joins(6, "dana"), meets_with_note(7, &["ben", "dana"], "meanwhile")]).await;
        log.shutdown().await;
        drop((log, network));
        let was_stopped = faults::go_on(&keys);
        stopped += u32::from(was_stopped);

        let (log, network) = place.network().await;
        is_completed(&network).await;
        let head = network.head();
        let end = network.erasures().of(&person("amina")).unwrap().completion.unwrap();
        assert_eq!((end.details_erased, end.keys_destroyed), (1, 1), "{steps}");
        let details = network.details(&owner(), &(5..=head.get()).map(Position::new).collect::<Vec<_>>()).unwrap();
        let texts: Vec<_> =
            details.iter().flat_map(|(_, details)| &details.opened).map(|one| one.text.as_str()).collect();
        assert_eq!(texts, ["Ben Osei", "meanwhile"], "{steps}: no other key is lost");
        log.shutdown().await;
        drop((log, network));
        let mut left: Vec<_> = fs::read_dir(&keys).unwrap().map(|file| file.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["checkpoint.key", "keys.redb", "lock", "root.key"], "{steps}");
        let report = check(&place.config, |_| ()).unwrap();
        assert!(report.is_sound(), "{steps}: {:?}", report.problems);
        if !was_stopped {
            assert!(stopped >= 8, "only {stopped} steps were tried");
            return;
        }
    }
    panic!("there are more than {STEPS_MAX} steps");
}

//! Recording without a server, and the outcome.

use super::{Device, client, open, options};
use kith_client::replica::{
    Connection, Dropped, Explanation, Happening, OpenError, Outbox, Recording, Replica, Stage, SyncError,
};
use kith_core::reason::Reason;
use kith_core::{
    decide::Outcome,
    event::{Fact, Habit, Met},
    position::Position,
};
use kith_tests::{
    events::{met, person_added, sent},
    proxy::Proxy,
    raw::Raw,
    server::Server,
};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn what_is_recorded_without_a_server_reaches_it_once() {
    let server = Server::start();
    let device = Device::new("http://127.0.0.1:9", &server.token());
    device.add_person("amina");
    device.add_person("ben");
    let meeting = device.meet(&["amina", "ben"]);
    let failed = device.replica.sync(&device.client).await.unwrap_err();
    assert!(failed.is_retryable(), "{failed}");
    assert_eq!(device.replica.pending().unwrap().len(), 3);
    assert_eq!(device.replica.people().unwrap().len(), 2, "people on their way can be named");

    let device = device.reopened();
    let device = Device { client: client(&server.url(), &server.token()), ..device };
    assert_eq!(device.replica.record(&meeting).unwrap(), Recording::AlreadyQueued);
    let report = device.replica.sync(&device.client).await.unwrap();
    assert_eq!((report.accepted, report.duplicates, report.refused), (3, 0, 0));
    assert!(device.replica.pending().unwrap().is_empty());
    device.expect_level().await;
    assert!(matches!(device.replica.explain(&meeting.id()).unwrap(), Explanation::Here { .. }));
    let position = device.replica.head();
    assert_eq!(device.replica.record(&meeting).unwrap(), Recording::AlreadyRecorded(position));

    let again = device.replica.sync(&device.client).await.unwrap();
    assert_eq!((again.fetched, again.accepted, again.duplicates), (0, 0, 0));
    assert!(device.replica.status().unwrap().synced_at.is_some());
}

#[tokio::test]
async fn a_refused_event_is_told_and_holds_up_nothing() {
    let server = Server::start();
    let device = Device::of(&server);
    device.add_person("amina");
    device.add_person("ben");
    let wrong = device.meet(&["amina", "nobody"]);
    let right = device.meet(&["amina", "ben"]);
    let report = device.replica.sync(&device.client).await.unwrap();
    assert_eq!((report.accepted, report.refused), (3, 1));
    let refused = device.replica.refused().unwrap();
    assert_eq!((refused.len(), refused[0].event.id()), (1, wrong.id()));
    assert_eq!(refused[0].why.reason, Some(Reason::PersonUnknown));
    assert!(matches!(device.replica.explain(&wrong.id()).unwrap(), Explanation::Refused { .. }));
    assert!(matches!(device.replica.explain(&right.id()).unwrap(), Explanation::Here { .. }));

    assert_eq!(device.replica.drop_event(&right.id()).unwrap(), Dropped::Unknown);
    device.add_person("nobody");
    assert_eq!(device.replica.record(&wrong).unwrap(), Recording::Queued, "it can be recorded once more");
    let report = device.replica.sync(&device.client).await.unwrap();
    assert_eq!((report.accepted, report.refused), (2, 0));
    assert!(device.replica.refused().unwrap().is_empty());
    device.expect_level().await;
}

#[tokio::test]
async fn an_event_can_be_given_up_before_it_is_sent() {
    let device = Device::new("http://127.0.0.1:9", "token");
    let event = device.meet(&["amina", "ben"]);
    let stages: Vec<_> = device.replica.pending().unwrap().iter().map(|pending| pending.stage).collect();
    assert_eq!(stages, [Stage::Queued]);
    assert_eq!(device.replica.drop_event(&event.id()).unwrap(), Dropped::Gone);
    assert_eq!(device.replica.drop_event(&event.id()).unwrap(), Dropped::Unknown);
    assert_eq!(device.replica.record(&event).unwrap(), Recording::Queued);
}

#[tokio::test]
async fn a_second_opening_takes_turns_with_the_first() {
    let device = Device::new("http://127.0.0.1:9", "token");
    let second = open(device.folder.path());
    let event = device.meet(&["amina", "ben"]);
    assert_eq!(second.record(&event).unwrap(), Recording::AlreadyQueued);
    assert_eq!(device.replica.pending().unwrap(), second.pending().unwrap());
    drop(second);
    let folder = device.folder;
    drop(device.replica);
    let mut other = options();
    other.network = "north".parse().unwrap();
    let other = Replica::open(folder.path(), other).unwrap_err();
    assert!(matches!(other, OpenError::OtherNetwork { .. }), "{other}");
    drop(open(folder.path()));
}

#[tokio::test]
async fn a_reset_fetches_the_log_again_and_loses_nothing_recorded_here() {
    let server = Server::start();
    let device = Device::of(&server);
    device.add_person("amina");
    device.add_person("ben");
    device.replica.sync(&device.client).await.unwrap();
    device.meet(&["amina", "ben"]);
    assert_eq!(device.replica.reset(Outbox::Keep).unwrap(), 2);
    assert_eq!(device.replica.head(), Position::ZERO);
    assert_eq!(device.replica.pending().unwrap().len(), 3);
    let report = device.replica.sync(&device.client).await.unwrap();
    assert_eq!((report.accepted, report.duplicates), (1, 2));
    device.expect_level().await;
    device.meet(&["amina", "ben"]);
    device.replica.reset(Outbox::Discard).unwrap();
    assert!(device.replica.pending().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_goes_on_across_a_restart_of_the_server() {
    const PATIENCE: Duration = Duration::from_secs(30);
    let server = Server::start();
    let (url, token) = (server.url(), server.token());
    let proxy = Proxy::start(&url).await;
    let device = Device::new(&proxy.url(), &token);
    let mut happenings = device.replica.happenings();
    let (replica, client) = (device.replica.clone(), device.client.clone());
    let following = tokio::spawn(async move { replica.follow(&client).await });
    let mut next = async |wanted: &dyn Fn(&Happening) -> bool| loop {
        let happening = tokio::time::timeout(PATIENCE, happenings.recv()).await.expect("it happens in time").unwrap();
        if wanted(&happening) {
            return happening;
        }
    };
    next(&|happening| matches!(happening, Happening::Connection(Connection::Online))).await;
    assert!(matches!(device.replica.sync(&device.client).await, Err(SyncError::Running)));
    let own = device.add_person("amina");
    next(&|happening| {
        matches!(happening, Happening::Answered { id, result: Ok(Outcome::Accepted(_)) } if *id == own.id())
    })
    .await;
    let raw = Raw::connect(&url, &token).await;
    raw.append(vec![sent(&person_added("ben", "")), sent(&met(&["amina", "ben"]))]).await.unwrap();
    let head = device.client.head().await.unwrap().position;
    next(&|happening| matches!(happening, Happening::Entries { until, .. } if *until == head)).await;

    let data = server.data();
    drop(raw);
    drop(server.kill());
    next(&|happening| matches!(happening, Happening::Connection(Connection::Offline(_)))).await;
    device.record(Fact::Habit(Habit::Met(Met { people: vec!["ben".parse().unwrap(), "amina".parse().unwrap()] })));
    let server = Server::start_on(Arc::clone(&data), &[]);
    proxy.redirect(&server.url());
    next(&|happening| matches!(happening, Happening::Connection(Connection::Online))).await;
    assert!(device.replica.pending().unwrap().is_empty());
    following.abort();
    // The task releases the replica when it is dropped.
    assert!(following.await.is_err());
    device.expect_level().await;
}

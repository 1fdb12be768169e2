//! A log that holds events of a later version: kept, shown, passed on and verified by every reader.

use kith_core::{
    decide::{Command, Origin},
    event::{Event, Fact, Newer, Role},
    may::{Credential, Principal, Reach},
    prepare::Prepared,
    timestamp::Timestamp,
};
use kith_log::{Config, Log};
use kith_tests::{
    events::{met, organisation_added, person_added},
    server::{DataFolder, Server, kithd},
};
use serde_json::json;
use std::{path::Path, sync::Arc};

/// An event as a later version would record it.
fn newer(number: u32) -> Event {
    Event { fact: Fact::Newer(Newer { number, bytes: b"\x0a\x05amina".to_vec() }), ..met(&["amina", "ben"]) }
}

fn prepared(event: Event) -> Prepared {
    Prepared { bytes: event.encode().into(), details: Vec::new(), event }
}

/// Writes entries into a log that a later version of the server would have accepted.
async fn record_as_a_later_version(data: &Path, events: Vec<Event>) {
    let config = Config { data: data.to_owned(), ..Config::default() };
    let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
    let log = Log::open(&config, Arc::new(move || now)).unwrap();
    let network = log.network(&"default".parse().unwrap()).unwrap();
    let principal = Principal {
        id: "token:owner".parse().unwrap(),
        reach: Reach::Server,
        role: Role::Owner,
        person: None,
        organisation: None,
        credential: Credential::Program,
    };
    let events = events.into_iter().map(prepared).collect();
    network.append(Command { principal, events, condition: None, origin: Origin::Client }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn entries_of_a_later_version_are_read_shown_and_passed_on() {
    let data: Arc<DataFolder> = Server::start().kill();
    let known = [organisation_added("riverside"), person_added("amina", ""), person_added("ben", "")];
    record_as_a_later_version(data.path(), known.into()).await;
    record_as_a_later_version(data.path(), vec![newer(60), met(&["amina", "ben"]), newer(90)]).await;

    kithd(&["check", "--data", data.path().to_str().unwrap()]).ok();
    let server = Server::start_on(data, &[]);
    let cli = server.cli();
    let log = cli.json_lines(&["log"]);
    let kinds: Vec<_> = log.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["organisation_added", "person_added", "person_added", "newer:60", "met", "newer:90"]);
    assert_eq!(log[3]["event"]["newer"], json!({ "number": 60, "bytes": "0a05616d696e61" }));
    cli.run(&["log"]).ok().prints("recorded by a later version of Kith");
    let strength = cli.json_lines(&["view", "strength", "--wait", "10"]);
    assert_eq!(strength.len(), 1, "they count in no view: {strength:?}");

    let replica = tempfile::tempdir().unwrap();
    let folder = replica.path().join("replica");
    let on_replica = |arguments: &[&str]| {
        let mut all = arguments.to_vec();
        all.extend(["--replica", folder.to_str().unwrap()]);
        cli.run_json(&all)
    };
    on_replica(&["sync"]).ok();
    let status = on_replica(&["status"]).ok().json();
    assert_eq!((&status["position"], &status["newer"]), (&json!(6), &json!(2)));
    on_replica(&["verify"]).ok();
    let offline: Vec<_> = on_replica(&["log"]).ok().json_lines();
    assert_eq!(offline, log, "a replica shows what the server shows");
}

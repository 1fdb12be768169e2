//! Recording lines, each on its own.

use super::{Place, bearer, check_problem, configured, met, post};
use crate::village::{VILLAGE_ENTRIES, populate};
use kith_tests::http::{Open, open};
use serde_json::{Value, json};
use std::time::Duration;

const LINES: (&str, &str) = ("content-type", "application/x-ndjson");

#[test]
fn each_line_is_recorded_on_its_own_and_answered_in_order() {
    let place = Place::start();
    let lines = [
        met(0, ["amina", "ben"]).to_string(),
        String::new(),
        met(1, ["amina", "nobody"]).to_string(),
        "{".to_owned(),
        r#"{"event":{"occurred_at":"2026-03-04T10:00:00Z","scope":"network","met":{"people":7}}}"#.to_owned(),
        met(2, ["amina", "carol"]).to_string(),
    ];
    let answer = place.post(&lines.join("\n"), &[LINES]);
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/x-ndjson"));
    let outcomes = answer.json_lines();
    let numbers: Vec<_> = outcomes.iter().map(|outcome| outcome["line"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 3, 4, 5, 6], "blank lines count and are passed over");
    let positions: Vec<_> = outcomes.iter().filter_map(|outcome| outcome["position"].as_u64()).collect();
    assert_eq!(positions, [VILLAGE_ENTRIES + 1, VILLAGE_ENTRIES + 2]);
    let refused: Vec<_> = outcomes[1..4].iter().map(|one| (one["reason"].as_str(), one["field"].as_str())).collect();
    let expected = [
        (Some("PERSON_UNKNOWN"), Some("event.met.people")),
        (Some("EVENT_INVALID"), None),
        (Some("EVENT_INVALID"), Some("event.met.people")),
    ];
    assert_eq!(refused, expected, "{outcomes:?}");
    assert_eq!(place.cli.head(), VILLAGE_ENTRIES + 2);
}

#[test]
fn many_lines_are_recorded_in_order_and_once_with_a_key() {
    let place = Place::start();
    let lines: Vec<String> = (0..3_000).map(|number| met(number % 60, ["amina", "ben"]).to_string()).collect();
    let lines = lines.join("\n");
    for duplicate in [false, true] {
        let outcomes = place.post(&lines, &[LINES, ("idempotency-key", "import")]).json_lines();
        assert_eq!(outcomes.len(), 3_000);
        for (outcome, place) in outcomes.iter().zip(1_u64..) {
            let found = (outcome["line"].as_u64(), outcome["position"].as_u64(), outcome["duplicate"].as_bool());
            assert_eq!(found, (Some(place), Some(VILLAGE_ENTRIES + place), Some(duplicate)));
        }
    }
    assert_eq!(place.cli.head(), VILLAGE_ENTRIES + 3_000);
}

fn begin(url: &str, bearer: &str) -> Open {
    let headers = [("authorization", bearer), LINES, ("transfer-encoding", "chunked")];
    open(url, "POST", "/v1/default/events", &headers, b"")
}

/// A piece of a body.
fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

#[test]
fn a_line_is_answered_before_the_next_is_sent() {
    let place = Place::start();
    let mut answer = begin(&place.server.url(), &place.bearer);
    let mut send = |minute: u32| {
        answer.send(chunk(&format!("{}\n", met(minute, ["amina", "ben"]))).as_bytes());
        answer.wait_for(&format!("\"position\":{}", VILLAGE_ENTRIES + 1 + u64::from(minute)));
    };
    (0..3).for_each(&mut send);
    answer.send(b"0\r\n\r\n");
    assert!(answer.rest().ends_with("0\r\n\r\n"), "it ends with the body");
}

#[test]
fn a_line_may_come_byte_by_byte_and_has_to_come_in_time() {
    let place = Place::start();
    let mut answer = begin(&place.server.url(), &place.bearer);
    let line = format!("{}{}\n", " ".repeat(200 * 1024), met(0, ["amina", "ben"]));
    let pieces: String = line.split_inclusive(|_| true).map(chunk).collect();
    answer.send(pieces.as_bytes());
    answer.wait_for(&format!("\"position\":{}", VILLAGE_ENTRIES + 1));

    let (server, _settings) = configured("[limits]\nstall_ms = 200\n");
    populate(&server.cli());
    let mut answer = begin(&server.url(), &bearer(&server.token()));
    answer.send(chunk(&format!("{}\n", met(0, ["amina", "ben"]))).as_bytes());
    answer.wait_for(&format!("\"position\":{}", VILLAGE_ENTRIES + 1));
    let is_told = (0..100).any(|_| {
        answer.send(chunk(" ").as_bytes());
        answer.arrives_within(Duration::from_millis(50))
    });
    assert!(is_told, "it waits no longer, though bytes keep coming");
    answer.wait_for("a line was not completed in time");
}

#[test]
fn what_breaks_off_within_a_line_is_not_recorded() {
    let place = Place::start();
    let mut answer = begin(&place.server.url(), &place.bearer);
    answer.send(chunk(&format!("{}\n{}", met(0, ["amina", "ben"]), met(1, ["amina", "ben"]))).as_bytes());
    answer.wait_for(&format!("\"position\":{}", VILLAGE_ENTRIES + 1));
    answer.break_off();
    answer.wait_for("the body broke off");
    assert_eq!(place.cli.head(), VILLAGE_ENTRIES + 1);
}

#[test]
fn what_cannot_begin_is_told_by_the_status() {
    let place = Place::start();
    let line = met(0, ["amina", "ben"]).to_string();
    let unknown = post(&place.server.url(), &place.bearer, "/v1/nothing/events", &line, &[LINES]);
    check_problem(&unknown, 404, "NETWORK_UNKNOWN", None);
    check_problem(&place.post(&line, &[LINES, ("if-match", "\"6\"")]), 400, "REQUEST_INVALID", Some("if-match"));
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(1024 * 1024));
    check_problem(&place.post(&long, &[LINES]), 413, "LIMIT_EXCEEDED", Some("body"));
    assert_eq!(place.post("", &[LINES]).text(), "");
    let broken = place.post(&format!("{line}\n{long}\n"), &[LINES]).json_lines();
    assert_eq!(broken[0]["position"], json!(VILLAGE_ENTRIES + 1), "{broken:?}");
    assert_eq!(broken.last().map(|problem| problem["reason"].clone()), Some(Value::from("LIMIT_EXCEEDED")));
}

//! Following the log as a stream of events.

use super::{Place, bearer, check_problem, configured, get, met, post};
use crate::village::{VILLAGE_ENTRIES, populate, token};
use kith_tests::{
    http::{Open, open},
    server::Server,
};
use serde_json::Value;
use std::time::{Duration, Instant};

const PATH: &str = "/v1/default/entries";
const EVENTS: (&str, &str) = ("accept", "text/event-stream");

fn follow(url: &str, bearer: &str, path: &str, last: Option<&str>) -> Open {
    let mut headers = vec![("authorization", bearer), EVENTS];
    headers.extend(last.map(|id| ("last-event-id", id)));
    open(url, "GET", path, &headers, b"")
}

/// Waits until a stream has come to a position; returns all that has arrived.
fn reach(stream: &mut Open, position: u64) -> String {
    stream.wait_for(&format!(".{position}\n\n"))
}

/// The entries of a stream with their ids, as far as they have arrived.
fn entries(text: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut id = "";
    for line in text.lines() {
        id = line.strip_prefix("id: ").unwrap_or(id);
        if let Some(data) = line.strip_prefix("data: ") {
            found.push((id.to_owned(), serde_json::from_str(data).unwrap()));
        }
    }
    found
}

fn positions(entries: &[(String, Value)]) -> Vec<u64> {
    entries.iter().map(|(_, entry)| entry["position"].as_u64().unwrap()).collect()
}

#[test]
fn the_history_comes_first_and_then_what_is_recorded() {
    let place = Place::start();
    let mut stream = follow(&place.server.url(), &place.bearer, PATH, None);
    let text = stream.wait_for(": caught up");
    assert!(text.contains("content-type: text/event-stream"), "{text}");
    assert_eq!(positions(&entries(&text)), (1..=VILLAGE_ENTRIES).collect::<Vec<_>>());
    place.post(&met(0, ["amina", "ben"]).to_string(), &[]);
    let text = reach(&mut stream, 7);
    let last = entries(&text).pop().unwrap();
    assert_eq!(last.1, place.cli.json_lines(&["log", "--after", "6"])[0], "as it is read");
    assert!(last.0.ends_with(".7"), "{}", last.0);
}

#[test]
fn nothing_is_missed_and_nothing_comes_twice_across_restarts() {
    let place = Place::start();
    let Place { mut server, bearer, .. } = place;
    let mut received: Vec<(String, Value)> = Vec::new();
    for minute in 0..3 {
        let last = received.last().map(|(id, _)| id.clone());
        let mut stream = follow(&server.url(), &bearer, PATH, last.as_deref());
        let head = VILLAGE_ENTRIES + 1 + minute;
        let minute = u32::try_from(minute).unwrap();
        post(&server.url(), &bearer, "/v1/default/events", &met(minute, ["amina", "ben"]).to_string(), &[]);
        received.extend(entries(&reach(&mut stream, head)));
        server = Server::start_on(server.kill(), &[]);
    }
    assert_eq!(positions(&received), (1..=VILLAGE_ENTRIES + 3).collect::<Vec<_>>());
    let mut level = follow(&server.url(), &bearer, PATH, received.last().map(|(id, _)| id.as_str()));
    assert_eq!(entries(&level.wait_for(": caught up")), [], "there is nothing new");
    let (_, last) = received.split_last().unwrap();
    let last = last.last().map(|(id, _)| id.as_str());
    let mut again = follow(&server.url(), &bearer, &format!("{PATH}?after=0"), last);
    let positions = positions(&entries(&again.wait_for(": caught up")));
    assert_eq!(positions, [VILLAGE_ENTRIES + 3], "the id counts, whatever the address says that is asked again");
}

#[test]
fn only_what_matches_comes_and_the_cursor_moves_over_the_rest() {
    let place = Place::start();
    let url = place.server.url();
    let mut stream = follow(&url, &place.bearer, &format!("{PATH}?kind=met&person=amina"), None);
    let text = reach(&mut stream, VILLAGE_ENTRIES);
    assert_eq!(entries(&text), [], "people and organisations are no meetings");
    let cursor = text.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    assert!(cursor.ends_with(&format!(".{VILLAGE_ENTRIES}")), "{cursor}");
    place.post(&met(0, ["carol", "ben"]).to_string(), &[]);
    place.post(&met(1, ["amina", "ben"]).to_string(), &[]);
    assert_eq!(positions(&entries(&reach(&mut stream, 8))), [8]);
    let mut later = follow(&url, &place.bearer, &format!("{PATH}?after=7"), None);
    assert_eq!(positions(&entries(&later.wait_for(": caught up"))), [8]);
}

#[test]
fn cursors_of_another_history_and_no_cursors_are_refused() {
    let place = Place::start();
    let ask = |id: &str| get(&place.server.url(), &place.bearer, PATH, &[EVENTS, ("last-event-id", id)]);
    let other = format!("{}.3", "07".repeat(16));
    check_problem(&ask(&other), 409, "RESET_REQUIRED", Some("cursor.incarnation"));
    check_problem(&ask("seven"), 400, "REQUEST_INVALID", Some("last-event-id"));
    let ahead = get(&place.server.url(), &place.bearer, &format!("{PATH}?after=99"), &[EVENTS]);
    check_problem(&ahead, 503, "POSITION_AHEAD", None);
    assert_eq!(ahead.header("retry-after"), "1");
    let limited = get(&place.server.url(), &place.bearer, &format!("{PATH}?limit=1"), &[EVENTS]);
    check_problem(&limited, 400, "REQUEST_INVALID", Some("limit"));
}

#[test]
fn a_comment_says_that_an_idle_stream_goes_on() {
    let (server, _settings) = configured("[limits]\nheartbeat_ms = 50\n");
    populate(&server.cli());
    let mut stream = follow(&server.url(), &bearer(&server.token()), &format!("{PATH}?after=6"), None);
    let beats = |text: &str| text.matches(": caught up").count();
    let mut text = stream.wait_for(": caught up");
    while beats(&text) < 4 {
        stream.wait_for_more();
        text = stream.wait_for(": caught up");
    }
    assert_eq!(entries(&text), []);
}

#[test]
fn whoever_is_no_longer_let_in_hears_nothing_more_within_a_second() {
    let place = Place::start();
    let (id, secret) = token(&place.cli, &["--role", "reader", "--organisation", "riverside"]);
    let bearer = bearer(&secret);
    let mut streams: Vec<_> =
        (0..20).map(|_| follow(&place.server.url(), &bearer, &format!("{PATH}?kind=met"), None)).collect();
    for stream in &mut streams {
        stream.wait_for(": caught up");
    }
    place.cli.run(&["token", "revoke", &id]).ok();
    let revoked = Instant::now();
    place.post(&met(0, ["amina", "ben"]).to_string(), &[]);
    for stream in streams {
        let text = stream.rest();
        let last = entries(&text).pop().expect("it says why it ends").1;
        assert_eq!((last["reason"].as_str(), last["status"].as_u64()), (Some("SCOPE_LOST"), Some(403)), "{text}");
        assert!(text.contains("event: problem\n") && !text.contains("\"position\":"), "{text}");
    }
    assert!(revoked.elapsed() < Duration::from_secs(1), "{:?}", revoked.elapsed());
    check_problem(&get(&place.server.url(), &bearer, PATH, &[EVENTS]), 401, "TOKEN_INVALID", None);
}

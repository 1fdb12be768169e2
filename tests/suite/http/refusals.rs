//! Refusals: each kind has its status, and limits are those of calls.

use super::{Place, bearer, check_problem, configured, get, met, post};
use crate::village::{VILLAGE_ENTRIES, populate, token};
use kith_tests::http::{open, request};
use serde_json::json;

const EVENTS: &str = "/v1/default/events";

#[test]
fn every_kind_of_refusal_has_its_status() {
    let place = Place::start();
    let url = place.server.url();
    let record = met(0, ["amina", "ben"]).to_string();
    let nobody = request(&url, "GET", "/v1/default/head", &[], b"");
    check_problem(&nobody, 401, "TOKEN_INVALID", None);
    assert_eq!(nobody.header("www-authenticate"), "Bearer");
    check_problem(&get(&url, "Bearer kith_wrong", "/v1/default/head", &[]), 401, "TOKEN_INVALID", None);
    let (_, reader) = token(&place.cli, &["--role", "reader", "--organisation", "riverside"]);
    check_problem(&post(&url, &bearer(&reader), EVENTS, &record, &[]), 403, "PERMISSION_DENIED", None);
    check_problem(&place.get("/v1/nothing/head"), 404, "NETWORK_UNKNOWN", None);
    check_problem(&place.get("/v1/default/nothing"), 404, "UNSUPPORTED", None);
    let wrong = place.get(EVENTS);
    check_problem(&wrong, 405, "UNSUPPORTED", None);
    assert_eq!(wrong.header("allow"), "POST");
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let answer = place.post(&record, &[("content-type", media_type)]);
        check_problem(&answer, 415, "REQUEST_INVALID", Some("content-type"));
    }
    check_problem(
        &place.post(&record, &[("content-encoding", "gzip")]),
        415,
        "REQUEST_INVALID",
        Some("content-encoding"),
    );
    for malformed in ["{", "", "\u{0}", "{} {}", &"[".repeat(100_000)] {
        check_problem(&place.post(malformed, &[]), 400, "REQUEST_INVALID", Some("body"));
    }
    check_problem(&place.post(&record, &[("authorization", "Basic eDp5")]), 401, "TOKEN_INVALID", None);
    let erased = json!({ "event": { "occurred_at": "2026-03-04T10:00:00Z", "scope": "network", "met": { "people": ["amina", "dan"] } } });
    place.cli.run(&["person", "erase", "dan", "--reason", "withdrawn"]).ok();
    check_problem(&place.post(&erased.to_string(), &[]), 409, "PERSON_ERASED", Some("event.met.people"));
}

#[test]
fn no_route_is_open_to_whoever_has_no_token() {
    let place = Place::start();
    let url = place.server.url();
    let description = request(&url, "GET", "/openapi.json", &[], b"").json();
    let mut asked = 0;
    for (path, methods) in description["paths"].as_object().unwrap() {
        let address = path.replace("{network}", "default").replace("{name}", "strength").replace(['{', '}'], "");
        for method in ["GET", "POST"].iter().filter(|method| methods.get(method.to_lowercase()).is_some()) {
            if methods[method.to_lowercase()]["security"] == json!([]) {
                continue;
            }
            for token in [&[][..], &[("authorization", "Bearer kith_wrong")]] {
                let headers =
                    [token, &[("content-type", "application/json"), ("accept", "text/event-stream")]].concat();
                check_problem(&request(&url, method, &address, &headers, b"{}"), 401, "TOKEN_INVALID", None);
                asked += 1;
            }
        }
    }
    assert_eq!(asked, 20, "every route but the description itself");
}

#[test]
fn head_is_get_without_a_body() {
    let place = Place::start();
    let url = place.server.url();
    let token = [("authorization", place.bearer.as_str())];
    let ask = |path: &str, headers: &[(&str, &str)]| {
        let answer = request(&url, "HEAD", path, headers, b"");
        assert_eq!(answer.text(), "", "{path}");
        answer
    };
    let head = ask("/v1/default/head", &token);
    assert_eq!((head.status, head.header("etag")), (200, place.get("/v1/default/head").header("etag")));
    let follow = [token[0], ("accept", "text/event-stream")];
    assert_eq!(ask("/v1/default/entries", &follow).header("content-type"), "text/event-stream");
    assert_eq!(ask("/openapi.json", &[]).status, 200);
    assert_eq!(ask("/v1/default/head", &[]).status, 401);
    assert_eq!(ask("/v1/nothing/head", &token).status, 404);
    let recording = ask(EVENTS, &token);
    assert_eq!((recording.status, recording.header("allow")), (405, "POST"));
}

#[test]
fn names_of_files_and_line_ends_are_names_like_others_and_never_come_back_as_headers() {
    let place = Place::start();
    for (path, status) in [
        ("/v1/../head", 400),
        ("/v1/%2e%2e/head", 400),
        ("/v1/..%2f..%2fowner.token/head", 400),
        ("/v1/default%00/head", 400),
        ("/v1/default/../../owner.token", 404),
        ("/v1/default/views/..%2f..%2fowner.token", 404),
        ("/v1/default/views/strength%0d%0aset-cookie:%20a=b", 404),
        ("/v1/north%0d%0aset-cookie:%20a=b/head", 400),
        ("/v1/default/head?%0d%0aset-cookie:%20a=b", 400),
        ("/v1/default/entries?person=%0d%0aset-cookie:%20a=b", 400),
        ("/v1/default/head%", 404),
        ("/v1/%c0%ae%c0%ae/head", 404),
    ] {
        let answer = place.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (status, "application/problem+json"), "{path}");
        assert_eq!(answer.header("set-cookie"), "", "{path}");
        let problem = answer.json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(!detail.contains(char::is_control), "{path}: {detail}");
    }
}

#[test]
fn a_header_that_counts_is_given_once() {
    let place = Place::start();
    let record = met(0, ["amina", "ben"]).to_string();
    for (name, value) in [("idempotency-key", "x"), ("if-match", "\"6\""), ("content-type", "application/json")] {
        let answer = place.post(&record, &[(name, value), (name, value)]);
        check_problem(&answer, 400, "REQUEST_INVALID", Some(name));
    }
    let events = ("accept", "text/event-stream");
    let twice = [events, ("last-event-id", "x"), ("last-event-id", "y")];
    let answer = get(&place.server.url(), &place.bearer, "/v1/default/entries", &twice);
    check_problem(&answer, 400, "REQUEST_INVALID", Some("last-event-id"));
    assert_eq!(place.cli.head(), VILLAGE_ENTRIES);
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let place = Place::start();
    let large = format!("[{}]", "x".repeat(2 * 1024 * 1024));
    check_problem(&place.post(&large, &[]), 413, "LIMIT_EXCEEDED", Some("body"));
    let announced = [("content-length", "1000000000000"), ("content-type", "application/json")];
    let headers = [&[("authorization", place.bearer.as_str())], &announced[..]].concat();
    let mut answer = open(&place.server.url(), "POST", EVENTS, &headers, b"[");
    assert!(answer.wait_for("LIMIT_EXCEEDED").starts_with("HTTP/1.1 413 "), "nothing more is waited for");
    let unknown_length = [
        ("authorization", place.bearer.as_str()),
        ("content-type", "application/json"),
        ("transfer-encoding", "chunked"),
    ];
    let chunk = format!("{:x}\r\n{}\r\n", 1024 * 1024, " ".repeat(1024 * 1024));
    let mut answer = open(&place.server.url(), "POST", EVENTS, &unknown_length, chunk.repeat(2).as_bytes());
    answer.send(b"1\r\n[\r\n0\r\n\r\n");
    assert!(answer.wait_for("LIMIT_EXCEEDED").starts_with("HTTP/1.1 413 "));
    check_problem(&place.post(&format!("[0{}]", ",0".repeat(300_000)), &[]), 413, "LIMIT_EXCEEDED", Some("body"));
}

#[test]
fn a_body_that_does_not_come_ends_its_request() {
    let (server, _settings) = configured("[limits]\nunary_deadline_s = 1\nstall_ms = 200\n");
    populate(&server.cli());
    let bearer = bearer(&server.token());
    let begin = |media_type: &str, length: &str| {
        let headers = [("authorization", bearer.as_str()), ("content-type", media_type), ("content-length", length)];
        open(&server.url(), "POST", EVENTS, &headers, b"{\"event\":")
    };
    let mut one = begin("application/json", "100");
    assert!(one.wait_for("DEADLINE_EXCEEDED").starts_with("HTTP/1.1 504 "));
    let mut line = begin("application/x-ndjson", "100");
    let told = line.wait_for("DEADLINE_EXCEEDED");
    assert!(told.starts_with("HTTP/1.1 504 ") && told.contains("a line was not completed in time"), "{told}");
}

#[test]
fn whoever_asks_too_often_is_told_when_to_come_again() {
    let (server, _settings) = configured("[limits]\ncalls_per_s_max = 1\ncalls_burst_max = 5\n");
    let bearer = bearer(&server.token());
    let answers: Vec<_> = (0..8).map(|_| get(&server.url(), &bearer, "/v1/default/head", &[])).collect();
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert!((2..=3).contains(&refused.len()), "{answers:?}");
    for answer in refused {
        let problem = check_problem(answer, 429, "RATE_LIMITED", None);
        assert_eq!(problem["metadata"]["limit"], "calls_per_s_max");
        assert_eq!(answer.header("retry-after"), "1");
    }
    let wrong: Vec<_> = (0..100).map(|_| get(&server.url(), "Bearer kith_wrong", "/v1/default/head", &[])).collect();
    assert!(wrong.iter().any(|answer| answer.status == 401));
    let limited = wrong.last().unwrap();
    let problem = check_problem(limited, 429, "RATE_LIMITED", None);
    assert_eq!(problem["metadata"]["limit"], "failed_logins_per_minute_max");
}

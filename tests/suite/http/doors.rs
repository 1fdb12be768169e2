//! Who comes in, and how: pages of other origins, sessions of browsers, a door that is closed.

use super::{Place, bearer, check_problem, configured, get};
use crate::village::token;
use kith_tests::{
    cli::Cli,
    heard::Heard,
    http::{open, request},
    server::DataFolder,
};
use std::fs;

const HEAD: &str = "/v1/default/head";
const PAGE: &str = "https://kith.example.org";

#[test]
fn the_cookie_of_a_session_never_counts() {
    let place = Place::start();
    let url = place.server.url();
    let page = [("x-kith-console", "1"), ("authorization", place.bearer.as_str())];
    let begun = request(&url, "POST", "/session", &page, b"");
    let cookie = begun.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(begun.status == 204 && cookie.len() > 40, "{begun:?}");
    let host = url.trim_start_matches("http://");
    let own = format!("http://{host}");
    let as_page = [("cookie", cookie.as_str()), ("origin", own.as_str()), ("sec-fetch-site", "same-origin")];
    for headers in [&as_page[..1], &as_page] {
        check_problem(&request(&url, "GET", HEAD, headers, b""), 401, "TOKEN_INVALID", None);
        let grpc_web = [headers, &[("content-type", "application/grpc-web+proto")]].concat();
        check_problem(&request(&url, "POST", "/v1/default/events", &grpc_web, b"{}"), 401, "TOKEN_INVALID", None);
    }
    assert_eq!(get(&url, &place.bearer, HEAD, &as_page).status, 200, "beside it a token does");
}

#[test]
fn pages_of_listed_origins_may_ask_and_never_with_credentials() {
    let (server, _settings) = configured(&format!("[http]\nallowed_origins = [\"{PAGE}\"]\n"));
    let url = server.url();
    let owner = bearer(&server.token());
    let preflight = |origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,idempotency-key"),
        ];
        request(&url, "OPTIONS", "/v1/default/events", &headers, b"")
    };
    let allowed = preflight(PAGE);
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (204, PAGE));
    assert_eq!(allowed.header("access-control-allow-methods"), "GET, POST");
    for header in ["authorization", "content-type", "idempotency-key", "if-match", "last-event-id"] {
        let allowed = allowed.header("access-control-allow-headers");
        assert!(allowed.split(", ").any(|name| name == header), "{allowed}");
    }
    let answers = [get(&url, &owner, HEAD, &[("origin", PAGE)]), get(&url, "", HEAD, &[("origin", PAGE)])];
    for answer in &answers {
        assert_eq!(answer.header("access-control-allow-origin"), PAGE, "a page can read refusals, too");
        assert!(answer.header("access-control-expose-headers").contains("retry-after"));
    }
    for other in ["https://evil.example", "null", "https://kith.example.org:8443"] {
        for answer in [preflight(other), get(&url, &owner, HEAD, &[("origin", other)])] {
            assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("access-control")), "{answer:?}");
        }
        assert_ne!(preflight(other).status, 204);
    }
    let with_credentials = |(name, _): &(String, String)| name == "access-control-allow-credentials";
    assert!(!answers.iter().chain([&allowed]).any(|answer| answer.headers.iter().any(with_credentials)));
}

#[test]
fn the_description_is_for_everybody_and_names_routes_that_are_there() {
    let place = Place::start();
    let answer = request(&place.server.url(), "GET", "/openapi.json", &[], b"");
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let description = answer.json();
    // A feed that is not there looks like a route that is not there.
    let paths = description["paths"].as_object().unwrap().iter().filter(|(path, _)| !path.starts_with("/feeds/"));
    for (path, methods) in paths {
        let address = path.replace("{network}", "default").replace(['{', '}'], "");
        let methods = methods.as_object().unwrap();
        for method in methods.keys().filter(|name| *name != "parameters").map(|name| name.to_uppercase()) {
            let answer = request(&place.server.url(), &method, &address, &[("authorization", &place.bearer)], b"");
            let is_problem = answer.header("content-type") == "application/problem+json";
            let is_missing = is_problem && answer.json()["reason"] == "UNSUPPORTED";
            assert!(!is_missing, "{method} {address}: {}", answer.text());
        }
    }
}

#[test]
fn a_door_that_is_closed_says_so_and_calls_go_on() {
    let (server, _settings) = configured("[http]\nenabled = false\n");
    let owner = bearer(&server.token());
    for (method, path) in [("GET", HEAD), ("POST", "/v1/default/events"), ("GET", "/openapi.json")] {
        let answer = request(&server.url(), method, path, &[("authorization", &owner)], b"");
        assert_eq!((answer.status, answer.header("content-type")), (404, "text/plain; charset=utf-8"), "{path}");
        assert!(answer.text().contains("switched off"), "{}", answer.text());
    }
    assert_eq!(server.cli().head(), 0);
}

#[test]
fn what_is_beside_the_routes_is_as_it_was() {
    let place = Place::start();
    for path in ["/v1", "/v2/default/head", "/nothing"] {
        let answer = place.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (404, "text/plain; charset=utf-8"), "{path}");
    }
    assert_eq!(place.get("/").status, 200, "the console");
}

#[test]
fn log_lines_name_the_route_and_nothing_that_was_sent() {
    let data = DataFolder::default();
    let server = Heard::start_with(data.path(), |command| {
        command.env("KITH_TELEMETRY_FILTER", "info,kith_node=trace");
    });
    let owner = fs::read_to_string(data.path().join("owner.token")).unwrap();
    let cli = Cli::new(server.url(), owner.trim());
    let (id, secret) = token(&cli, &["--role", "reader"]);
    let headers = [("authorization", bearer(&secret)), ("accept", "text/event-stream".to_owned())];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut stream = open(server.url(), "GET", "/v1/default/entries?person=canary", &headers, b"");
    stream.wait_for(": caught up");
    cli.run(&["token", "revoke", &id]).ok();
    stream.rest();
    let line = server.hear("stream ended");
    assert!(line.contains("GET /v1/{network}/entries"), "{line}");
    let said = format!("{}{line}{}", server.said(), server.said_meanwhile());
    for hidden in ["canary", &secret, "/v1/default"] {
        assert!(!said.contains(hidden), "{hidden}: {said}");
    }
}

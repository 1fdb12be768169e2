//! The HTTP door: its routes, as programs without gRPC ask them.

mod cloud_events;
mod documented;
mod doors;
mod feeds;
mod following;
mod lines;
mod reading;
mod recording;
mod refusals;

use crate::village::village;
use kith_tests::{
    cli::Cli,
    http::{Answer, request},
    server::Server,
};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

/// A server with the village on its network `default`, and a caller.
struct Place {
    server: Server,
    cli: Cli,
    bearer: String,
}

impl Place {
    fn start() -> Self {
        let (server, cli) = village();
        let bearer = bearer(&server.token());
        Self { server, cli, bearer }
    }

    /// Asks as the owner.
    fn get(&self, path: &str) -> Answer {
        get(&self.server.url(), &self.bearer, path, &[])
    }

    /// Records as the owner.
    fn post(&self, body: &str, headers: &[(&str, &str)]) -> Answer {
        post(&self.server.url(), &self.bearer, "/v1/default/events", body, headers)
    }
}

fn bearer(secret: &str) -> String {
    format!("Bearer {secret}")
}

fn get(url: &str, bearer: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    request(url, "GET", path, &[&[("authorization", bearer)], headers].concat(), b"")
}

fn post(url: &str, bearer: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![("authorization", bearer), ("content-type", "application/json")];
    all.retain(|(name, _)| !headers.iter().any(|(given, _)| given == name));
    request(url, "POST", path, &[&all, headers].concat(), body.as_bytes())
}

/// A meeting at a minute of a day.
fn met(minute: u32, people: [&str; 2]) -> Value {
    json!({ "event": {
        "occurred_at": format!("2026-03-04T10:{minute:02}:00Z"), "scope": "network", "met": { "people": people },
    } })
}

/// Asserts that an answer is a problem with this status, reason and field; returns it.
fn check_problem(answer: &Answer, status: u16, reason: &str, field: Option<&str>) -> Value {
    let text = answer.text();
    assert_eq!((answer.status, answer.header("content-type")), (status, "application/problem+json"), "{text}");
    let problem = answer.json();
    assert_eq!((&problem["reason"], &problem["field"]), (&json!(reason), &json!(field)), "{text}");
    assert_eq!((&problem["status"], &problem["type"]), (&json!(status), &json!("about:blank")), "{text}");
    assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{text}");
    problem
}

/// A server with these settings; the folder holds them.
fn configured(settings: &str) -> (Server, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kith.toml");
    fs::write(&file, settings).unwrap();
    (Server::start_with(&["--config", file.to_str().unwrap()]), folder)
}

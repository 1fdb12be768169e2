//! Following: history and then what comes, each entry once and in order, whatever happens to connection and server.

use super::append::connected;
use crate::{
    case::{Case, Talk, equal, items, table},
    driver::Answer,
    json::with,
    village::Village,
};
use anyhow::{Result, ensure};
use kith_client::ReadOptions;
use kith_core::filter::Filter;
use kith_tests::{events::met, proxy::Proxy, server::Server};
use serde_json::{Value, json};
use std::sync::Arc;

const FOLLOW: &[&str] = &["follow"];

pub(super) fn cases() -> Vec<Case> {
    table(
        "follow",
        &[
            ("history, then what comes", FOLLOW, history_then_what_comes),
            ("after a position", FOLLOW, after_a_position),
            ("from a cursor that was kept", FOLLOW, from_a_cursor_that_was_kept),
            ("what a filter lets pass", FOLLOW, what_a_filter_lets_pass),
            ("across connections that are cut", FOLLOW, across_connections_that_are_cut),
            ("across a connection that stalls", FOLLOW, across_a_connection_that_stalls),
            ("across a server that is killed", FOLLOW, across_a_server_that_is_killed),
            ("with a cursor of another filter", FOLLOW, with_a_cursor_of_another_filter),
            ("with a cursor of another log", FOLLOW, with_a_cursor_of_another_log),
            ("beside calls, seventy times", FOLLOW, beside_calls_seventy_times),
            ("what was stopped", FOLLOW, what_was_stopped),
            ("a token that is revoked", FOLLOW, a_token_that_is_revoked),
        ],
    )
}

fn follow(talk: &mut Talk, options: Value) -> Result<()> {
    talk.ask(with(json!({ "do": "follow", "on": "c", "as": "f" }), options)).map(drop)
}

/// Follows up to a position; returns the entries and the last message.
fn hear(talk: &mut Talk, position: u64) -> Result<(Vec<Value>, Value)> {
    let is_last = |message: &Value| message["cursor"]["position"].as_u64() >= Some(position);
    let heard = talk.hear_until("f", is_last)?;
    let mut entries = Vec::new();
    for message in &heard {
        entries.extend(items(message, "entries")?.iter().cloned());
    }
    let last = heard.into_iter().next_back().unwrap_or_default();
    Ok((entries, last))
}

/// Checks that what was heard is what is stored after a position.
fn as_stored(talk: &Talk, village: &Village, entries: Vec<Value>, after: u64) -> Result<()> {
    let options =
        ReadOptions { after: kith_core::position::Position::new(after), limit: 10_000, ..ReadOptions::default() };
    equal(&Value::Array(entries), &json!(talk.world.wait(village.entries(&options))))
}

fn history_then_what_comes(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    follow(talk, json!({}))?;
    let (mut entries, last) = hear(talk, 6)?;
    ensure!(last["caught_up"] == true, "it is not told that this is the head: {last}");
    for _ in 0..3 {
        let positions = talk.world.record(&village, &[met(&["amina", "ben"]), met(&["ben", "chidi"])]);
        entries.extend(hear(talk, positions[1])?.0);
    }
    as_stored(talk, &village, entries, 0)
}

fn after_a_position(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    follow(talk, json!({ "after": 4 }))?;
    let (entries, _) = hear(talk, 6)?;
    as_stored(talk, &village, entries, 4)
}

fn from_a_cursor_that_was_kept(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    let filter = json!({ "kinds": ["met"], "people": ["amina"] });
    talk.world.record(&village, &[met(&["amina", "ben"]), met(&["ben", "chidi"])]);
    follow(talk, json!({ "filter": filter }))?;
    let (_, last) = hear(talk, 8)?;
    talk.ask(json!({ "do": "stop", "of": "f" }))?;
    let positions = talk.world.record(&village, &[met(&["ben", "chidi"]), met(&["amina", "chidi"])]);
    follow(talk, json!({ "filter": filter, "cursor": last["cursor"] }))?;
    let (entries, _) = hear(talk, positions[1])?;
    as_stored(talk, &village, entries, 9)
}

fn what_a_filter_lets_pass(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    talk.world.record(&village, &[met(&["amina", "ben"]), met(&["ben", "chidi"]), met(&["chidi", "amina"])]);
    follow(talk, json!({ "filter": { "people": ["chidi"] } }))?;
    let (entries, _) = hear(talk, 9)?;
    let filter = Filter { people: vec!["chidi".parse()?], ..Filter::default() };
    let stored = talk.world.wait(village.entries(&ReadOptions { filter, ..ReadOptions::default() }));
    equal(&Value::Array(entries), &json!(stored))
}

/// A village that is reached through a proxy.
fn behind_a_proxy(talk: &mut Talk, options: Value) -> Result<(Village, Proxy)> {
    let village = talk.world.village();
    let proxy = talk.world.wait(Proxy::start(&village.url));
    talk.connect_with(&proxy.url(), &village.token, village.name(), options)?;
    Ok((village, proxy))
}

fn across_connections_that_are_cut(talk: &mut Talk) -> Result<()> {
    let (village, proxy) = behind_a_proxy(talk, json!({}))?;
    follow(talk, json!({}))?;
    let (mut entries, _) = hear(talk, 6)?;
    for _ in 0..4 {
        proxy.cut();
        let positions = talk.world.record(&village, &[met(&["amina", "ben"])]);
        entries.extend(hear(talk, positions[0])?.0);
    }
    as_stored(talk, &village, entries, 0)
}

fn across_a_connection_that_stalls(talk: &mut Talk) -> Result<()> {
    let (village, proxy) = behind_a_proxy(talk, json!({ "silence_ms": 600 }))?;
    follow(talk, json!({ "silence_ms": 600 }))?;
    let (mut entries, _) = hear(talk, 6)?;
    proxy.stall();
    let positions = talk.world.record(&village, &[met(&["amina", "ben"])]);
    let silent = talk.ask(json!({ "do": "next", "of": "f", "ms": 900 }))?;
    ensure!(silent["silent"] == true, "something was heard all the same: {silent}");
    proxy.flow();
    entries.extend(hear(talk, positions[0])?.0);
    as_stored(talk, &village, entries, 0)
}

fn across_a_server_that_is_killed(talk: &mut Talk) -> Result<()> {
    let mut server = Server::start();
    let proxy = talk.world.wait(Proxy::start(&server.url()));
    let token = server.token();
    talk.connect(&proxy.url(), &token, "default")?;
    follow(talk, json!({}))?;
    let mut positions = Vec::new();
    for round in 0..3_u64 {
        let options = kith_client::Options::new(server.url(), token.as_str(), "default".parse()?);
        let client = talk.world.wait(kith_client::Client::connect(options))?;
        let village = Village { client, url: server.url(), token: token.clone() };
        let added = [kith_tests::events::person_added(&format!("p{round}"), "")];
        let recorded = talk.world.record(&village, &added);
        let (entries, _) = hear(talk, recorded[0])?;
        positions.extend(entries.iter().filter_map(|entry| entry["position"].as_u64()));
        let data = server.kill();
        server = Server::start_on(Arc::clone(&data), &[]);
        proxy.redirect(&server.url());
    }
    ensure!(positions == [1, 2, 3], "what was heard are the positions {positions:?}");
    Ok(())
}

fn with_a_cursor_of_another_filter(talk: &mut Talk) -> Result<()> {
    connected(talk)?;
    follow(talk, json!({ "filter": { "kinds": ["met"] } }))?;
    let (_, last) = hear(talk, 6)?;
    follow(talk, json!({ "filter": { "kinds": ["asked"] }, "cursor": last["cursor"] }))?;
    let expected = json!({ "kind": "refused", "retryable": false });
    talk.fails_with(json!({ "do": "next", "of": "f", "ms": 10_000 }), &expected).map(drop)
}

fn with_a_cursor_of_another_log(talk: &mut Talk) -> Result<()> {
    connected(talk)?;
    follow(talk, json!({}))?;
    let (_, mut last) = hear(talk, 6)?;
    last["cursor"]["incarnation"] = "07".repeat(16).into();
    follow(talk, json!({ "cursor": last["cursor"] }))?;
    let expected = json!({ "kind": "refused", "reason": "RESET_REQUIRED", "retryable": false });
    talk.fails_with(json!({ "do": "next", "of": "f", "ms": 10_000 }), &expected).map(drop)
}

fn beside_calls_seventy_times(talk: &mut Talk) -> Result<()> {
    connected(talk)?;
    for number in 0..70 {
        follow(talk, json!({ "as": format!("f{number}") }))?;
    }
    for number in 0..70 {
        talk.hear_until(&format!("f{number}"), |message| message["caught_up"] == true)?;
    }
    talk.ask(json!({ "do": "head", "on": "c" }))?;
    for number in 0..70 {
        talk.ask(json!({ "do": "stop", "of": format!("f{number}") }))?;
    }
    Ok(())
}

fn what_was_stopped(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    follow(talk, json!({}))?;
    hear(talk, 6)?;
    talk.ask(json!({ "do": "stop", "of": "f" }))?;
    let positions = talk.world.record(&village, &[met(&["amina", "ben"])]);
    follow(talk, json!({ "after": 6 }))?;
    let (entries, _) = hear(talk, positions[0])?;
    ensure!(entries.len() == 1, "{} entries are heard", entries.len());
    Ok(())
}

fn a_token_that_is_revoked(talk: &mut Talk) -> Result<()> {
    let village = talk.world.village();
    let token = kith_client::NewToken {
        role: Some(kith_core::event::Role::Reader),
        person: None,
        organisation: None,
        expires_at: None,
    };
    let issued = talk.world.wait(village.client.issue_token(&token))?;
    talk.connect(&village.url, issued.secret.expose(), village.name())?;
    follow(talk, json!({}))?;
    hear(talk, issued.position.get())?;
    talk.world.wait(village.client.revoke_token(&issued.token.id.parse()?))?;
    loop {
        match talk.tell(json!({ "do": "next", "of": "f", "ms": 10_000 }))? {
            Answer::Error(error) => {
                let is_told = error["reason"] == "TOKEN_INVALID" && error["retryable"] == false;
                ensure!(is_told, "the error is {error}");
                return Ok(());
            }
            // The entry that revokes the token may be heard before the stream ends.
            Answer::Ok(heard) => ensure!(heard["silent"] != true, "the stream goes on"),
        }
    }
}

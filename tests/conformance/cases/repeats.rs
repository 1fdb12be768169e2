//! Repeats: what can be sent again is, as often and as late as the server asks for, and nothing is recorded twice.

use super::append::append;
use crate::{
    case::{Case, Talk, equal, table},
    scripted::{Scripted, message, refusal, status},
};
use anyhow::{Result, ensure};
use kith_proto::v1;
use kith_tests::{events::met, proxy::Proxy};
use serde_json::json;
use std::time::{Duration, Instant};
use tonic::{Code, Status};

const ATTEMPTS: &[&str] = &["attempts"];

pub(super) fn cases() -> Vec<Case> {
    table(
        "repeats",
        &[
            ("an append whose answer is lost is recorded once", &[], an_append_whose_answer_is_lost),
            ("after as long as the server asks for", &[], after_as_long_as_the_server_asks_for),
            ("the same bytes", &[], the_same_bytes),
            ("not what can never succeed", &[], not_what_can_never_succeed),
            ("only so often", ATTEMPTS, only_so_often),
            ("not what would count twice", ATTEMPTS, not_what_would_count_twice),
            ("what certainly had no effect", ATTEMPTS, what_certainly_had_no_effect),
        ],
    )
}

fn outcome(position: u64) -> crate::scripted::Answer {
    let outcomes = vec![v1::AppendOutcome { position, duplicate: false }];
    message(&v1::AppendResponse { outcomes })
}

fn busy(wait_ms: u64) -> crate::scripted::Answer {
    refusal(status(Code::ResourceExhausted, "LOG_BUSY", Some(Duration::from_millis(wait_ms))))
}

/// Two events, so that no client may choose another way for a single one.
fn two() -> serde_json::Value {
    append(&[met(&["amina", "ben"]), met(&["ben", "chidi"])])
}

fn two_outcomes() -> crate::scripted::Answer {
    let outcome = |position| v1::AppendOutcome { position, duplicate: false };
    message(&v1::AppendResponse { outcomes: vec![outcome(7), outcome(8)] })
}

fn an_append_whose_answer_is_lost(talk: &mut Talk) -> Result<()> {
    let village = talk.world.village();
    let proxy = talk.world.wait(Proxy::start(&village.url));
    talk.connect_with(&proxy.url(), &village.token, village.name(), json!({ "attempts": 10 }))?;
    talk.ask(json!({ "do": "head", "on": "c" }))?;
    proxy.stall();
    let client = village.client.clone();
    let lost = talk.world.runtime.spawn(async move {
        // Cut once the events are in the log and their answer is held up.
        while client.head().await.is_ok_and(|head| head.position.get() < 8) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        proxy.cut();
        proxy.flow();
        proxy
    });
    let answer = talk.ask(two())?;
    drop(talk.world.wait(lost)?);
    for (at, position) in [7, 8].into_iter().enumerate() {
        let outcome = &answer["outcomes"][at];
        ensure!(outcome["position"] == position && outcome["duplicate"] == true, "the outcome is {outcome}");
    }
    let head = talk.world.wait(village.client.head())?.position.get();
    ensure!(head == 8, "the head is {head}");
    Ok(())
}

fn after_as_long_as_the_server_asks_for(talk: &mut Talk) -> Result<()> {
    let server = Scripted::start(&talk.world.runtime, [busy(400), two_outcomes()]);
    talk.connect(server.url(), "kith_secret", "default")?;
    talk.ask(two())?;
    let calls = server.calls();
    ensure!(calls.len() == 2, "it was sent {} times", calls.len());
    let waited = calls[1].at - calls[0].at;
    ensure!(waited >= Duration::from_millis(400), "it was sent again after {waited:?}");
    ensure!(waited < Duration::from_secs(2), "it was sent again after {waited:?} only");
    Ok(())
}

fn the_same_bytes(talk: &mut Talk) -> Result<()> {
    let server =
        Scripted::start(&talk.world.runtime, [busy(1), refusal(Status::unavailable("restarting")), two_outcomes()]);
    talk.connect(server.url(), "kith_secret", "default")?;
    let answer = talk.ask(two())?;
    ensure!(answer["outcomes"][1]["position"] == 8, "the answer is {answer}");
    let calls = server.calls();
    let is_same =
        calls.iter().all(|call| call.request == calls[0].request && call.path == "/kith.v1.LogService/Append");
    ensure!(calls.len() == 3 && is_same, "the requests differ");
    Ok(())
}

fn not_what_can_never_succeed(talk: &mut Talk) -> Result<()> {
    let invalid = refusal(status(Code::InvalidArgument, "EVENT_INVALID", None));
    let server = Scripted::start(&talk.world.runtime, [invalid, outcome(7)]);
    talk.connect(server.url(), "kith_secret", "default")?;
    talk.fails_with(two(), &json!({ "kind": "refused", "reason": "EVENT_INVALID" }))?;
    ensure!(server.calls().len() == 1, "it was sent again");
    Ok(())
}

fn only_so_often(talk: &mut Talk) -> Result<()> {
    let server = Scripted::start(&talk.world.runtime, [refusal(Status::unavailable("restarting"))]);
    talk.connect_with(server.url(), "kith_secret", "default", json!({ "attempts": 3 }))?;
    let begun = Instant::now();
    talk.fails_with(json!({ "do": "head", "on": "c" }), &json!({ "kind": "unreachable" }))?;
    ensure!(server.calls().len() == 3, "it was sent {} times", server.calls().len());
    ensure!(begun.elapsed() >= Duration::from_millis(75), "there was no time between attempts");
    Ok(())
}

fn not_what_would_count_twice(talk: &mut Talk) -> Result<()> {
    let server = Scripted::start(&talk.world.runtime, [refusal(Status::unavailable("restarting"))]);
    talk.connect(server.url(), "kith_secret", "default")?;
    let command = json!({ "do": "create_network", "on": "c", "name": "north" });
    talk.fails_with(command, &json!({ "kind": "unreachable", "had_no_effect": false }))?;
    ensure!(server.calls().len() == 1, "it was sent {} times", server.calls().len());
    Ok(())
}

fn what_certainly_had_no_effect(talk: &mut Talk) -> Result<()> {
    let network = v1::Network { name: "north".into(), ..v1::Network::default() };
    let created = message(&v1::CreateNetworkResponse { network: Some(network) });
    let server = Scripted::start(&talk.world.runtime, [busy(1), created]);
    talk.connect(server.url(), "kith_secret", "default")?;
    let answer = talk.ask(json!({ "do": "create_network", "on": "c", "name": "north" }))?;
    equal(&answer, &json!({ "name": "north" }))?;
    ensure!(server.calls().len() == 2, "it was sent {} times", server.calls().len());
    Ok(())
}

//! Refusals and failures: what clients make of every reason, of codes without one, and of answers that are none.

use crate::{
    case::{Case, Talk, table},
    scripted::{Answer, Part, Scripted, refusal, status},
};
use anyhow::{Result, ensure};
use bytes::Bytes;
use kith_core::reason::{self, Reason, meaning};
use kith_proto::{ERROR_DOMAIN, v1};
use serde_json::{Value, json};
use std::{collections::HashMap, net::TcpListener, time::Duration};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, StatusExt};

/// A token that must be in no message.
const TOKEN: &str = "kith_0123456789abcdef";

/// Reasons that the server gives: those that this version knows.
fn reasons() -> impl Iterator<Item = Reason> {
    (1..=i32::from(u8::MAX)).filter_map(|number| Reason::try_from(number).ok())
}

pub(super) fn cases() -> Vec<Case> {
    let by_reason = reasons().map(|reason| {
        Case::new(format!("refusals: {}", reason::name(reason)), &[], move |talk| a_reason(talk, reason))
    });
    let rest = table(
        "refusals",
        &[
            ("codes without a reason", &[], codes_without_a_reason),
            ("a reason of a later version", &[], a_reason_of_a_later_version),
            ("a reason of somebody else", &[], a_reason_of_somebody_else),
            ("the field and event at fault", &[], the_field_and_event_at_fault),
            ("the event at fault by its field alone", &[], the_event_at_fault_by_its_field_alone),
            ("a broken state", &[], a_broken_state),
            ("an answer that is cut off", &[], an_answer_that_is_cut_off),
            ("an answer that is malformed", &[], an_answer_that_is_malformed),
            ("an answer without a message", &[], an_answer_without_a_message),
            ("silence", &[], silence),
            ("no server", &[], no_server),
            ("a token that nobody knows", &[], a_token_that_nobody_knows),
        ],
    );
    by_reason.chain(rest).collect()
}

/// Asks a server that answers in this way; checks the error and that it does not show the token.
fn answered(talk: &mut Talk, answer: Answer, expected: &Value) -> Result<()> {
    let server = Scripted::start(&talk.world.runtime, [answer]);
    asked(talk, server.url(), expected)
}

fn asked(talk: &mut Talk, url: &str, expected: &Value) -> Result<()> {
    talk.connect_with(url, TOKEN, "default", json!({ "attempts": 1, "call_ms": 700 }))?;
    let error = talk.fails_with(json!({ "do": "head", "on": "c" }), expected)?;
    ensure!(!error.to_string().contains(TOKEN), "the error shows the token: {error}");
    Ok(())
}

fn a_reason(talk: &mut Talk, reason: Reason) -> Result<()> {
    let meaning = meaning(reason);
    let name = reason::name(reason);
    for wait in [None, Some(Duration::from_millis(1_250))] {
        let expected = json!({
            "kind": "refused",
            "reason": name,
            "field": "",
            "event": null,
            "retry_after_ms": wait.map(|wait| wait.as_millis()),
            "retryable": meaning.is_retryable,
            "had_no_effect": meaning.had_no_effect,
            "message": "as the script says",
        });
        answered(talk, refusal(status(Code::from_i32(meaning.code as i32), name, wait)), &expected)?;
    }
    Ok(())
}

fn codes_without_a_reason(talk: &mut Talk) -> Result<()> {
    for number in 1..=16 {
        let code = Code::from_i32(number);
        let (kind, retryable) = match code {
            Code::Unavailable => ("unreachable", true),
            Code::DeadlineExceeded => ("timed_out", true),
            _ => ("server_failed", false),
        };
        let expected = json!({
            "kind": kind,
            "reason": "",
            "retryable": retryable,
            "had_no_effect": false,
            "retry_after_ms": null,
        });
        answered(talk, refusal(Status::new(code, "in words")), &expected)?;
    }
    Ok(())
}

fn a_reason_of_a_later_version(talk: &mut Talk) -> Result<()> {
    let later = |code, wait| refusal(status(code, "NOT_YET_INVENTED", wait));
    let wait = Some(Duration::from_millis(750));
    let check = |talk: &mut Talk, code, wait, kind: &str, retryable| {
        let expected = json!({ "kind": kind, "retryable": retryable, "had_no_effect": false });
        answered(talk, later(code, wait), &expected)
    };
    check(talk, Code::FailedPrecondition, None, "server_failed", false)?;
    check(talk, Code::FailedPrecondition, wait, "server_failed", true)?;
    check(talk, Code::Unavailable, None, "unreachable", true)?;
    check(talk, Code::Unavailable, wait, "unreachable", true)
}

fn a_reason_of_somebody_else(talk: &mut Talk) -> Result<()> {
    let details = ErrorDetails::with_error_info("EVENT_INVALID", "example.org", HashMap::new());
    let answer = refusal(Status::with_error_details(Code::InvalidArgument, "in words", details));
    answered(
        talk,
        answer,
        &json!({ "kind": "server_failed", "reason": "", "retryable": false, "had_no_effect": false }),
    )
}

fn at_fault(metadata: HashMap<String, String>, fields: &[&str]) -> Answer {
    let mut details = ErrorDetails::with_error_info("EVENT_INVALID", ERROR_DOMAIN, metadata);
    let violations: Vec<_> = fields.iter().map(|field| FieldViolation::new(*field, "why")).collect();
    details.set_bad_request(violations);
    refusal(Status::with_error_details(Code::InvalidArgument, "in words", details))
}

fn the_field_and_event_at_fault(talk: &mut Talk) -> Result<()> {
    let metadata = HashMap::from([("event".to_owned(), "3".to_owned())]);
    let answer = at_fault(metadata, &["events[3].event.met.people", "events[4].event.id"]);
    answered(talk, answer, &json!({ "reason": "EVENT_INVALID", "field": "event.met.people", "event": 3 }))
}

fn the_event_at_fault_by_its_field_alone(talk: &mut Talk) -> Result<()> {
    let answer = at_fault(HashMap::new(), &["events[12].event.met.people"]);
    answered(talk, answer, &json!({ "field": "event.met.people", "event": 12 }))?;
    let answer = at_fault(HashMap::new(), &["filter.kinds"]);
    answered(talk, answer, &json!({ "field": "filter.kinds", "event": null }))
}

fn a_broken_state(talk: &mut Talk) -> Result<()> {
    let mut details = ErrorDetails::with_error_info("SCOPE_MISMATCH", ERROR_DOMAIN, HashMap::new());
    let violation = PreconditionViolation::new("SCOPE_MISMATCH", "event.answered.referral", "why");
    details.set_precondition_failure(vec![violation]);
    let answer = refusal(Status::with_error_details(Code::FailedPrecondition, "in words", details));
    answered(talk, answer, &json!({ "reason": "SCOPE_MISMATCH", "field": "event.answered.referral" }))
}

fn an_answer_that_is_cut_off(talk: &mut Talk) -> Result<()> {
    let expected = json!({ "kind": "unreachable", "retryable": true, "had_no_effect": false });
    answered(talk, vec![], &expected)?;
    answered(talk, vec![Part::Bytes(Bytes::from_static(&[0, 0, 0, 0, 9, 8]))], &expected)
}

fn an_answer_that_is_malformed(talk: &mut Talk) -> Result<()> {
    let answer = vec![Part::Message(Bytes::from_static(b"\xff\xff\xff")), Part::Status(Status::ok(""))];
    answered(talk, answer, &json!({ "kind": "answer_invalid", "retryable": false, "had_no_effect": false }))
}

fn an_answer_without_a_message(talk: &mut Talk) -> Result<()> {
    let answer = vec![Part::Status(Status::ok(""))];
    answered(talk, answer, &json!({ "kind": "answer_invalid", "retryable": false, "had_no_effect": false }))
}

fn silence(talk: &mut Talk) -> Result<()> {
    answered(talk, vec![Part::Silence], &json!({ "kind": "timed_out", "retryable": true, "had_no_effect": false }))
}

fn no_server(talk: &mut Talk) -> Result<()> {
    let url = {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        format!("http://{}", listener.local_addr()?)
    };
    asked(talk, &url, &json!({ "kind": "unreachable", "retryable": true, "had_no_effect": false }))
}

fn a_token_that_nobody_knows(talk: &mut Talk) -> Result<()> {
    let url = talk.world.server.url();
    let expected = json!({ "kind": "refused", "reason": "TOKEN_INVALID", "retryable": false, "had_no_effect": true });
    asked(talk, &url, &expected)?;
    let server = Scripted::start(
        &talk.world.runtime,
        [crate::scripted::message(&v1::HeadResponse {
            position: 7,
            root: vec![7; 32],
            incarnation: vec![7; 16],
            recorded_at: None,
        })],
    );
    talk.connect(server.url(), TOKEN, "default")?;
    let answer = talk.ask(json!({ "do": "head", "on": "c" }))?;
    ensure!(answer["position"] == 7, "the head is {answer}");
    Ok(())
}

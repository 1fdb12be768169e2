//! Answers in JSON: entries, outcomes, and how a command failed.

use kith_client::{Entries, Error, Kind, reason};
use kith_core::invalid::Invalid;
use kith_json::entry_json;
use serde_json::{Value, json};
use std::fmt::Display;

/// Why a command was not carried out.
pub(crate) enum Failure {
    /// It failed as the client says.
    Failed(Value),
    /// This driver does not know it.
    Unknown,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(json!({
            "kind": kind_name(error.kind()),
            "reason": error.reason().map(reason::name).unwrap_or_default(),
            "field": without_index(error.field().unwrap_or_default()),
            "event": error.event(),
            "retry_after_ms": error.retry_after().map(|wait| wait.as_millis()),
            "retryable": error.is_retryable(),
            "had_no_effect": error.had_no_effect(),
            "message": error.to_string(),
        }))
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Error::from(invalid).into()
    }
}

/// What does not prove what it should.
pub(crate) fn not_verified(why: impl Display) -> Failure {
    Failure::Failed(json!({
        "kind": "not_verified",
        "reason": "",
        "field": "",
        "event": null,
        "retry_after_ms": null,
        "retryable": false,
        "had_no_effect": false,
        "message": why.to_string(),
    }))
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Refused(_) => "refused",
        Kind::Unreachable => "unreachable",
        Kind::TimedOut => "timed_out",
        Kind::ServerFailed => "server_failed",
        Kind::AnswerInvalid => "answer_invalid",
        Kind::NotVerified => "not_verified",
        Kind::OptionsInvalid => "options_invalid",
    }
}

/// A field without the index of its event, which the error says besides.
fn without_index(field: &str) -> &str {
    let indexed = field.strip_prefix("events[").and_then(|rest| rest.split_once("]."));
    indexed.map_or(field, |(_, field)| field)
}

/// Entries as `kith log -o json` writes them.
pub(crate) fn entries_json(entries: &Entries) -> Result<Value, Failure> {
    let all = entries.decode()?;
    Ok(all.iter().map(|one| Value::Object(entry_json(&one.entry, &one.event, &one.details, &one.erased))).collect())
}

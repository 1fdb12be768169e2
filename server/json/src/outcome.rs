//! Outcomes: what became of events that were taken.

use crate::values::object;
use kith_core::{decide::Outcome, id::EventId};
use serde_json::{Map, Value, json};

/// What became of an event: `{"id", "position", "duplicate"}`. `duplicate` says that the log had it already.
pub fn outcome_json(id: EventId, outcome: Outcome) -> Map<String, Value> {
    let (position, duplicate) = match outcome {
        Outcome::Accepted(position) => (position, false),
        Outcome::Duplicate(position) => (position, true),
    };
    object([("id", json!(id.to_string())), ("position", json!(position.get())), ("duplicate", json!(duplicate))])
}

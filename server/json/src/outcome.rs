//! Outcomes of accepted events.

use crate::values::object;
use kith_core::{decide::Outcome, id::EventId};
use serde_json::{Map, Value, json};

/// An event's outcome: `{"id", "position", "duplicate"}`. `duplicate` means that the log already had it.
pub fn outcome_json(id: EventId, outcome: Outcome) -> Map<String, Value> {
    let (position, duplicate) = match outcome {
        Outcome::Accepted(position) => (position, false),
        Outcome::Duplicate(position) => (position, true),
    };
    object([("id", json!(id.to_string())), ("position", json!(position.get())), ("duplicate", json!(duplicate))])
}

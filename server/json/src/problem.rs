//! Problems: why something was refused or failed.

use crate::values::object;
use serde_json::{Map, Value, json};

/// A problem: `{"reason", "field", "message"}`.
///
/// `reason` is a name of `errors.proto` without its prefix, such as `EVENT_INVALID`, or one of the caller's own;
/// `field` is the field at fault, such as `event.met.people`, or `null`; `message` is text that may change.
pub fn problem_json(reason: &str, field: Option<&str>, message: &str) -> Map<String, Value> {
    object([("reason", json!(reason)), ("field", json!(field)), ("message", json!(message))])
}

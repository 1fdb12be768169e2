//! The end of a log.

use crate::{time::time_text, values::object};
use kith_core::{position::Position, timestamp::Timestamp};
use serde_json::{Map, Value, json};

/// The end of a network's log: `{"network", "position", "root", "recorded_at"}`, with the root of the hash tree in
/// hexadecimal, and `null` for when the last entry of an empty log was recorded.
pub fn head_json(network: &str, position: Position, root: &str, recorded_at: Option<Timestamp>) -> Map<String, Value> {
    object([
        ("network", json!(network)),
        ("position", json!(position.get())),
        ("root", json!(root)),
        ("recorded_at", json!(recorded_at.map(time_text))),
    ])
}

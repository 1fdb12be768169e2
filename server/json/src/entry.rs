//! Entries: events as a log holds them.

use crate::{
    detail::details_json,
    event::event_json,
    name::scope_name,
    time::time_text,
    values::{ids, object, text},
};
use kith_core::{detail::Detail, entry::Entry, event::Event, position::Position};
use serde_json::{Map, Value, json};

/// What is said of an entry besides its record.
pub(crate) const BESIDES: [&str; 10] = [
    "position",
    "id",
    "kind",
    "occurred_at",
    "recorded_at",
    "recorded_by",
    "organisation",
    "scope",
    "people",
    "erased",
];

/// An entry with its event and the details that the reader may see: the most used fields first, then the whole event.
///
/// `{"position", "id", "kind", "occurred_at", "recorded_at", "recorded_by", "organisation", "scope", "people", "event",
/// "details", "erased"}`, with `null` for no organisation. `event` and `details` are a record, as
/// [`read_record`](crate::read_record) reads it.
/// `erased` are the details that are no more: `{"index", "position"}`, with the position of the entry that erased them.
pub fn entry_json(
    entry: &Entry,
    event: &Event,
    details: &[Detail],
    erased: &[(usize, Position)],
) -> Map<String, Value> {
    let gone = |(index, by): &(usize, Position)| json!({ "index": index, "position": by.get() });
    let people: Vec<_> = event.people().into_iter().cloned().collect();
    object([
        ("position", json!(entry.position.get())),
        ("id", json!(event.id.to_string())),
        ("kind", json!(event.kind().to_string())),
        ("occurred_at", json!(time_text(event.occurred_at))),
        ("recorded_at", json!(time_text(entry.recorded_at))),
        ("recorded_by", json!(entry.recorded_by.as_str())),
        ("organisation", json!(text(entry.organisation.as_ref()))),
        ("scope", json!(scope_name(event.scope))),
        ("people", json!(ids(&people))),
        ("event", event_json(event)),
        ("details", details_json(details)),
        ("erased", erased.iter().map(gone).collect()),
    ])
}

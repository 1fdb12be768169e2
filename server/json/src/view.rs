//! Views and reports with their status.

use kith_proto::v1::{FieldType, View, ViewState};
use serde_json::{Value, json};

/// A view or report with its status.
///
/// `{"name", "version", "state", "cursor", "lag", "keys", "rows", "contract", "component", "settings", "fields": [{"name",
/// "type", "about"}, ...], "events_folded", "events_per_second", "fuel", "fuel_per_event", "state_bytes", "faults",
/// "quarantined": [{"key", "position", "message"}, ...], "last_error"}`.
pub fn view_json(view: &View) -> Value {
    let settings = serde_json::from_str(&view.settings).unwrap_or_else(|_| Value::from(view.settings.as_str()));
    let fields = view
        .fields
        .iter()
        .map(|field| json!({ "name": field.name, "type": type_name(field.r#type()), "about": field.about }));
    let quarantined =
        view.quarantined.iter().map(|one| json!({ "key": one.key, "position": one.position, "message": one.message }));
    json!({
        "name": view.name,
        "version": view.version,
        "state": view_state_name(view.state()),
        "cursor": view.cursor,
        "lag": view.lag,
        "keys": view.keys,
        "rows": view.rows,
        "contract": view.contract,
        "component": hex::encode(&view.component),
        "settings": settings,
        "fields": fields.collect::<Vec<_>>(),
        "events_folded": view.events_folded,
        "events_per_second": view.events_per_second,
        "fuel": view.fuel,
        "fuel_per_event": view.fuel_per_event,
        "state_bytes": view.state_bytes,
        "faults": view.faults,
        "quarantined": quarantined.collect::<Vec<_>>(),
        "last_error": if view.last_error.is_empty() { None } else { Some(&view.last_error) },
    })
}

/// The name of a view's state, such as `running` or `waiting for room`.
pub fn view_state_name(state: ViewState) -> &'static str {
    match state {
        ViewState::Unspecified => "unknown",
        ViewState::Building => "building",
        ViewState::Running => "running",
        ViewState::Stopped => "stopped",
        ViewState::Paused => "paused",
        ViewState::WaitingForRoom => "waiting for room",
    }
}

fn type_name(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Unspecified => "unknown",
        FieldType::Number => "number",
        FieldType::Integer => "integer",
        FieldType::Text => "text",
        FieldType::Flag => "flag",
        FieldType::Day => "day",
        FieldType::Person => "person",
        FieldType::Event => "event",
    }
}

//! Views on the wire: their answers as messages of `kith.v1`, the same for a server and for a replica without one.

pub mod report;

use crate::{
    ask::{
        answer::{RemovedRow, Row, Value},
        digest::ViewDigest,
    },
    contract::{Field, FieldType, KeyShape},
    limits,
    view::status::{QuarantinedKey, ViewState, ViewStatus},
};
use kith_core::{id::PersonId, position::Position};
use kith_proto::v1;

/// Columns.
pub fn fields(fields: &[Field]) -> Vec<v1::Field> {
    let to_proto = |field: &Field| v1::Field {
        name: field.name.clone(),
        r#type: field_type(field.of).into(),
        about: field.about.clone(),
    };
    fields.iter().map(to_proto).collect()
}

fn field_type(of: FieldType) -> v1::FieldType {
    match of {
        FieldType::Number => v1::FieldType::Number,
        FieldType::Integer => v1::FieldType::Integer,
        FieldType::Text => v1::FieldType::Text,
        FieldType::Flag => v1::FieldType::Flag,
        FieldType::Day => v1::FieldType::Day,
        FieldType::Person => v1::FieldType::Person,
        FieldType::Event => v1::FieldType::Event,
    }
}

/// A row.
pub fn row(row: Row) -> v1::Row {
    v1::Row {
        key: ids(&row.key),
        item: number(row.item),
        values: row.values.into_iter().map(value).collect(),
        evidence: row.evidence_count,
        position: number(row.changed),
        partial: row.partial,
        pending: false,
    }
}

/// Removed rows.
pub fn removed(rows: &[RemovedRow]) -> Vec<v1::RemovedRow> {
    rows.iter().map(|row| v1::RemovedRow { key: ids(&row.key), item: number(row.item) }).collect()
}

/// Ids as text.
pub fn ids(people: &[PersonId]) -> Vec<String> {
    people.iter().map(ToString::to_string).collect()
}

/// A position's number; 0 for none.
pub fn number(position: Option<Position>) -> u64 {
    position.map_or(0, Position::get)
}

/// A value.
pub fn value(value: Value) -> v1::Value {
    use v1::value::Value as Proto;
    let value = match value {
        Value::None => None,
        Value::Number(number) => Some(Proto::Number(number)),
        Value::Integer(integer) => Some(Proto::Integer(integer)),
        Value::Text(text) => Some(Proto::Text(text)),
        Value::Flag(flag) => Some(Proto::Flag(flag)),
        Value::Day(day) => Some(Proto::Day(day.number())),
        Value::Person(person) => Some(Proto::Person(person.to_string())),
        Value::Event(position) => Some(Proto::Event(position.get())),
    };
    v1::Value { value }
}

/// A digest of a view made from this component with these settings.
pub fn digest(digest: ViewDigest, component: [u8; 32], settings: &str) -> v1::DigestViewResponse {
    v1::DigestViewResponse {
        rows_digest: digest.sha256.to_vec(),
        rows: digest.rows,
        position: digest.position.get(),
        day: digest.day.number(),
        component: component.to_vec(),
        settings: settings.to_owned(),
    }
}

/// A view with its status. One that waits after a failure counts as following; the failure is reported.
pub fn view(name: &str, status: ViewStatus) -> v1::View {
    let (events_per_second, fuel_per_event) = (status.events_per_second(), status.fuel_per_event());
    let (state, last_error) = state(status.state);
    let key = view_key(status.manifest.key_shape()).to_owned();
    v1::View {
        name: name.to_owned(),
        key,
        version: status.manifest.version,
        contract: status.contract.to_owned(),
        component: status.component.to_vec(),
        settings: status.settings,
        fields: fields(&status.manifest.fields),
        state: state.into(),
        cursor: status.cursor.position.get(),
        lag: status.lag,
        keys: status.keys,
        rows: status.rows,
        events_folded: status.events_folded,
        fuel: status.fuel,
        state_bytes: status.state_bytes,
        faults: status.faults,
        quarantined: status.quarantined.into_iter().take(limits::QUARANTINED_TOLD_MAX).map(quarantined).collect(),
        last_error,
        events_per_second,
        fuel_per_event,
        ..v1::View::default()
    }
}

/// The name of a key shape.
fn view_key(shape: KeyShape) -> &'static str {
    match shape {
        KeyShape::Pair => "pair",
        KeyShape::DirectedPair => "directed_pair",
        KeyShape::Person => "person",
    }
}

fn state(state: ViewState) -> (v1::ViewState, String) {
    match state {
        ViewState::Building => (v1::ViewState::Building, String::new()),
        ViewState::Running => (v1::ViewState::Running, String::new()),
        ViewState::Paused { reason } => (v1::ViewState::Running, reason),
        ViewState::WaitingForRoom { reason } => (v1::ViewState::WaitingForRoom, reason),
        ViewState::Stopped { reason } => (v1::ViewState::Stopped, reason),
    }
}

fn quarantined(key: QuarantinedKey) -> v1::Quarantined {
    v1::Quarantined { key: ids(&key.key), position: number(key.position), message: key.message }
}

//! Events: the JSON of `kith.v1.Event`, written without salt and commitments, and read with or without them.

mod administration;
mod fact;

use crate::{
    name::{scope_name, take_scope},
    time::time_text,
    value::{Object, Value},
    values,
};
use fact::{fact_json, read_fact};
use kith_core::{
    event::{Attribute, AttributeValue, Event},
    id::EventId,
    invalid::{Invalid, Problem},
    limits::EVENT_SALT_BYTES,
};
use serde_json::{Map, json};

/// Placeholder for an id that is not known yet.
const NO_ID: [u8; 16] = [0x80; 16];

/// Whole numbers up to 2^53 are exact in every reader of JSON.
const LARGEST_EXACT: u64 = 1 << 53;

/// An event, as [`read_record`](crate::read_record) reads it, without salt and commitments: they are not part of its
/// content.
///
/// `{"id", "occurred_at", "scope", "caused_by", "attributes", FACT: {...}}`, where FACT is the fact's field in
/// `kith.v1`, such as `met`. Empty fields are omitted.
pub fn event_json(event: &Event) -> serde_json::Value {
    let mut object = Map::new();
    object.insert("id".into(), event.id.to_string().into());
    object.insert("occurred_at".into(), time_text(event.occurred_at).into());
    object.insert("scope".into(), scope_name(event.scope).into());
    if !event.caused_by.is_empty() {
        object.insert("caused_by".into(), event.caused_by.iter().map(ToString::to_string).collect());
    }
    if !event.attributes.is_empty() {
        object.insert("attributes".into(), event.attributes.iter().map(attribute_json).collect());
    }
    let (name, mut fact) = fact_json(&event.fact);
    if let serde_json::Value::Object(fields) = &mut fact {
        fields.retain(|_, value| !value.is_null());
    }
    object.insert(name.into(), fact);
    object.into()
}

/// The id, salt and commitments of a record's event, each of which may be missing.
pub(crate) struct Given {
    pub(crate) id: Option<EventId>,
    pub(crate) salt: Option<[u8; EVENT_SALT_BYTES]>,
    pub(crate) commitments: Option<Vec<[u8; 32]>>,
}

/// Reads an event, without its id, salt and commitments.
pub(crate) fn read_event(mut fields: Object) -> Result<(Event, Given), Invalid> {
    let id = fields.take("id").map(values::event_id).transpose()?;
    let salt = fields.take("salt").map(|value| values::bytes(value, "16 random bytes")).transpose()?;
    let commitments = fields.take("details").map(Value::list).transpose()?;
    let commitment = |value| values::bytes(value, "commitments of 32 bytes");
    let commitments = commitments.map(|all| all.into_iter().map(commitment).collect()).transpose()?;
    let caused_by = fields.list_or_empty("caused_by")?.into_iter().map(values::event_id).collect::<Result<_, _>>()?;
    let event = Event {
        id: EventId::from_bytes(NO_ID).expect("it has the form of a UUID of version 8"),
        occurred_at: values::time(fields.need("occurred_at")?)?,
        scope: take_scope(&mut fields)?,
        caused_by,
        attributes: read_attributes(fields.list_or_empty("attributes")?)?,
        salt: [0; EVENT_SALT_BYTES],
        details: Vec::new(),
        fact: read_fact(&mut fields)?,
    };
    fields.finish()?;
    Ok((event, Given { id, salt, commitments }))
}

fn attribute_json(attribute: &Attribute) -> serde_json::Value {
    let key = &attribute.key;
    match &attribute.value {
        AttributeValue::Text(text) => json!({ "key": key, "text": text }),
        AttributeValue::Integer(integer) => json!({ "key": key, "integer": integer_json(*integer) }),
        AttributeValue::Number(number) => json!({ "key": key, "number": number }),
        AttributeValue::Flag(flag) => json!({ "key": key, "flag": flag }),
    }
}

/// A whole number that every reader of JSON reads exactly: beyond 2^53, where many round, as text, which proto3 JSON
/// also reads.
fn integer_json(integer: i64) -> serde_json::Value {
    if integer.unsigned_abs() <= LARGEST_EXACT { integer.into() } else { integer.to_string().into() }
}

fn read_attributes(values: Vec<Value>) -> Result<Vec<Attribute>, Invalid> {
    let mut attributes = values.into_iter().map(read_attribute).collect::<Result<Vec<_>, _>>()?;
    attributes.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(attributes)
}

fn read_attribute(value: Value) -> Result<Attribute, Invalid> {
    let path = value.path().to_owned();
    let mut fields = value.object()?;
    let key = fields.need("key")?.text()?;
    let given = [
        fields.take("text").map(|value| value.text().map(AttributeValue::Text)),
        fields.take("integer").map(|value| value.integer().map(AttributeValue::Integer)),
        fields.take("number").map(|value| value.number().map(AttributeValue::Number)),
        fields.take("flag").map(|value| value.flag().map(AttributeValue::Flag)),
    ];
    fields.finish()?;
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(value), None) => Ok(Attribute { key, value: value? }),
        _ => Err(Invalid::new(path, Problem::MustBe("a key with exactly one of text, integer, number and flag"))),
    }
}

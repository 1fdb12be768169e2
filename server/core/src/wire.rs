//! Canonical event bytes: `kith.v1.Event` to domain types and back, with every rule of the event model.
//!
//! Invariant: `decode_event(bytes)` succeeds only if encoding the result gives exactly `bytes`.

mod administration;
mod encode;
mod fact;

pub(crate) use administration::role_from_proto;
pub(crate) use encode::{event_to_proto, role_to_proto};
pub(crate) use fact::is_custom_type;

use crate::{
    event::{Attribute, AttributeValue, Commitment, Event, Scope},
    id::EventId,
    invalid::{Invalid, Problem, check_count, check_text, check_text_or_empty, check_unique},
    limits,
    timestamp::Timestamp,
};
use fact::fact;
use kith_proto::v1;
use prost::Message;

/// Reads canonical event bytes.
pub(crate) fn decode_event(bytes: &[u8]) -> Result<Event, Invalid> {
    event_from_proto(&decode_canonical(bytes)?)
}

fn decode_canonical(bytes: &[u8]) -> Result<v1::Event, Invalid> {
    if bytes.len() > limits::EVENT_BYTES_MAX {
        return Err(Invalid::new("event", Problem::TooLong { max: limits::EVENT_BYTES_MAX, found: bytes.len() }));
    }
    let proto = v1::Event::decode(bytes).map_err(|_| Invalid::new("event", Problem::Undecodable))?;
    if proto.encoded_len() != bytes.len() || proto.encode_to_vec() != bytes {
        return Err(Invalid::new("event", Problem::NotCanonical));
    }
    Ok(proto)
}

fn event_from_proto(proto: &v1::Event) -> Result<Event, Invalid> {
    let occurred_at = proto.occurred_at.as_ref().ok_or_else(|| Invalid::new("event.occurred_at", Problem::Missing))?;
    check_count("event.caused_by", proto.caused_by.len(), 0, limits::CAUSED_BY_MAX)?;
    check_count("event.details", proto.details.len(), 0, limits::DETAILS_MAX)?;
    let caused_by =
        proto.caused_by.iter().map(|id| EventId::parse_field(id, "event.caused_by")).collect::<Result<Vec<_>, _>>()?;
    check_unique("event.caused_by", &caused_by)?;
    Ok(Event {
        id: EventId::parse_field(&proto.id, "event.id")?,
        occurred_at: time("event.occurred_at", occurred_at)?,
        scope: scope("event.scope", proto.scope)?,
        caused_by,
        attributes: attributes(&proto.attributes)?,
        salt: fixed("event.salt", &proto.salt, "16 random bytes")?,
        details: proto
            .details
            .iter()
            .map(|bytes| fixed("event.details", bytes, "commitments of 32 bytes"))
            .collect::<Result<Vec<Commitment>, _>>()?,
        fact: fact(proto.fact.as_ref().ok_or_else(|| Invalid::new("event.fact", Problem::Missing))?)?,
    })
}

fn time(field: &str, proto: &prost_types::Timestamp) -> Result<Timestamp, Invalid> {
    let rule = Problem::MustBe("a time in whole milliseconds between the years 1900 and 9999");
    Timestamp::from_proto(proto).ok_or_else(|| Invalid::new(field, rule))
}

fn fixed<const N: usize>(field: &str, bytes: &[u8], rule: &'static str) -> Result<[u8; N], Invalid> {
    if bytes.is_empty() {
        return Err(Invalid::new(field, Problem::Missing));
    }
    bytes.try_into().map_err(|_| Invalid::new(field, Problem::MustBe(rule)))
}

fn scope(field: &str, number: i32) -> Result<Scope, Invalid> {
    match v1::Scope::try_from(number) {
        Ok(v1::Scope::Network) => Ok(Scope::Network),
        Ok(v1::Scope::Organisation) => Ok(Scope::Organisation),
        Ok(v1::Scope::Unspecified) => Err(Invalid::new(field, Problem::Missing)),
        Err(_) => Err(Invalid::new(field, Problem::MustBe("network or organisation"))),
    }
}

fn attributes(protos: &[v1::Attribute]) -> Result<Vec<Attribute>, Invalid> {
    let field = "event.attributes";
    check_count(field, protos.len(), 0, limits::ATTRIBUTES_MAX)?;
    for pair in protos.windows(2) {
        match pair[0].key.cmp(&pair[1].key) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => return Err(Invalid::new(field, Problem::Repeated(pair[0].key.clone()))),
            std::cmp::Ordering::Greater => return Err(Invalid::new(field, Problem::Unsorted)),
        }
    }
    protos.iter().map(attribute).collect()
}

fn attribute(proto: &v1::Attribute) -> Result<Attribute, Invalid> {
    use v1::attribute::Value;
    let field = "event.attributes.key";
    check_text(field, &proto.key, limits::ATTRIBUTE_KEY_BYTES_MAX)?;
    let body = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    if !proto.key.bytes().all(body) || !proto.key.as_bytes()[0].is_ascii_lowercase() {
        return Err(Invalid::new(field, Problem::MustBe("made of a-z, 0-9, _ . - and start with a letter")));
    }
    let field = "event.attributes.value";
    let value = match proto.value.as_ref().ok_or_else(|| Invalid::new(field, Problem::Missing))? {
        Value::Text(text) => {
            check_text_or_empty(field, text, limits::ATTRIBUTE_TEXT_BYTES_MAX)?;
            AttributeValue::Text(text.clone())
        }
        Value::Integer(integer) => AttributeValue::Integer(*integer),
        Value::Number(number) if number.is_finite() => AttributeValue::Number(*number),
        Value::Number(_) => return Err(Invalid::new(field, Problem::MustBe("a finite number"))),
        Value::Flag(flag) => AttributeValue::Flag(*flag),
    };
    Ok(Attribute { key: proto.key.clone(), value })
}

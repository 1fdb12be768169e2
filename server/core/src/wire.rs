//! Canonical event bytes: `kith.v1.Event` to domain types and back, with every rule of the event model.
//!
//! Invariant: `decode_event(bytes)` succeeds only if encoding the result gives exactly `bytes`. `read_event` also reads
//! events of later versions that a log already holds.

mod administration;
mod encode;
mod fact;
mod fields;

pub(crate) use administration::role_from_proto;
pub(crate) use encode::{encode_content, encode_event, role_to_proto, scope_to_proto};
pub(crate) use fact::is_custom_type;

use crate::{
    event::{Attribute, AttributeValue, Commitment, Event, Scope},
    id::EventId,
    invalid::{Invalid, Problem, check_count, check_text, check_text_or_empty, check_unique},
    limits,
    timestamp::Timestamp,
};
use fact::fact;
use fields::Fields;
use kith_proto::v1;
use prost::Message;

/// Reads canonical event bytes.
pub(crate) fn decode_event(bytes: &[u8]) -> Result<Event, Invalid> {
    if bytes.len() > limits::EVENT_BYTES_MAX {
        return Err(Invalid::new("event", Problem::TooLong { max: limits::EVENT_BYTES_MAX, found: bytes.len() }));
    }
    event(Fields::new(bytes)).map_err(|invalid| misshapen(bytes).unwrap_or(invalid))
}

/// Reads event bytes that a log already holds, of this version or a later one.
pub(crate) fn read_event(bytes: &[u8]) -> Result<Event, Invalid> {
    event(Fields::new(bytes)).or_else(|_| event(Fields::of_later_version(bytes)))
}

/// What is wrong with the bytes as such, reported before what is wrong with their content.
fn misshapen(bytes: &[u8]) -> Option<Invalid> {
    match v1::Event::decode(bytes) {
        Err(_) => Some(Invalid::new("event", Problem::Undecodable)),
        Ok(proto) if proto.encode_to_vec() != bytes => Some(Invalid::new("event", Problem::NotCanonical)),
        Ok(_) => None,
    }
}

fn event(mut fields: Fields<'_>) -> Result<Event, Invalid> {
    let event = Event {
        id: EventId::parse_field(fields.bytes(1)?, "event.id")?,
        occurred_at: time("event.occurred_at", fields.message(2)?)?
            .ok_or_else(|| Invalid::new("event.occurred_at", Problem::Missing))?,
        scope: scope("event.scope", fields.small(3)?)?,
        caused_by: caused_by(&fields.repeated(4)?)?,
        attributes: attributes(&fields.messages(5)?)?,
        salt: fixed("event.salt", fields.bytes(6)?, "16 random bytes")?,
        details: commitments(&fields.repeated(7)?)?,
        fact: fact(&mut fields)?,
    };
    fields.end()?;
    Ok(event)
}

fn caused_by(ids: &[&[u8]]) -> Result<Vec<EventId>, Invalid> {
    let field = "event.caused_by";
    check_count(field, ids.len(), 0, limits::CAUSED_BY_MAX)?;
    let ids = ids.iter().map(|id| EventId::parse_field(id, field)).collect::<Result<Vec<_>, _>>()?;
    check_unique(field, &ids)?;
    Ok(ids)
}

fn commitments(details: &[&[u8]]) -> Result<Vec<Commitment>, Invalid> {
    let field = "event.details";
    check_count(field, details.len(), 0, limits::DETAILS_MAX)?;
    details.iter().map(|bytes| fixed(field, bytes, "commitments of 32 bytes")).collect()
}

/// Reads a `google.protobuf.Timestamp`.
fn time(field: &str, message: Option<Fields<'_>>) -> Result<Option<Timestamp>, Invalid> {
    let Some(mut fields) = message else { return Ok(None) };
    let proto = prost_types::Timestamp { seconds: fields.signed(1)?, nanos: fields.small(2)? };
    fields.end()?;
    let rule = Problem::MustBe("a time in whole milliseconds between the years 1900 and 9999");
    Timestamp::from_proto(&proto).map(Some).ok_or_else(|| Invalid::new(field, rule))
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

fn attributes(messages: &[Fields<'_>]) -> Result<Vec<Attribute>, Invalid> {
    let field = "event.attributes";
    check_count(field, messages.len(), 0, limits::ATTRIBUTES_MAX)?;
    let mut attributes = Vec::with_capacity(messages.len());
    for message in messages {
        match attribute(*message) {
            Ok(attribute) => attributes.push(attribute),
            // A kind of value that this version does not know: plugins of this version cannot see it.
            Err(_) if message.is_of_later_version() => {}
            Err(invalid) => return Err(invalid),
        }
    }
    for pair in attributes.windows(2) {
        match pair[0].key.cmp(&pair[1].key) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => return Err(Invalid::new(field, Problem::Repeated(pair[0].key.clone()))),
            std::cmp::Ordering::Greater => return Err(Invalid::new(field, Problem::Unsorted)),
        }
    }
    Ok(attributes)
}

fn attribute(mut fields: Fields<'_>) -> Result<Attribute, Invalid> {
    let field = "event.attributes.key";
    let key = fields.text(1)?;
    check_text(field, key, limits::ATTRIBUTE_KEY_BYTES_MAX)?;
    let body = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    if !key.bytes().all(body) || !key.as_bytes()[0].is_ascii_lowercase() {
        return Err(Invalid::new(field, Problem::MustBe("made of a-z, 0-9, _ . - and start with a letter")));
    }
    let value = attribute_value(&mut fields)?;
    fields.end()?;
    Ok(Attribute { key: key.to_owned(), value })
}

fn attribute_value(fields: &mut Fields<'_>) -> Result<AttributeValue, Invalid> {
    let field = "event.attributes.value";
    if let Some(text) = fields.next_text(2)? {
        check_text_or_empty(field, text, limits::ATTRIBUTE_TEXT_BYTES_MAX)?;
        return Ok(AttributeValue::Text(text.to_owned()));
    }
    if let Some(integer) = fields.next_varint(3)? {
        return Ok(AttributeValue::Integer(integer.cast_signed()));
    }
    if let Some(number) = fields.next_double(4)? {
        let rule = Problem::MustBe("a finite number");
        return if number.is_finite() { Ok(AttributeValue::Number(number)) } else { Err(Invalid::new(field, rule)) };
    }
    match fields.next_varint(5)? {
        Some(flag @ (0 | 1)) => Ok(AttributeValue::Flag(flag == 1)),
        Some(_) => Err(Invalid::new("event", Problem::NotCanonical)),
        None => Err(Invalid::new(field, Problem::Missing)),
    }
}

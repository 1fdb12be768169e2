//! Ids, times and bytes: what the fields of events hold.

use crate::{time::read_time, value::Value};
use kith_core::{
    id::{EventId, PersonId},
    invalid::{Invalid, Problem},
    timestamp::Timestamp,
};
use serde_json::Map;

/// An object of these fields, in this order.
pub(crate) fn object<const N: usize>(fields: [(&str, serde_json::Value); N]) -> Map<String, serde_json::Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// An id as text, if there is one.
pub(crate) fn text<T: ToString>(id: Option<&T>) -> Option<String> {
    id.map(ToString::to_string)
}

/// Ids of people as text.
pub(crate) fn ids(people: &[PersonId]) -> Vec<&str> {
    people.iter().map(PersonId::as_str).collect()
}

/// An id, read with a parser that receives the field's path.
pub(crate) fn id<T>(value: Value, parse: impl FnOnce(&str, &str) -> Result<T, Invalid>) -> Result<T, Invalid> {
    let path = value.path().to_owned();
    parse(&value.text()?, &path)
}

/// An id, if the field is present and not empty.
pub(crate) fn id_or_none<T>(
    value: Option<Value>,
    parse: impl FnOnce(&str, &str) -> Result<T, Invalid>,
) -> Result<Option<T>, Invalid> {
    let Some(value) = value else { return Ok(None) };
    let path = value.path().to_owned();
    match value.text()?.as_str() {
        "" => Ok(None),
        text => parse(text, &path).map(Some),
    }
}

/// An event's id: a UUID as text, or its 16 bytes in base64.
pub(crate) fn event_id(value: Value) -> Result<EventId, Invalid> {
    id(value, parse_event_id)
}

/// Reads an event's id found in a field.
pub(crate) fn parse_event_id(text: &str, field: &str) -> Result<EventId, Invalid> {
    let bytes = || <[u8; 16]>::try_from(decode_base64(text)?).ok().and_then(EventId::from_bytes);
    let id = text.parse().ok().or_else(bytes);
    id.ok_or_else(|| Invalid::new(field, Problem::MustBe("a UUID")))
}

/// A number of bytes in base64.
pub(crate) fn bytes<const N: usize>(value: Value, rule: &'static str) -> Result<[u8; N], Invalid> {
    let path = value.path().to_owned();
    let bytes = decode_base64(&value.text()?).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Invalid::new(path, Problem::MustBe(rule)))
}

/// A time as RFC 3339.
pub(crate) fn time(value: Value) -> Result<Timestamp, Invalid> {
    let invalid = Invalid::new(value.path(), Problem::MustBe("a time as RFC 3339"));
    read_time(&value.text()?).ok_or(invalid)
}

/// Bytes of base64 (RFC 4648), in either alphabet, with or without padding.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if digits.len() % 4 == 1 || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for digit in digits.bytes() {
        bits = bits << 6 | base64_digit(digit)?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).expect("masked to a byte"));
        }
    }
    (bits & ((1 << count) - 1) == 0).then_some(bytes)
}

fn base64_digit(letter: u8) -> Option<u32> {
    let digit = match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(digit.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_rfc_4648() {
        let check = |text: &str, bytes: Option<&[u8]>| assert_eq!(decode_base64(text).as_deref(), bytes, "{text}");
        check("", Some(b""));
        check("Zg==", Some(b"f"));
        check("Zg", Some(b"f"));
        check("Zm8=", Some(b"fo"));
        check("Zm9vYmFy", Some(b"foobar"));
        check("-_-_", Some(&[0xfb, 0xff, 0xbf]));
        check("+/+/", Some(&[0xfb, 0xff, 0xbf]));
        check("Z", None);
        check("Zh==", None);
        check("Zg===", None);
        check("Z g=", None);
    }
}

//! Reads the parts of commands. The runner sends well-formed ones only, so everything else ends the driver.

use crate::answers::Failure;
use kith_client::NewEvent;
use kith_core::{
    event::Kind,
    filter::{Filter, PeopleMatch},
    position::Position,
    timestamp::Timestamp,
};
use kith_json::{NotRecord, derived::Derived, read_record, read_time};
use serde_json::Value;
use std::time::Duration;

/// Text, which may be missing.
pub(crate) fn text<'a>(command: &'a Value, name: &str) -> &'a str {
    command[name].as_str().unwrap_or_default()
}

/// Texts of a list, which may be missing.
pub(crate) fn texts<'a>(command: &'a Value, name: &str) -> Vec<&'a str> {
    list(command, name).iter().map(|one| one.as_str().expect("the list has texts")).collect()
}

/// A list, which may be missing.
pub(crate) fn list<'a>(command: &'a Value, name: &str) -> &'a [Value] {
    command[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A number, which may be missing.
pub(crate) fn number(command: &Value, name: &str) -> Option<u64> {
    command[name].as_u64()
}

/// A position; zero if it is missing.
pub(crate) fn position(command: &Value, name: &str) -> Position {
    Position::new(number(command, name).unwrap_or_default())
}

/// Milliseconds, which may be missing.
pub(crate) fn millis(command: &Value, name: &str) -> Option<Duration> {
    number(command, name).map(Duration::from_millis)
}

/// Whether a flag is set.
pub(crate) fn flag(command: &Value, name: &str) -> bool {
    command[name] == true
}

/// Bytes in hexadecimal.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap_or_default()).expect("bytes are hexadecimal")
}

/// An id or a name of any kind.
pub(crate) fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("ids in commands are well formed")
}

/// The same, if there is one.
pub(crate) fn id_or_none<T: std::str::FromStr<Err: std::fmt::Debug>>(command: &Value, name: &str) -> Option<T> {
    Some(text(command, name)).filter(|text| !text.is_empty()).map(id)
}

/// An event to record.
pub(crate) fn event(record: &Value) -> Result<NewEvent, Failure> {
    let read = read_record(record.to_string().as_bytes(), &mut Derived::of([0; 32]));
    let read = read.map_err(|error| match error {
        NotRecord::Invalid(invalid) => Failure::from(invalid),
        NotRecord::NotJson(error) => panic!("records are JSON: {error}"),
    })?;
    Ok(NewEvent::from_parts(read.event, read.details)?)
}

/// Events to record.
pub(crate) fn events(command: &Value) -> Result<Vec<NewEvent>, Failure> {
    list(command, "events").iter().map(event).collect()
}

/// A filter; everything passes if it is missing.
pub(crate) fn filter(given: &Value) -> Filter {
    let kind = |name: &str| Kind::parse(name).expect("kinds in commands are well formed");
    Filter {
        kinds: texts(given, "kinds").into_iter().map(kind).collect(),
        people: texts(given, "people").into_iter().map(id).collect(),
        people_match: if flag(given, "all_people") { PeopleMatch::All } else { PeopleMatch::Any },
        organisations: texts(given, "organisations").into_iter().map(id).collect(),
        occurred_from: time(given, "from"),
        occurred_until: time(given, "until"),
    }
}

fn time(given: &Value, name: &str) -> Option<Timestamp> {
    let text = given[name].as_str()?;
    Some(read_time(text).expect("times in commands are RFC 3339"))
}

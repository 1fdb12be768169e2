//! Answers of views: rows with people by their ids.

use super::complete::Complete;
use crate::{
    contract::GuestValue,
    file::{
        people::People,
        row::{RowKey, StoredRow},
    },
};
use kith_core::{day::Day, id::PersonId, position::Position};

/// A value in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not known.
    None,
    /// A finite number.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
    /// True or false.
    Flag(bool),
    /// Days since 1970-01-01, UTC.
    Day(Day),
    /// A person.
    Person(PersonId),
    /// An entry.
    Event(Position),
}

/// A row of a view.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// One or two people; in pairs without direction the one that was added first comes first.
    pub key: Vec<PersonId>,
    /// The entry that the row is about, in views with several rows per key.
    pub item: Option<Position>,
    /// One value per column.
    pub values: Vec<Value>,
    /// Number of entries of evidence.
    pub evidence_count: u32,
    /// Those entries, if they are not all entries of the key.
    pub evidence: Vec<Position>,
    /// The last entry that changed its key; `None` as of any other day or position than the view's own.
    pub changed: Option<Position>,
    /// Whether entries of its key may be missing here.
    pub partial: bool,
}

/// A removed row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedRow {
    /// One or two people.
    pub key: Vec<PersonId>,
    /// The entry that the row was about.
    pub item: Option<Position>,
}

impl Row {
    pub(crate) fn of(row_key: RowKey, row: StoredRow, people: &People, complete: &Complete<'_>) -> Self {
        Self {
            key: key_ids(row_key, people),
            item: item(row_key),
            values: row.values.into_iter().map(|value| Value::of(value, people)).collect(),
            evidence_count: row.evidence_count,
            evidence: row.evidence,
            changed: Some(row.changed),
            partial: !complete.holds(row_key.key),
        }
    }
}

impl RemovedRow {
    pub(crate) fn of(row_key: RowKey, people: &People) -> Self {
        Self { key: key_ids(row_key, people), item: item(row_key) }
    }
}

impl Value {
    fn of(value: GuestValue, people: &People) -> Self {
        match value {
            GuestValue::None => Self::None,
            GuestValue::Number(number) => Self::Number(number),
            GuestValue::Integer(integer) => Self::Integer(integer),
            GuestValue::Text(text) => Self::Text(text),
            GuestValue::Flag(flag) => Self::Flag(flag),
            GuestValue::Day(day) => Self::Day(day),
            GuestValue::Person(handle) => people.id(handle).cloned().map_or(Self::None, Self::Person),
            GuestValue::Event(position) => Self::Event(position),
        }
    }
}

fn key_ids(row_key: RowKey, people: &People) -> Vec<PersonId> {
    row_key.key.people().map(|handle| people.id_in_key(handle)).collect()
}

fn item(row_key: RowKey) -> Option<Position> {
    (row_key.item != Position::ZERO).then_some(row_key.item)
}

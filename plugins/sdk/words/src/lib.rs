//! The types that views and reports share: people, days, events, and the columns and values of rows.
//! The same names as in the contracts (`plugins/wit`), without their generated code.

pub mod last_words;
pub mod settings;

use std::{borrow::Cow, fmt};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// A position in the network's log, from 1; also identifies evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

/// A handle for a person, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person(pub u32);

impl Person {
    /// For an event without such a person.
    pub const NOBODY: Self = Self(0);
}

/// Days since 1970-01-01, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// The day of a time in milliseconds since 1970-01-01 UTC; times out of range give the first or
    /// the last possible day.
    pub fn of_ms(at: i64) -> Self {
        let day = at.div_euclid(DAY_MS).clamp(i64::from(i32::MIN), i64::from(i32::MAX));
        Self(i32::try_from(day).expect("clamped to the range"))
    }

    /// Days from another day to this one; negative if this one is earlier.
    pub fn since(self, earlier: Self) -> i64 {
        i64::from(self.0) - i64::from(earlier.0)
    }
}

/// A column of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name: `[a-z][a-z0-9_]*`.
    pub name: &'static str,
    /// Its type; any value may also be [`Value::None`].
    pub of: FieldType,
    /// One line for people: what it means and in which unit.
    pub about: &'static str,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// A finite number.
    Number,
    /// A whole number.
    Integer,
    /// Text.
    Text,
    /// True or false.
    Flag,
    /// A day.
    Day,
    /// A person.
    Person,
    /// An event.
    Event,
}

/// A value in a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Not known.
    None,
    /// For a number column; neither NaN nor infinite.
    Number(f64),
    /// For an integer column.
    Integer(i64),
    /// For a text column.
    Text(Cow<'static, str>),
    /// For a flag column.
    Flag(bool),
    /// For a day column.
    Day(Day),
    /// For a person column.
    Person(Person),
    /// For an event column.
    Event(Position),
}

impl Value {
    /// The type of the columns it fits; `None` for [`Value::None`], which fits all.
    pub fn field_type(&self) -> Option<FieldType> {
        match self {
            Self::None => None,
            Self::Number(_) => Some(FieldType::Number),
            Self::Integer(_) => Some(FieldType::Integer),
            Self::Text(_) => Some(FieldType::Text),
            Self::Flag(_) => Some(FieldType::Flag),
            Self::Day(_) => Some(FieldType::Day),
            Self::Person(_) => Some(FieldType::Person),
            Self::Event(_) => Some(FieldType::Event),
        }
    }
}

/// Bytes that are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed bytes")
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_also_before_1970() {
        let days = [-DAY_MS - 1, -DAY_MS, -1, 0, DAY_MS - 1, DAY_MS].map(Day::of_ms);
        assert_eq!(days, [-2, -1, -1, 0, 0, 1].map(Day));
        assert_eq!([Day::of_ms(i64::MIN), Day::of_ms(i64::MAX)], [Day(i32::MIN), Day(i32::MAX)]);
    }
}

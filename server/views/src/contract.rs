//! The types of the plugin contracts, in any version: what a plugin declares, and the keys, columns, values and rows of
//! views and reports. Every module uses them; they depend on neither the sandbox nor a file.
//!
//! Values are as plugins return them; whether they fit their columns is checked where they are received.

pub(crate) mod declared;
pub(crate) mod key;
pub(crate) mod manifest;
pub(crate) mod report_manifest;

use kith_core::{day::Day, event::Kind, position::Position};

/// A person's handle: the ordinal of their `person_added` entry, from 1; 0 is nobody.
pub(crate) type Handle = u32;

/// How the keys of an entry are determined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyBy {
    /// Two people, the smaller handle first.
    Pair,
    /// From one person to another.
    DirectedPair,
    /// The two people of an introduction, the smaller handle first.
    IntroducedPair,
    /// Who acted.
    Actor,
    /// Whom it was done to.
    Subject,
    /// Each person in the event.
    EachPerson,
}

/// The shape of a view's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyShape {
    /// Two people without direction.
    Pair,
    /// From one person to another.
    DirectedPair,
    /// One person.
    Person,
}

impl KeyBy {
    /// The shape of the resulting keys.
    pub fn shape(self) -> KeyShape {
        match self {
            Self::Pair | Self::IntroducedPair => KeyShape::Pair,
            Self::DirectedPair => KeyShape::DirectedPair,
            Self::Actor | Self::Subject | Self::EachPerson => KeyShape::Person,
        }
    }
}

/// A kind of entry that a view folds, and under which keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The kind of event.
    pub kind: Kind,
    /// How its keys are determined.
    pub key_by: KeyBy,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// Text.
    Text,
    /// True or false.
    Flag,
    /// A UTC day.
    Day,
    /// A person.
    Person,
    /// An entry.
    Event,
}

impl FieldType {
    /// Whether rows can be summed and ranked by the column.
    pub fn is_numeric(self) -> bool {
        match self {
            Self::Number | Self::Integer => true,
            Self::Text | Self::Flag | Self::Day | Self::Person | Self::Event => false,
        }
    }

    /// Its name in the contracts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Text => "text",
            Self::Flag => "flag",
            Self::Day => "day",
            Self::Person => "person",
            Self::Event => "event",
        }
    }
}

/// A column of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name in `snake_case`.
    pub name: String,
    /// The type of its values.
    pub of: FieldType,
    /// Its meaning, in a sentence.
    pub about: String,
}

/// There is no such column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no field `{name}`: the fields are {}", known.join(", "))]
pub struct FieldUnknown {
    /// The name asked for.
    pub name: String,
    /// The names there are.
    pub known: Vec<String>,
}

/// The index of the column of a name.
pub(crate) fn column(fields: &[Field], name: &str) -> Result<usize, FieldUnknown> {
    let known = || fields.iter().map(|field| field.name.clone()).collect();
    let found = fields.iter().position(|field| field.name == name);
    found.ok_or_else(|| FieldUnknown { name: name.to_owned(), known: known() })
}

/// A value in a row, with people as handles.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum GuestValue {
    /// Nothing.
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
    Person(Handle),
    /// An entry.
    Event(Position),
}

impl GuestValue {
    /// Bytes that the value takes: 8, plus the bytes of a text.
    pub(crate) fn bytes(&self) -> usize {
        8 + if let Self::Text(text) = self { text.len() } else { 0 }
    }

    /// Whether a column of this type can hold it.
    pub(crate) fn fits(&self, of: FieldType) -> bool {
        match self {
            Self::None => true,
            Self::Number(number) => of == FieldType::Number && number.is_finite(),
            Self::Integer(_) => of == FieldType::Integer,
            Self::Text(_) => of == FieldType::Text,
            Self::Flag(_) => of == FieldType::Flag,
            Self::Day(_) => of == FieldType::Day,
            Self::Person(_) => of == FieldType::Person,
            Self::Event(_) => of == FieldType::Event,
        }
    }

    /// What it is, for an author.
    fn noun(&self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Number(number) if !number.is_finite() => "a number that is not finite",
            Self::Number(_) => "a number",
            Self::Integer(_) => "an integer",
            Self::Text(_) => "a text",
            Self::Flag(_) => "a flag",
            Self::Day(_) => "a day",
            Self::Person(_) => "a person",
            Self::Event(_) => "an event",
        }
    }
}

/// Checks that a row has one value for each column, of the column's type; if not, says which.
pub(crate) fn check_values(values: &[GuestValue], fields: &[Field]) -> Result<(), String> {
    if values.len() != fields.len() {
        return Err(format!("a row has {} values; the manifest has {} fields", values.len(), fields.len()));
    }
    match values.iter().zip(fields).find(|(value, field)| !value.fits(field.of)) {
        None => Ok(()),
        Some((value, Field { name, of, .. })) => {
            Err(format!("`{name}` is of type {}, and a row has {} for it", of.name(), value.noun()))
        }
    }
}

/// A row that a plugin returned for the key of its slot.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GuestRow {
    /// The entry that the row is about, in views with several rows per key.
    pub(crate) item: Option<Position>,
    /// One value per column.
    pub(crate) values: Vec<GuestValue>,
    /// The row's evidence; empty for every entry of the key.
    pub(crate) evidence: Vec<Position>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_must_be_finite_and_types_must_match() {
        assert!(GuestValue::Number(1.0).fits(FieldType::Number));
        assert!(!GuestValue::Number(f64::NAN).fits(FieldType::Number));
        assert!(!GuestValue::Integer(1).fits(FieldType::Number));
        assert!(GuestValue::None.fits(FieldType::Event));
    }

    #[test]
    fn a_value_of_another_type_is_reported_with_its_field() {
        let field = |name: &str, of| Field { name: name.to_owned(), of, about: String::new() };
        let fields = [field("days", FieldType::Integer), field("ratio", FieldType::Number)];
        let text = GuestValue::Text("three".to_owned());
        check_values(&[GuestValue::None, GuestValue::Number(0.5)], &fields).unwrap();
        for (values, said) in [
            (vec![text, GuestValue::None], "`days` is of type integer, and a row has a text for it"),
            (
                vec![GuestValue::Integer(1), GuestValue::Number(f64::NAN)],
                "`ratio` is of type number, and a row has a number that is not finite for it",
            ),
            (vec![GuestValue::Integer(1)], "a row has 1 values; the manifest has 2 fields"),
        ] {
            assert_eq!(check_values(&values, &fields), Err(said.to_owned()));
        }
    }
}

//! What a plugin says about itself, and the rows it gives. The same nouns as the contract
//! (`plugins/wit/v1`), without its generated code.

use std::borrow::Cow;

use crate::event::{Day, Person, Position};

/// What a plugin says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The view's name: `[a-z][a-z0-9_]*`.
    pub name: &'static str,
    /// The plugin's own version, for people.
    pub version: &'static str,
    /// Grows when states written by an older plugin can no longer be read.
    pub state_version: u32,
    /// The kinds it folds; an event names its kind by the place in this list.
    pub routes: &'static [Route],
    /// The columns, in the order of a row's values.
    pub fields: &'static [Field],
    /// A JSON schema of the settings.
    pub settings: &'static str,
}

/// Asks for one kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// `met`, `followed_up`, `asked`, `helped`, `referred`, `answered`, or `custom:` and a type.
    pub kind: &'static str,
    /// The key it is folded under.
    pub key_by: KeyBy,
}

/// What a kind of event is grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyBy {
    /// Every two people the event joins.
    Pair,
    /// From one person to another.
    DirectedPair,
    /// The two people of an introduction; for other kinds as [`KeyBy::Pair`].
    IntroducedPair,
    /// Who acts.
    Actor,
    /// Who is acted upon.
    Subject,
    /// Each person in the event, once.
    EachPerson,
}

/// A column of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name: `[a-z][a-z0-9_]*`.
    pub name: &'static str,
    /// Its type; any value may also be [`Value::None`].
    pub of: FieldType,
    /// One line for people: what it says and in which unit.
    pub about: &'static str,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Nothing is known.
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
    /// The type of the columns it may stand in; none for [`Value::None`], which fits all.
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

/// One row of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Tells rows of one key apart; none if a key has one row.
    pub item: Option<Position>,
    /// One value per field of the manifest.
    pub values: Vec<Value>,
    /// The entries it stands on; empty: every entry of the key.
    pub evidence: Vec<Position>,
}

impl Row {
    /// The only row of a key, standing on all of its entries.
    pub fn of(values: Vec<Value>) -> Self {
        Self { item: None, values, evidence: Vec::new() }
    }
}

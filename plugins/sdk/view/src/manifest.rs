//! The manifest of a plugin, and the rows it returns. The same names as in the contract
//! (`plugins/wit/v1`), without its generated code.

use kith_plugin_words::{Field, Position, Value};

/// What a plugin declares about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The view's name: `[a-z][a-z0-9_]*`.
    pub name: &'static str,
    /// The plugin's own version, for people.
    pub version: &'static str,
    /// Grows when states written by an older plugin can no longer be read.
    pub state_version: u32,
    /// The kinds it folds; an event names its kind by the index in this list.
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

/// One row of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Distinguishes rows of one key; `None` if a key has one row.
    pub item: Option<Position>,
    /// One value per field of the manifest.
    pub values: Vec<Value>,
    /// The entries of evidence; empty: every entry of the key.
    pub evidence: Vec<Position>,
}

impl Row {
    /// The only row of a key, with all of its entries as evidence.
    pub fn of(values: Vec<Value>) -> Self {
        Self { item: None, values, evidence: Vec::new() }
    }
}

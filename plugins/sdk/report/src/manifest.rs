//! The manifest and the output of a report.

use kith_plugin_words::{Field, Value};

/// What a report declares about itself.
#[derive(Clone, Copy, Debug)]
pub struct Manifest {
    /// The report's name: `[a-z][a-z0-9_]*`.
    pub name: &'static str,
    /// The plugin's own version, for people.
    pub version: &'static str,
    /// What its rows are about.
    pub key_by: KeyBy,
    /// The views that the report reads.
    pub inputs: &'static [InputNeeded],
    /// The columns, in the order of a row's values.
    pub fields: &'static [Field],
    /// A JSON schema of the settings.
    pub settings: &'static str,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyBy {
    /// Two organisations, the smaller ordinal first; one with itself is for what is inside it.
    OrganisationPair,
    /// One organisation.
    Organisation,
    /// Two people, the smaller handle first.
    Pair,
    /// One person.
    Person,
}

/// A view that a report reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputNeeded {
    /// The view's name.
    pub view: &'static str,
    /// The columns, by name, in the order of the values of its rows.
    pub fields: &'static [&'static str],
    /// Which rows it needs, if not all. Those that say next to nothing are most of a large view.
    pub at_least: Option<Least>,
}

impl InputNeeded {
    /// All rows of a view, with these columns.
    pub const fn of(view: &'static str, fields: &'static [&'static str]) -> Self {
        Self { view, fields, at_least: None }
    }

    /// Only the rows whose value of a column is at least this.
    #[must_use]
    pub const fn at_least(self, field: &'static str, value: f64) -> Self {
        Self { at_least: Some(Least { field, value }), ..self }
    }
}

/// Rows whose value of a column is at least this; rows without a value are left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Least {
    /// The column, by name: a number, an integer or a day.
    pub field: &'static str,
    /// The value.
    pub value: f64,
}

/// What a report computes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// The rows, one for each key, in any order.
    pub rows: Vec<Row>,
    /// What people should know beside the rows, above all what was left out of them: at most 8, each of 1 to 300 bytes
    /// in one line.
    pub remarks: Vec<String>,
}

impl Output {
    /// Adds a remark on a number of things, unless there are none: `"WHAT: 3"`.
    pub fn count(&mut self, what: impl std::fmt::Display, number: usize) {
        if number > 0 {
            self.remarks.push(format!("{what}: {number}"));
        }
    }
}

impl From<Vec<Row>> for Output {
    fn from(rows: Vec<Row>) -> Self {
        Self { rows, remarks: Vec::new() }
    }
}

/// A row of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The key's first part: the ordinal of an organisation, or a person's handle.
    pub a: u32,
    /// The key's second part; 0 if it has none.
    pub b: u32,
    /// One value per field of the manifest.
    pub values: Vec<Value>,
    /// The rows of evidence: number of the input and of its row, both from 0; at most 1,000.
    pub evidence: Vec<(u32, u32)>,
}

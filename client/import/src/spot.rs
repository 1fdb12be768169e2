//! Where records stand in the files that are imported.

use serde_json::{Map, Value};
use std::fmt;

/// Which file of an import a record is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum File {
    /// The file of records.
    Records,
    /// The list of the people in them.
    People,
}

/// Where a record stands: the file, its number there, and its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    /// The file.
    pub file: File,
    /// Its number among the records of the file, from 1.
    pub record: u64,
    /// The number of its line, from 1: blank lines, comments and headings count.
    pub line: u64,
}

impl Spot {
    /// A record of the main file.
    pub fn new(record: u64, line: u64) -> Self {
        Self { file: File::Records, record, line }
    }

    /// The spot as fields of JSON: `record`, `line`, and `list` if it is the list of people.
    pub fn fields(self) -> Map<String, Value> {
        let mut fields =
            Map::from_iter([("record".to_owned(), self.record.into()), ("line".to_owned(), self.line.into())]);
        if self.file == File::People {
            fields.insert("list".to_owned(), "people".into());
        }
        fields
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}{}", self.line, self.file)
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Records => "",
            Self::People => " of the list of people",
        })
    }
}

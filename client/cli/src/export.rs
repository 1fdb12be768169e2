//! What is exported, a format a file. Everything is written as it arrives: memory does not depend on the length of a log.

pub(crate) mod edges;
pub(crate) mod graph;
pub(crate) mod lines;
pub(crate) mod people;
pub(crate) mod rows;

use crate::{failure::Failure, show::destination::Destination};
use kith_client::v1::Value;
use kith_core::position::Position;
use kith_json::value_json;
use serde_json::Value as Json;

/// What was written.
#[derive(Debug)]
pub(crate) struct Written {
    /// How much.
    pub(crate) count: u64,
    /// Of what, if it is one and if it is not.
    pub(crate) what: (&'static str, &'static str),
    /// Up to which entry, for what is made of entries.
    pub(crate) position: Option<Position>,
    /// Entries that the format has no place for.
    pub(crate) left_out: u64,
}

impl Written {
    fn of(count: u64, what: (&'static str, &'static str)) -> Self {
        Self { count, what, position: None, left_out: 0 }
    }
}

/// A table with a heading (RFC 4180, with line feeds).
struct Table<'d>(csv::Writer<&'d mut Destination>);

impl<'d> Table<'d> {
    fn new(out: &'d mut Destination) -> Self {
        Self(csv::Writer::from_writer(out))
    }

    fn row<T: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = T>) -> Result<(), Failure> {
        let written = self.0.write_record(cells);
        written.map_err(|error| self.0.get_ref().failed(error.into()))
    }

    fn finish(mut self) -> Result<(), Failure> {
        let flushed = self.0.flush();
        flushed.map_err(|error| self.0.get_ref().failed(error))
    }
}

/// A value for programs: nothing where there is none, otherwise as in JSON.
fn value_text(value: &Value) -> String {
    match value_json(value) {
        Json::Null => String::new(),
        Json::String(text) => text,
        other => other.to_string(),
    }
}

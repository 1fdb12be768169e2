//! The packed input of contract `kith:report@1.0.0`: the directory, rows of views, and the texts in them.
//!
//! Invariant: equal directories and rows produce equal bytes.

use crate::{
    ask::snapshot::row_bytes,
    contract::GuestValue,
    file::row::{RowKey, StoredRow},
};
use kith_core::directory::Directory;
use std::collections::HashMap;

/// Version of the layout.
const LAYOUT: u16 = 1;
/// Bytes of a person.
const PERSON_BYTES: u16 = 8;
/// The flag of a handle that means another person.
const MERGED: u32 = 1;

/// The input of a report, before it is encoded.
pub(crate) struct Packed {
    organisations: usize,
    /// Organisation and flags of each person.
    people: Vec<(u32, u32)>,
    tables: Vec<Table>,
    texts: Vec<String>,
    places: HashMap<String, usize>,
}

struct Table {
    rows: Vec<(RowKey, Vec<u8>)>,
    /// The values of all rows, row by row.
    values: Vec<f64>,
    columns: usize,
}

impl Packed {
    /// An input with the directory and without rows.
    pub(crate) fn new(directory: &Directory) -> Self {
        let ordinals: HashMap<_, u32> = directory.organisations().iter().map(|found| &found.id).zip(1..).collect();
        let people = directory.people().iter().map(|person| {
            let organisation = person.organisation.as_ref().and_then(|id| ordinals.get(id)).copied().unwrap_or(0);
            (organisation, if directory.merge(&person.id).is_some() { MERGED } else { 0 })
        });
        Self {
            organisations: directory.organisations().len(),
            people: people.collect(),
            tables: Vec::new(),
            texts: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// Adds the rows of the next view, in any order, with the columns that the report reads.
    pub(crate) fn add(&mut self, mut rows: Vec<(RowKey, Vec<u8>)>, columns: &[usize]) {
        rows.sort_unstable_by_key(|(key, _)| *key);
        let mut values = Vec::with_capacity(rows.len() * columns.len());
        for (_, row) in &rows {
            values.extend(columns.iter().map(|column| self.number(StoredRow::column(row, *column))));
        }
        self.tables.push(Table { rows, values, columns: columns.len() });
    }

    /// A value as a number. An unknown value is NaN, which no value of a row can be.
    #[allow(clippy::cast_precision_loss, reason = "positions and counts are far below 2^53")]
    fn number(&mut self, value: GuestValue) -> f64 {
        match value {
            GuestValue::None => f64::NAN,
            GuestValue::Number(number) => number,
            GuestValue::Integer(integer) => integer as f64,
            GuestValue::Text(text) => {
                let next = self.texts.len();
                let place = *self.places.entry(text.clone()).or_insert(next);
                if place == next {
                    self.texts.push(text);
                }
                place as f64
            }
            GuestValue::Flag(flag) => f64::from(u8::from(flag)),
            GuestValue::Day(day) => f64::from(day.number()),
            GuestValue::Person(handle) => f64::from(handle),
            GuestValue::Event(position) => position.get() as f64,
        }
    }

    /// The rows of an input, by key and item.
    pub(crate) fn rows(&self, input: usize) -> &[(RowKey, Vec<u8>)] {
        &self.tables[input].rows
    }

    /// Bytes held, except for the directory.
    pub(crate) fn bytes(&self) -> usize {
        let rows = |table: &Table| table.rows.iter().map(|(_, row)| row_bytes(row)).sum::<usize>();
        self.tables.iter().map(rows).sum::<usize>() + self.bytes_beside_rows()
    }

    /// Bytes of values and texts held in addition to the rows.
    pub(crate) fn bytes_beside_rows(&self) -> usize {
        let texts: usize = self.texts.iter().map(|text| 2 * (text.len() + size_of::<String>())).sum();
        let values: usize = self.tables.iter().map(|table| table.values.len()).sum();
        texts + values * size_of::<f64>()
    }

    /// The number of rows of each input.
    pub(crate) fn row_counts(&self) -> Vec<usize> {
        self.tables.iter().map(|table| table.rows.len()).collect()
    }

    /// The bytes that are passed to the plugin.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&LAYOUT.to_le_bytes());
        out.extend_from_slice(&PERSON_BYTES.to_le_bytes());
        let counts = [self.people.len(), self.organisations, self.tables.len(), self.texts.len()];
        for count in counts {
            put_count(&mut out, count);
        }
        for (organisation, flags) in &self.people {
            out.extend_from_slice(&organisation.to_le_bytes());
            out.extend_from_slice(&flags.to_le_bytes());
        }
        for table in &self.tables {
            table.encode(&mut out);
        }
        for text in &self.texts {
            put_count(&mut out, text.len());
            out.extend_from_slice(text.as_bytes());
        }
        out
    }
}

impl Table {
    fn encode(&self, out: &mut Vec<u8>) {
        put_count(out, self.rows.len());
        put_count(out, self.columns);
        for (number, (RowKey { key, item }, _)) in self.rows.iter().enumerate() {
            out.extend_from_slice(&key.a.to_le_bytes());
            out.extend_from_slice(&key.b.to_le_bytes());
            out.extend_from_slice(&item.get().to_le_bytes());
            let values = &self.values[number * self.columns..][..self.columns];
            for value in values {
                out.extend_from_slice(&value.to_le_bytes());
            }
        }
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&u32::try_from(count).expect("inputs are far below 4 GiB").to_le_bytes());
}

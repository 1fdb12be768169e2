//! The packed input of contract `kith:report@1.0.0`: the directory, rows of views, and the texts in them.
//!
//! Rows are packed as they are read, and nothing else is kept of them: a million rows are then some tens of MiB.
//! Invariant: equal directories and rows produce equal bytes.

use crate::{
    contract::{GuestValue, key::Key},
    file::row::{RowKey, StoredRow},
    report::error::ReportError,
    share::work::Hold,
};
use kith_core::{directory::Directory, position::Position};
use std::collections::HashMap;

/// Version of the layout.
const LAYOUT: u16 = 2;
/// Bytes of a person.
const PERSON_BYTES: u16 = 8;
/// The flag of a handle that means another person.
const MERGED: u32 = 1;
/// Bytes of a row's key, of its item and of a value.
const KEY_BYTES: usize = 8;
const ITEM_BYTES: usize = 8;
const VALUE_BYTES: usize = 8;
/// Bytes of the counts before the rows of an input.
const COUNTS_BYTES: usize = 16;
/// Bytes of memory that are held at a time while the input grows.
const HOLD_BYTES: usize = 1024 * 1024;

/// The columns of a view that a report reads, by their places, and which rows.
pub(crate) struct Columns {
    /// The columns, in the order of the values.
    pub(crate) wanted: Vec<usize>,
    /// A column and the least value of it.
    pub(crate) at_least: Option<(usize, f64)>,
}

/// The input of a report while it is packed.
pub(crate) struct Packing {
    bytes: Vec<u8>,
    tables: Vec<PackedTable>,
    texts: Vec<String>,
    places: HashMap<String, usize>,
    bytes_max: usize,
    /// Bytes that the rows so far, and about as many as the present view has, take.
    expected: usize,
    hold: Hold,
}

/// The input of a report.
pub(crate) struct Packed {
    bytes: Vec<u8>,
    tables: Vec<PackedTable>,
    _hold: Hold,
}

/// Where the rows of an input lie.
#[derive(Clone, Copy)]
struct PackedTable {
    start: usize,
    rows: usize,
    columns: usize,
    has_items: bool,
}

/// The rows of a view on their way into the input, in the order of their keys and items.
pub(crate) struct Rows<'a> {
    into: &'a mut Packing,
    columns: &'a Columns,
    table: PackedTable,
    left_out: u32,
    last: Option<RowKey>,
}

impl Packing {
    /// An input with the directory and without rows, of at most so many bytes, which are held.
    pub(crate) fn new(directory: &Directory, inputs: usize, bytes_max: usize, hold: Hold) -> Result<Self, ReportError> {
        let ordinals: HashMap<_, u32> = directory.organisations().iter().map(|found| &found.id).zip(1..).collect();
        let (bytes, tables, texts, places) = Default::default();
        let mut packing = Self { bytes, tables, texts, places, bytes_max, expected: 0, hold };
        packing.reserve(20 + directory.people().len() * usize::from(PERSON_BYTES))?;
        let out = &mut packing.bytes;
        out.extend_from_slice(&LAYOUT.to_le_bytes());
        out.extend_from_slice(&PERSON_BYTES.to_le_bytes());
        for count in [directory.people().len(), directory.organisations().len(), inputs, 0] {
            put_count(out, count);
        }
        for person in directory.people() {
            let organisation = person.organisation.as_ref().and_then(|id| ordinals.get(id)).copied().unwrap_or(0);
            let flags = if directory.merge(&person.id).is_some() { MERGED } else { 0 };
            out.extend_from_slice(&organisation.to_le_bytes());
            out.extend_from_slice(&flags.to_le_bytes());
        }
        Ok(packing)
    }

    /// Begins the rows of the next view, of which there are about this many.
    pub(crate) fn rows<'a>(&'a mut self, columns: &'a Columns, about: usize) -> Result<Rows<'a>, ReportError> {
        let row_bytes = KEY_BYTES + columns.wanted.len() * VALUE_BYTES;
        self.reserve(COUNTS_BYTES)?;
        self.bytes.resize(self.bytes.len() + COUNTS_BYTES, 0);
        // There may be fewer, so that this alone is no reason to refuse them.
        self.expected = self.bytes.len() + about.saturating_mul(row_bytes);
        self.reserve(self.expected.min(self.bytes_max) - self.bytes.len())?;
        let table = PackedTable { start: self.bytes.len(), rows: 0, columns: columns.wanted.len(), has_items: false };
        Ok(Rows { into: self, columns, table, left_out: 0, last: None })
    }

    /// The packed bytes.
    pub(crate) fn finish(mut self) -> Result<Packed, ReportError> {
        let texts: usize = self.texts.iter().map(|text| 4 + text.len()).sum();
        self.reserve(texts)?;
        // The number of texts is the last one of the header.
        self.bytes[16..20].copy_from_slice(&count(self.texts.len()));
        for text in &self.texts {
            put_count(&mut self.bytes, text.len());
            self.bytes.extend_from_slice(text.as_bytes());
        }
        Ok(Packed { bytes: self.bytes, tables: self.tables, _hold: self.hold })
    }

    /// Makes room for more bytes.
    fn reserve(&mut self, bytes: usize) -> Result<(), ReportError> {
        let needed = self.bytes.len() + bytes;
        if needed > self.bytes_max {
            return Err(ReportError::Input { bytes: needed.max(self.expected), bytes_max: self.bytes_max });
        }
        if needed <= self.bytes.capacity() {
            return Ok(());
        }
        let wanted = needed.next_multiple_of(HOLD_BYTES);
        self.hold.add(wanted - self.bytes.capacity())?;
        self.bytes.reserve_exact(wanted - self.bytes.len());
        Ok(())
    }

    /// A value as a number. An unknown value is NaN, which no value of a row can be.
    #[allow(clippy::cast_precision_loss, reason = "positions and counts are far below 2^53")]
    fn number(&mut self, value: GuestValue) -> Result<f64, ReportError> {
        Ok(match value {
            GuestValue::None => f64::NAN,
            GuestValue::Number(number) => number,
            GuestValue::Integer(integer) => integer as f64,
            GuestValue::Text(text) => self.text(text)? as f64,
            GuestValue::Flag(flag) => f64::from(u8::from(flag)),
            GuestValue::Day(day) => f64::from(day.number()),
            GuestValue::Person(handle) => f64::from(handle),
            GuestValue::Event(position) => position.get() as f64,
        })
    }

    /// The place of a text among all texts.
    fn text(&mut self, text: String) -> Result<usize, ReportError> {
        if let Some(place) = self.places.get(&text) {
            return Ok(*place);
        }
        self.hold.add(2 * (text.len() + size_of::<String>()))?;
        let place = self.texts.len();
        self.places.insert(text.clone(), place);
        self.texts.push(text);
        Ok(place)
    }
}

impl Rows<'_> {
    /// Adds the next row, if the report needs it.
    pub(crate) fn add(&mut self, key: RowKey, row: &[u8]) -> Result<(), ReportError> {
        debug_assert!(self.last < Some(key), "rows come in the order of keys and items");
        self.last = Some(key);
        if let Some((column, least)) = self.columns.at_least {
            let value = self.into.number(StoredRow::column(row, column))?;
            // Unknown values are not at least anything.
            if value < least || value.is_nan() {
                self.left_out += 1;
                return Ok(());
            }
        }
        if key.item > Position::ZERO && !self.table.has_items {
            self.give_items()?;
        }
        self.into.reserve(self.table.row_bytes())?;
        let RowKey { key: Key { a, b }, item } = key;
        self.into.bytes.extend_from_slice(&a.to_le_bytes());
        self.into.bytes.extend_from_slice(&b.to_le_bytes());
        if self.table.has_items {
            self.into.bytes.extend_from_slice(&item.get().to_le_bytes());
        }
        for column in &self.columns.wanted {
            let value = self.into.number(StoredRow::column(row, *column))?;
            self.into.bytes.extend_from_slice(&value.to_le_bytes());
        }
        self.table.rows += 1;
        Ok(())
    }

    /// Packs the rows so far again, with items: this is the first row with one.
    fn give_items(&mut self) -> Result<(), ReportError> {
        let without = self.into.bytes.split_off(self.table.start);
        let row_bytes = self.table.row_bytes();
        self.table.has_items = true;
        self.into.reserve(self.table.rows * self.table.row_bytes())?;
        for row in without.chunks_exact(row_bytes) {
            let (key, values) = row.split_at(KEY_BYTES);
            for part in [key, &[0; ITEM_BYTES], values] {
                self.into.bytes.extend_from_slice(part);
            }
        }
        Ok(())
    }

    /// Ends the rows of this view.
    pub(crate) fn end(self) {
        let Self { into, table, left_out, .. } = self;
        let item_bytes = if table.has_items { ITEM_BYTES } else { 0 };
        let counts = [count(table.rows), count(table.columns), count(item_bytes), left_out.to_le_bytes()];
        into.bytes[table.start - COUNTS_BYTES..table.start].copy_from_slice(counts.as_flattened());
        into.tables.push(table);
    }
}

impl Packed {
    /// The bytes that are passed to the plugin.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of rows of each input.
    pub(crate) fn row_counts(&self) -> Vec<usize> {
        self.tables.iter().map(|table| table.rows).collect()
    }

    /// The key and item of a row, by the numbers of its input and of the row.
    pub(crate) fn row_key(&self, (input, row): (u32, u32)) -> RowKey {
        let table = &self.tables[input as usize];
        let row_bytes = table.row_bytes();
        let row = &self.bytes[table.start + row as usize * row_bytes..][..row_bytes];
        let number = |at: usize| u32::from_le_bytes(crate::contract::key::first(&row[at..]));
        let item = if table.has_items { u64::from_le_bytes(crate::contract::key::first(&row[KEY_BYTES..])) } else { 0 };
        RowKey { key: Key { a: number(0), b: number(4) }, item: Position::new(item) }
    }
}

impl PackedTable {
    fn row_bytes(self) -> usize {
        KEY_BYTES + if self.has_items { ITEM_BYTES } else { 0 } + self.columns * VALUE_BYTES
    }
}

fn count(count: usize) -> [u8; 4] {
    u32::try_from(count).expect("inputs are far below 4 GiB").to_le_bytes()
}

fn put_count(out: &mut Vec<u8>, number: usize) {
    out.extend_from_slice(&count(number));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share::{cancel::Cancel, work::WorkMemory};
    use kith_report_sdk::{Input, Table};
    use proptest::prelude::*;

    const WHOLE: usize = 16 * 1024 * 1024;

    fn packing(bytes_max: usize) -> Packing {
        let hold = WorkMemory::new(WHOLE, WHOLE).begin(&Cancel::default()).hold();
        Packing::new(&Directory::default(), 1, bytes_max, hold).unwrap()
    }

    /// A row of a view with a text, a number that may be missing, and an integer.
    fn row((text, number, integer): (&str, Option<f64>, i32)) -> Vec<u8> {
        let number = number.map_or(GuestValue::None, GuestValue::Number);
        let values = vec![GuestValue::Text(text.to_owned()), number, GuestValue::Integer(integer.into())];
        StoredRow { changed: Position::new(1), values, evidence_count: 1, evidence: Vec::new() }.encode()
    }

    fn key(a: u32, b: u32, item: u64) -> RowKey {
        RowKey { key: Key { a, b }, item: Position::new(item) }
    }

    fn packed(columns: &Columns, about: usize, found: &[(RowKey, Vec<u8>)]) -> Packed {
        let mut packing = packing(WHOLE);
        let mut rows = packing.rows(columns, about).unwrap();
        for (key, row) in found {
            rows.add(*key, row).unwrap();
        }
        rows.end();
        packing.finish().unwrap()
    }

    fn unpacked(packed: &Packed) -> Input {
        Input::parse(packed.bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_report_gets_the_columns_and_rows_that_it_asks_for() {
        let found = [
            (key(1, 2, 0), row(("met", Some(2.5), 7))),
            (key(1, 3, 0), row(("met", None, 9))),
            (key(1, 3, 8), row(("late", Some(0.5), -1))),
            (key(2, 3, 0), row(("open", Some(3.0), 0))),
        ];
        let all = packed(&Columns { wanted: vec![2, 0], at_least: None }, 0, &found);
        let expected = [(1, 2, 0, [7.0, 0.0]), (1, 3, 0, [9.0, 0.0]), (1, 3, 8, [-1.0, 1.0]), (2, 3, 0, [0.0, 2.0])];
        let input = unpacked(&all);
        assert_eq!(
            (&input.tables, &input.texts),
            (&vec![Table::of(expected)], &["met", "late", "open"].map(str::to_owned).to_vec())
        );
        assert_eq!([0, 1, 2, 3].map(|row| all.row_key((0, row))), found.each_ref().map(|(key, _)| *key));
        assert_eq!(all.row_counts(), [4]);

        let some = unpacked(&packed(&Columns { wanted: vec![1], at_least: Some((1, 2.5)) }, 0, &found));
        let mut expected = Table::of([(1, 2, 0, [2.5]), (2, 3, 0, [3.0])]);
        expected.left_out = 2;
        assert_eq!(some.tables, [expected], "what is not known is not enough");
        assert!(some.texts.is_empty());
    }

    #[test]
    fn too_many_rows_are_refused_with_what_they_would_take() {
        let columns = Columns { wanted: vec![1], at_least: None };
        let mut packing = packing(1_000);
        let mut rows = packing.rows(&columns, 500).unwrap();
        let refused = (0..500).find_map(|b| rows.add(key(1, b, 0), &row(("", Some(1.0), 1))).err());
        let Some(ReportError::Input { bytes, bytes_max }) = refused else { panic!("{refused:?}") };
        assert_eq!((bytes, bytes_max), (20 + 16 + 500 * 16, 1_000));
        let text = ReportError::Input { bytes: 3 << 20, bytes_max: 2 << 20 }.to_string();
        assert!(text.contains("3 MiB") && text.contains("`report_input_bytes_max` is 2 MiB"), "{text}");
    }

    proptest! {
        /// However many rows are expected, and whether or not any of them has an item.
        #[test]
        fn the_kit_reads_what_is_packed(
            found in prop::collection::btree_map(
                (1..4_u32, 4..9_u32, prop_oneof![3 => Just(0), 1 => 1..5_u64]),
                ("[a-c]", prop::option::of(-9.0..9.0_f64), -5..5_i32),
                0..30,
            ),
            about in 0..60_usize,
            least in prop::option::of(-5.0..5.0_f64),
        ) {
            let stored: Vec<_> = found
                .iter()
                .map(|((a, b, item), (text, number, integer))| (key(*a, *b, *item), row((text, *number, *integer))))
                .collect();
            let columns = Columns { wanted: vec![2], at_least: least.map(|least| (2, least)) };
            let packed = packed(&columns, about, &stored);
            let all = found.iter().map(|((a, b, item), (_, _, integer))| (*a, *b, *item, [f64::from(*integer)]));
            let expected: Vec<_> = all.filter(|(.., [value])| least.is_none_or(|least| *value >= least)).collect();
            let left_out = u32::try_from(found.len() - expected.len()).unwrap();
            let keys: Vec<_> = expected.iter().map(|(a, b, item, _)| key(*a, *b, *item)).collect();
            let number = 0..u32::try_from(keys.len()).unwrap();
            prop_assert_eq!(number.map(|row| packed.row_key((0, row))).collect::<Vec<_>>(), keys);
            let mut table = Table::of(expected);
            table.left_out = left_out;
            prop_assert_eq!(unpacked(&packed).tables, [table]);
        }
    }
}

//! The table of a report: its rows as of one position and day, and which rows of views they stand on.

use super::input::Packed;
use crate::{
    ask::snapshot::Table,
    contract::key::Key,
    file::row::{RowKey, StoredRow},
    plugin::abi::report_v1::{GuestOutput, GuestReportRow},
    share::work::Hold,
};
use kith_core::{day::Day, position::Position};

/// The rows and remarks of a report as of one position and day.
pub struct ReportTable {
    pub(super) output: GuestOutput,
    /// The rows that are named as evidence, by the numbers of their input and of the row.
    evidence: Vec<((u32, u32), RowKey)>,
    /// Number of keys of its views whose plugins fail on them: what they say is missing in the input, or behind.
    pub(super) failing_keys: u64,
    /// Memory of a table that is too large to be cached, held while it is in use.
    _hold: Option<Hold>,
}

/// Identifies a table: equal ones are the same table. With another version of a view it is another table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TableOf {
    pub(super) component: [u8; 32],
    pub(super) settings: String,
    pub(super) position: Position,
    pub(super) day: Day,
    pub(super) views: Vec<[u8; 32]>,
}

impl ReportTable {
    pub(super) fn new(output: GuestOutput, packed: &Packed, failing_keys: u64) -> Self {
        let mut named: Vec<(u32, u32)> = output.rows.iter().flat_map(|row| row.evidence.iter().copied()).collect();
        named.sort_unstable();
        named.dedup();
        let evidence = named.into_iter().map(|numbers| (numbers, packed.row_key(numbers))).collect();
        Self { output, evidence, failing_keys, _hold: None }
    }

    /// The row of a view that is named as evidence by these numbers.
    pub(super) fn named(&self, numbers: (u32, u32)) -> RowKey {
        let place = self.evidence.binary_search_by_key(&numbers, |(numbers, _)| *numbers);
        self.evidence[place.expect("every row that is named was noted")].1
    }

    /// The same table, holding the memory that it takes.
    pub(super) fn holding(self, hold: Hold) -> Self {
        Self { _hold: Some(hold), ..self }
    }

    /// Bytes that the table holds.
    pub(super) fn bytes(&self) -> usize {
        self.output.bytes() + self.evidence.len() * size_of::<((u32, u32), RowKey)>()
    }

    /// The rows in the form of a view's, for comparison.
    pub(super) fn table(&self) -> Table {
        let row = |row: &GuestReportRow| {
            let key = RowKey { key: Key::directed(row.key.0, row.key.1), item: Position::ZERO };
            let values = row.values.clone();
            (key, StoredRow { changed: Position::ZERO, values, evidence_count: 0, evidence: Vec::new() }.encode())
        };
        self.output.rows.iter().map(row).collect()
    }
}

//! A report's table: its rows as of one position and day, and what they were computed from.

use super::input::Packed;
use crate::{
    ask::snapshot::Table,
    contract::key::Key,
    file::row::{RowKey, StoredRow},
    plugin::abi::report_v1::GuestReportRow,
    share::work::Hold,
};
use kith_core::{day::Day, position::Position};

/// The rows of a report as of one position and day.
pub struct ReportTable {
    pub(super) rows: Vec<GuestReportRow>,
    /// What they were computed from.
    pub(super) packed: Packed,
    /// For a table that is too large to be kept: whoever still reads it has the memory for it.
    _hold: Option<Hold>,
}

/// What a table is of: equal ones are the same table. When another version of a view answers, it is another table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TableOf {
    pub(super) component: [u8; 32],
    pub(super) settings: String,
    pub(super) position: Position,
    pub(super) day: Day,
    pub(super) views: Vec<[u8; 32]>,
}

impl ReportTable {
    pub(super) fn new(rows: Vec<GuestReportRow>, packed: Packed) -> Self {
        Self { rows, packed, _hold: None }
    }

    /// The same, with the memory that it takes.
    pub(super) fn holding(self, hold: Hold) -> Self {
        Self { _hold: Some(hold), ..self }
    }

    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        let row = |row: &GuestReportRow| size_of::<GuestReportRow>() + row.bytes();
        self.packed.bytes() + self.rows.iter().map(row).sum::<usize>()
    }

    /// The rows as those of views are kept, to be compared.
    pub(super) fn table(&self) -> Table {
        let row = |row: &GuestReportRow| {
            let key = RowKey { key: Key::directed(row.key.0, row.key.1), item: Position::ZERO };
            let values = row.values.clone();
            (key, StoredRow { changed: Position::ZERO, values, evidence_count: 0, evidence: Vec::new() }.encode())
        };
        self.rows.iter().map(row).collect()
    }
}

//! How many rows each table must have.
//!
//! Invariant: the walk has looked up every row that must exist; equal counts then prove that there are no others.

use super::Report;
use crate::{
    error::ReadError,
    rows::{ids, row::HeadRow, tables, version},
};
use redb::{Key, ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, Value};

/// Rows that follow from the entries of all networks.
#[derive(Default)]
pub(super) struct Expected {
    pub(super) heads: u64,
    /// Blocks of entries.
    pub(super) entries: u64,
    pub(super) ids: u64,
    pub(super) people: u64,
    pub(super) common: u64,
    pub(super) restricted: u64,
    pub(super) retractions: u64,
    pub(super) names: u64,
    pub(super) details: u64,
    pub(super) tokens: u64,
    pub(super) leaves: u64,
    pub(super) subtrees: u64,
}

impl Expected {
    /// Adds the rows of one network.
    pub(super) fn add(&mut self, network: &Self) {
        self.heads += network.heads;
        self.entries += network.entries;
        self.ids += network.ids;
        self.people += network.people;
        self.common += network.common;
        self.restricted += network.restricted;
        self.retractions += network.retractions;
        self.names += network.names;
        self.details += network.details;
        self.tokens += network.tokens;
        self.leaves += network.leaves;
        self.subtrees += network.subtrees;
    }

    /// Reports tables whose number of rows differs.
    pub(super) fn compare(&self, transaction: &ReadTransaction, report: &mut Report) -> Result<(), ReadError> {
        compare(transaction, ("meta", tables::META), version::count_rows(transaction)?, report)?;
        compare(transaction, ("heads", tables::HEADS), self.heads, report)?;
        compare(transaction, ("entries", tables::ENTRIES), self.entries, report)?;
        self.compare_ids(transaction, report)?;
        compare(transaction, ("people", tables::PEOPLE), self.people, report)?;
        compare(transaction, ("common", tables::COMMON), self.common, report)?;
        compare(transaction, ("restricted", tables::RESTRICTED), self.restricted, report)?;
        compare(transaction, ("retractions", tables::RETRACTIONS), self.retractions, report)?;
        compare(transaction, ("names", tables::NAMES), self.names, report)?;
        compare(transaction, ("details", tables::DETAILS), self.details, report)?;
        compare(transaction, ("tokens", tables::TOKENS), self.tokens, report)?;
        compare(transaction, ("leaves", tables::LEAVES), self.leaves, report)?;
        compare(transaction, ("subtrees", tables::SUBTREES), self.subtrees, report)
    }
}

impl Expected {
    /// Counts ids one by one, since the number in a row depends on the order in which they were recorded.
    fn compare_ids(&self, transaction: &ReadTransaction, report: &mut Report) -> Result<(), ReadError> {
        let mut found = 0;
        for row in transaction.open_table(tables::IDS)?.iter()? {
            match ids::decode(row?.1.value()) {
                Ok(ids) => found += ids.len() as u64,
                Err(ReadError::Damaged(damage)) => report.add_about_file(damage.table, damage.what),
                Err(error) => return Err(error),
            }
        }
        compare_counts("ids", found, self.ids, report);
        Ok(())
    }
}

fn compare<K: Key + 'static, V: Value + 'static>(
    transaction: &ReadTransaction,
    (table, definition): (&'static str, TableDefinition<'static, K, V>),
    expected: u64,
    report: &mut Report,
) -> Result<(), ReadError> {
    compare_counts(table, transaction.open_table(definition)?.len()?, expected, report);
    Ok(())
}

fn compare_counts(table: &'static str, found: u64, expected: u64, report: &mut Report) {
    if found > expected {
        report.add_about_file(table, "has rows that follow from no entry");
    }
    if found < expected {
        report.add_about_file(table, "lacks rows that follow from entries");
    }
}

/// Entries of all networks, according to their heads.
pub(super) fn count_entries(transaction: &ReadTransaction) -> Result<u64, ReadError> {
    let mut count = 0;
    for row in transaction.open_table(tables::HEADS)?.iter()? {
        count += HeadRow::decode(row?.1.value()).map_or(0, |head| head.position.get());
    }
    Ok(count)
}

//! Rows of details that lose some of them.
//!
//! Invariant: a row keeps its number of details; what is erased in it is never written again.

use crate::{
    error::{ReadError, damaged},
    rows::tables::{DETAILS, NAMES},
};
use kith_core::{id::PersonId, position::Position};
use kith_words::Sealed;
use redb::{ReadableTable, Table, WriteTransaction};
use std::{collections::HashMap, sync::Arc};

/// Rows with details about people who were erased.
#[derive(Debug, Clone)]
pub(crate) struct ErasedPeople {
    /// The network's ordinal.
    pub(crate) n: u32,
    /// The entries.
    pub(crate) rows: Vec<Position>,
    /// The people, with the positions of the entries that erased them.
    pub(crate) people: Arc<HashMap<PersonId, Position>>,
    /// Handles of people whose names go.
    pub(crate) names: Vec<u32>,
}

/// Single details of an entry that are erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErasedDetails {
    /// The entry.
    pub(crate) position: Position,
    /// Their indexes.
    pub(crate) details: Vec<u32>,
    /// Position of the entry that erases them.
    pub(crate) by: Position,
}

/// Position of the entry that erased one of a detail's subjects: the first, if there are several.
pub(crate) fn erased_by(people: &HashMap<PersonId, Position>, sealed: &Sealed) -> Option<Position> {
    sealed.subjects.iter().filter_map(|subject| people.get(subject)).min().copied()
}

/// Erases the details about people from rows.
pub(crate) fn erase_people(transaction: &WriteTransaction, erased: &ErasedPeople) -> Result<(), ReadError> {
    let mut table = transaction.open_table(DETAILS)?;
    for position in &erased.rows {
        erase(&mut table, erased.n, *position, |_, sealed| erased_by(&erased.people, sealed))?;
    }
    let mut names = transaction.open_table(NAMES)?;
    for handle in &erased.names {
        names.remove((erased.n, *handle))?;
    }
    Ok(())
}

/// Erases single details from the rows of their entries.
pub(crate) fn erase_details(transaction: &WriteTransaction, n: u32, erased: &[ErasedDetails]) -> Result<(), ReadError> {
    if erased.is_empty() {
        return Ok(());
    }
    let mut table = transaction.open_table(DETAILS)?;
    for ErasedDetails { position, details, by } in erased {
        let is_meant = |index: usize| details.iter().any(|meant| *meant as usize == index);
        erase(&mut table, n, *position, |index, _| is_meant(index).then_some(*by))?;
    }
    Ok(())
}

fn erase(
    table: &mut Table<'_, (u32, u64), &'static [u8]>,
    n: u32,
    position: Position,
    by: impl Fn(usize, &Sealed) -> Option<Position>,
) -> Result<(), ReadError> {
    let key = (n, position.get());
    let details = table.get(key)?.map(|row| kith_words::decode_all(row.value()));
    // Nothing is left to erase where a row is missing, which a check reports.
    let Some(details) = details else { return Ok(()) };
    let mut details = details.ok_or_else(|| damaged("details", "a row is malformed"))?;
    if kith_words::erase(&mut details, by) > 0 {
        table.insert(key, kith_words::encode_all(&details).as_slice())?;
    }
    Ok(())
}

//! What erasures remove from a replica: the keys of people, details of entries, and words of events that are kept to be
//! sent again.
//!
//! Invariant: they are gone when the cursor is behind the entry that erases them: keys go before the transaction with the
//! entry is committed, which an entry that a signed checkpoint vouches for allows, whatever becomes of the transaction.

use super::{
    error::StoreError,
    part::id_key,
    rows::{OwnEvent, Pending, Refused},
    store::{Writing, decode},
    tables::{DETAILS, IDS, OUTBOX, REFUSED, SETTLED},
};
use crate::entries::Recorded;
use kith_core::{
    event::{Administration, Fact},
    id::{EventId, PersonId},
    position::Position,
    reason::Reason,
};
use kith_words::{Sealed, decode_all, encode_all, erase};
use prost::Message;
use redb::{ReadableTable, TableDefinition};
use std::collections::HashMap;

/// People, and the positions of the entries that erased them.
pub(super) type Erased = HashMap<PersonId, Position>;

/// Removes what new entries erase: all at once, because every detail is looked at. Returns the waiting and refused events
/// of this device that lost words.
pub(super) fn erase_all(transaction: &Writing<'_>, entries: &[Recorded]) -> Result<Vec<EventId>, StoreError> {
    let mut people = Erased::new();
    for recorded in entries {
        match &recorded.event.fact {
            Fact::Administration(Administration::PersonErased { person, .. }) => {
                people.entry(person.clone()).or_insert(recorded.entry.position);
            }
            Fact::Administration(Administration::DetailsErased { event, details, .. }) => {
                erase_single(transaction, event, details, recorded.entry.position)?;
            }
            _ => {}
        }
    }
    if people.is_empty() {
        return Ok(Vec::new());
    }
    transaction.words()?.destroy(&people)?;
    change_rows(transaction, DETAILS, |row| {
        let mut row = row.to_vec();
        Ok(erase_from(&mut row, |_, detail| erased_by(detail, &people))?.then_some(row))
    })?;
    change_rows(transaction, SETTLED, |row| {
        let mut row: OwnEvent = decode(row)?;
        Ok(row.erase(&people)?.then(|| row.encode_to_vec()))
    })?;
    erase_unsent(transaction, &people)
}

/// Takes the words about people out of the events of this device that are waiting or were refused. Those that were refused
/// because of such words are queued again without them. Returns the events that lost words.
fn erase_unsent(transaction: &Writing<'_>, people: &Erased) -> Result<Vec<EventId>, StoreError> {
    let mut lost = Vec::new();
    change_rows(transaction, OUTBOX, |row| {
        let mut row: Pending = decode(row)?;
        let Some(own) = row.event.as_mut() else { return Ok(None) };
        if !own.erase(people)? {
            return Ok(None);
        }
        if row.position == 0 {
            lost.push(own.event()?.id);
        }
        Ok(Some(row.encode_to_vec()))
    })?;
    let mut again = Vec::new();
    change_rows(transaction, REFUSED, |row| {
        let mut row: Refused = decode(row)?;
        let Some(own) = row.event.as_mut() else { return Ok(None) };
        if !own.erase(people)? {
            return Ok(None);
        }
        let id = own.event()?.id;
        lost.push(id);
        if row.reason == Reason::PersonErased as i32 {
            again.push(id);
        }
        Ok(Some(row.encode_to_vec()))
    })?;
    super::outbox::return_refused(transaction, |_, event| again.contains(&event.id))?;
    Ok(lost)
}

impl Writing<'_> {
    /// Drops the words of all events of this device in a table of those that the log has.
    pub(super) fn drop_own_words(&self, table: TableDefinition<'_, u64, &'static [u8]>) -> Result<(), StoreError> {
        change_rows(self, table, |row| {
            let mut own: OwnEvent = decode(row)?;
            own.drop_words()?;
            Ok(Some(own.encode_to_vec()))
        })
    }
}

impl OwnEvent {
    /// Erases the details about people. Returns whether there were any.
    fn erase(&mut self, people: &Erased) -> Result<bool, StoreError> {
        erase_from(&mut self.words, |_, detail| erased_by(detail, people))
    }

    /// Drops all its words. Returns whether there were any.
    pub(super) fn drop_words(&mut self) -> Result<bool, StoreError> {
        erase_from(&mut self.words, |_, _| Some(Position::ZERO))
    }
}

/// The position of the entry that erased one of a detail's subjects: the first, if there are several.
fn erased_by(detail: &Sealed, people: &Erased) -> Option<Position> {
    detail.subjects.iter().filter_map(|subject| people.get(subject)).min().copied()
}

fn erase_single(transaction: &Writing<'_>, event: &EventId, details: &[u32], by: Position) -> Result<(), StoreError> {
    let position = transaction.open_table(IDS)?.get(id_key(event))?.map(|position| position.value());
    let Some(position) = position else { return Ok(()) };
    let mut table = transaction.open_table(DETAILS)?;
    let row = table.get(position)?.map(|row| row.value().to_vec());
    let Some(mut row) = row else { return Ok(()) };
    let is_named = |index: usize| details.iter().any(|named| *named as usize == index);
    if erase_from(&mut row, |index, _| is_named(index).then_some(by))? {
        table.insert(position, row.as_slice())?;
    }
    Ok(())
}

/// Erases those details of a row for which `by` gives the position of the entry that does. Returns whether there were any.
fn erase_from(row: &mut Vec<u8>, by: impl Fn(usize, &Sealed) -> Option<Position>) -> Result<bool, StoreError> {
    let mut details = decode_all(row).ok_or(StoreError::Damaged("a row of words cannot be read"))?;
    let is_changed = erase(&mut details, by) > 0;
    if is_changed {
        *row = encode_all(&details);
    }
    Ok(is_changed)
}

/// Changes the rows of a table for which `change` gives another value.
pub(super) fn change_rows(
    transaction: &Writing<'_>,
    table: TableDefinition<'_, u64, &'static [u8]>,
    mut change: impl FnMut(&[u8]) -> Result<Option<Vec<u8>>, StoreError>,
) -> Result<(), StoreError> {
    let mut table = transaction.open_table(table)?;
    let mut changed = Vec::new();
    for row in table.iter()? {
        let (key, value) = row?;
        changed.extend(change(value.value())?.map(|row| (key.value(), row)));
    }
    for (key, row) in changed {
        table.insert(key, row.as_slice())?;
    }
    Ok(())
}

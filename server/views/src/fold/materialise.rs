//! The rows of a day: replaced for keys that changed, and made for all keys for the first day and for each next one.

use super::{
    evaluate::{AsOf, EvaluateError, Evaluation, KeyRows},
    side_tables::SideTables,
    source::Source,
};
use crate::{
    contract::{KeyShape, key::Key},
    file::{
        people::Meaning,
        row::{RowHead, RowKey, StoredRow},
        store::StoreError,
        tables::{PLACES, Quarantined, RECORDS, Record, Side},
        zones::{Bounded, Zones},
    },
    limits,
    plugin::runner::Runner,
    share::{
        room::FileRoom,
        run_places::{RunPlace, RunPlaces},
    },
};
use kith_core::{day::Day, position::Position};
use redb::{AccessGuard, ReadableTable, StorageError, Table, WriteTransaction};
use std::{collections::HashMap, time::Duration};

/// Bytes of rows between two checks of the disk space.
const ROOM_LOOK_BYTES: usize = 1024 * 1024;

type RowTable<'t> = Table<'t, &'static [u8; 16], &'static [u8]>;
/// A stored row with its key.
type StoredPair<'t> = Result<(AccessGuard<'t, &'static [u8; 16]>, AccessGuard<'t, &'static [u8]>), StorageError>;

/// What is needed to make rows.
pub(crate) struct Materialisation<'a> {
    /// The transaction.
    pub(crate) write: &'a WriteTransaction,
    /// The entries.
    pub(crate) source: &'a Source,
    /// The plugin.
    pub(crate) runner: &'a mut Runner,
    /// The shape of keys.
    pub(crate) shape: KeyShape,
    /// The person each handle means.
    pub(crate) meaning: &'a Meaning,
    /// The position that rows are as of.
    pub(crate) position: Position,
    /// The disk space of the view's file.
    pub(crate) room: &'a FileRoom,
    /// The columns whose values have bounds.
    pub(crate) bounded: &'a Bounded,
}

/// The rows of a day.
pub(crate) struct DayRows<'a> {
    /// The day.
    pub(crate) day: Day,
    /// Where they are.
    pub(crate) side: Side,
    /// Their number, which is counted.
    pub(crate) rows: &'a mut u64,
    /// Keys in quarantine; those that cannot be read are noted.
    pub(crate) quarantine: &'a mut HashMap<Key, Quarantined>,
}

/// Which rows of the same keys there are already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Earlier {
    /// None.
    Nothing,
    /// Those of the same day, which are replaced.
    Replaced,
    /// Those of another day, on the other side: what is not among those made is marked as removed.
    OfAnotherDay,
}

impl Materialisation<'_> {
    /// Makes the rows of keys, which must be in order if there are rows of another day.
    pub(crate) fn make(
        &mut self,
        made: &mut DayRows<'_>,
        earlier: Earlier,
        keys: &[(Key, Record)],
    ) -> Result<(), EvaluateError> {
        let mut zones = Zones::new(self.bounded);
        self.make_in(made, earlier, &mut zones, keys)?;
        Ok(zones.write(&mut self.write.open_table(made.side.zones()).map_err(StoreError::from)?)?)
    }

    fn make_in(
        &mut self,
        made: &mut DayRows<'_>,
        earlier: Earlier,
        zones: &mut Zones<'_>,
        keys: &[(Key, Record)],
    ) -> Result<(), EvaluateError> {
        let DayRows { day, side, rows: count, quarantine } = made;
        let bounds = self.write.open_table(side.zones()).map_err(StoreError::from)?;
        let places = self.write.open_table(PLACES).map_err(StoreError::from)?;
        let mut evaluation = Evaluation {
            source: self.source,
            places: &places,
            meaning: self.meaning,
            shape: self.shape,
            runner: self.runner,
            as_of: AsOf::day(self.position, *day),
        };
        let mut rows = self.write.open_table(side.rows()).map_err(StoreError::from)?;
        let other_day = keys.first().filter(|_| earlier == Earlier::OfAnotherDay).map(|(first, _)| *first);
        let other_rows = self.write.open_table(side.other().rows()).map_err(StoreError::from)?;
        let others = other_day.map(|first| other_rows.range::<&[u8; 16]>(&RowKey::first_of(first).to_bytes()..));
        let mut others = others.transpose().map_err(StoreError::from)?.into_iter().flatten().peekable();
        let mut records = keys.iter().map(|(_, record)| record);
        let room = self.room;
        let mut unchecked = 0;
        evaluation.rows(*day, keys, |made| {
            let record = records.next().expect("every key is visited once, in order");
            if earlier == Earlier::Replaced {
                **count -= mark_removed(&mut rows, &made, record.changed)?;
            }
            while let Some(other) = others.next_if(|other| is_of(other, made.key)) {
                carry_over(&mut rows, other, &made, record.changed)?;
            }
            for (_, row) in &made.rows {
                zones.see(&bounds, made.key, &row.values)?;
            }
            unchecked += insert_rows(&mut rows, &made)?;
            **count += made.rows.len() as u64;
            if unchecked >= ROOM_LOOK_BYTES {
                room.check()?;
                unchecked = 0;
            }
            note_fault(quarantine, made.key, made.fault)
        })
    }

    /// Makes the rows of all keys for the first time, and records when each key last changed, for which it may wait for
    /// memory.
    pub(crate) fn make_all(
        &mut self,
        made: &mut DayRows<'_>,
        runs: &RunPlaces,
        patience: Duration,
    ) -> Result<(), EvaluateError> {
        let memory = runs.take_within(patience, self.runner.cancel());
        let side_bytes_max = memory.as_ref().map_or(0, RunPlace::bytes);
        let (mut side_tables, mut after) = (SideTables::default(), None);
        loop {
            let keys = self.records_after(after, limits::KEYS_AT_ONCE)?;
            let Some((last, _)) = keys.last() else { break };
            after = Some(*last);
            for (key, record) in &keys {
                side_tables.note_change(*key, record.changed);
            }
            if side_tables.bytes() >= side_bytes_max {
                side_tables.write(self.write, self.runner.cancel())?;
            }
            self.make_held(made, Earlier::Nothing, &keys)?;
        }
        side_tables.write(self.write, self.runner.cancel())
    }

    /// Makes the rows of some keys that come next after one, beside those of another day. Returns how many keys these are,
    /// and the last of them.
    pub(crate) fn make_next(
        &mut self,
        made: &mut DayRows<'_>,
        after: Option<Key>,
        keys_max: usize,
    ) -> Result<(usize, Option<Key>), EvaluateError> {
        let keys = self.records_after(after, keys_max.min(limits::KEYS_AT_ONCE))?;
        self.make_held(made, Earlier::OfAnotherDay, &keys)?;
        Ok((keys.len(), keys.last().map(|(last, _)| *last)))
    }

    /// The same as `make`, while the memory of the records counts as work.
    fn make_held(
        &mut self,
        made: &mut DayRows<'_>,
        earlier: Earlier,
        keys: &[(Key, Record)],
    ) -> Result<(), EvaluateError> {
        self.runner.hold(keys.iter().map(|(_, record)| record.state.len()).sum())?;
        self.make(made, earlier, keys)?;
        self.runner.let_go();
        Ok(())
    }

    fn records_after(&self, after: Option<Key>, keys_max: usize) -> Result<Vec<(Key, Record)>, StoreError> {
        let records = self.write.open_table(RECORDS)?;
        let from = after.unwrap_or(Key::MIN).to_bytes();
        let (mut keys, mut state_bytes) = (Vec::new(), 0);
        for record in records.range::<&[u8; 8]>(&from..)? {
            let (key, record) = record?;
            let key = Key::from_bytes(*key.value());
            if Some(key) != after {
                let record = Record::decode(record.value());
                state_bytes += record.state.len();
                keys.push((key, record));
            }
            if keys.len() == keys_max || state_bytes >= limits::STATES_AT_ONCE_BYTES {
                break;
            }
        }
        Ok(keys)
    }
}

/// Whether a row is of a key, or cannot be read.
fn is_of(row: &StoredPair<'_>, key: Key) -> bool {
    row.as_ref().map_or(true, |(row_key, _)| RowKey::from_bytes(*row_key.value()).key == key)
}

/// Marks the rows of a key that are no longer among those made. Returns how many rows there were.
fn mark_removed(rows: &mut RowTable<'_>, made: &KeyRows, changed: Position) -> Result<u64, StoreError> {
    let (first, last) = (RowKey::first_of(made.key).to_bytes(), RowKey::last_of(made.key).to_bytes());
    let (mut gone, mut count) = (Vec::new(), 0);
    for row in rows.range::<&[u8; 16]>(&first..=&last)? {
        let (row_key, row) = row?;
        if RowHead::of(row.value()).is_there {
            gone.push(RowKey::from_bytes(*row_key.value()));
            count += 1;
        }
    }
    gone.retain(|row_key| !has_item(made, row_key.item));
    for row_key in gone {
        rows.insert(&row_key.to_bytes(), StoredRow::gone(changed).as_slice())?;
    }
    Ok(count)
}

/// Leaves the mark of a row of another day that is not among those made.
fn carry_over(
    rows: &mut RowTable<'_>,
    other: StoredPair<'_>,
    made: &KeyRows,
    changed: Position,
) -> Result<(), StoreError> {
    let (row_key, row) = other?;
    if has_item(made, RowKey::from_bytes(*row_key.value()).item) {
        return Ok(());
    }
    if RowHead::of(row.value()).is_there {
        rows.insert(row_key.value(), StoredRow::gone(changed).as_slice())?;
    } else {
        rows.insert(row_key.value(), row.value())?;
    }
    Ok(())
}

fn has_item(made: &KeyRows, item: Position) -> bool {
    made.rows.binary_search_by_key(&item, |(made, _)| *made).is_ok()
}

/// Stores a key's rows. Returns the bytes written.
fn insert_rows(rows: &mut RowTable<'_>, made: &KeyRows) -> Result<usize, StoreError> {
    let mut written = 0;
    for (item, row) in &made.rows {
        let row = row.encode();
        written += row.len();
        rows.insert(&RowKey { key: made.key, item: *item }.to_bytes(), row.as_slice())?;
    }
    Ok(written)
}

/// Puts a key that cannot be read into quarantine, and takes out one that can be read again. If the key cannot be
/// folded, that stays the reason.
fn note_fault(
    quarantine: &mut HashMap<Key, Quarantined>,
    key: Key,
    fault: Option<String>,
) -> Result<(), EvaluateError> {
    let is_stuck = quarantine.get(&key).is_some_and(|quarantined| quarantined.at.is_some());
    match fault {
        _ if is_stuck => {}
        Some(message) => drop(quarantine.insert(key, Quarantined { at: None, message })),
        None => drop(quarantine.remove(&key)),
    }
    match quarantine.get(&key) {
        Some(last) if quarantine.len() >= limits::QUARANTINED_KEYS_LAST => {
            Err(EvaluateError::Spoilt { message: last.message.clone() })
        }
        Some(_) | None => Ok(()),
    }
}

//! The rows of a view's day: replaced for keys that changed, and for all keys when the day changes.

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
        tables::{Meta, PLACES, Quarantined, RECORDS, ROWS, Record},
        zones::{self, Bounded, Zones},
    },
    limits,
    plugin::runner::Runner,
    share::{
        room::FileRoom,
        run_places::{RunPlace, RunPlaces},
    },
};
use kith_core::{day::Day, position::Position};
use redb::{ReadableTable, Table, WriteTransaction};
use std::{collections::HashMap, time::Duration};

/// Bytes of rows between two checks of the disk space.
const ROOM_LOOK_BYTES: usize = 1024 * 1024;

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
    /// Keys in quarantine.
    pub(crate) quarantine: &'a mut HashMap<Key, Quarantined>,
    /// The state of the view as a whole; counts rows.
    pub(crate) meta: &'a mut Meta,
    /// The disk space of the view's file.
    pub(crate) room: &'a FileRoom,
    /// The columns whose values have bounds.
    pub(crate) bounded: &'a Bounded,
    /// Memory for what is stored in another order than that of keys.
    pub(crate) runs: &'a RunPlaces,
}

impl Materialisation<'_> {
    /// Makes the rows of keys that changed, as of a day.
    pub(crate) fn make(&mut self, day: Day, keys: &[(Key, Record)]) -> Result<(), EvaluateError> {
        let mut zones = Zones::wider(self.bounded);
        self.make_in(&mut zones, day, keys)?;
        Ok(zones.write(&mut zones::open(self.write)?, None)?)
    }

    fn make_in(&mut self, zones: &mut Zones<'_>, day: Day, keys: &[(Key, Record)]) -> Result<(), EvaluateError> {
        let bounds = zones::open(self.write)?;
        let places = self.write.open_table(PLACES).map_err(StoreError::from)?;
        let mut evaluation = Evaluation {
            source: self.source,
            places: &places,
            meaning: self.meaning,
            shape: self.shape,
            runner: self.runner,
            as_of: AsOf::day(self.meta.cursor, day),
        };
        let mut rows = self.write.open_table(ROWS).map_err(StoreError::from)?;
        let mut records = keys.iter().map(|(_, record)| record);
        let (meta, quarantine, room) = (&mut *self.meta, &mut *self.quarantine, self.room);
        let mut unchecked = 0;
        evaluation.rows(day, keys, |made| {
            let record = records.next().expect("every key is visited once, in order");
            if meta.day.is_some() {
                mark_removed(&mut rows, &made, record.changed, meta)?;
            }
            for (_, row) in &made.rows {
                zones.see(&bounds, made.key, &row.values)?;
            }
            unchecked += insert_rows(&mut rows, &made, meta)?;
            if unchecked >= ROOM_LOOK_BYTES {
                room.check()?;
                unchecked = 0;
            }
            note_fault(quarantine, made.key, made.fault)
        })
    }

    /// Makes the rows of all keys as of a day. While the view is being built, records when each key last changed, for
    /// which it may wait for memory.
    pub(crate) fn make_all(&mut self, day: Day, patience: Duration) -> Result<(), EvaluateError> {
        let is_first = self.meta.day.is_none();
        let memory = if is_first { self.runs.take_within(patience, self.runner.cancel()) } else { None };
        let side_bytes_max = memory.as_ref().map_or(0, RunPlace::bytes);
        let (mut side_tables, mut after) = (SideTables::default(), None);
        let mut zones = Zones::anew(self.bounded);
        loop {
            let keys = self.records_after(after)?;
            let Some((last, _)) = keys.last() else { break };
            after = Some(*last);
            self.runner.hold(keys.iter().map(|(_, record)| record.state.len()).sum())?;
            if is_first {
                for (key, record) in &keys {
                    side_tables.note_change(*key, record.changed);
                }
                if side_tables.bytes() >= side_bytes_max {
                    side_tables.write(self.write, self.runner.cancel())?;
                }
            }
            self.make_in(&mut zones, day, &keys)?;
            zones.write(&mut zones::open(self.write)?, after)?;
            self.runner.let_go();
        }
        zones.write(&mut zones::open(self.write)?, None)?;
        side_tables.write(self.write, self.runner.cancel())?;
        self.meta.day = Some(day);
        Ok(())
    }

    fn records_after(&self, after: Option<Key>) -> Result<Vec<(Key, Record)>, StoreError> {
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
            if keys.len() == limits::KEYS_AT_ONCE || state_bytes >= limits::STATES_AT_ONCE_BYTES {
                break;
            }
        }
        Ok(keys)
    }
}

/// Marks the rows of a key that are no longer among those made.
fn mark_removed(
    rows: &mut Table<'_, &'static [u8; 16], &'static [u8]>,
    made: &KeyRows,
    changed: Position,
    meta: &mut Meta,
) -> Result<(), StoreError> {
    let (first, last) = (RowKey::first_of(made.key).to_bytes(), RowKey::last_of(made.key).to_bytes());
    let mut gone = Vec::new();
    for row in rows.range::<&[u8; 16]>(&first..=&last)? {
        let (row_key, row) = row?;
        if RowHead::of(row.value()).is_there {
            gone.push(RowKey::from_bytes(*row_key.value()));
            meta.rows -= 1;
        }
    }
    gone.retain(|row_key| made.rows.binary_search_by_key(&row_key.item, |(item, _)| *item).is_err());
    for row_key in gone {
        rows.insert(&row_key.to_bytes(), StoredRow::gone(changed).as_slice())?;
    }
    Ok(())
}

/// Stores a key's rows. Returns the bytes written.
fn insert_rows(
    rows: &mut Table<'_, &'static [u8; 16], &'static [u8]>,
    made: &KeyRows,
    meta: &mut Meta,
) -> Result<usize, StoreError> {
    let mut written = 0;
    for (item, row) in &made.rows {
        let row = row.encode();
        written += row.len();
        rows.insert(&RowKey { key: made.key, item: *item }.to_bytes(), row.as_slice())?;
        meta.rows += 1;
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

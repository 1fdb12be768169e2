//! A view as of a position and a day: stored rows where they are still valid, computed rows where they are not.
//!
//! A snapshot reads one state of the file, however far the follower advances meanwhile.

use super::page::{Best, RowOrder};
use crate::{
    contract::{KeyShape, key::Key},
    file::{
        people::Meaning,
        row::{RowHead, RowKey},
        store::{StoreError, count_quarantined, find_record, keys_with, read_meta, read_quarantine},
        tables::{CHANGES, Meta, PLACES, Quarantined, RECORDS, Record, SECONDS, change_bytes, change_of},
        zones::{self, Zone},
    },
    fold::evaluate::{AsOf, EvaluateError, Evaluation, meant_key, named_keys},
    limits,
    plugin::runner::Runner,
    share::{
        cancel::Cancel,
        work::{Hold, Work},
    },
    view::shared::Shared,
};
use kith_core::{day::Day, position::Position};
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata};
use std::{collections::BTreeSet, sync::Arc};

/// Why a view cannot be queried.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The view is not built yet.
    #[error("the view is still being built, up to position {cursor}")]
    Building {
        /// The position it has reached.
        cursor: Position,
    },
    /// The view is not built yet, and its file must not grow.
    #[error("the view waits for room on the disk, at position {cursor}")]
    WaitsForRoom {
        /// The position it has reached.
        cursor: Position,
    },
    /// The view has not reached the position.
    #[error("the view has only reached position {cursor}")]
    PositionAhead {
        /// The position it has reached.
        cursor: Position,
    },
    /// Rows could not be computed.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
}

impl SnapshotError {
    /// Why a view without rows has none yet.
    pub(crate) fn unbuilt(shared: &Shared, cursor: Position) -> Self {
        if shared.waits_for_room() { Self::WaitsForRoom { cursor } } else { Self::Building { cursor } }
    }
}

impl From<StoreError> for SnapshotError {
    fn from(error: StoreError) -> Self {
        Self::Evaluate(error.into())
    }
}

/// Encoded rows by row key.
pub(crate) type Table = Vec<(RowKey, Vec<u8>)>;

/// Which of the rows as of a position and day were computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The rows of every key.
    Whole,
    /// The rows of keys that changed after the position.
    ChangedLater,
}

/// Identifies a table of a view: position, day and part.
type TableOf = (Position, Day, Part);

/// What is done with each row, until it fails.
type Visit<'v> = dyn FnMut(RowKey, &[u8]) -> Result<(), EvaluateError> + 'v;

/// Bytes of memory that a row of a table takes.
pub(crate) fn row_bytes(row: &[u8]) -> usize {
    row.len() + size_of::<(RowKey, Vec<u8>)>()
}

/// Rows that are being returned, collected for the cache unless there are too many.
struct Gathered {
    table: Table,
    /// `None` once there are too many.
    hold: Option<Hold>,
}

impl Gathered {
    fn within(work: &Work) -> Self {
        Self { table: Table::new(), hold: Some(work.hold()) }
    }

    fn add(&mut self, row_key: RowKey, row: Vec<u8>) {
        let Some(hold) = &mut self.hold else { return };
        let bytes = row_bytes(&row);
        if hold.bytes() + bytes <= limits::TABLES_KEPT_BYTES_MAX && hold.try_add(bytes) {
            self.table.push((row_key, row));
        } else {
            (self.table, self.hold) = (Table::new(), None);
        }
    }
}

/// A view as of a position and a day.
pub(crate) struct Snapshot<'a> {
    shared: &'a Shared,
    read: ReadTransaction,
    meta: Meta,
    /// The position.
    pub(crate) position: Position,
    /// The day.
    pub(crate) day: Day,
    /// The person each handle means as of the position.
    pub(crate) meaning: Meaning,
    shape: KeyShape,
    cancel: Cancel,
    work: Work,
}

impl<'a> Snapshot<'a> {
    /// The view now, or as of another day or position.
    pub(crate) fn open(shared: &'a Shared, day: Option<Day>, as_of: Option<Position>) -> Result<Self, SnapshotError> {
        let read = shared.store.read()?;
        let meta = read_meta(&read)?.unwrap_or_default();
        let cursor = meta.cursor;
        let Some(today) = meta.day else { return Err(SnapshotError::unbuilt(shared, cursor)) };
        let position = as_of.unwrap_or(cursor);
        if position > cursor {
            return Err(SnapshotError::PositionAhead { cursor });
        }
        let meaning = shared.source.people().meaning(position);
        let shape = shared.plugin.manifest().key_shape();
        let (day, cancel) = (day.unwrap_or(today), Cancel::default());
        let work = shared.plugin.places().asking.memory().begin(&cancel);
        Ok(Self { shared, read, meta, position, day, meaning, shape, cancel, work })
    }

    /// The same snapshot; its work ends when cancelled.
    pub(crate) fn until(self, cancel: &Cancel) -> Self {
        let work = self.shared.plugin.places().asking.memory().begin(cancel);
        Self { cancel: cancel.clone(), work, ..self }
    }

    /// The same snapshot; the memory it holds is part of a piece of work.
    pub(crate) fn within(self, work: &Work) -> Self {
        Self { work: work.clone(), ..self }
    }

    /// An empty hold of the memory for its work.
    pub(crate) fn hold(&self) -> Hold {
        self.work.hold()
    }

    /// Whether these are the view's own position and day, so that rows have the position of their last change.
    pub(crate) fn is_current(&self) -> bool {
        self.position == self.meta.cursor && self.meta.day == Some(self.day)
    }

    /// Number of keys in quarantine because of an entry up to the position or, as of now, because they cannot be read.
    pub(crate) fn failing_keys(&self) -> Result<u64, StoreError> {
        if self.is_current() {
            return count_quarantined(&self.read);
        }
        let counts = |failing: &Quarantined| failing.at.is_some_and(|at| at.position <= self.position);
        Ok(read_quarantine(&self.read)?.values().filter(|failing| counts(failing)).count() as u64)
    }

    /// Visits every row, or those of some keys, by key and item; each row is only valid during its visit.
    pub(crate) fn scan(
        &self,
        keys: Option<&BTreeSet<Key>>,
        mut visit: impl FnMut(RowKey, &[u8]),
    ) -> Result<(), SnapshotError> {
        let Some(keys) = keys else {
            return self.scan_all(|row_key, row| {
                visit(row_key, row);
                Ok(())
            });
        };
        for key in keys {
            match self.stored_record(*key)? {
                Some(_) if self.meta.day == Some(self.day) => self.visit_stored(*key, &mut visit)?,
                _ => self.compute(&[*key], |row_key, row| {
                    visit(row_key, &row);
                    Ok(())
                })?,
            }
        }
        Ok(())
    }

    /// The zones of keys, with those first in which a column's first values may be, and the value that they may begin
    /// with; `None` if the rows are not those of the file, or the column has no bounds.
    pub(crate) fn zones_by(&self, order: RowOrder) -> Result<Option<Vec<(Best, Zone)>>, StoreError> {
        let place = order.column.and_then(|column| self.shared.bounded.place(column));
        let Some(place) = place.filter(|_| self.is_current()) else { return Ok(None) };
        let bounds = zones::bounds_of(&self.read.open_table(self.meta.side.zones())?, place)?;
        let mut zones: Vec<_> = bounds.into_iter().map(|(zone, bounds)| (order.best(bounds), zone)).collect();
        zones.sort_unstable();
        Ok(Some(zones))
    }

    /// Visits the rows of a zone as they are in the file.
    pub(crate) fn visit_zone(&self, zone: Zone, mut visit: impl FnMut(RowKey, &[u8])) -> Result<(), SnapshotError> {
        self.check_at(0)?;
        let (first, last) = zone.keys();
        let (first, last) = (RowKey::first_of(first).to_bytes(), RowKey::last_of(last).to_bytes());
        let rows = self.read.open_table(self.meta.side.rows()).map_err(StoreError::from)?;
        for row in rows.range::<&[u8; 16]>(&first..=&last).map_err(StoreError::from)? {
            let (row_key, row) = row.map_err(StoreError::from)?;
            if RowHead::of(row.value()).is_there {
                visit(RowKey::from_bytes(*row_key.value()), row.value());
            }
        }
        Ok(())
    }

    /// Number of rows in the file.
    pub(crate) fn stored_rows(&self) -> u64 {
        self.meta.rows
    }

    /// All rows at once, by key and item.
    pub(crate) fn all_rows(&self, hold: &mut Hold) -> Result<Table, SnapshotError> {
        let mut rows = Table::new();
        self.scan_all(|key, row| {
            hold.add(row_bytes(row))?;
            rows.push((key, row.to_vec()));
            Ok(())
        })?;
        Ok(rows)
    }

    /// About how many rows there are.
    pub(crate) fn rows_about(&self) -> Result<usize, StoreError> {
        Ok(usize::try_from(self.read.open_table(self.meta.side.rows())?.len()?).unwrap_or(usize::MAX))
    }

    /// Visits every row, by key and item, until a visit fails; each row is only valid during its visit.
    pub(crate) fn scan_all(
        &self,
        mut visit: impl FnMut(RowKey, &[u8]) -> Result<(), EvaluateError>,
    ) -> Result<(), SnapshotError> {
        if self.meta.day != Some(self.day) {
            return self.visit_computed(Part::Whole, visit);
        }
        let table = self.read.open_table(self.meta.side.rows()).map_err(StoreError::from)?;
        let mut stored = table.iter().map_err(StoreError::from)?.peekable();
        let mut step = 0;
        let mut visit_until = |until: Option<RowKey>, visit: &mut Visit<'_>| {
            let comes_before = |row_key: RowKey| until.is_none_or(|until| row_key < until);
            while let Some(row) = stored.next_if(|row| match row {
                Ok((row_key, _)) => comes_before(RowKey::from_bytes(*row_key.value())),
                Err(_) => true,
            }) {
                self.check_at(step)?;
                step += 1;

                let (row_key, row) = row.map_err(StoreError::from)?;
                let head = RowHead::of(row.value());
                if head.is_there && head.changed <= self.position {
                    visit(RowKey::from_bytes(*row_key.value()), row.value())?;
                }
            }
            Ok::<(), EvaluateError>(())
        };
        if self.position < self.meta.cursor {
            self.visit_computed(Part::ChangedLater, |row_key, row| {
                visit_until(Some(row_key), &mut visit)?;
                visit(row_key, row)
            })?;
        }
        Ok(visit_until(None, &mut visit)?)
    }

    fn check_at(&self, step: usize) -> Result<(), EvaluateError> {
        Ok(self.cancel.check_at(step)?)
    }

    fn visit_stored(&self, key: Key, visit: &mut impl FnMut(RowKey, &[u8])) -> Result<(), StoreError> {
        let (first, last) = (RowKey::first_of(key).to_bytes(), RowKey::last_of(key).to_bytes());
        for row in self.read.open_table(self.meta.side.rows())?.range::<&[u8; 16]>(&first..=&last)? {
            let (row_key, row) = row?;
            if RowHead::of(row.value()).is_there {
                visit(RowKey::from_bytes(*row_key.value()), row.value());
            }
        }
        Ok(())
    }

    /// The record of a key, unless it changed after the position.
    pub(crate) fn stored_record(&self, key: Key) -> Result<Option<Record>, StoreError> {
        let record = find_record(&self.read.open_table(RECORDS)?, key)?;
        Ok(record.filter(|record| record.changed <= self.position))
    }

    /// Visits computed rows, from the cache if possible.
    fn visit_computed(
        &self,
        part: Part,
        mut visit: impl FnMut(RowKey, &[u8]) -> Result<(), EvaluateError>,
    ) -> Result<(), SnapshotError> {
        let of: TableOf = (self.position, self.day, part);
        if let Some(table) = self.shared.tables.find::<TableOf, Table>(&of) {
            for (step, (row_key, row)) in table.iter().enumerate() {
                self.check_at(step)?;
                visit(*row_key, row)?;
            }
            return Ok(());
        }
        let mut keys = self.keys_changed_later()?;
        if part == Part::Whole {
            keys.extend(self.keys_not_changed_later()?);
        }
        let mut gathered = Gathered::within(&self.work);
        self.compute(&Vec::from_iter(keys), |row_key, row| {
            visit(row_key, &row)?;
            gathered.add(row_key, row);
            Ok(())
        })?;
        if let Some(hold) = gathered.hold {
            self.shared.tables.keep(of, Arc::new(gathered.table), hold.bytes());
        }
        Ok(())
    }

    fn keys_not_changed_later(&self) -> Result<Vec<Key>, EvaluateError> {
        let mut keys = Vec::new();
        let records = self.read.open_table(RECORDS).map_err(StoreError::from)?;
        for (step, record) in records.iter().map_err(StoreError::from)?.enumerate() {
            self.check_at(step)?;
            let (key, record) = record.map_err(StoreError::from)?;
            if Record::decode(record.value()).changed <= self.position {
                keys.push(Key::from_bytes(*key.value()));
            }
        }
        Ok(keys)
    }

    /// Those keys as of the position that changed after it.
    fn keys_changed_later(&self) -> Result<BTreeSet<Key>, EvaluateError> {
        let mut keys = BTreeSet::new();
        if self.position == self.meta.cursor {
            return Ok(keys);
        }
        let now = self.shared.source.people().meaning(self.meta.cursor);
        let first = change_bytes(self.position.next(), Key::MIN);
        let changes = self.read.open_table(CHANGES).map_err(StoreError::from)?;
        for (step, change) in changes.range::<&[u8; 16]>(&first..).map_err(StoreError::from)?.enumerate() {
            self.check_at(step)?;
            let (_, key) = change_of(*change.map_err(StoreError::from)?.0.value());
            let mut named = named_keys(key, &now, self.shape);
            named.insert(key);
            keys.extend(named.into_iter().filter_map(|named| meant_key(named, &self.meaning, self.shape)));
        }
        Ok(keys)
    }

    /// Visits the rows of keys, computing a few keys at a time.
    fn compute(
        &self,
        keys: &[Key],
        mut visit: impl FnMut(RowKey, Vec<u8>) -> Result<(), EvaluateError>,
    ) -> Result<(), SnapshotError> {
        let places = self.places()?;
        let mut runner = self.runner();
        let mut evaluation = self.evaluation(&places, &mut runner);
        for keys in keys.chunks(limits::KEYS_AT_ONCE) {
            let mut records = Vec::with_capacity(keys.len());
            let mut anew = Vec::new();
            for key in keys {
                match self.stored_record(*key)? {
                    Some(record) => {
                        evaluation.runner.hold(record.state.len()).map_err(EvaluateError::from)?;
                        records.push((*key, record));
                    }
                    None => anew.push(*key),
                }
            }
            let folded = evaluation.fold_anew(anew)?;
            records.extend(folded.into_iter().map(|(key, folded)| (key, folded.record)));
            records.sort_unstable_by_key(|(key, _)| *key);
            evaluation.rows(self.day, &records, |made| {
                let key = made.key;
                made.rows.into_iter().try_for_each(|(item, row)| visit(RowKey { key, item }, row.encode()))
            })?;
            evaluation.runner.let_go();
        }
        Ok(())
    }

    /// The index of entries.
    pub(crate) fn places(&self) -> Result<ReadOnlyTable<&'static [u8; 24], ()>, StoreError> {
        Ok(self.read.open_table(PLACES)?)
    }

    /// A runner of the plugin to compute with.
    pub(crate) fn runner(&self) -> Runner {
        Runner::asking(self.shared.plugin.clone(), Arc::default()).until(&self.cancel).within(&self.work)
    }

    /// Folds and reads keys as of this snapshot.
    pub(crate) fn evaluation<'e, P>(&'e self, places: &'e P, runner: &'e mut Runner) -> Evaluation<'e, P> {
        Evaluation {
            source: &self.shared.source,
            places,
            meaning: &self.meaning,
            shape: self.shape,
            runner,
            as_of: AsOf::day(self.position, self.day),
        }
    }

    /// Every key that contains a person, under any id that means that person.
    pub(crate) fn keys_with(&self, handle: u32) -> Result<BTreeSet<Key>, StoreError> {
        let (places, seconds) = (self.places()?, self.read.open_table(SECONDS)?);
        let mut keys = BTreeSet::new();
        for handle in self.meaning.same_as(handle) {
            let named = keys_with(&places, &seconds, handle)?;
            keys.extend(named.into_iter().filter_map(|named| meant_key(named, &self.meaning, self.shape)));
        }
        Ok(keys)
    }
}

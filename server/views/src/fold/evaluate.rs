//! Folds and reads keys as of a position and a day: for the follower, for questions about other days, and for evidence.
//!
//! The state of a key = the fold of its entries that are not withdrawn, in order of (time, position), after merges are
//! resolved; if an entry cannot be folded, of the entries before it.

use super::source::{Source, SourceError};
use crate::{
    contract::{
        GuestRow, KeyShape,
        key::{Key, Order},
    },
    file::{
        people::Meaning,
        row::StoredRow,
        store::{StoreError, places_of},
        tables::{Quarantined, Record},
    },
    limits,
    plugin::{
        abi::batch::FoldEvent,
        runner::{Job, Runner},
    },
    share::{interrupted::Interrupted, room::NoRoom},
};
use kith_core::{day::Day, position::Position};
use redb::ReadableTable;
use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
};

/// Why keys could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The entries could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The view's file could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The plugin fails on so many keys that continuing is pointless.
    #[error("the plugin fails on {} keys, on the last with: {message}", limits::QUARANTINED_KEYS_LAST)]
    Spoilt {
        /// What it said about the last of them.
        message: String,
    },
    /// The view's file must not grow now.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// A call of the plugin could not be completed now.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// The position and time up to which entries count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AsOf {
    /// Entries, retractions and merges up to this position.
    pub(crate) position: Position,
    /// Events up to this millisecond since 1970-01-01, UTC.
    pub(crate) end: i64,
}

impl AsOf {
    /// Up to a position, and up to the end of a day.
    pub(crate) fn day(position: Position, day: Day) -> Self {
        Self { position, end: day.end().millis() }
    }

    /// Up to a position, at any time.
    pub(crate) fn any_day(position: Position) -> Self {
        Self { position, end: i64::MAX }
    }
}

/// A key that was folded from its first entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folded {
    /// The result; `changed` is not set.
    pub(crate) record: Record,
    /// Why folding ended before the last entry, if it did.
    pub(crate) stuck: Option<Quarantined>,
}

/// The rows of a key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyRows {
    /// The key.
    pub(crate) key: Key,
    /// The key's rows by item (0 = none).
    pub(crate) rows: Vec<(Position, StoredRow)>,
    /// Why the key could not be read, if it could not.
    pub(crate) fault: Option<String>,
}

/// What is needed to fold and read keys.
pub(crate) struct Evaluation<'a, P> {
    /// The entries.
    pub(crate) source: &'a Source,
    /// The index of each key's entries.
    pub(crate) places: &'a P,
    /// The person each handle means as of `as_of`.
    pub(crate) meaning: &'a Meaning,
    /// The shape of keys.
    pub(crate) shape: KeyShape,
    /// The plugin.
    pub(crate) runner: &'a mut Runner,
    /// Which entries count.
    pub(crate) as_of: AsOf,
}

impl<'a, P: ReadableTable<&'static [u8; 24], ()>> Evaluation<'a, P> {
    /// Finds the entries that count for keys.
    pub(crate) fn counting(&self) -> Counting<'a, P> {
        let Self { source, places, meaning, shape, as_of, .. } = self;
        Counting { source, places, meaning, shape: *shape, as_of: *as_of }
    }

    /// The events of each key at these places, in fold order.
    pub(crate) fn events(&self, keys: &[(Key, &[Order])]) -> Result<Vec<Vec<FoldEvent>>, EvaluateError> {
        let positions: BTreeSet<Position> =
            keys.iter().flat_map(|(_, orders)| *orders).map(|order| order.position).collect();
        let positions = Vec::from_iter(positions);
        let mut events: HashMap<Key, Vec<FoldEvent>> = keys.iter().map(|(key, _)| (*key, Vec::new())).collect();
        for routable in self.source.routables_at(&positions)? {
            routable.route(self.meaning, |event| {
                if let Some(events) = events.get_mut(&event.key) {
                    events.push(event);
                }
            });
        }
        let sorted = keys.iter().map(|(key, _)| {
            let mut events = events.remove(key).unwrap_or_default();
            events.sort_unstable();
            events
        });
        Ok(sorted.collect())
    }

    /// Folds keys from their first entries: no more keys than are processed at once.
    pub(crate) fn fold_anew(
        &mut self,
        keys: impl IntoIterator<Item = Key>,
    ) -> Result<Vec<(Key, Folded)>, EvaluateError> {
        let mut folded = Vec::new();
        let mut group: Vec<(Key, Vec<Order>)> = Vec::new();
        let mut size = 0;
        for key in keys {
            let orders = self.counting().orders(key)?;
            if size + orders.len() > limits::ANEW_ENTRIES_AT_ONCE {
                self.fold_group(&group, &mut folded)?;
                group.clear();
                size = 0;
            }
            size += orders.len();
            group.push((key, orders));
        }
        self.fold_group(&group, &mut folded)?;
        Ok(folded)
    }

    /// Folds some entries of one key, starting without a state.
    pub(crate) fn fold_orders(&mut self, key: Key, orders: &[Order]) -> Result<Folded, EvaluateError> {
        let mut folded = Vec::new();
        self.fold_group(&[(key, orders.to_vec())], &mut folded)?;
        let (_, folded) = folded.pop().expect("one key gives one result");
        Ok(folded)
    }

    /// Folds some keys together, or one large key piece by piece.
    fn fold_group(
        &mut self,
        group: &[(Key, Vec<Order>)],
        folded: &mut Vec<(Key, Folded)>,
    ) -> Result<(), EvaluateError> {
        let mut results: Vec<Folded> = group.iter().map(|_| Folded::default()).collect();
        self.fold_pieces(group, &mut results)?;
        folded.extend(group.iter().map(|(key, _)| *key).zip(results));
        Ok(())
    }

    /// Folds further entries of a key that was folded up to there.
    pub(crate) fn fold_on(&mut self, key: Key, orders: &[Order], folded: &mut Folded) -> Result<(), EvaluateError> {
        self.fold_pieces(&[(key, orders.to_vec())], std::slice::from_mut(folded))
    }

    fn fold_pieces(&mut self, group: &[(Key, Vec<Order>)], results: &mut [Folded]) -> Result<(), EvaluateError> {
        let longest = group.iter().map(|(_, orders)| orders.len()).max().unwrap_or_default();
        for from in (0..longest).step_by(limits::ANEW_ENTRIES_AT_ONCE) {
            let pieces: Vec<(Key, &[Order])> = group.iter().map(|(key, orders)| (*key, piece(orders, from))).collect();
            let states = results.iter_mut().map(|folded| std::mem::take(&mut folded.record.state));
            let jobs = pieces.iter().zip(states).zip(self.events(&pieces)?);
            let mut jobs: Vec<Job<'_>> =
                jobs.map(|(((key, _), state), events)| Job::new(*key, state, events)).collect();
            for (job, folded) in jobs.iter_mut().zip(&*results) {
                if folded.stuck.is_some() {
                    job.events = Cow::default();
                }
            }
            self.runner.fold(&mut jobs)?;
            results.iter_mut().zip(jobs).for_each(|(folded, job)| folded.take_in(job));
        }
        Ok(())
    }

    /// Visits the rows of keys, in order, as of the end of the day that `as_of` ends with. A key whose record includes
    /// later entries is folded again without them.
    pub(crate) fn rows(
        &mut self,
        day: Day,
        keys: &[(Key, Record)],
        mut visit: impl FnMut(KeyRows) -> Result<(), EvaluateError>,
    ) -> Result<(), EvaluateError> {
        for keys in keys.chunks(limits::KEYS_AT_ONCE) {
            self.rows_of_some(day, keys, &mut visit)?;
        }
        Ok(())
    }

    fn rows_of_some(
        &mut self,
        day: Day,
        keys: &[(Key, Record)],
        visit: &mut impl FnMut(KeyRows) -> Result<(), EvaluateError>,
    ) -> Result<(), EvaluateError> {
        let later: Vec<Key> =
            keys.iter().filter(|(_, record)| record.last.at > self.as_of.end).map(|(key, _)| *key).collect();
        let mut later: HashMap<Key, Folded> = self.fold_anew(later)?.into_iter().collect();
        let records: Vec<(Key, Cow<'_, Record>)> = keys
            .iter()
            .map(|(key, record)| match later.remove(key) {
                Some(folded) => (*key, Cow::Owned(Record { changed: record.changed, ..folded.record })),
                None => (*key, Cow::Borrowed(record)),
            })
            .collect();
        let slots: Vec<(Key, &[u8])> = records
            .iter()
            .filter(|(_, record)| !record.state.is_empty())
            .map(|(key, record)| (*key, record.state.as_slice()))
            .collect();
        let counting = self.counting();
        let mut unread = records.iter();
        self.runner.read(day, &slots, |found| {
            // Keys without a state have no rows, and are not read.
            for (key, record) in unread.by_ref() {
                if !record.state.is_empty() {
                    return visit(counting.key_rows(*key, record, found)?);
                }
                visit(KeyRows { key: *key, rows: Vec::new(), fault: None })?;
            }
            debug_assert!(false, "only keys with a state are read");
            Ok(())
        })?;
        unread.try_for_each(|(key, _)| visit(KeyRows { key: *key, rows: Vec::new(), fault: None }))
    }
}

/// Finds the entries that count for keys.
#[derive(Clone, Copy)]
pub(crate) struct Counting<'a, P> {
    source: &'a Source,
    places: &'a P,
    meaning: &'a Meaning,
    shape: KeyShape,
    as_of: AsOf,
}

impl<P: ReadableTable<&'static [u8; 24], ()>> Counting<'_, P> {
    /// The entries of a key that count, in fold order.
    pub(crate) fn orders(&self, key: Key) -> Result<Vec<Order>, StoreError> {
        let mut orders = Vec::new();
        for named in named_keys(key, self.meaning, self.shape) {
            orders.extend(places_of(self.places, named)?.into_iter().map(|place| place.order));
        }
        orders.sort_unstable();
        orders.dedup();
        let people = self.source.people();
        let AsOf { position, end } = self.as_of;
        orders.retain(|order| order.position <= position && order.at <= end);
        orders.retain(|order| !people.is_retracted(order.position, position));
        Ok(orders)
    }

    fn key_rows(&self, key: Key, record: &Record, found: Result<Vec<GuestRow>, String>) -> Result<KeyRows, StoreError> {
        let found = match found {
            Ok(found) => self.check_evidence(key, found)?,
            Err(message) => Err(message),
        };
        Ok(match found {
            Err(message) => KeyRows { key, rows: Vec::new(), fault: Some(message) },
            Ok(found) => {
                let stored =
                    |row: GuestRow| (row.item.unwrap_or_default(), StoredRow::of(row, record.changed, record.entries));
                KeyRows { key, rows: found.into_iter().map(stored).collect(), fault: None }
            }
        })
    }

    /// Refuses rows that name entries of other keys.
    fn check_evidence(&self, key: Key, rows: Vec<GuestRow>) -> Result<Result<Vec<GuestRow>, String>, StoreError> {
        if rows.iter().all(|row| row.item.is_none() && row.evidence.is_empty()) {
            return Ok(Ok(rows));
        }
        let entries: HashSet<Position> = self.orders(key)?.into_iter().map(|order| order.position).collect();
        let named = rows.iter().flat_map(|row| row.item.iter().chain(&row.evidence));
        Ok(match named.copied().find(|position| !entries.contains(position)) {
            Some(position) => Err(format!("a row names entry {position}, which is not one of its key")),
            None => Ok(rows),
        })
    }
}

impl Default for Folded {
    /// Nothing folded yet.
    fn default() -> Self {
        Self { record: Record::EMPTY, stuck: None }
    }
}

impl Folded {
    fn take_in(&mut self, job: Job<'_>) {
        self.record.entries += job.entries();
        self.record.last = job.last().unwrap_or(self.record.last);
        if let (Some(at), Some(message)) = (job.stuck_at(), &job.fault) {
            self.stuck = Some(Quarantined { at: Some(at), message: message.clone() });
        }
        self.record.state = job.state;
    }
}

fn piece(orders: &[Order], from: usize) -> &[Order] {
    let from = from.min(orders.len());
    &orders[from..orders.len().min(from + limits::BATCH_ENTRIES_MAX)]
}

/// The keys, with people as entries name them, that are folded under a key.
pub(crate) fn named_keys(key: Key, meaning: &Meaning, shape: KeyShape) -> BTreeSet<Key> {
    if meaning.is_plain() {
        return BTreeSet::from([key]);
    }
    let (firsts, seconds) = (meaning.same_as(key.a), meaning.same_as(key.b));
    let all = firsts.iter().flat_map(|a| seconds.iter().map(move |b| (*a, *b)));
    match shape {
        KeyShape::Pair => all.filter(|(a, b)| a != b).map(|(a, b)| Key::pair(a, b)).collect(),
        KeyShape::DirectedPair => all.filter(|(a, b)| a != b).map(|(a, b)| Key::directed(a, b)).collect(),
        KeyShape::Person => firsts.iter().map(|a| Key::person(*a)).collect(),
    }
}

/// The key that a key is folded under after merges are resolved; `None` if both are the same person.
pub(crate) fn meant_key(named: Key, meaning: &Meaning, shape: KeyShape) -> Option<Key> {
    let (a, b) = (meaning.of(named.a), meaning.of(named.b));
    match shape {
        KeyShape::Person => Some(Key::person(a)),
        KeyShape::Pair => (a != b).then(|| Key::pair(a, b)),
        KeyShape::DirectedPair => (a != b).then(|| Key::directed(a, b)),
    }
}

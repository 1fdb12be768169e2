//! Derives from a run of entries the new records of the keys they change.
//!
//! A key whose entries arrive in order continues from its state; a key with a late, withdrawn or merged entry is folded
//! from its first entry again, once per run.

use super::{
    evaluate::{AsOf, EvaluateError, Evaluation},
    intake::Intake,
    run::Run,
    source::Source,
};
use crate::{
    contract::{
        KeyShape,
        key::{Key, Order},
    },
    file::{
        people::Meaning,
        store::{StoreError, find_record, keys_with, mentions_of, places_of},
        tables::{MENTIONS, Meta, PLACES, QUARANTINE, Quarantined, RECORDS, Record, SECONDS},
    },
    limits,
    plugin::{
        abi::batch::FoldEvent,
        runner::{Job, Runner},
    },
};
use kith_core::position::Position;
use redb::WriteTransaction;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A change of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyChange {
    /// The key.
    pub(crate) key: Key,
    /// The record before.
    pub(crate) before: Option<Record>,
    /// The record after.
    pub(crate) after: Record,
    /// Why the key is not folded to its end, if it is not.
    pub(crate) stuck: Option<Quarantined>,
}

/// What is needed to derive.
pub(crate) struct Derivation<'a> {
    /// The transaction.
    pub(crate) write: &'a WriteTransaction,
    /// The entries.
    pub(crate) source: &'a Source,
    /// The plugin.
    pub(crate) runner: &'a mut Runner,
    /// The shape of keys.
    pub(crate) shape: KeyShape,
    /// Keys in quarantine before the run.
    pub(crate) quarantine: &'a HashMap<Key, Quarantined>,
    /// The person each handle meant before the run.
    pub(crate) meant: &'a Meaning,
}

impl Derivation<'_> {
    /// Folds a run that withdraws entries of some keys, and hands on the changes of some keys before continuing with
    /// the next.
    pub(crate) fn derive(
        &mut self,
        run: &Run,
        withdrawn: BTreeMap<Key, Position>,
        mut hand_on: impl FnMut(&mut Runner, Vec<KeyChange>) -> Result<(), EvaluateError>,
    ) -> Result<(), EvaluateError> {
        let mut anew = withdrawn;
        self.note_moved_keys(&run.intake, &mut anew)?;
        let mut keys = run.grouped.keys().peekable();
        while keys.peek().is_some() {
            let changes = self.go_on(&run.intake, &mut keys, &mut anew)?;
            hand_on(self.runner, changes)?;
            self.runner.let_go();
        }
        let mut anew = anew.into_iter().peekable();
        while anew.peek().is_some() {
            let changes = self.fold_anew(run, &mut anew)?;
            hand_on(self.runner, changes)?;
            self.runner.let_go();
        }
        Ok(())
    }

    /// Folds the events of some of the keys whose events are in order; notes keys that must be folded again.
    fn go_on<'g>(
        &mut self,
        intake: &Intake,
        keys: &mut impl Iterator<Item = (Key, &'g [FoldEvent])>,
        anew: &mut BTreeMap<Key, Position>,
    ) -> Result<Vec<KeyChange>, EvaluateError> {
        let records = self.write.open_table(RECORDS).map_err(StoreError::from)?;
        let mut changes = Vec::new();
        let (mut jobs, mut befores) = (Vec::new(), Vec::new());
        let mut together = Together::default();
        while let Some((key, events)) = together.next_of(keys) {
            let mut newest = events.iter().map(|event| event.order.position).max().unwrap_or_default();
            let before = find_record(&records, key)?;
            if let Some(position) = anew.get_mut(&key) {
                newest = newest.max(*position);
                *position = newest;
                // All entries of a new key are in the run, unless they came to it by a merge.
                if before.is_some() || !intake.moves.is_empty() {
                    continue;
                }
                anew.remove(&key);
            }
            let state_bytes = before.as_ref().map_or(0, |before| before.state.len());
            // The state before and the state after.
            self.runner.hold(2 * state_bytes)?;
            together.state_bytes += state_bytes;
            let stuck = self.quarantine.get(&key).filter(|quarantined| quarantined.at.is_some());
            let last = stuck.and_then(|stuck| stuck.at).or(before.as_ref().map(|before| before.last));
            if last.is_some_and(|last| events[0].order < last) {
                anew.insert(key, newest);
            } else if let Some(stuck) = stuck {
                let after = Record { changed: newest, ..before.clone().unwrap_or(Record::EMPTY) };
                changes.push(KeyChange { key, before, after, stuck: Some(stuck.clone()) });
            } else {
                let state = before.as_ref().map(|before| before.state.clone()).unwrap_or_default();
                jobs.push(Job::new(key, state, events));
                befores.push((before, newest));
            }
        }
        self.runner.fold(&mut jobs)?;
        changes.extend(jobs.into_iter().zip(befores).map(|(job, (before, newest))| continued(job, before, newest)));
        Ok(changes)
    }

    /// Folds some of the keys from their first entries; each comes with the position at which it changed.
    fn fold_anew(
        &mut self,
        run: &Run,
        keys: &mut impl Iterator<Item = (Key, Position)>,
    ) -> Result<Vec<KeyChange>, EvaluateError> {
        let records = self.write.open_table(RECORDS).map_err(StoreError::from)?;
        let (mut together, mut befores) = (Together::default(), Vec::new());
        while let Some((key, changed)) = together.next_of(keys) {
            let before = find_record(&records, key)?;
            let state_bytes = before.as_ref().map_or(0, |before| before.state.len());
            self.runner.hold(state_bytes)?;
            together.state_bytes += state_bytes;
            befores.push((key, before, changed));
        }
        let places = self.write.open_table(PLACES).map_err(StoreError::from)?;
        let mut evaluation = Evaluation {
            source: self.source,
            places: &places,
            meaning: &run.intake.meaning,
            shape: self.shape,
            runner: self.runner,
            as_of: AsOf::any_day(run.last),
        };
        let folded = evaluation.fold_anew(befores.iter().map(|(key, ..)| *key))?;
        let changes = folded.into_iter().zip(befores).map(|((_, folded), (key, before, changed))| {
            let after = Record { changed, ..folded.record };
            KeyChange { key, before, after, stuck: folded.stuck }
        });
        Ok(changes.collect())
    }

    /// Notes keys that must be folded again because people were merged, with the last such position. Includes keys that
    /// appeared and disappeared within the run: they can be queried as of positions in between.
    fn note_moved_keys(&self, intake: &Intake, disturbed: &mut BTreeMap<Key, Position>) -> Result<(), EvaluateError> {
        let mut note = |key: Key, position: Position| {
            disturbed.entry(key).and_modify(|last| *last = position.max(*last)).or_insert(position);
        };
        let mut meaning = self.meant.clone();
        for moved in &intake.moves {
            let mut entries = BTreeSet::new();
            for handle in &moved.handles {
                entries.extend(self.entries_with(*handle)?);
            }
            entries.retain(|entry| *entry < moved.position);
            let entries = self.source.routables_at(&Vec::from_iter(entries))?;
            entries.iter().flat_map(|entry| entry.keys(&meaning)).for_each(|key| note(key, moved.position));
            moved.apply(&mut meaning, &self.source.people());
            entries.iter().flat_map(|entry| entry.keys(&meaning)).for_each(|key| note(key, moved.position));
        }
        Ok(())
    }

    /// Every entry that names a person.
    fn entries_with(&self, handle: u32) -> Result<BTreeSet<Position>, StoreError> {
        let (places, seconds) = (self.write.open_table(PLACES)?, self.write.open_table(SECONDS)?);
        let mut entries: BTreeSet<Position> =
            mentions_of(&self.write.open_table(MENTIONS)?, handle)?.into_iter().collect();
        for key in keys_with(&places, &seconds, handle)? {
            entries.extend(places_of(&places, key)?.into_iter().map(|place| place.order.position));
        }
        Ok(entries)
    }
}

/// Limits the number of keys that are processed together, and the size of their states.
#[derive(Default)]
struct Together {
    keys: usize,
    state_bytes: usize,
}

impl Together {
    /// The next key, if it still fits.
    fn next_of<T>(&mut self, keys: &mut impl Iterator<Item = T>) -> Option<T> {
        let fits = self.keys < limits::KEYS_AT_ONCE && self.state_bytes < limits::STATES_AT_ONCE_BYTES;
        self.keys += 1;
        if fits { keys.next() } else { None }
    }
}

/// The change of a key whose new entries follow those folded before.
fn continued(mut job: Job<'_>, before: Option<Record>, changed: Position) -> KeyChange {
    let stuck = job.stuck_at().zip(job.fault.take());
    let (last, entries) = before.as_ref().map_or((Order::MIN, 0), |before| (before.last, before.entries));
    let after =
        Record { changed, last: job.last().unwrap_or(last), entries: entries + job.entries(), state: job.state };
    let stuck = stuck.map(|(at, message)| Quarantined { at: Some(at), message });
    KeyChange { key: job.key, before, after, stuck }
}

/// Stores the new records of keys, and counts states.
pub(crate) fn write_records(
    write: &WriteTransaction,
    changes: &[KeyChange],
    meta: &mut Meta,
) -> Result<(), StoreError> {
    let mut records = write.open_table(RECORDS)?;
    for KeyChange { key, before, after, .. } in changes {
        let known = before.as_ref().map_or(0, |before| before.state.len());
        meta.keys = meta.keys + u64::from(!after.state.is_empty()) - u64::from(known > 0);
        meta.state_bytes = meta.state_bytes + after.state.len() as u64 - known as u64;
        records.insert(&key.to_bytes(), after.encode().as_slice())?;
    }
    Ok(())
}

/// Stores the quarantine as it is after a run.
pub(crate) fn write_quarantine(
    write: &WriteTransaction,
    before: &HashMap<Key, Quarantined>,
    after: &HashMap<Key, Quarantined>,
) -> Result<(), StoreError> {
    if before == after {
        return Ok(());
    }
    let mut table = write.open_table(QUARANTINE)?;
    for key in before.keys().filter(|key| !after.contains_key(key)) {
        table.remove(&key.to_bytes())?;
    }
    for (key, quarantined) in after {
        table.insert(&key.to_bytes(), quarantined.encode().as_slice())?;
    }
    Ok(())
}

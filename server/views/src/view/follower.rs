//! Follows a history: reads new entries, folds them, makes rows, and commits everything together with the cursor.
//!
//! After a crash at any moment the next step continues from the last commit and produces the same rows.

use super::{following::Clock, shared::Shared, status::QuarantinedKey};
use crate::{
    contract::{KeyShape, key::Key},
    file::{
        people::Meaning,
        store::{Lasting, StoreError, read_meta, read_people, read_quarantine, write_meta},
        tables::{Meta, Quarantined, Record},
    },
    fold::{
        derivation::{Derivation, KeyChange, note_changes, write_quarantine, write_records},
        evaluate::EvaluateError,
        grouping::Grouped,
        intake::Intake,
        materialise::Materialisation,
        source::Batch,
    },
    limits,
    plugin::runner::Runner,
    share::cancel::Cancel,
};
use kith_core::{day::Day, history::Budget, position::Position, timestamp::Timestamp};
use redb::WriteTransaction;
use std::{collections::HashMap, sync::Arc};

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// There may be more to do.
    Advanced,
    /// The view has reached the head, and its rows are as of today.
    Level,
    /// Too many keys are in quarantine.
    Spoilt,
}

/// The only writer of a view's file.
pub(crate) struct Follower {
    shared: Arc<Shared>,
    runner: Runner,
    clock: Clock,
    meta: Meta,
    meaning: Meaning,
    quarantine: HashMap<Key, Quarantined>,
    unsynced: u32,
    /// Which keys are in quarantine once there are too many.
    spoilt: Option<String>,
}

impl Follower {
    /// Continues from the state in the file.
    pub(crate) fn open(shared: Arc<Shared>, clock: Clock) -> Result<Self, StoreError> {
        let runner = Runner::following(shared.plugin.clone(), Arc::clone(&shared.counters));
        let (meta, meaning, quarantine) = (Meta::default(), Meaning::default(), HashMap::new());
        let mut follower = Self { shared, runner, clock, meta, meaning, quarantine, unsynced: 0, spoilt: None };
        follower.reload()?;
        follower.shared.publish(&follower.meta);
        Ok(follower)
    }

    /// The same follower; calls of the plugin end when cancelled.
    pub(crate) fn until(self, cancel: &Cancel) -> Self {
        Self { runner: self.runner.until(cancel), ..self }
    }

    /// Returns the instance of the plugin until there is something to do.
    pub(crate) fn rest(&mut self) {
        self.runner.rest();
    }

    /// Returns the instance if another view needs one.
    pub(crate) fn give_way(&mut self) {
        self.runner.give_way();
    }

    /// Drops everything that was not committed.
    pub(crate) fn reload(&mut self) -> Result<(), StoreError> {
        let read = self.shared.store.read()?;
        self.meta = read_meta(&read)?.expect("the file was checked when it was opened");
        self.quarantine = read_quarantine(&read)?;
        let people = read_people(&read)?;
        self.meaning = people.meaning(self.meta.cursor);
        *self.shared.source.people_mut() = people;
        Ok(())
    }

    /// Processes one batch up to `head`, or whatever else is due. After an error, call `reload` before the next step.
    pub(crate) fn step(&mut self, head: Position) -> Result<Step, EvaluateError> {
        let stepped = self.step_once(head);
        let is_level = self.meta.cursor >= head && self.meta.day.is_some();
        match stepped {
            Err(spoilt @ EvaluateError::Spoilt { .. }) => {
                self.reload()?;
                self.spoilt = Some(spoilt.to_string());
                Ok(Step::Spoilt)
            }
            // Checked only at the head: before it, the number of keys in quarantine depends on where batches end.
            Ok(Step::Advanced | Step::Level) if is_level && self.is_spoilt() => {
                self.spoilt =
                    self.first_quarantined().map(|first| format!("{} keys, such as {first}", self.quarantine.len()));
                Ok(Step::Spoilt)
            }
            // Not before: whoever waits for a view that stops here learns that it stopped.
            Ok(stepped) => {
                self.shared.publish(&self.meta);
                Ok(stepped)
            }
            Err(error) => Err(error),
        }
    }

    /// Why there was a step with the result [`Step::Spoilt`].
    pub(crate) fn why_spoilt(&self) -> String {
        let which = self.spoilt.as_ref().map_or_else(String::new, |which| format!(": {which}"));
        format!("too many keys are in quarantine{which}")
    }

    fn first_quarantined(&self) -> Option<QuarantinedKey> {
        let (key, quarantined) = self.quarantine.iter().min_by_key(|(key, _)| **key)?;
        Some(QuarantinedKey::of(*key, quarantined.clone(), &self.shared.source.people()))
    }

    fn step_once(&mut self, head: Position) -> Result<Step, EvaluateError> {
        if self.meta.cursor > self.shared.source.head() {
            self.begin_anew()?;
            return Ok(Step::Advanced);
        }
        let today = Timestamp::from_millis((self.clock)()).day();
        if self.meta.day.is_some_and(|day| day != today) {
            self.turn_day(today)?;
            return Ok(Step::Advanced);
        }
        let portion = self.shared.plugin.places().batches.take();
        let part_of = |most: usize| most / (limits::BATCH_BYTES_MAX / portion.bytes());
        let budget = Budget { entries: part_of(limits::BATCH_ENTRIES_MAX), bytes: portion.bytes() };
        let mut batch = self.shared.source.read(self.meta.cursor, head, budget)?;
        batch.cut(self.shared.source.routes(), part_of(limits::BATCH_EVENTS_MAX));
        if batch.last == self.meta.cursor {
            batch.last = head.max(self.meta.cursor);
        }
        if batch.last == self.meta.cursor && self.meta.day.is_some() {
            return Ok(Step::Level);
        }
        self.take_in(&batch, head, today)?;
        Ok(Step::Advanced)
    }

    /// Syncs committed transactions to disk.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        if self.unsynced > 0 {
            self.shared.store.write(Lasting::Now)?.commit()?;
            self.unsynced = 0;
        }
        Ok(())
    }

    /// Folds a batch; makes all rows when it first reaches the head of the log.
    #[tracing::instrument(level = "debug", skip_all, fields(
        view = self.shared.name(),
        position = batch.last.get(),
        batch.events = batch.entries.len(),
    ), err(level = "debug"))]
    fn take_in(&mut self, batch: &Batch, head: Position, today: Day) -> Result<(), EvaluateError> {
        let shared = Arc::clone(&self.shared);
        let write = shared.store.write(self.lasting())?;
        let mut meta = Meta { cursor: batch.last, ..self.meta };
        let mut quarantine = self.quarantine.clone();
        let intake = Intake::take(&batch.entries, &shared.source, self.meaning.clone())?;
        intake.write(&write)?;
        let grouped = Grouped::of(&batch.entries, &shared.source, &intake.meaning)?;
        grouped.write(&write, &intake, self.shape())?;
        let grouped = grouped.without_withdrawn(&shared.source, batch.last);
        shared.room.check()?;
        let (is_built, shape) = (self.meta.day.is_some(), self.shape());
        self.derivation(&write, batch.last).derive(&intake, &grouped, |runner, changes| {
            shared.room.check()?;
            note_stuck(&mut quarantine, &changes)?;
            write_records(&write, &changes, &mut meta)?;
            if !is_built {
                return Ok(());
            }
            note_changes(&write, &changes)?;
            let keys: Vec<(Key, Record)> = changes.into_iter().map(|change| (change.key, change.after)).collect();
            let (source, meaning, quarantine, meta) = (&shared.source, &intake.meaning, &mut quarantine, &mut meta);
            let room = &shared.room;
            Materialisation { write: &write, source, runner, shape, meaning, quarantine, meta, room }.make(today, &keys)
        })?;
        if !is_built && batch.last >= head {
            self.materialisation(&write, &intake.meaning, &mut quarantine, &mut meta).make_all(today)?;
        }
        self.commit(write, meta, quarantine)?;
        self.meaning = intake.meaning;
        Ok(())
    }

    /// Makes all rows as of another day.
    fn turn_day(&mut self, today: Day) -> Result<(), EvaluateError> {
        let shared = Arc::clone(&self.shared);
        let write = shared.store.write(self.lasting())?;
        let (mut meta, mut quarantine) = (self.meta, self.quarantine.clone());
        let meaning = self.meaning.clone();
        self.materialisation(&write, &meaning, &mut quarantine, &mut meta).make_all(today)?;
        self.commit(write, meta, quarantine)?;
        Ok(())
    }

    /// Rebuilds the view because the log has lost entries that it was built from.
    fn begin_anew(&mut self) -> Result<(), StoreError> {
        tracing::warn!(view = %self.shared.name(), cursor = self.meta.cursor.get(), "log behind the view, rebuilding");
        self.shared.store.clear(self.meta.identity)?;
        self.reload()?;
        self.shared.forget_tables();
        self.shared.publish(&self.meta);
        Ok(())
    }

    fn commit(
        &mut self,
        write: WriteTransaction,
        meta: Meta,
        quarantine: HashMap<Key, Quarantined>,
    ) -> Result<(), StoreError> {
        write_quarantine(&write, &self.quarantine, &quarantine)?;
        write_meta(&write, &meta)?;
        let lasting = self.lasting();
        write.commit()?;
        self.unsynced = match lasting {
            Lasting::Now => 0,
            Lasting::Later => self.unsynced + 1,
        };
        (self.meta, self.quarantine) = (meta, quarantine);
        Ok(())
    }

    fn lasting(&self) -> Lasting {
        if self.unsynced + 1 < limits::BATCHES_PER_SYNC_MAX { Lasting::Later } else { Lasting::Now }
    }

    fn is_spoilt(&self) -> bool {
        let keys = self.quarantine.len();
        let share = keys as u64 * limits::QUARANTINED_SHARE_MAX >= self.meta.keys;
        keys >= limits::QUARANTINED_KEYS_MAX || (share && self.meta.keys >= limits::QUARANTINED_SHARE_KEYS_MIN)
    }

    fn shape(&self) -> KeyShape {
        self.shared.plugin.manifest().key_shape()
    }

    fn derivation<'a>(&'a mut self, write: &'a WriteTransaction, cursor: Position) -> Derivation<'a> {
        let shape = self.shape();
        let Self { shared, runner, meaning, quarantine, .. } = self;
        Derivation { write, source: &shared.source, runner, shape, quarantine, meant: meaning, cursor }
    }

    fn materialisation<'a>(
        &'a mut self,
        write: &'a WriteTransaction,
        meaning: &'a Meaning,
        quarantine: &'a mut HashMap<Key, Quarantined>,
        meta: &'a mut Meta,
    ) -> Materialisation<'a> {
        let shape = self.shape();
        let Self { shared, runner, .. } = self;
        let Shared { source, room, .. } = &**shared;
        Materialisation { write, source, runner, shape, meaning, quarantine, meta, room }
    }
}

/// Puts keys that cannot be folded to their end into quarantine, and takes out those that can be folded again.
fn note_stuck(quarantine: &mut HashMap<Key, Quarantined>, changes: &[KeyChange]) -> Result<(), EvaluateError> {
    for change in changes {
        match &change.stuck {
            Some(stuck) => drop(quarantine.insert(change.key, stuck.clone())),
            None => drop(quarantine.remove(&change.key)),
        }
    }
    match changes.iter().rev().find_map(|change| change.stuck.as_ref()) {
        Some(last) if quarantine.len() >= limits::QUARANTINED_KEYS_LAST => {
            Err(EvaluateError::Spoilt { message: last.message.clone() })
        }
        Some(_) | None => Ok(()),
    }
}

//! Follows a history: reads new entries, folds them, makes rows, and commits everything together with the cursor.
//!
//! After a crash at any moment the next step continues from the last commit and produces the same rows.

use super::{shared::Shared, status::QuarantinedKey};
use crate::{
    contract::{KeyShape, key::Key},
    file::{
        people::Meaning,
        store::{Lasting, StoreError, read_meta, read_people, read_quarantine, write_meta},
        tables::{Meta, Quarantined, Record},
    },
    fold::{
        derivation::{Derivation, KeyChange, write_quarantine, write_records},
        evaluate::EvaluateError,
        materialise::{DayRows, Earlier, Materialisation},
        run::{Run, Span},
        side_tables::{BUILDING_KEY_BYTES, BUILT_KEY_BYTES, SideTables},
        turn::DayTurn,
    },
    limits,
    plugin::runner::Runner,
    share::cancel::Cancel,
};
use kith_core::{day::Day, position::Position};
use redb::WriteTransaction;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

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
    meta: Meta,
    meaning: Meaning,
    quarantine: HashMap<Key, Quarantined>,
    /// The rows of today while those of the view are as of an earlier day.
    day_turn: Option<DayTurn>,
    /// Keys whose rows as of today are made in a step.
    pub(crate) day_step_keys: usize,
    /// Batches committed since the last transaction that was synced.
    unsynced: u32,
    /// The most batches of the next run: one after a failure, which may come again, fewer after a long run, and then
    /// twice as many each time.
    batches_max: u32,
    /// Batches to process before waiting again for memory for a run.
    batches_before_waiting: u32,
    /// The head that the last run was given, if the rows as of it are still to be made.
    rows_due: Option<Position>,
    /// Which keys are in quarantine once there are too many.
    spoilt: Option<String>,
}

impl Follower {
    /// Continues from the state in the file.
    pub(crate) fn open(shared: Arc<Shared>) -> Result<Self, StoreError> {
        let runner = Runner::following(shared.plugin.clone(), Arc::clone(&shared.counters));
        let (meta, meaning, quarantine) = (Meta::default(), Meaning::default(), HashMap::new());
        let mut follower = Self {
            shared,
            runner,
            meta,
            meaning,
            quarantine,
            day_turn: None,
            day_step_keys: limits::DAY_STEP_KEYS,
            unsynced: 0,
            batches_max: u32::MAX,
            batches_before_waiting: 0,
            rows_due: None,
            spoilt: None,
        };
        follower.read_file()?;
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

    /// Drops everything that was not committed, after a failure.
    pub(crate) fn reload(&mut self) -> Result<(), StoreError> {
        self.batches_max = 1;
        self.read_file()
    }

    fn read_file(&mut self) -> Result<(), StoreError> {
        let read = self.shared.store.read()?;
        self.meta = read_meta(&read)?.expect("the file was checked when it was opened");
        self.quarantine = read_quarantine(&read)?;
        let people = read_people(&read)?;
        self.meaning = people.meaning(self.meta.cursor);
        *self.shared.source.people_mut() = people;
        Ok(())
    }

    /// Processes one run up to `head`, or whatever else is due. After an error, call `reload` before the next step.
    pub(crate) fn step(&mut self, head: Position) -> Result<Step, EvaluateError> {
        let head = self.rows_due.unwrap_or(head);
        let stepped = self.step_once(head);
        let is_level = self.meta.cursor >= head && self.meta.day.is_some();
        match stepped {
            Err(spoilt @ EvaluateError::Spoilt { .. }) => {
                self.reload()?;
                self.spoilt = Some(spoilt.to_string());
                Ok(Step::Spoilt)
            }
            // Checked only at the head: before it, the number of keys in quarantine depends on where runs end.
            Ok(Step::Advanced | Step::Level) if is_level && self.is_spoilt() => {
                self.spoilt =
                    self.first_quarantined().map(|first| format!("{} keys, such as {first}", self.quarantine.len()));
                Ok(Step::Spoilt)
            }
            // Not before: whoever waits for a view that stops here learns that it stopped.
            Ok(stepped) => {
                self.shared.publish(&self.meta);
                self.shared.note_turning(self.day_turn.as_ref().map(DayTurn::day));
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
        let today = self.shared.today();
        // Both go on at the same time: entries do not wait for the rows of today, nor those for quiet.
        let is_turning = self.meta.day.is_some_and(|day| day != today);
        if is_turning {
            self.turn_day(today)?;
        } else {
            // A clock that was set back.
            self.day_turn = None;
        }
        if is_turning && self.meta.cursor >= head {
            return Ok(Step::Advanced);
        }
        if self.meta.cursor >= head && self.meta.day.is_some() {
            return Ok(Step::Level);
        }
        let begun = Instant::now();
        // Only a view that has no rows yet waits for memory, and a slow plugin in its place does not hold it up for long.
        let (key_bytes, patience) = match self.meta.day {
            Some(_) => (BUILT_KEY_BYTES, Duration::ZERO),
            None if self.batches_before_waiting > 0 => (BUILDING_KEY_BYTES, Duration::ZERO),
            None => (BUILDING_KEY_BYTES, limits::RUN_WAIT_MAX),
        };
        let Self { meaning, batches_max, .. } = self;
        let span = Span { after: self.meta.cursor, head, meaning, key_bytes, batches_max: *batches_max, patience };
        let places = self.shared.plugin.places();
        let run = Run::read(&span, &self.shared.source, places, self.runner.cancel())?;
        let (batches, lacks_memory) = (run.batches, run.lacks_memory(head));
        self.take_in(run, head, today)?;
        let waited_in_vain = lacks_memory && patience > Duration::ZERO;
        self.batches_before_waiting =
            if waited_in_vain { limits::RUN_WAIT_BATCHES } else { self.batches_before_waiting.saturating_sub(1) };
        let is_long = begun.elapsed() > limits::RUN_TIME_MAX;
        self.batches_max = if is_long { (batches / 2).max(1) } else { self.batches_max.saturating_mul(2) };
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

    /// Folds a run; makes all rows when it first reaches the head of the log, or after a large run in the next step, so
    /// that a failure costs only one of the two.
    #[tracing::instrument(level = "debug", skip_all, fields(
        view = self.shared.name(),
        position = run.last.get(),
        run.batches = run.batches,
    ), err(level = "debug"))]
    fn take_in(&mut self, mut run: Run, head: Position, today: Day) -> Result<(), EvaluateError> {
        let shared = Arc::clone(&self.shared);
        let write = shared.store.write(self.lasting(run.batches))?;
        let mut meta = Meta { cursor: run.last, ..self.meta };
        let mut quarantine = self.quarantine.clone();
        let withdrawn = std::mem::take(&mut run.withdrawn);
        run.intake.write(&write)?;
        run.grouped.write(&write, &run.intake, self.shape(), self.runner.cancel())?;
        run.grouped.drop_withdrawn(&shared.source, run.last);
        shared.room.check()?;
        let (shown, shape) = (self.meta.day, self.shape());
        let mut day_turn = self.day_turn.clone();
        let mut side_tables = SideTables::default();
        side_tables.reserve(run.grouped.keys().count());
        self.derivation(&write).derive(&run, withdrawn, |runner, changes| {
            shared.room.check()?;
            note_stuck(&mut quarantine, &changes)?;
            write_records(&write, &changes, &mut meta)?;
            side_tables.note_seconds(&changes);
            let Some(day) = shown else { return Ok(()) };
            side_tables.note_changes(&changes);
            let keys: Vec<(Key, Record)> = changes.into_iter().map(|change| (change.key, change.after)).collect();
            let (source, meaning, position) = (&shared.source, &run.intake.meaning, run.last);
            let (room, bounded) = (&shared.room, &shared.bounded);
            let mut materialisation =
                Materialisation { write: &write, source, runner, shape, meaning, position, room, bounded };
            let mut made = DayRows { day, side: meta.side, rows: &mut meta.rows, quarantine: &mut quarantine };
            materialisation.make(&mut made, Earlier::Replaced, &keys)?;
            day_turn.as_mut().map_or(Ok(()), |turn| turn.remake(&mut materialisation, keys))
        })?;
        side_tables.write(&write, self.runner.cancel())?;
        let reaches_head = shown.is_none() && run.last >= head;
        if reaches_head && run.batches == 1 {
            let patience = if self.rows_due.is_some() { limits::RUN_WAIT_MAX } else { Duration::ZERO };
            let mut made = DayRows { day: today, side: meta.side, rows: &mut meta.rows, quarantine: &mut quarantine };
            let runs = &shared.plugin.places().runs;
            self.materialisation(&write, &run.intake.meaning, run.last).make_all(&mut made, runs, patience)?;
            meta.day = Some(today);
        }
        self.commit(write, meta, quarantine, run.batches)?;
        (self.meaning, self.day_turn) = (run.intake.meaning, day_turn);
        self.rows_due = (reaches_head && run.batches > 1).then_some(run.last);
        Ok(())
    }

    /// Makes rows as of today for some keys, and shows them once there are those of all keys.
    fn turn_day(&mut self, today: Day) -> Result<(), EvaluateError> {
        let shared = Arc::clone(&self.shared);
        let write = shared.store.write(self.lasting(1))?;
        let (mut meta, mut quarantine) = (self.meta, self.quarantine.clone());
        let mut turn = match self.day_turn.clone().filter(|turn| turn.day() == today) {
            Some(turn) => turn,
            None => DayTurn::begin(&write, &meta, today)?,
        };
        let (meaning, keys) = (self.meaning.clone(), self.day_step_keys);
        let is_complete = turn.go_on(&mut self.materialisation(&write, &meaning, meta.cursor), keys)?;
        let unfinished = if is_complete {
            turn.finish(&write, &mut meta, &mut quarantine)?;
            None
        } else {
            Some(turn)
        };
        self.commit(write, meta, quarantine, 1)?;
        self.day_turn = unfinished;
        Ok(())
    }

    /// Rebuilds the view because the log has lost entries that it was built from.
    fn begin_anew(&mut self) -> Result<(), StoreError> {
        tracing::warn!(view = %self.shared.name(), cursor = self.meta.cursor.get(), "log behind the view, rebuilding");
        self.shared.store.clear(self.meta.identity)?;
        self.read_file()?;
        (self.rows_due, self.day_turn) = (None, None);
        self.shared.forget_tables();
        self.shared.publish(&self.meta);
        Ok(())
    }

    fn commit(
        &mut self,
        write: WriteTransaction,
        meta: Meta,
        quarantine: HashMap<Key, Quarantined>,
        batches: u32,
    ) -> Result<(), StoreError> {
        write_quarantine(&write, &self.quarantine, &quarantine)?;
        write_meta(&write, &meta)?;
        let lasting = self.lasting(batches);
        write.commit()?;
        self.unsynced = match lasting {
            Lasting::Now => 0,
            Lasting::Later => self.unsynced + batches,
        };
        (self.meta, self.quarantine) = (meta, quarantine);
        Ok(())
    }

    /// When a transaction of this many batches has to survive a crash.
    fn lasting(&self, batches: u32) -> Lasting {
        if self.unsynced + batches < limits::BATCHES_PER_SYNC_MAX { Lasting::Later } else { Lasting::Now }
    }

    fn is_spoilt(&self) -> bool {
        let keys = self.quarantine.len();
        let share = keys as u64 * limits::QUARANTINED_SHARE_MAX >= self.meta.keys;
        keys >= limits::QUARANTINED_KEYS_MAX || (share && self.meta.keys >= limits::QUARANTINED_SHARE_KEYS_MIN)
    }

    fn shape(&self) -> KeyShape {
        self.shared.plugin.manifest().key_shape()
    }

    fn derivation<'a>(&'a mut self, write: &'a WriteTransaction) -> Derivation<'a> {
        let shape = self.shape();
        let Self { shared, runner, meaning, quarantine, .. } = self;
        Derivation { write, source: &shared.source, runner, shape, quarantine, meant: meaning }
    }

    fn materialisation<'a>(
        &'a mut self,
        write: &'a WriteTransaction,
        meaning: &'a Meaning,
        position: Position,
    ) -> Materialisation<'a> {
        let shape = self.shape();
        let Self { shared, runner, .. } = self;
        let Shared { source, room, bounded, .. } = &**shared;
        Materialisation { write, source, runner, shape, meaning, position, room, bounded }
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

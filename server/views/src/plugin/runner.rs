//! Calls a plugin within the limits of a call and determines which key and entry a failure is about.
//!
//! A key or entry counts as failing only if it fails alone in a fresh instance: how entries were batched never matters.

use super::abi::{
    batch::{FoldEvent, FoldSlot},
    guest::error::GuestError,
    view_v1::{Plugin, ViewGuest},
};
use crate::{
    contract::{
        GuestRow,
        key::{Key, Order},
    },
    limits,
    share::{
        cancel::Cancel,
        interrupted::Interrupted,
        places::Lending,
        work::{Hold, Work},
    },
};
use kith_core::day::Day;
use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

/// What a plugin did since the view was opened.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Events folded.
    pub(crate) events: AtomicU64,
    /// Fuel spent.
    pub(crate) fuel: AtomicU64,
    /// Calls that failed.
    pub(crate) faults: AtomicU64,
    /// Nanoseconds spent folding.
    pub(crate) fold_ns: AtomicU64,
}

/// A key with the entries to fold into its state, in fold order.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    /// The key.
    pub(crate) key: Key,
    /// The state before folding, and then after the entries folded so far.
    pub(crate) state: Vec<u8>,
    /// The events to fold.
    pub(crate) events: Cow<'a, [FoldEvent]>,
    /// How many of them have been folded.
    pub(crate) folded: usize,
    /// Why the next one cannot be folded.
    pub(crate) fault: Option<String>,
}

impl<'a> Job<'a> {
    /// A job of which nothing is folded yet.
    pub(crate) fn new(key: Key, state: Vec<u8>, events: impl Into<Cow<'a, [FoldEvent]>>) -> Self {
        Self { key, state, events: events.into(), folded: 0, fault: None }
    }

    /// The last entry folded.
    pub(crate) fn last(&self) -> Option<Order> {
        self.folded.checked_sub(1).map(|index| self.events[index].order)
    }

    /// The entry that cannot be folded.
    pub(crate) fn stuck_at(&self) -> Option<Order> {
        self.fault.as_ref().map(|_| self.events[self.folded].order)
    }

    /// Number of entries folded: an entry that arrives by several routes counts once.
    pub(crate) fn entries(&self) -> u32 {
        let folded = &self.events[..self.folded];
        let repeats = folded.windows(2).filter(|pair| pair[0].order.position == pair[1].order.position).count();
        u32::try_from(folded.len() - repeats).expect("a key has fewer than 2^32 entries")
    }
}

/// A part of a job that one call folds.
#[derive(Debug, Clone, Copy)]
struct Part {
    job: usize,
    from: usize,
    until: usize,
}

/// A plugin and the instance in use, which is replaced after every failure.
pub(crate) struct Runner {
    plugin: Plugin,
    lending: Lending,
    guest: Option<ViewGuest>,
    counters: Arc<Counters>,
    cancel: Cancel,
    work: Work,
    /// Memory for the keys that are processed together.
    keys: Hold,
    /// Keys that may still fail before nothing more is folded.
    failures_left: usize,
}

/// A failure caused by the arguments.
struct Failure {
    slot: Option<usize>,
    message: String,
    fresh: bool,
    /// Whether there was a result, which may have been too large to read.
    may_be_large: bool,
}

impl Runner {
    /// A runner for a view that follows. Does not create an instance yet.
    pub(crate) fn following(plugin: Plugin, counters: Arc<Counters>) -> Self {
        let lending = plugin.places().following.clone();
        Self::new(plugin, lending, counters)
    }

    /// A runner for a question. Does not create an instance yet.
    pub(crate) fn asking(plugin: Plugin, counters: Arc<Counters>) -> Self {
        let lending = plugin.places().asking.clone();
        Self::new(plugin, lending, counters)
    }

    fn new(plugin: Plugin, lending: Lending, counters: Arc<Counters>) -> Self {
        let cancel = Cancel::default();
        let work = lending.memory().begin(&cancel);
        let keys = work.hold();
        Self { plugin, lending, guest: None, counters, cancel, work, keys, failures_left: usize::MAX }
    }

    /// The same runner; once this many keys cannot be folded, it folds nothing more.
    pub(crate) fn giving_up_after(self, keys: usize) -> Self {
        Self { failures_left: keys, ..self }
    }

    /// Whether so many keys could not be folded that nothing more is folded.
    pub(crate) fn gave_up(&self) -> bool {
        self.failures_left == 0
    }

    /// Ends the work of the runner.
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Returns the instance until the next call.
    pub(crate) fn rest(&mut self) {
        self.guest = None;
    }

    /// Returns the instance if somebody else needs one.
    pub(crate) fn give_way(&mut self) {
        if self.guest.is_some() && self.lending.is_wanted() {
            self.rest();
        }
    }

    /// The same runner; its calls end, and no more are made, when cancelled.
    pub(crate) fn until(self, cancel: &Cancel) -> Self {
        let work = self.lending.memory().begin(cancel);
        Self { guest: None, cancel: cancel.clone(), ..self }.within(&work)
    }

    /// The same runner; the memory it holds is part of a piece of work.
    pub(crate) fn within(self, work: &Work) -> Self {
        Self { work: work.clone(), keys: work.hold(), ..self }
    }

    /// Holds more memory for the keys that are processed together, except for states while they are folded.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), Interrupted> {
        self.keys.add(bytes)
    }

    /// Frees the memory for the keys that were processed together.
    pub(crate) fn let_go(&mut self) {
        self.keys = self.work.hold();
    }

    /// Folds every job to its end, or up to the entry that cannot be folded.
    pub(crate) fn fold(&mut self, jobs: &mut [Job<'_>]) -> Result<(), Interrupted> {
        let begun = Instant::now();
        let outcome = self.fold_calls(jobs);
        let spent = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.counters.fold_ns.fetch_add(spent, Ordering::Relaxed);
        outcome
    }

    fn fold_calls(&mut self, jobs: &mut [Job<'_>]) -> Result<(), Interrupted> {
        let mut parts: Vec<Part> = Vec::new();
        let (mut events, mut bytes) = (0, 0);
        for index in 0..jobs.len() {
            let mut from = 0;
            bytes += FoldSlot::slot_bytes(&jobs[index].state);
            for next in 0..jobs[index].events.len() {
                let event_bytes = FoldSlot::event_bytes(&jobs[index].events[next]);
                if events > 0 && (events == limits::CALL_EVENTS_MAX || bytes + event_bytes > limits::CALL_BYTES_MAX) {
                    push_part(&mut parts, Part { job: index, from, until: next });
                    self.fold_parts(jobs, &parts)?;
                    parts.clear();
                    (from, events, bytes) = (next, 0, FoldSlot::slot_bytes(&jobs[index].state));
                }
                events += 1;
                bytes += event_bytes;
            }
            push_part(&mut parts, Part { job: index, from, until: jobs[index].events.len() });
        }
        self.fold_parts(jobs, &parts)
    }

    fn fold_parts(&mut self, jobs: &mut [Job<'_>], parts: &[Part]) -> Result<(), Interrupted> {
        let mut parts = Vec::from(parts);
        parts.retain(|part| jobs[part.job].fault.is_none());
        if parts.is_empty() || self.gave_up() {
            return Ok(());
        }
        let slots: Vec<FoldSlot<'_>> = parts.iter().map(|part| slot(jobs, *part)).collect();
        match self.call(|guest, _| guest.fold(&slots))? {
            Ok(states) => {
                for (part, state) in parts.iter().zip(states) {
                    self.keys.add(state.len())?;
                    self.keys.less(std::mem::replace(&mut jobs[part.job].state, state).len());
                    jobs[part.job].folded = part.until;
                    self.counters.events.fetch_add((part.until - part.from) as u64, Ordering::Relaxed);
                }
                Ok(())
            }
            Err(failure) => self.narrow_fold(jobs, parts, failure),
        }
    }

    /// Folds in smaller calls what failed in one.
    fn narrow_fold(&mut self, jobs: &mut [Job<'_>], mut parts: Vec<Part>, failure: Failure) -> Result<(), Interrupted> {
        if failure.may_be_large {
            self.count_fault();
        }
        if let [part] = parts[..] {
            let Part { job, from, until } = part;
            if until - from > 1 {
                let middle = from + (until - from) / 2;
                self.fold_parts(jobs, &[Part { job, from, until: middle }])?;
                return self.fold_parts(jobs, &[Part { job, from: middle, until }]);
            }
            if failure.fresh {
                jobs[job].fault = Some(failure.message);
                self.failures_left -= 1;
                return Ok(());
            }
            return self.fold_parts(jobs, &parts);
        }
        let second = match failure.slot.filter(|slot| *slot < parts.len()) {
            Some(named) => vec![parts.remove(named)],
            None => parts.split_off(parts.len() / 2),
        };
        self.fold_parts(jobs, &parts)?;
        self.fold_parts(jobs, &second)
    }

    /// Visits the rows of each key as of the end of a day, or the reason why it cannot be read; in the given order, and
    /// the results of each call before the next call is made.
    pub(crate) fn read<E: From<Interrupted>>(
        &mut self,
        day: Day,
        keys: &[(Key, &[u8])],
        mut visit: impl FnMut(Result<Vec<GuestRow>, String>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = keys;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take(limits::CALL_KEYS_MAX).take_while(|(_, state)| {
                bytes += FoldSlot::slot_bytes(state);
                bytes <= limits::CALL_BYTES_MAX
            });
            let (now, later) = rest.split_at(fits.count().max(1));
            self.read_some(day, now, &mut visit)?;
            rest = later;
        }
        Ok(())
    }

    fn read_some<E: From<Interrupted>>(
        &mut self,
        day: Day,
        keys: &[(Key, &[u8])],
        visit: &mut impl FnMut(Result<Vec<GuestRow>, String>) -> Result<(), E>,
    ) -> Result<(), E> {
        let read = |guest: &mut ViewGuest, plugin: &Plugin| {
            guest.read(day, keys, &plugin.manifest().fields, limits::CALL_RESULT_BYTES)
        };
        match self.call(read)? {
            Ok(found) => found.into_iter().try_for_each(|rows| visit(Ok(rows))),
            Err(failure) if keys.len() == 1 && failure.may_be_large => visit(self.read_large(day, keys)?),
            Err(failure) if keys.len() == 1 && failure.fresh => visit(Err(failure.message)),
            Err(_) if keys.len() == 1 => self.read_some(day, keys, visit),
            Err(_) => {
                let (one, other) = keys.split_at(keys.len() / 2);
                self.read_some(day, one, visit)?;
                self.read_some(day, other, visit)
            }
        }
    }

    /// The rows of one key, which may be as large as one call may return.
    fn read_large(&mut self, day: Day, key: &[(Key, &[u8])]) -> Result<Result<Vec<GuestRow>, String>, Interrupted> {
        let mut result = self.work.hold();
        result.add(limits::CALL_RESULT_BYTES_MAX)?;
        loop {
            let read = |guest: &mut ViewGuest, plugin: &Plugin| {
                guest.read(day, key, &plugin.manifest().fields, limits::CALL_RESULT_BYTES_MAX)
            };
            match self.call(read)? {
                Ok(found) => return Ok(Ok(found.into_iter().flatten().collect())),
                Err(failure) => {
                    if failure.may_be_large {
                        self.count_fault();
                    }
                    if failure.fresh {
                        return Ok(Err(failure.message));
                    }
                }
            }
        }
    }

    fn count_fault(&self) {
        self.counters.faults.fetch_add(1, Ordering::Relaxed);
    }

    /// Calls the instance in use, or a fresh one; drops it if the call fails. A result that was not taken is not counted
    /// as a fault here: that of many keys may only be too large for one call.
    fn call<T>(
        &mut self,
        call: impl FnOnce(&mut ViewGuest, &Plugin) -> Result<T, GuestError>,
    ) -> Result<Result<T, Failure>, Interrupted> {
        self.cancel.check()?;
        let fresh = self.guest.is_none();
        if fresh {
            let made = self.plugin.instantiate(&self.lending, &self.cancel);
            self.guest = Some(made.map_err(|error| self.cancel.check().err().unwrap_or(interrupted(error)))?);
        }
        let guest = self.guest.as_mut().expect("an instance was made just now");
        let result = call(guest, &self.plugin);
        self.counters.fuel.fetch_add(guest.take_fuel_used(), Ordering::Relaxed);
        let error = match result {
            Ok(value) => return Ok(Ok(value)),
            Err(error) => error,
        };
        self.rest();
        self.cancel.check()?;
        if let GuestError::NoInstance(_) = error {
            return Err(interrupted(error));
        }
        if !matches!(error, GuestError::Untaken(_)) {
            self.count_fault();
        }
        match error {
            GuestError::Failed { slot, message } => Ok(Err(Failure { slot, message, fresh, may_be_large: false })),
            GuestError::Untaken(message) => Ok(Err(Failure { slot: None, message, fresh, may_be_large: true })),
            GuestError::Memory { .. } => {
                Ok(Err(Failure { slot: None, message: error.to_string(), fresh, may_be_large: false }))
            }
            GuestError::Deadline | GuestError::NoInstance(_) => Err(interrupted(error)),
        }
    }
}

fn interrupted(error: GuestError) -> Interrupted {
    match error {
        GuestError::Deadline => Interrupted::Deadline,
        GuestError::Failed { message: reason, .. } | GuestError::Untaken(reason) | GuestError::NoInstance(reason) => {
            Interrupted::NoInstance { reason }
        }
        GuestError::Memory { .. } => Interrupted::NoInstance { reason: error.to_string() },
    }
}

fn push_part(parts: &mut Vec<Part>, part: Part) {
    if part.from < part.until {
        parts.push(part);
    }
}

fn slot<'a>(jobs: &'a [Job<'_>], part: Part) -> FoldSlot<'a> {
    let job = &jobs[part.job];
    FoldSlot { key: job.key, state: &job.state, events: &job.events[part.from..part.until] }
}

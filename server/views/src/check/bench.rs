//! Folds and reads a sample in every way that must produce the same bytes.

use super::found::{CostReport, Difference, Differs, Growth, Trial};
use crate::{
    contract::{GuestRow, key::Key},
    file::{people::People, row::StoredRow},
    limits,
    plugin::{
        abi::view_v1::Plugin,
        runner::{Counters, Job, Runner},
    },
    share::interrupted::Interrupted,
};
use kith_core::{day::Day, id::PersonId, position::Position};
use sha2::{Digest, Sha256};
use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// The result for a key: its state, how far it was folded and why no further, its rows or why there are none.
#[derive(Debug, PartialEq)]
pub(super) struct Made {
    pub(super) state: Vec<u8>,
    pub(super) folded: usize,
    pub(super) fault: Option<String>,
    pub(super) rows: Result<Rows, String>,
}

impl Made {
    pub(super) fn is_failing(&self) -> bool {
        self.fault.is_some() || self.rows.is_err()
    }
}

/// The result of folding as a server does.
pub(super) struct Usual {
    /// For each key; none for those that were not reached.
    pub(super) made: Vec<Made>,
    pub(super) cost: CostReport,
    /// Whether so many keys failed that the rest was left out.
    pub(super) gave_up: bool,
}

/// Why reading stopped.
enum Stop {
    Interrupted(Interrupted),
    /// Too many keys cannot be read.
    TooManyFail,
}

impl From<Interrupted> for Stop {
    fn from(interrupted: Interrupted) -> Self {
        Self::Interrupted(interrupted)
    }
}

/// The rows of a key: their number, and SHA-256 over them.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Rows {
    pub(super) count: u64,
    sha256: [u8; 32],
}

impl Rows {
    fn of(rows: Vec<GuestRow>, job: &Job<'_>) -> Self {
        let (count, mut hash) = (rows.len() as u64, Sha256::new());
        for row in rows {
            hash.update(row_bytes(row, job));
        }
        Self { count, sha256: hash.finalize().into() }
    }
}

/// A plugin and the sample it is tried on.
pub(super) struct Bench<'a> {
    pub(super) plugin: &'a Plugin,
    pub(super) jobs: &'a [Job<'a>],
    pub(super) day: Day,
}

impl Bench<'_> {
    /// Folds as a server does, and measures the cost.
    pub(super) fn usual(&self) -> Result<Usual, Interrupted> {
        let counters = Arc::new(Counters::default());
        let mut runner =
            Runner::asking(self.plugin.clone(), Arc::clone(&counters)).giving_up_after(limits::CHECK_FAILING_KEYS_MAX);
        let fuel = || counters.fuel.load(Ordering::Relaxed);
        let (mut folded, mut fuel_call_max) = (Vec::with_capacity(self.jobs.len()), 0);
        let begun = Instant::now();
        for call in self.calls() {
            let before = fuel();
            let mut jobs: Vec<Job<'_>> = call.iter().map(begin).collect();
            runner.fold(&mut jobs)?;
            fuel_call_max = fuel_call_max.max(fuel() - before);
            folded.extend(jobs);
            if runner.gave_up() {
                break;
            }
        }
        let fold = begun.elapsed();
        let events = counters.events.load(Ordering::Relaxed).max(1);
        let cost = CostReport {
            fuel_per_event: fuel() / events,
            fuel_call_max,
            fuel_call_limit: 0,
            instantiate: Duration::ZERO,
            fold,
        };
        if runner.gave_up() {
            return Ok(Usual { made: unread(folded), cost, gave_up: true });
        }
        let made = self.read(&mut runner, folded)?;
        let gave_up = made.iter().filter(|made| made.rows.is_err()).count() >= limits::CHECK_FAILING_KEYS_MAX;
        Ok(Usual { made, cost, gave_up })
    }

    /// How the largest state grows.
    pub(super) fn growth(&self, usual: &[Made], people: &People) -> Result<Option<Growth>, Interrupted> {
        let largest = usual.iter().zip(self.jobs).filter(|(made, job)| !made.is_failing() && job.events.len() > 1);
        let Some((made, job)) = largest.max_by_key(|(made, _)| made.state.len()) else { return Ok(None) };
        let half = &job.events[..job.events.len() / 2];
        let mut jobs = [Job::new(job.key, Vec::new(), half)];
        self.runner().fold(&mut jobs)?;
        let [before] = &jobs;
        Ok(Some(Growth::of(ids(job.key, people), job.events.len(), before.state.len(), made.state.len())))
    }

    pub(super) fn run(&self, trial: Trial) -> Result<Vec<Made>, Interrupted> {
        let mut runner = self.runner();
        let mut jobs = Vec::with_capacity(self.jobs.len());
        match trial {
            Trial::FreshInstances => {
                for call in self.calls() {
                    let mut some: Vec<Job<'_>> = call.iter().map(begin).collect();
                    self.runner().fold(&mut some)?;
                    jobs.extend(some);
                }
                return self.read_in_fresh_instances(jobs);
            }
            Trial::UsedInstance => {
                let mut first: Vec<Job<'_>> = self.jobs.iter().map(begin).collect();
                runner.fold(&mut first)?;
                self.read(&mut runner, first)?;
                jobs.extend(self.jobs.iter().map(begin));
                runner.fold(&mut jobs)?;
            }
            Trial::Split => jobs = self.split(&mut runner)?,
            Trial::Alone => {
                for job in self.jobs {
                    let mut one = [begin(job)];
                    runner.fold(&mut one)?;
                    jobs.extend(one);
                }
            }
            Trial::Shuffled => {
                let mut order: Vec<usize> = (0..self.jobs.len()).collect();
                // Any fixed order that is far from the usual one will do: by a multiplicative hash of the index.
                order.sort_by_key(|place| (*place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
                jobs.extend(order.iter().map(|place| begin(&self.jobs[*place])));
                runner.fold(&mut jobs)?;
                let mut made: Vec<(usize, Made)> = order.into_iter().zip(self.read(&mut runner, jobs)?).collect();
                made.sort_by_key(|(place, _)| *place);
                return Ok(made.into_iter().map(|(_, made)| made).collect());
            }
        }
        self.read(&mut runner, jobs)
    }

    fn runner(&self) -> Runner {
        Runner::asking(self.plugin.clone(), Arc::default())
    }

    /// Groups of keys that each fill a call.
    fn calls(&self) -> impl Iterator<Item = &[Job<'_>]> {
        let mut rest = self.jobs;
        std::iter::from_fn(move || {
            let mut events = 0;
            let fits = rest.iter().take_while(|job| {
                events += job.events.len();
                events <= limits::CALL_EVENTS_MAX
            });
            let (call, later) = rest.split_at(fits.count().max(1).min(rest.len()));
            rest = later;
            (!call.is_empty()).then_some(call)
        })
    }

    /// Folds the first event of every key, then the second of every key that has one, and so on.
    fn split(&self, runner: &mut Runner) -> Result<Vec<Job<'_>>, Interrupted> {
        let mut jobs: Vec<Job<'_>> = self.jobs.iter().map(begin).collect();
        let longest = jobs.iter().map(|job| job.events.len()).max().unwrap_or_default();
        for next in 0..longest {
            let goes_on = |job: &Job<'_>| job.fault.is_none() && next < job.events.len();
            let places: Vec<usize> = (0..jobs.len()).filter(|place| goes_on(&jobs[*place])).collect();
            let step = |place: &usize| {
                let (job, events) = (&jobs[*place], &self.jobs[*place].events);
                Job::new(job.key, job.state.clone(), &events[next..=next])
            };
            let mut steps: Vec<Job<'_>> = places.iter().map(step).collect();
            runner.fold(&mut steps)?;
            for (place, step) in places.into_iter().zip(steps) {
                let job = &mut jobs[place];
                (job.state, job.fault) = (step.state, step.fault);
                job.folded += step.folded;
            }
        }
        Ok(jobs)
    }

    fn read(&self, runner: &mut Runner, jobs: Vec<Job<'_>>) -> Result<Vec<Made>, Interrupted> {
        let with_state = jobs.iter().filter(|job| !job.state.is_empty());
        let keys: Vec<(Key, &[u8])> = with_state.clone().map(|job| (job.key, job.state.as_slice())).collect();
        let (mut read, mut failing) = (Vec::with_capacity(keys.len()), 0);
        let mut unread = with_state.clone();
        let outcome = runner.read(self.day, &keys, |rows| {
            let job = unread.next().expect("every key with a state is read once");
            failing += usize::from(rows.is_err());
            read.push(rows.map(|rows| Rows::of(rows, job)));
            if failing < limits::CHECK_FAILING_KEYS_MAX { Ok(()) } else { Err(Stop::TooManyFail) }
        });
        match outcome {
            Ok(()) | Err(Stop::TooManyFail) => {}
            Err(Stop::Interrupted(interrupted)) => return Err(interrupted),
        }
        let mut read = read.into_iter();
        let mut rows_of = |job: &Job<'_>| {
            // Those after too many that failed were not read.
            let read = if job.state.is_empty() { None } else { read.next() };
            read.unwrap_or_else(|| Ok(Rows::of(Vec::new(), job)))
        };
        let rows: Vec<_> = jobs.iter().map(&mut rows_of).collect();
        let made = |(job, rows): (Job<'_>, _)| Made { state: job.state, folded: job.folded, fault: job.fault, rows };
        Ok(jobs.into_iter().zip(rows).map(made).collect())
    }

    fn read_in_fresh_instances(&self, jobs: Vec<Job<'_>>) -> Result<Vec<Made>, Interrupted> {
        let mut made = Vec::with_capacity(jobs.len());
        let mut jobs = jobs.into_iter().peekable();
        while jobs.peek().is_some() {
            let some: Vec<Job<'_>> = jobs.by_ref().take(limits::CALL_KEYS_MAX / 4).collect();
            made.extend(self.read(&mut self.runner(), some)?);
        }
        Ok(made)
    }

    pub(super) fn compare(&self, usual: &[Made], other: &[Made], trial: Trial, people: &People) -> Vec<Difference> {
        let differs = |one: &Made, other: &Made| {
            if (&one.state, one.folded, one.fault.is_some()) != (&other.state, other.folded, other.fault.is_some()) {
                return Some(Differs::State);
            }
            // The message of a failure may differ, but not whether it fails.
            (one.rows.as_ref().ok() != other.rows.as_ref().ok()).then_some(Differs::Rows)
        };
        let all = usual.iter().zip(other).zip(self.jobs);
        all.filter_map(|((one, other), job)| {
            Some(Difference { trial, key: ids(job.key, people), differs: differs(one, other)? })
        })
        .collect()
    }
}

/// Keys that were folded and not read.
fn unread(jobs: Vec<Job<'_>>) -> Vec<Made> {
    let made = |job: Job<'_>| {
        let rows = Ok(Rows::of(Vec::new(), &job));
        Made { state: job.state, folded: job.folded, fault: job.fault, rows }
    };
    jobs.into_iter().map(made).collect()
}

fn begin<'a>(job: &'a Job<'_>) -> Job<'a> {
    Job::new(job.key, Vec::new(), &*job.events)
}

fn row_bytes(row: GuestRow, job: &Job<'_>) -> Vec<u8> {
    let item = row.item.unwrap_or_default();
    let mut bytes = item.get().to_le_bytes().to_vec();
    bytes.extend(StoredRow::of(row, Position::ZERO, job.entries()).encode());
    bytes
}

/// The people of a key.
pub(super) fn ids(key: Key, people: &People) -> Vec<PersonId> {
    key.people().map(|handle| people.id_in_key(handle)).collect()
}

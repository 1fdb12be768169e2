//! Looks a plugin over before it is trusted with a network: what it declares, what it costs, and whether anything but
//! its arguments decides its answers.
//!
//! A sample is folded in several ways that must come to the same bytes: as a server does, in a fresh instance a call,
//! again in a used one, an event at a time, a key at a time, and with the keys in another order.

use crate::{
    Manifest, Refused, SourceError, ViewScope, Views,
    abi::v1::{CONTRACT, Plugin},
    cancel::Cancel,
    contract::GuestRow,
    grouping::Grouped,
    intake::Intake,
    interrupted::Interrupted,
    key::Key,
    limits,
    people::{Meaning, People},
    routing::Routes,
    row::StoredRow,
    runner::{Counters, Job, Runner},
    sandbox::Keep,
    source::Source,
};
use bytes::Bytes;
use kith_core::{
    history::{Budget, History},
    id::PersonId,
};
use sha2::{Digest, Sha256};
use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// Differences that are told in full.
const DIFFERENCES_TOLD_MAX: usize = 20;

/// What to look over.
pub struct Checking {
    /// The component's bytes.
    pub component: Bytes,
    /// Its settings as JSON text.
    pub settings: String,
    /// Entries to try it on.
    pub sample: Arc<dyn History>,
    /// The day that rows are made as of, days since 1970-01-01, UTC.
    pub day: i32,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckReport {
    /// What the plugin declares.
    pub manifest: Manifest,
    /// The contract it is built for.
    pub contract: &'static str,
    /// SHA-256 of the component.
    pub component: [u8; 32],
    /// What the sample came to.
    pub sample: SampleReport,
    /// What it cost.
    pub cost: CostReport,
    /// Keys that the plugin fails on.
    pub faults: Vec<Fault>,
    /// Where another way of folding gave other bytes; at most 20.
    pub differences: Vec<Difference>,
    /// Number of them, told or not.
    pub difference_count: u64,
}

/// What a sample came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleReport {
    /// Its entries.
    pub entries: u64,
    /// Events under their keys: an entry may come under several.
    pub events: u64,
    /// Keys.
    pub keys: u64,
    /// Rows.
    pub rows: u64,
    /// Bytes of all states.
    pub state_bytes: u64,
    /// Bytes of the largest state; at most 65,536 are allowed.
    pub state_bytes_max: u64,
}

/// What a sample cost, folded as a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostReport {
    /// Fuel an event, on average.
    pub fuel_per_event: u64,
    /// Fuel of the dearest call.
    pub fuel_call_max: u64,
    /// Fuel that a call may cost.
    pub fuel_call_limit: u64,
    /// Time to make an instance and to configure it.
    pub instantiate: Duration,
    /// Time of all calls of `fold`.
    pub fold: Duration,
}

/// A key that the plugin fails on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// One or two people.
    pub key: Vec<PersonId>,
    /// What the plugin or the sandbox said.
    pub message: String,
}

/// A way of folding that must come to the same bytes as every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trial {
    /// Each call in a fresh instance.
    FreshInstances,
    /// Once more in an instance that has folded it before.
    UsedInstance,
    /// An event at a time.
    Split,
    /// Each key in calls of its own.
    Alone,
    /// The keys in another order.
    Shuffled,
}

impl Trial {
    const ALL: [Self; 5] = [Self::FreshInstances, Self::UsedInstance, Self::Split, Self::Alone, Self::Shuffled];
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Differs {
    /// The state, or where folding failed.
    State,
    /// The rows.
    Rows,
}

/// A key of which another way of folding made something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The way.
    pub trial: Trial,
    /// One or two people.
    pub key: Vec<PersonId>,
    /// What differs.
    pub differs: Differs,
}

/// Why a plugin could not be looked over.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The component is refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The sample cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A call could not be made, or took too long.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl Views {
    /// Looks a plugin over. Blocks for as long as compiling and folding the sample six times take.
    pub fn check(&self, checking: &Checking) -> Result<CheckReport, CheckError> {
        let plugin = self.sandbox.load(&checking.component, &checking.settings, Keep::Yes)?;
        let source =
            Source::new(Arc::clone(&checking.sample), ViewScope::Network, Routes::new(&plugin.manifest().routes));
        let (entries, jobs) = read_sample(&source)?;
        let bench = Bench { plugin: &plugin, jobs: &jobs, day: checking.day };
        let begun = Instant::now();
        plugin
            .instantiate(&plugin.places().asking, &Cancel::default())
            .map_err(|error| Refused::failed("configure", &error))?;
        let instantiate = begun.elapsed();
        let (usual, cost) = bench.usual()?;
        let mut differences = Vec::new();
        for trial in Trial::ALL {
            differences.extend(bench.compare(&usual, &bench.run(trial)?, trial, &source.people()));
        }
        let people = source.people();
        let report = CheckReport {
            manifest: plugin.manifest().clone(),
            contract: CONTRACT,
            component: plugin.digest(),
            sample: sample_report(entries, &jobs, &usual),
            cost: CostReport { instantiate, fuel_call_limit: self.config.sandbox.call_fuel, ..cost },
            faults: usual.iter().zip(&jobs).filter_map(|(made, job)| fault(made, job, &people)).collect(),
            difference_count: differences.len() as u64,
            differences: differences.into_iter().take(DIFFERENCES_TOLD_MAX).collect(),
        };
        Ok(report)
    }
}

/// All entries of a sample, by key: number of entries, and a job that is not begun for each key.
fn read_sample(source: &Source) -> Result<(u64, Vec<Job>), SourceError> {
    let budget = Budget { entries: limits::BATCH_ENTRIES_MAX, bytes: limits::BATCH_BYTES_MAX };
    let (head, mut after, mut entries) = (source.head(), 0, Vec::new());
    while after < head {
        let batch = source.read(after, head, budget)?;
        after = if batch.last == after { head } else { batch.last };
        entries.extend(batch.entries);
    }
    let intake = Intake::take(&entries, source, Meaning::default())?;
    let grouped = Grouped::of(&entries, source, &intake.meaning, head)?;
    let jobs = grouped.events.into_iter().map(|(key, events)| Job::new(key, Vec::new(), events));
    Ok((entries.len() as u64, jobs.collect()))
}

/// What became of a key: its state, how far it was folded and why not further, its rows or why there are none.
#[derive(Debug, PartialEq)]
struct Made {
    state: Vec<u8>,
    folded: usize,
    fault: Option<String>,
    rows: Result<Rows, String>,
}

/// The rows of a key: how many, and SHA-256 over them.
#[derive(Debug, PartialEq, Eq, Default)]
struct Rows {
    count: u64,
    sha256: [u8; 32],
}

impl Rows {
    fn of(rows: Vec<GuestRow>, job: &Job) -> Self {
        let (count, mut hash) = (rows.len() as u64, Sha256::new());
        for row in rows {
            hash.update(row_bytes(row, job));
        }
        Self { count, sha256: hash.finalize().into() }
    }
}

/// A plugin and what it is tried on.
struct Bench<'a> {
    plugin: &'a Plugin,
    jobs: &'a [Job],
    day: i32,
}

impl Bench<'_> {
    /// As a server does it, with what that costs.
    fn usual(&self) -> Result<(Vec<Made>, CostReport), Interrupted> {
        let counters = Arc::new(Counters::default());
        let mut runner = Runner::asking(self.plugin.clone(), Arc::clone(&counters));
        let fuel = || counters.fuel.load(Ordering::Relaxed);
        let (mut folded, mut fuel_call_max) = (Vec::with_capacity(self.jobs.len()), 0);
        let begun = Instant::now();
        for call in self.calls() {
            let before = fuel();
            let mut jobs: Vec<Job> = call.iter().map(begin).collect();
            runner.fold(&mut jobs)?;
            fuel_call_max = fuel_call_max.max(fuel() - before);
            folded.extend(jobs);
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
        Ok((self.read(&mut runner, folded)?, cost))
    }

    fn run(&self, trial: Trial) -> Result<Vec<Made>, Interrupted> {
        let mut runner = self.runner();
        let mut jobs = Vec::with_capacity(self.jobs.len());
        match trial {
            Trial::FreshInstances => {
                for call in self.calls() {
                    let mut some: Vec<Job> = call.iter().map(begin).collect();
                    self.runner().fold(&mut some)?;
                    jobs.extend(some);
                }
                return self.read_in_fresh_instances(jobs);
            }
            Trial::UsedInstance => {
                let mut first: Vec<Job> = self.jobs.iter().map(begin).collect();
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
                // Any fixed order that is far from the usual one will do: by a multiplicative hash of the place.
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

    /// Keys that together fill a call.
    fn calls(&self) -> impl Iterator<Item = &[Job]> {
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
    fn split(&self, runner: &mut Runner) -> Result<Vec<Job>, Interrupted> {
        let mut jobs: Vec<Job> = self.jobs.iter().map(begin).collect();
        let longest = jobs.iter().map(|job| job.events.len()).max().unwrap_or_default();
        for next in 0..longest {
            let goes_on = |job: &Job| job.fault.is_none() && next < job.events.len();
            let places: Vec<usize> = (0..jobs.len()).filter(|place| goes_on(&jobs[*place])).collect();
            let step = |place: &usize| {
                let job = &jobs[*place];
                Job::new(job.key, job.state.clone(), vec![job.events[next].clone()])
            };
            let mut steps: Vec<Job> = places.iter().map(step).collect();
            runner.fold(&mut steps)?;
            for (place, step) in places.into_iter().zip(steps) {
                let job = &mut jobs[place];
                (job.state, job.fault) = (step.state, step.fault);
                job.folded += step.folded;
            }
        }
        Ok(jobs)
    }

    fn read(&self, runner: &mut Runner, jobs: Vec<Job>) -> Result<Vec<Made>, Interrupted> {
        let with_state = jobs.iter().filter(|job| !job.state.is_empty());
        let keys: Vec<(Key, &[u8])> = with_state.clone().map(|job| (job.key, job.state.as_slice())).collect();
        let mut read = Vec::with_capacity(keys.len());
        let mut unread = with_state.clone();
        runner.read(self.day, &keys, |rows| {
            let job = unread.next().expect("every key with a state is read once");
            read.push(rows.map(|rows| Rows::of(rows, job)));
            Ok::<(), Interrupted>(())
        })?;
        let mut read = read.into_iter();
        let mut rows_of = |job: &Job| {
            if job.state.is_empty() {
                return Ok(Rows::of(Vec::new(), job));
            }
            read.next().expect("every key with a state is read")
        };
        let rows: Vec<_> = jobs.iter().map(&mut rows_of).collect();
        let made = |(job, rows): (Job, _)| Made { state: job.state, folded: job.folded, fault: job.fault, rows };
        Ok(jobs.into_iter().zip(rows).map(made).collect())
    }

    fn read_in_fresh_instances(&self, jobs: Vec<Job>) -> Result<Vec<Made>, Interrupted> {
        let mut made = Vec::with_capacity(jobs.len());
        let mut jobs = jobs.into_iter().peekable();
        while jobs.peek().is_some() {
            let some: Vec<Job> = jobs.by_ref().take(limits::CALL_KEYS_MAX / 4).collect();
            made.extend(self.read(&mut self.runner(), some)?);
        }
        Ok(made)
    }

    fn compare(&self, usual: &[Made], other: &[Made], trial: Trial, people: &People) -> Vec<Difference> {
        let differs = |one: &Made, other: &Made| {
            if (&one.state, one.folded, one.fault.is_some()) != (&other.state, other.folded, other.fault.is_some()) {
                return Some(Differs::State);
            }
            // The words of a failure may differ; that it fails may not.
            (one.rows.as_ref().ok() != other.rows.as_ref().ok()).then_some(Differs::Rows)
        };
        let all = usual.iter().zip(other).zip(self.jobs);
        all.filter_map(|((one, other), job)| {
            Some(Difference { trial, key: ids(job.key, people), differs: differs(one, other)? })
        })
        .collect()
    }
}

fn begin(job: &Job) -> Job {
    Job::new(job.key, Vec::new(), job.events.clone())
}

fn row_bytes(row: GuestRow, job: &Job) -> Vec<u8> {
    let item = row.item.unwrap_or_default();
    let mut bytes = item.to_le_bytes().to_vec();
    bytes.extend(StoredRow::of(row, 0, job.entries()).encode());
    bytes
}

fn sample_report(entries: u64, jobs: &[Job], made: &[Made]) -> SampleReport {
    let states = || made.iter().map(|made| made.state.len() as u64);
    SampleReport {
        entries,
        events: jobs.iter().map(|job| job.events.len() as u64).sum(),
        keys: jobs.len() as u64,
        rows: made.iter().map(|made| made.rows.as_ref().map_or(0, |rows| rows.count)).sum(),
        state_bytes: states().sum(),
        state_bytes_max: states().max().unwrap_or_default(),
    }
}

fn fault(made: &Made, job: &Job, people: &People) -> Option<Fault> {
    let message = made.fault.as_ref().or(made.rows.as_ref().err())?;
    Some(Fault { key: ids(job.key, people), message: message.clone() })
}

fn ids(key: Key, people: &People) -> Vec<PersonId> {
    key.people().map(|handle| people.id_in_key(handle)).collect()
}

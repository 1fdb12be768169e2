//! Checks a plugin before it is used on a network: what it declares, what it costs, and whether its answers depend on
//! anything but its arguments.
//!
//! A sample is folded in several ways that must produce the same bytes: as a server does, with a fresh instance per
//! call, again in a used one, one event at a time, one key at a time, and with the keys in another order.

mod bench;
pub(crate) mod found;

use self::{
    bench::{Bench, Made, Usual, ids},
    found::{CheckError, CheckReport, Checking, CostReport, Fault, SampleReport, Trial},
};
use crate::{
    file::people::{Meaning, People},
    fold::{
        grouping::Grouped,
        intake::Intake,
        routing::Routes,
        source::{Source, SourceError, ViewScope},
    },
    limits,
    plugin::{
        abi::view_v1::{CONTRACT, Plugin},
        refused::Refused,
        runner::Job,
    },
    share::cancel::Cancel,
};
use kith_core::{history::Budget, position::Position};
use std::{sync::Arc, time::Instant};

/// Checks a plugin whose calls may use `call_fuel`. Blocks for as long as folding the sample six times takes. If the
/// plugin fails on too many keys, only those are reported.
pub(crate) fn look_over(plugin: &Plugin, checking: &Checking, call_fuel: u64) -> Result<CheckReport, CheckError> {
    let source = source(plugin, checking);
    let (entries, jobs) = read_sample(&source)?;
    let bench = Bench { plugin, jobs: &jobs, day: checking.day };
    let begun = Instant::now();
    plugin
        .instantiate(&plugin.places().asking, &Cancel::default())
        .map_err(|error| Refused::failed("configure", &error))?;
    let instantiate = begun.elapsed();
    let Usual { made: usual, cost, gave_up } = bench.usual()?;
    let people = source.people();
    let faults: Vec<Fault> = usual.iter().zip(&jobs).filter_map(|(made, job)| fault(made, job, &people)).collect();
    let growth = if gave_up { None } else { bench.growth(&usual, &people)? };
    let sample = sample_report(entries, &jobs, &usual);
    let mut differences = Vec::new();
    if !gave_up {
        // A key that fails is reported for that; folding it again and again could take very long.
        let (usual, jobs): (Vec<Made>, Vec<Job<'_>>) =
            usual.into_iter().zip(jobs).filter(|(made, _)| !made.is_failing()).unzip();
        let bench = Bench { plugin, jobs: &jobs, day: checking.day };
        for trial in Trial::ALL {
            differences.extend(bench.compare(&usual, &bench.run(trial)?, trial, &people));
        }
    }
    let report = CheckReport {
        manifest: plugin.manifest().clone(),
        contract: CONTRACT,
        component: plugin.digest(),
        sample,
        cost: CostReport { instantiate, fuel_call_limit: call_fuel, ..cost },
        growth,
        faults,
        gave_up,
        difference_count: differences.len() as u64,
        differences: differences.into_iter().take(limits::DIFFERENCES_TOLD_MAX).collect(),
    };
    Ok(report)
}

/// What folding the sample once costs. Blocks for as long as that takes.
pub(crate) fn cost(plugin: &Plugin, checking: &Checking) -> Result<CostReport, CheckError> {
    let (_, jobs) = read_sample(&source(plugin, checking))?;
    Ok(Bench { plugin, jobs: &jobs, day: checking.day }.usual()?.cost)
}

fn source(plugin: &Plugin, checking: &Checking) -> Source {
    Source::new(Arc::clone(&checking.sample), ViewScope::Network, Routes::new(&plugin.manifest().routes))
}

/// Reads all entries of a sample: their number, and a new job for each key.
fn read_sample(source: &Source) -> Result<(u64, Vec<Job<'static>>), SourceError> {
    let budget = Budget { entries: limits::BATCH_ENTRIES_MAX, bytes: limits::BATCH_BYTES_MAX };
    let (head, mut after, mut entries) = (source.head(), Position::ZERO, Vec::new());
    while after < head {
        let batch = source.read(after, head, budget)?;
        after = if batch.last == after { head } else { batch.last };
        entries.extend(batch.entries);
    }
    let mut intake = Intake::new(Meaning::default());
    intake.take(&entries, source)?;
    let mut grouped = Grouped::default();
    grouped.add(&entries, source, &intake.meaning)?;
    grouped.sort();
    grouped.drop_withdrawn(source, head);
    let jobs = grouped.keys().map(|(key, events)| Job::new(key, Vec::new(), events.to_vec()));
    Ok((entries.len() as u64, jobs.collect()))
}

fn sample_report(entries: u64, jobs: &[Job<'_>], made: &[Made]) -> SampleReport {
    let states = || made.iter().map(|made| made.state.len() as u64);
    SampleReport {
        entries,
        events: jobs.iter().map(|job| job.events.len() as u64).sum(),
        keys: jobs.len() as u64,
        states: states().filter(|bytes| *bytes > 0).count() as u64,
        rows: made.iter().map(|made| made.rows.as_ref().map_or(0, |rows| rows.count)).sum(),
        state_bytes: states().sum(),
        state_bytes_max: states().max().unwrap_or_default(),
    }
}

fn fault(made: &Made, job: &Job<'_>, people: &People) -> Option<Fault> {
    let message = made.fault.as_ref().or(made.rows.as_ref().err())?;
    let position = made.fault.as_ref().and_then(|_| job.events.get(made.folded)).map(|event| event.order.position);
    Some(Fault { key: ids(job.key, people), position, message: message.clone() })
}

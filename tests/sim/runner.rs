//! Runs many seeds, each in a process of its own, as many at a time as there are processors.
//!
//! Invariant: a seed's process is told everything on its command line, and tells everything on its last lines.

use crate::{coverage::Coverage, coverage::Seen};
use anyhow::{Context, bail};
use std::{
    process::Command,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

/// So many seeds, and everything must have occurred.
const COVERED_FROM: u64 = 100;

/// What a run is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan<'a> {
    pub(crate) first: u64,
    pub(crate) count: u64,
    pub(crate) planted: Option<&'a str>,
    /// Whether each seed runs twice, to compare.
    pub(crate) twice: bool,
}

/// What one process said.
struct Said {
    seed: u64,
    trace: String,
    coverage: String,
    /// Everything, if something is wrong.
    wrong: Option<String>,
}

/// Runs all seeds of a plan. With a planted mistake the run ends with the first seed that finds it.
pub(crate) fn run(plan: Plan<'_>) -> anyhow::Result<()> {
    let started = Instant::now();
    let (next, failed) = (AtomicU64::new(plan.first), Mutex::new(Vec::new()));
    let coverage = Coverage::default();
    let work = || -> anyhow::Result<()> {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let enough = plan.planted.is_some() && !lock(&failed).is_empty();
            if seed >= plan.first + plan.count || enough {
                return Ok(());
            }
            let said = simulate(seed, plan)?;
            coverage.add_printed(&said.coverage);
            if said.wrong.is_some() {
                lock(&failed).push(said);
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("workers do not panic"))
    })?;
    let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.sort_by_key(|said| said.seed);
    if let Some(mistake) = plan.planted {
        return found(mistake, &failed);
    }
    tell(plan, &failed, &coverage, started)
}

fn lock(failed: &Mutex<Vec<Said>>) -> std::sync::MutexGuard<'_, Vec<Said>> {
    failed.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a seed, or runs it twice and compares.
fn simulate(seed: u64, plan: Plan<'_>) -> anyhow::Result<Said> {
    let mut said = simulate_once(seed, plan.planted)?;
    if plan.twice {
        let again = simulate_once(seed, plan.planted)?;
        if again.trace != said.trace {
            said.wrong = Some(format!("seed {seed} has the traces {} and {}\n", said.trace, again.trace));
        }
    }
    Ok(said)
}

fn simulate_once(seed: u64, planted: Option<&str>) -> anyhow::Result<Said> {
    let mut command = Command::new(std::env::current_exe().context("this program has no path")?);
    command.arg("--seed").arg(seed.to_string());
    if let Some(planted) = planted {
        command.arg("--planted").arg(planted);
    }
    let output = command.output().context("a seed's process does not start")?;
    let (printed, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let field = |name: &str| {
        let line = printed.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    let wrong = (!output.status.success()).then(|| format!("{printed}{errors}"));
    Ok(Said { seed, trace: field("trace:"), coverage: field("coverage:"), wrong })
}

fn found(mistake: &str, failed: &[Said]) -> anyhow::Result<()> {
    let Some(said) = failed.first() else { bail!("no seed found the planted mistake {mistake}") };
    println!("{mistake} is found by seed {}:", said.seed);
    let wrong = said.wrong.as_deref().unwrap_or_default();
    for line in wrong.lines().filter(|line| line.starts_with("wrong:")).take(5) {
        println!("  {line}");
    }
    Ok(())
}

fn tell(plan: Plan<'_>, failed: &[Said], coverage: &Coverage, started: Instant) -> anyhow::Result<()> {
    for (seen, count) in coverage.counts() {
        println!("{count:>9} {}", seen.as_str());
    }
    for said in failed {
        println!(
            "\nseed {} (repeat with `cargo sim -- --seed {}`):\n{}",
            said.seed,
            said.seed,
            said.wrong.as_deref().unwrap_or_default()
        );
    }
    let missing: Vec<_> =
        coverage.counts().into_iter().filter(|(_, count)| *count == 0).map(|(seen, _)| seen).collect();
    let uncovered = plan.count >= COVERED_FROM && !missing.is_empty();
    let passed = plan.count - failed.len() as u64;
    println!("\nseeds {} to {} in {:.1} s", plan.first, plan.first + plan.count - 1, started.elapsed().as_secs_f64());
    println!("simulation: {passed} passed, {} failed", failed.len());
    if uncovered {
        bail!("never occurred: {}", missing.iter().map(|seen: &Seen| seen.as_str()).collect::<Vec<_>>().join(", "));
    }
    if !failed.is_empty() {
        bail!("{} seeds failed", failed.len());
    }
    Ok(())
}

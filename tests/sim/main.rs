//! A simulation of the server and several replicas in one network that fails: partitions, delays, resets, power cuts,
//! failing disks, clocks that jump, restored backups, impostors. One process for each seed; the same seed gives the
//! same trace.
//!
//! `cargo sim` runs 200 seeds, compares the traces of ten that it runs twice, and looks whether mistakes that are planted
//! into the replica are found. `cargo sim -- --seed 7` runs one seed, `cargo sim -- --help` tells the rest.

mod chance;
mod check;
mod coverage;
mod device;
mod disk;
mod faults;
mod history;
mod kinds;
mod restore;
mod runner;
mod seed;
mod server;
mod trace;
mod wire;
mod workload;
mod world;

use clap::{Parser, ValueEnum};
use kith_client::replica::Planted;
use runner::Plan;
use std::{process::ExitCode, thread};
use trace::Shown;

/// Seeds of a run that is not told how many.
const SEEDS: u64 = 200;
/// Seeds of such a run that are run twice.
const REPLAYED: u64 = 10;

/// What is built in on purpose, to see that the simulation finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mistake {
    NoDedupe,
    CursorAhead,
    OutboxDropped,
    NoTimerRetry,
    Unverified,
    ErasureForgotten,
}

impl Mistake {
    fn planted(self) -> Planted {
        match self {
            Self::NoDedupe => Planted::NoDedupe,
            Self::CursorAhead => Planted::CursorAhead,
            Self::OutboxDropped => Planted::OutboxDropped,
            Self::NoTimerRetry => Planted::NoTimerRetry,
            Self::Unverified => Planted::Unverified,
            Self::ErasureForgotten => Planted::ErasureForgotten,
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Simulates the server and its replicas in a network that fails.
#[derive(Debug, Parser)]
#[command(after_help = "Example: cargo sim -- --seeds 1000")]
struct Arguments {
    /// Run one seed in this process.
    #[arg(long, conflicts_with_all = ["replay", "mistakes"])]
    seed: Option<u64>,
    /// Run so many seeds, each in a process of its own, and nothing else.
    #[arg(long, env = "KITH_SIM_SEEDS")]
    seeds: Option<u64>,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Run so many seeds twice and compare their traces.
    #[arg(long)]
    replay: Option<u64>,
    /// Plant a mistake and expect that a seed finds it.
    #[arg(long)]
    planted: Option<Mistake>,
    /// Plant every mistake, one after the other, and nothing else.
    #[arg(long)]
    mistakes: bool,
    /// With `--seed`: print what happens; twice: each message too.
    #[arg(long, action = clap::ArgAction::Count)]
    show: u8,
    /// Names of tests, as `cargo test NAME` gives them: this is the test `simulation`.
    #[arg(hide = true)]
    names: Vec<String>,
    /// What `cargo test` passes on.
    #[arg(long, hide = true)]
    nocapture: bool,
}

fn main() -> ExitCode {
    run(&Arguments::parse()).unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if !arguments.names.is_empty() && !arguments.names.iter().any(|name| "simulation".contains(name.as_str())) {
        println!("0 passed, 0 failed");
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(seed) = arguments.seed {
        return Ok(one(seed, arguments));
    }
    let first = arguments.first;
    let plan = |count| Plan { first, count, planted: None, twice: false };
    let asked = arguments.seeds.unwrap_or(SEEDS);
    if let Some(mistake) = arguments.planted {
        runner::run(Plan { planted: Some(&mistake.name()), ..plan(asked) })?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(count) = arguments.replay {
        runner::run(Plan { twice: true, ..plan(count) })?;
        return Ok(ExitCode::SUCCESS);
    }
    if !arguments.mistakes {
        runner::run(plan(asked))?;
    }
    if arguments.seeds.is_none() && !arguments.mistakes {
        runner::run(Plan { twice: true, ..plan(REPLAYED) })?;
    }
    if arguments.seeds.is_none() || arguments.mistakes {
        for mistake in Mistake::value_variants() {
            runner::run(Plan { planted: Some(&mistake.name()), ..plan(asked) })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Simulates on a thread of its own, whose hash maps draw from the seed too.
fn one(seed: u64, arguments: &Arguments) -> ExitCode {
    let shown = match arguments.show {
        0 => Shown::Nothing,
        1 => Shown::Lines,
        _ => Shown::Everything,
    };
    let planted = arguments.planted.map(Mistake::planted);
    chance::begin(seed);
    let verdict = thread::spawn(move || seed::run(seed, planted, shown)).join();
    let Ok(verdict) = verdict else {
        println!("wrong: seed {seed} panicked");
        return ExitCode::FAILURE;
    };
    for wrong in &verdict.wrong {
        println!("wrong: {wrong}");
    }
    println!("seed: {seed}\nhistory: {}\ncoverage: {}\ntrace: {}", verdict.summary, verdict.coverage, verdict.trace);
    if verdict.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

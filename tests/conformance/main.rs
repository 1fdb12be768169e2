//! Conformance: the same cases against a driver of every client, so that each computes, sends, refuses, repeats and
//! verifies as the Rust side does. README.md says how to write a driver.
//!
//! The Rust driver always runs. Others do when a variable names their command, such as
//! `KITH_CONFORMANCE_PYTHON="target/python/bin/python client/python/conformance.py"`; one that is named must run.
//!
//! Invariant: what is expected follows from the rules of `kith-core` or from what the server stored, never from a driver.

mod case;
mod cases;
mod driver;
mod json;
mod scripted;
mod village;
mod world;

use case::{Case, Talk};
use clap::Parser;
use driver::Driver;
use kith_tests::programs::root;
use std::{
    env,
    process::{Command, ExitCode},
    time::Instant,
};
use world::World;

/// What precedes the name of a driver in the variable with its command.
const VARIABLE_PREFIX: &str = "KITH_CONFORMANCE_";

/// Runs the same cases against a driver of each client.
#[derive(Debug, Parser)]
#[command(after_help = "Example: cargo conformance -- --only python --case follow")]
struct Arguments {
    /// Run this driver alone, and fail if no variable names its command.
    #[arg(long)]
    only: Option<String>,
    /// Run cases whose names contain this.
    #[arg(long)]
    case: Option<String>,
    /// Names of tests, as `cargo test NAME` gives them: this is the test `conformance`.
    #[arg(hide = true)]
    names: Vec<String>,
    /// What `cargo test` passes on.
    #[arg(long, hide = true)]
    nocapture: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !arguments.names.is_empty() && !arguments.names.iter().any(|name| "conformance".contains(name.as_str())) {
        println!("0 passed, 0 failed");
        return ExitCode::SUCCESS;
    }
    let only = arguments.only.as_deref();
    let drivers: Vec<_> = drivers().into_iter().filter(|(name, _)| only.is_none_or(|only| only == name)).collect();
    if drivers.is_empty() {
        let variable = only.unwrap_or_default().to_uppercase();
        eprintln!("there is no such driver: {VARIABLE_PREFIX}{variable} has to name its command");
        return ExitCode::FAILURE;
    }
    let wanted = arguments.case.unwrap_or_default();
    let cases: Vec<_> = cases::all().into_iter().filter(|case| case.name.contains(&wanted)).collect();
    let world = World::start();
    let mut is_good = !cases.is_empty();
    for (name, command) in drivers {
        is_good &= run(&name, command, &cases, &world);
    }
    for name in ["python", "node"].iter().filter(|name| only.is_none() && command_of(name).is_none()) {
        println!("{name}: not run, {VARIABLE_PREFIX}{} names no command", name.to_uppercase());
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The drivers and their commands.
fn drivers() -> Vec<(String, Command)> {
    let rust = Command::new(env!("CARGO_BIN_EXE_kith-conformance-rust"));
    let named = env::vars().filter_map(|(variable, _)| {
        let name = variable.strip_prefix(VARIABLE_PREFIX)?.to_lowercase();
        let command = command_of(&name)?;
        Some((name, command))
    });
    let mut all: Vec<_> = [("rust".to_owned(), rust)].into_iter().chain(named).collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all
}

/// A program and its arguments, separated by spaces and started in the workspace's root folder.
fn command_of(name: &str) -> Option<Command> {
    let line = env::var(format!("{VARIABLE_PREFIX}{}", name.to_uppercase())).ok()?;
    let mut words = line.split_whitespace();
    let program = words.next()?;
    let program = if program.contains('/') { root().join(program) } else { program.into() };
    let mut command = Command::new(program);
    command.args(words).current_dir(root());
    Some(command)
}

/// Runs all cases against a driver; says what failed, and whether nothing did.
fn run(name: &str, command: Command, cases: &[Case], world: &World) -> bool {
    let begun = Instant::now();
    let mut driver = match Driver::start(command) {
        Ok(driver) => driver,
        Err(error) => {
            println!("{name}: {error:#}");
            return false;
        }
    };
    let (mut passed, mut failed, mut left_out) = (0, 0, 0);
    for case in cases {
        if !case.needs.iter().all(|feature| driver.has(feature)) {
            left_out += 1;
            continue;
        }
        match case.run(&mut Talk::new(&mut driver, world)) {
            Ok(()) => passed += 1,
            Err(error) => {
                failed += 1;
                println!("{name}: {}: {error:#}", case.name);
            }
        }
    }
    let (features, seconds) = (driver.features().join(", "), begun.elapsed().as_secs_f32());
    println!("{name}: {passed} cases passed, {failed} failed, {left_out} not for it; {features}; {seconds:.1} s");
    failed == 0
}

//! `kith`: the command line of Kith. Parses the command line, runs the command, reports errors and sets the exit code.

mod args;
mod authoring;
mod commands;
mod context;
mod export;
mod failure;
mod import;
mod input;
mod limits;
mod place;
mod show;
mod typed;

use args::Kith;
use clap::Parser;
use failure::Failure;
use show::output::{Format, clean_lines};
use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let typed: Vec<OsString> = std::env::args_os().collect();
    let kith = match Kith::try_parse_from(&typed) {
        Ok(kith) => kith,
        Err(error) => return refuse_typed(&error, &typed),
    };
    let format = kith.global.output;
    let runtime = match Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&Failure::Unexpected(format!("cannot start: {error}")), format),
    };
    let done = runtime.block_on(kith.run());
    // A thread waiting for standard input would delay the exit.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure, format),
    }
}

/// Reports why a command failed. If even that cannot be written, only the exit code remains.
fn report(failure: &Failure, format: Format) -> ExitCode {
    if !failure.is_silent() {
        let text = match format {
            Format::Json => failure.to_json().to_string(),
            Format::Table => match failure.hint() {
                Some(hint) => format!("error: {failure}\nhint: {hint}"),
                None => format!("error: {failure}"),
            },
        };
        drop(writeln!(io::stderr(), "{}", clean_lines(&text)));
    }
    ExitCode::from(failure.exit_code())
}

/// Responds to a command line that cannot be run, including requests for help and version.
fn refuse_typed(error: &clap::Error, typed: &[OsString]) -> ExitCode {
    let format = if typed::wants_json(typed) { Format::Json } else { Format::Table };
    if let Some(word) = typed::word_taken_for_help(error, typed) {
        let advice = "an id that begins with a dash comes after `--`, behind all flags: kith met --on today -- ben";
        return report(&Failure::Usage(format!("there is no flag {word}: {advice} {word}")), format);
    }
    if error.use_stderr() && format == Format::Json {
        let message = error.to_string();
        let message = message.trim_start_matches("error: ").trim_end();
        return report(&Failure::Usage(message.to_owned()), format);
    }
    drop(error.print());
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

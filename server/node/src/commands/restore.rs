//! `kithd restore` and `kithd restore-keys`: what was backed up is put back, verified first.

use super::{check::contents, exit, progress::ProgressLine};
use clap::Args;
use kith_log::{Accepted, Clock, Config, Restored, Step};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Put the log in a backup into a data folder that has none; or let a log go on that was rolled back
///
/// Everything in the backup is verified before it is put in place. Put the keys back with `kithd restore-keys`. If the
/// data folder remembers a checkpoint that is newer than the backup, the server serves the log read-only, until the
/// newer log is put back, or an operator accepts the loss with --accept-rollback: the log then goes on under a new
/// incarnation, with an entry that says so, and clients that knew more are told to start anew.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kithd restore --from kith.backup --data ./data\n  \
                        kithd restore --data ./data --accept-rollback")]
pub(crate) struct RestoreArgs {
    /// A backup of the log
    #[arg(long, value_name = "FILE", required_unless_present = "accept_rollback")]
    from: Option<PathBuf>,
    /// Accept that entries which were signed are lost
    #[arg(long)]
    accept_rollback: bool,
}

/// Put the keys in a backup into a data folder that has none
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kithd restore-keys --from kith.keys --data ./data")]
pub(crate) struct RestoreKeysArgs {
    /// A backup of the keys
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
}

pub(crate) fn restore(config: &Config, clock: Clock, args: &RestoreArgs) -> ExitCode {
    if let Some(from) = &args.from {
        match restore_log(config, from) {
            Ok(restored) => tell(config, &restored),
            Err(error) => return exit::failed(&error),
        }
    }
    if args.accept_rollback { accept(config, clock) } else { ExitCode::SUCCESS }
}

pub(crate) fn restore_keys(config: &Config, args: &RestoreKeysArgs) -> ExitCode {
    match kith_log::restore_keys(config, &args.from) {
        Ok(keys) => {
            println!("restored the keys of {} networks and {} people", keys.networks, keys.people);
            ExitCode::SUCCESS
        }
        Err(error) => exit::failed(&error),
    }
}

fn restore_log(config: &Config, from: &Path) -> Result<Restored, kith_log::RestoreError> {
    let mut line = ProgressLine::new();
    kith_log::restore(config, from, |step| match step {
        Step::Reading(copied) => line.show("read", copied.done, copied.total, "bytes"),
        Step::Verifying(progress) => line.show("verified", progress.checked, progress.total, "entries"),
    })
}

fn tell(config: &Config, restored: &Restored) {
    let Restored { heading, details_opened, details_closed } = restored;
    println!(
        "{}: restored {}, as of {}; {details_opened} details opened, {details_closed} erased or without keys",
        config.data.display(),
        contents(heading),
        heading.taken_at.to_proto()
    );
    if !config.data.join("keys").exists() {
        println!("the keys are not there yet: kithd restore-keys --from FILE --data {}", config.data.display());
    }
}

fn accept(config: &Config, clock: Clock) -> ExitCode {
    match kith_log::accept_rollback(config, clock) {
        Ok(accepted) if accepted.is_empty() => {
            println!("nothing speaks against the log: it was left as it is");
            ExitCode::SUCCESS
        }
        Ok(accepted) => {
            accepted.iter().for_each(tell_accepted);
            ExitCode::SUCCESS
        }
        Err(error) => exit::failed(&error),
    }
}

fn tell_accepted(accepted: &Accepted) {
    println!("accepted: {}", accepted.judgement);
    match &accepted.restarted {
        Some(log) => println!("{} goes on as {} from position {}", log.network, log.origin, log.position),
        None => println!("its checkpoint is forgotten"),
    }
}

//! `kithd restore` and `kithd restore-keys`: what was backed up is put back, verified first.

use super::{
    check::contents,
    exit,
    out::{say, write_out},
    progress::ProgressLine,
};
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
    let mut code = ExitCode::SUCCESS;
    if let Some(from) = &args.from {
        match restore_log(config, from) {
            Ok(restored) => code = tell(config, &restored),
            Err(error) => return exit::failed(&error),
        }
    }
    if args.accept_rollback { accept(config, clock) } else { code }
}

pub(crate) fn restore_keys(config: &Config, args: &RestoreKeysArgs) -> ExitCode {
    match kith_log::restore_keys(config, &args.from) {
        Ok(keys) => {
            let text = format!("restored the keys of {} networks and {} people", keys.networks, keys.people);
            say(ExitCode::SUCCESS, &text)
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

fn tell(config: &Config, restored: &Restored) -> ExitCode {
    let Restored { heading, details_opened, details_closed } = restored;
    let data = config.data.display();
    let mut text = format!(
        "{data}: restored {}, as of {}; {details_opened} details opened, {details_closed} erased or without keys",
        contents(heading),
        heading.taken_at.to_proto()
    );
    if !config.data.join("keys").exists() {
        text += "\nthe keys are not there yet: kithd restore-keys --from FILE --data ";
        text += &data.to_string();
    }
    say(ExitCode::SUCCESS, &text)
}

fn accept(config: &Config, clock: Clock) -> ExitCode {
    match kith_log::accept_rollback(config, clock) {
        Ok(accepted) if accepted.is_empty() => {
            say(ExitCode::SUCCESS, &"nothing speaks against the log: it was left as it is")
        }
        Ok(accepted) => write_out(ExitCode::SUCCESS, accepted.iter().map(accepted_text).collect::<String>()),
        Err(error) => exit::failed(&error),
    }
}

fn accepted_text(accepted: &Accepted) -> String {
    let what = match &accepted.restarted {
        Some(log) => format!("{} goes on as {} from position {}", log.network, log.origin, log.position),
        None => "its checkpoint is forgotten".to_owned(),
    };
    format!("accepted: {}\n{what}\n", accepted.judgement)
}

//! `kithd backup` and `kithd backup-keys`: a new file each, whole or not there.

use super::{
    check::contents,
    exit,
    out::{hint, say},
    progress::ProgressLine,
};
use clap::Args;
use kith_log::{BackupError, Clock, Config, OpenError};
use std::{path::PathBuf, process::ExitCode};

/// Back up the log of a data folder that no server uses
///
/// It holds no keys, so personal words in it stay sealed: back them up with `kithd backup-keys`, and keep the two
/// apart. While a server runs, `kith admin backup` does the same. `kithd restore` puts the log back.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kithd backup --data ./data --to kith.backup")]
pub(crate) struct BackupArgs {
    /// The new file
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// Back up the keys of a data folder, whether a server runs or not
///
/// Whoever has this file and a backup of the log can read every personal word: keep the two apart.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kithd backup-keys --data ./data --to kith.keys")]
pub(crate) struct BackupKeysArgs {
    /// The new file
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(crate) fn backup(config: &Config, clock: &Clock, args: &BackupArgs) -> ExitCode {
    let mut line = ProgressLine::new();
    let made = kith_log::backup(config, clock, &args.to, |copied| {
        line.show("wrote", copied.done, copied.total, "rows");
    });
    drop(line);
    match made {
        Ok(backup) => {
            let text = format!("{} holds {}; {} bytes", args.to.display(), contents(&backup.heading), backup.bytes);
            say(ExitCode::SUCCESS, &text)
        }
        Err(error) => {
            let code = exit::failed(&error);
            if matches!(error, BackupError::Open(OpenError::AlreadyOpen { .. })) {
                hint(&"hint: while a server runs, `kith admin backup --to FILE` makes one");
            }
            code
        }
    }
}

pub(crate) fn backup_keys(config: &Config, args: &BackupKeysArgs) -> ExitCode {
    match kith_log::backup_keys(config, &args.to) {
        Ok(keys) => {
            let (to, networks, people) = (args.to.display(), keys.networks, keys.people);
            let text = format!("{to} holds the keys of {networks} networks and {people} people; keep it secret");
            say(ExitCode::SUCCESS, &text)
        }
        Err(error) => exit::failed(&error),
    }
}

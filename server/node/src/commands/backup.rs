//! `kithd backup` and `kithd backup-keys`: each writes a new file, complete or not at all.

use super::{
    check::contents,
    exit::{self, Exit},
    files::{self, Output},
    out::{hint, say},
    progress::ProgressLine,
};
use clap::Args;
use kith_core::counted::counted;
use kith_log::{BackupError, Clock, Config, Copied, OpenError};
use std::{io, path::PathBuf, process::ExitCode};

/// Back up the log of a data folder that no server uses
///
/// It holds no keys, so personal words in it stay sealed: back them up with `kithd backup-keys`, and keep the two
/// apart. It is signed by the server's key, and only with that key's backup can it be restored as it is. While a server
/// runs, `kith admin backup` does the same. `kithd restore` puts the log back.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kithd backup --data ./data --to kith.backup\n  \
                        kithd backup --data ./data --to - | ssh elsewhere 'cat > kith.backup'")]
pub(crate) struct BackupArgs {
    /// The new file; or `-` or a named pipe, to which the backup is streamed
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// Back up the keys of a data folder, whether a server runs or not
///
/// Anybody with this file and a backup of the log can read every personal word: keep the two apart.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kithd backup-keys --data ./data --to kith.keys")]
pub(crate) struct BackupKeysArgs {
    /// The new file; or `-` or a named pipe, to which the backup is streamed
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(crate) fn backup(config: &Config, clock: &Clock, args: &BackupArgs) -> ExitCode {
    let mut line = ProgressLine::new();
    let progress = |copied: Copied| line.show("wrote", copied.done, copied.total, "rows");
    let made = match files::output(&args.to) {
        Err(error) => return exit::failed(&error),
        Ok(Output::New(to)) => kith_log::backup(config, clock, &to, progress).map(|made| (made, Told::Out)),
        Ok(Output::Stream(mut out)) => {
            kith_log::backup_into(config, clock, &mut out, progress).map(|made| (made, Told::Beside))
        }
    };
    drop(line);
    match made {
        Ok((backup, told)) => {
            let bytes = counted(backup.bytes, "byte", "bytes");
            let text = format!("{} holds {}; {bytes}", args.to.display(), contents(&backup.heading));
            told.say(&text)
        }
        Err(error) => {
            let code = failed(&error);
            if matches!(error, BackupError::Open(OpenError::AlreadyOpen { .. })) {
                hint(&"hint: while a server runs, `kith admin backup --to FILE` makes one");
            }
            code
        }
    }
}

pub(crate) fn backup_keys(config: &Config, args: &BackupKeysArgs) -> ExitCode {
    let made = match files::output(&args.to) {
        Err(error) => return exit::failed(&error),
        Ok(Output::New(to)) => kith_log::backup_keys(config, &to).map(|keys| (keys, Told::Out)),
        Ok(Output::Stream(mut out)) => kith_log::backup_keys_into(config, &mut out).map(|keys| (keys, Told::Beside)),
    };
    match made {
        Ok((keys, told)) => {
            let keys = of_keys(keys.networks, keys.people);
            told.say(&format!("{} holds {keys}; keep it secret", args.to.display()))
        }
        Err(error) => failed(&error),
    }
}

/// The keys of a backup of them, in words.
pub(super) fn of_keys(networks: u64, people: u64) -> String {
    let networks = counted(networks, "network", "networks");
    format!("the keys of {networks} and {}", counted(people, "person", "people"))
}

/// Where to report what was written.
#[derive(Debug, Clone, Copy)]
enum Told {
    /// On standard output.
    Out,
    /// On standard error, since the backup may have been written to standard output.
    Beside,
}

impl Told {
    fn say(self, text: &str) -> ExitCode {
        match self {
            Self::Out => say(ExitCode::SUCCESS, &text),
            Self::Beside => {
                hint(&text);
                ExitCode::SUCCESS
            }
        }
    }
}

/// Reports why there is no backup, except when the reader closed the pipe.
fn failed(error: &BackupError) -> ExitCode {
    match error {
        BackupError::Write(source) if source.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(error.code()),
        error => exit::failed(error),
    }
}

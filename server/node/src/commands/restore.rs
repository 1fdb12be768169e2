//! `kithd restore` and `kithd restore-keys`: verify a backup and put it back.

use super::{
    backup::of_keys,
    check::contents,
    exit, files,
    out::{hint, say, write_out},
    progress::ProgressLine,
};
use clap::Args;
use kith_core::counted::{counted, noun};
use kith_log::{Accepted, Clock, Config, KeysCopied, RestoreError, Restored, Step, Trust};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Restore the log from a backup into a data folder without one, or accept a log that was rolled back
///
/// Restore the keys first, with `kithd restore-keys`: the backup must be signed by the key among them, and everything
/// in it is verified before it is put in place. A backup that is unsigned, or signed by another key, can be restored
/// with --unverified if you know where it comes from. Its maker may have put anything into it, so none of its tokens
/// stay valid: `kithd owner issue` makes a new owner token. Its logs continue under new incarnations, each with an
/// entry that says so. If the data folder remembers a checkpoint that is newer than the backup, the server serves the
/// log read-only until the newer log is put back, or an operator accepts the loss with --accept-rollback: the log then
/// continues under a new incarnation, with an entry that says so, and clients that knew more have to start over.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kithd restore --from kith.backup --data ./data\n  \
                        kithd restore --data ./data --accept-rollback")]
pub(crate) struct RestoreArgs {
    /// A backup of the log; `-` for standard input
    #[arg(long, value_name = "FILE", required_unless_present = "accept_rollback")]
    from: Option<PathBuf>,
    /// Restore a backup that this server's key did not sign, without its tokens
    #[arg(long, requires = "from")]
    unverified: bool,
    /// Accept the loss of signed entries
    #[arg(long)]
    accept_rollback: bool,
}

/// Restore the keys from a backup into a data folder without any
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kithd restore-keys --from kith.keys --data ./data")]
pub(crate) struct RestoreKeysArgs {
    /// A backup of the keys; `-` for standard input
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
}

pub(crate) fn restore(config: &Config, clock: Clock, args: &RestoreArgs) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    if let Some(from) = &args.from {
        let trust = if args.unverified { Trust::Unverified(clock.clone()) } else { Trust::Signed };
        match restore_log(config, from, &trust) {
            Ok(restored) => code = tell(config, &restored, &trust),
            Err(error) => return refused(&error),
        }
    }
    if args.accept_rollback { accept(config, clock) } else { code }
}

/// Reports why nothing was restored, and what else can be done.
fn refused(error: &RestoreError) -> ExitCode {
    let code = exit::failed(error);
    if matches!(error, RestoreError::NotSigned { .. }) {
        hint(&"hint: if you know where it comes from, --unverified restores it without its tokens");
    }
    code
}

pub(crate) fn restore_keys(config: &Config, args: &RestoreKeysArgs) -> ExitCode {
    let restored = files::open(&args.from).map_err(RestoreError::from);
    match restored.and_then(|input| kith_log::restore_keys(config, input.reader)) {
        Ok(keys) => {
            let KeysCopied { networks, people, erased_since } = keys;
            let text = format!("restored {}", of_keys(networks, people));
            if erased_since == 0 {
                return say(ExitCode::SUCCESS, &text);
            }
            let erased = counted(erased_since, "person who was", "people who were");
            say(ExitCode::SUCCESS, &format!("{text}; not those of {erased} erased since"))
        }
        Err(error) => exit::failed(&error),
    }
}

fn restore_log(config: &Config, from: &Path, trust: &Trust) -> Result<Restored, RestoreError> {
    let input = files::open(from)?;
    let mut line = ProgressLine::new();
    kith_log::restore(config, (input.reader, input.bytes), trust, |step| match step {
        Step::Reading(copied) => line.show("read", copied.done, copied.total, "bytes"),
        Step::Verifying(progress) => line.show("verified", progress.checked, progress.total, "entries"),
    })
}

fn tell(config: &Config, restored: &Restored, trust: &Trust) -> ExitCode {
    let Restored { heading, tokens_ended, details_opened, details_erased, details_closed } = restored;
    let data = config.data.display();
    if matches!(trust, Trust::Unverified(_)) {
        hint(&format!(
            "WARNING: nobody vouches for what was restored, and {} in it {} no longer valid: `kithd owner issue \
             --data {data}` makes an owner token",
            counted(*tokens_ended, "token", "tokens"),
            noun(*tokens_ended, "is", "are")
        ));
    }
    let text = format!(
        "{data}: restored {}, as of {}; {} opened, {details_erased} erased, {details_closed} without keys",
        contents(heading),
        heading.taken_at.to_proto(),
        counted(*details_opened, "detail", "details")
    );
    say(ExitCode::SUCCESS, &text)
}

fn accept(config: &Config, clock: Clock) -> ExitCode {
    match kith_log::accept_rollback(config, clock) {
        Ok(accepted) if accepted.is_empty() => {
            say(ExitCode::SUCCESS, &"nothing contradicts the log: it was left as it is")
        }
        Ok(accepted) => write_out(ExitCode::SUCCESS, accepted.iter().map(accepted_text).collect::<String>()),
        Err(error) => exit::failed(&error),
    }
}

fn accepted_text(accepted: &Accepted) -> String {
    let what = match &accepted.restarted {
        Some(log) => format!("{} continues as {} from position {}", log.network, log.origin, log.position),
        None => "its checkpoint is forgotten".to_owned(),
    };
    format!("accepted: {}\n{what}\n", accepted.judgement)
}

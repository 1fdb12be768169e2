//! `kithd rewrite`: writes the log's file anew, without what was erased.

use super::{exit, out::say, progress::ProgressLine};
use clap::Args;
use kith_log::{Clock, Config, Step};
use std::process::ExitCode;

/// Write the log of a data folder that no server uses anew
///
/// Free pages of the file still hold what was removed. Of people who were erased it opens nothing, because their keys are
/// destroyed; of single details that were erased (`kith details erase`) it would. The new file is checked before it takes
/// the place of the old one, which is then overwritten. Needs as much free space as the log takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kithd rewrite --data ./data")]
pub(crate) struct RewriteArgs {}

pub(crate) fn rewrite(config: &Config, clock: &Clock) -> ExitCode {
    let mut line = ProgressLine::new();
    let rewritten = kith_log::rewrite(config, clock, |step| match step {
        Step::Reading(copied) => line.show("copied", copied.done, copied.total, "bytes"),
        Step::Verifying(progress) => line.show("verified", progress.checked, progress.total, "entries"),
    });
    drop(line);
    match rewritten {
        Ok(sizes) => {
            let file = config.data.join("log.redb");
            let text = format!("{}: {} bytes before, {} now", file.display(), sizes.before, sizes.after);
            say(ExitCode::SUCCESS, &text)
        }
        Err(error) => exit::failed(&error),
    }
}

//! `kithd check`: verifies a data folder or a backup offline and lists what is wrong.

use super::{
    exit,
    out::{complain, say, write_out},
    progress::ProgressLine,
};
use clap::Args;
use kith_log::{Config, Heading, Report};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Verify every page, hash, index and tree of a data folder that no server uses, or every byte of a backup
///
/// Exits with 0 if all is well, else lists what is wrong and exits with 6. Where `keys/` is there, every detail is
/// opened and compared with its commitment.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kithd check --data ./data\n  kithd check --backup kith.backup")]
pub(crate) struct CheckArgs {
    /// A backup of the log, to be verified instead of the data folder
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
}

/// Verifies; every problem is a line on standard output.
pub(crate) fn check(config: &Config, args: &CheckArgs) -> ExitCode {
    match &args.backup {
        Some(file) => check_backup(file),
        None => check_data(config),
    }
}

fn check_data(config: &Config) -> ExitCode {
    // The storage engine panics on some damage; that is caught and told as a problem, not as a fault of this program.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut line = ProgressLine::new();
    let checked = kith_log::check(config, |progress| line.show("checked", progress.checked, progress.total, "entries"));
    drop(line);
    std::panic::set_hook(hook);
    match checked {
        Ok(report) => tell(&config.data, &report),
        Err(error) => exit::failed(&error),
    }
}

fn tell(data: &Path, report: &Report) -> ExitCode {
    let problems: String = report.problems.iter().map(|problem| problem.to_string() + "\n").collect();
    let Report { networks, entries, details_opened, details_closed, .. } = report;
    let found = format!(
        "{}: {networks} networks, {entries} entries, {details_opened} details opened, {details_closed} erased or \
         without keys",
        data.display()
    );
    if report.is_sound() {
        return say(ExitCode::SUCCESS, &format!("{found}; all is well"));
    }
    let code = write_out(ExitCode::from(exit::DAMAGED), problems);
    complain(&format!("{found}; {} problems", report.problems_count));
    code
}

fn check_backup(file: &Path) -> ExitCode {
    let mut line = ProgressLine::new();
    let verified = kith_log::verify_backup(file, |copied| line.show("verified", copied.done, copied.total, "bytes"));
    drop(line);
    match verified {
        Ok(heading) => {
            let text = format!("{}: {}; every byte is as it was written", file.display(), contents(&heading));
            say(ExitCode::SUCCESS, &text)
        }
        Err(error) => exit::failed(&error),
    }
}

/// What a backup holds, in words.
pub(super) fn contents(heading: &Heading) -> String {
    let networks: Vec<_> = heading.networks.iter().map(|one| format!("{} up to {}", one.name, one.head)).collect();
    format!("{} networks, {} entries ({})", networks.len(), heading.entries(), networks.join(", "))
}

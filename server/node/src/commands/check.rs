//! `kithd check`: verifies a data folder or a backup offline and lists what is wrong.

use super::{
    exit, files,
    out::{complain, say, write_out},
    progress::ProgressLine,
};
use clap::Args;
use kith_core::counted::counted;
use kith_core::timestamp::Timestamp;
use kith_log::{Config, Copied, Heading, Report, Token, Verified};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Verify every page, hash, index and tree of a data folder that no server uses, or every byte of a backup
///
/// Exits with 0 if all is well; otherwise lists what is wrong and exits with 6. If `keys/` exists, every detail is
/// opened and compared with its commitment. Tokens for the whole server are in no network's log: they are listed, so
/// that somebody can check that they belong there. A backup must be signed by the key in the data folder, if there is
/// one.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kithd check --data ./data\n  kithd check --backup kith.backup")]
pub(crate) struct CheckArgs {
    /// A backup of the log, to be verified instead of the data folder; `-` for standard input
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
}

/// Verifies, and writes each problem as a line to standard output.
pub(crate) fn check(config: &Config, args: &CheckArgs) -> ExitCode {
    match &args.backup {
        Some(file) => check_backup(config, file),
        None => check_data(config),
    }
}

fn check_data(config: &Config) -> ExitCode {
    // The storage engine panics on some damage; it is caught and reported as a problem, not as a fault of this program.
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
    let Report { networks, entries, details_opened, details_erased, details_closed, .. } = report;
    let found = format!(
        "{}: {}, {}, {} opened, {details_erased} erased, {details_closed} without keys",
        data.display(),
        counted(*networks, "network", "networks"),
        counted(*entries, "entry", "entries"),
        counted(*details_opened, "detail", "details")
    );
    let tokens: String = report.server_tokens.iter().map(server_token).collect();
    if report.is_sound() {
        return say(ExitCode::SUCCESS, &format!("{tokens}{found}; all is well"));
    }
    let code = write_out(ExitCode::from(exit::DAMAGED), problems + &tokens);
    complain(&format!("{found}; {}", counted(report.problems_count, "problem", "problems")));
    code
}

/// A line about a token for the whole server: no entry shows whether it should exist, so somebody has to look at it.
fn server_token(token: &Token) -> String {
    let time = |at: Timestamp| at.to_proto().to_string();
    let end = match (token.revoked_at, token.expires_at) {
        (Some(revoked), _) => format!("revoked {}", time(revoked)),
        (None, Some(end)) => format!("expires {}", time(end)),
        (None, None) => "does not expire".to_owned(),
    };
    format!(
        "token {} of the whole server: {}, issued {}, {end}\n",
        token.id,
        token.grant.role().map_or("", kith_core::event::Role::as_str),
        time(token.issued_at)
    )
}

fn check_backup(config: &Config, file: &Path) -> ExitCode {
    let input = match files::open(file) {
        Ok(input) => input,
        Err(error) => return exit::failed(&error),
    };
    let mut line = ProgressLine::new();
    let show = |copied: Copied| line.show("verified", copied.done, copied.total, "bytes");
    let verified = kith_log::verify_backup(config, (input.reader, input.bytes), show);
    drop(line);
    match verified {
        Ok(Verified { heading, signed_by, is_own }) => {
            let whose = if is_own {
                format!("the key in {}", config.data.display())
            } else {
                format!("{signed_by}, and no key in {} shows whose key that is", config.data.display())
            };
            let (file, contents) = (file.display(), contents(&heading));
            say(ExitCode::SUCCESS, &format!("{file}: {contents}; every byte is as it was written, signed by {whose}"))
        }
        Err(error) => exit::failed(&error),
    }
}

/// What a backup holds, in words.
pub(super) fn contents(heading: &Heading) -> String {
    let networks: Vec<_> = heading.networks.iter().map(|one| format!("{} up to {}", one.name, one.head)).collect();
    let entries = counted(heading.entries(), "entry", "entries");
    format!("{}, {entries} ({})", counted(networks.len(), "network", "networks"), networks.join(", "))
}

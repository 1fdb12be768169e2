//! `kithd check`: verifies a data folder offline and lists what is wrong.

use kith_log::{CheckError, OpenError, Progress, Report};
use std::{
    io::{self, IsTerminal, Write},
    path::Path,
    process::ExitCode,
};

/// There is nothing to verify.
const EXIT_NOT_FOUND: u8 = 3;
/// A server uses the data folder.
const EXIT_BUSY: u8 = 5;
/// Something is wrong with the data.
const EXIT_DAMAGED: u8 = 6;

/// Verifies a data folder; every problem is a line on standard output.
pub(crate) fn check(data: &Path) -> ExitCode {
    let checked = kith_log::check(data, show);
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    match checked {
        Ok(report) => tell(data, &report),
        Err(error) => {
            eprintln!("kithd: {error}");
            ExitCode::from(exit_code(&error))
        }
    }
}

/// Shows progress where somebody watches.
fn show(progress: Progress) {
    let mut err = io::stderr();
    if err.is_terminal() {
        eprint!("\rchecked {} of {} entries", progress.checked, progress.total);
        // Progress that cannot be shown is no reason to stop.
        drop(err.flush());
    }
}

fn tell(data: &Path, report: &Report) -> ExitCode {
    for problem in &report.problems {
        println!("{problem}");
    }
    let Report { networks, entries, details_opened, details_closed, .. } = report;
    let found = format!(
        "{}: {networks} networks, {entries} entries, {details_opened} details opened, {details_closed} erased or \
         without keys",
        data.display()
    );
    if report.is_sound() {
        println!("{found}; all is well");
        return ExitCode::SUCCESS;
    }
    eprintln!("kithd: {found}; {} problems", report.problems_count);
    ExitCode::from(EXIT_DAMAGED)
}

fn exit_code(error: &CheckError) -> u8 {
    match error {
        CheckError::Open(OpenError::AlreadyOpen { .. }) => EXIT_BUSY,
        CheckError::Open(OpenError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => EXIT_NOT_FOUND,
        CheckError::Open(
            OpenError::Damaged(_)
            | OpenError::Storage(_)
            | OpenError::RootKeyMissing { .. }
            | OpenError::RootKeyMalformed { .. }
            | OpenError::NetworkKeyUnusable { .. }
            | OpenError::SigningKeyUnusable { .. },
        )
        | CheckError::Read(_) => EXIT_DAMAGED,
        CheckError::Open(
            OpenError::Io { .. }
            | OpenError::Version { .. }
            | OpenError::RootKeyExposed { .. }
            | OpenError::Checkpoints(_),
        ) => 1,
    }
}

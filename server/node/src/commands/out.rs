//! Output of commands. After a closed pipe a command ends quietly with its own exit code; a full disk is reported.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

/// Output could not be written.
const UNWRITTEN: u8 = 1;

/// Writes a line to standard output. Returns the exit code of the command.
pub(crate) fn say(code: ExitCode, line: &dyn Display) -> ExitCode {
    write_out(code, format_args!("{line}\n"))
}

/// Writes text to standard output as it is. Returns the exit code of the command.
pub(crate) fn write_out(code: ExitCode, text: impl Display) -> ExitCode {
    let mut out = io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => code,
        Err(error) => {
            complain(&format!("standard output cannot be written: {error}"));
            ExitCode::from(UNWRITTEN)
        }
    }
}

/// Writes a line with the program's name to standard error, if possible.
pub(crate) fn complain(line: &dyn Display) {
    hint(&format!("kithd: {line}"));
}

/// Writes a line to standard error as it is, if possible.
pub(crate) fn hint(line: &dyn Display) {
    // There is nowhere else to report it.
    drop(writeln!(io::stderr().lock(), "{line}"));
}

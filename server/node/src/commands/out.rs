//! What commands say. A pipe that was closed ends quietly with the code that the command has; a full disk is said.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

/// Output could not be written.
const UNWRITTEN: u8 = 1;

/// Writes a line to standard output. Gives the code that the command ends with.
pub(crate) fn say(code: ExitCode, line: &dyn Display) -> ExitCode {
    write_out(code, format_args!("{line}\n"))
}

/// Writes text to standard output as it is. Gives the code that the command ends with.
pub(crate) fn write_out(code: ExitCode, text: impl Display) -> ExitCode {
    let mut out = io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => code,
        Err(error) => {
            complain(&format!("standard output takes nothing: {error}"));
            ExitCode::from(UNWRITTEN)
        }
    }
}

/// Writes a line to standard error, where it can be written.
pub(crate) fn complain(line: &dyn Display) {
    hint(&format!("kithd: {line}"));
}

/// Writes a line to standard error as it is, where it can be written.
pub(crate) fn hint(line: &dyn Display) {
    // There is nobody else to tell.
    drop(writeln!(io::stderr().lock(), "{line}"));
}

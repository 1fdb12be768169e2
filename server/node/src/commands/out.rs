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

/// Writes why something failed to standard error: the error with its causes. Many of our errors say their cause
/// themselves; it is not said again.
pub(crate) fn complain_of(error: &anyhow::Error) {
    complain(&with_causes(error));
}

fn with_causes(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string).filter(|cause| !cause.is_empty()) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Writes a line to standard error as it is, if possible.
pub(crate) fn hint(line: &dyn Display) {
    // There is nowhere else to report it.
    drop(writeln!(io::stderr().lock(), "{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;
    use kith_node::server_token::ServerTokenError;

    #[test]
    fn each_cause_is_said_once() {
        let full = || io::Error::other("the disk is full");
        let plain = Err::<(), _>(full()).context("the folder `data` cannot be used").unwrap_err();
        assert_eq!(with_causes(&plain), "the folder `data` cannot be used: the disk is full");
        let told = ServerTokenError::Io { path: "data/owner.token".into(), source: full() };
        let error = Err::<(), _>(told).context("kithd cannot start").unwrap_err();
        assert_eq!(with_causes(&error), "kithd cannot start: data/owner.token: the disk is full");
    }
}

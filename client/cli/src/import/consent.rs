//! Nothing is imported without a yes, on the command line or on a terminal.

use crate::failure::Failure;
use std::io::{self, IsTerminal, Write};

/// Asks whether to record; without a terminal nobody can answer.
pub(crate) fn ask() -> Result<bool, Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(unasked());
    }
    let asked = write!(io::stderr(), "record this? [y/N] ").and_then(|()| io::stderr().flush());
    let mut answer = String::new();
    asked
        .and_then(|()| io::stdin().read_line(&mut answer).map(drop))
        .map_err(|error| Failure::Unexpected(format!("cannot ask on this terminal: {error}")))?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// The failure where nobody can be asked.
pub(crate) fn unasked() -> Failure {
    Failure::Usage("nothing was recorded: without a terminal to ask on, --yes records it".to_owned())
}

/// The outcome of an import whose refusals have been printed.
pub(crate) fn refused_if(is_refused: bool) -> Result<(), Failure> {
    if is_refused { Err(Failure::PartlyRefused) } else { Ok(()) }
}

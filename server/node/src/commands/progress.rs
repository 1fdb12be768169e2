//! Progress on standard error, if it is a terminal.

use std::io::{self, IsTerminal, Write};

/// Shows the progress of a command, if standard error is a terminal. Cleared when dropped.
pub(super) struct ProgressLine {
    watched: bool,
    per_cent: Option<u64>,
}

impl ProgressLine {
    pub(super) fn new() -> Self {
        Self { watched: io::stderr().is_terminal(), per_cent: None }
    }

    /// Shows the share that is done, such as `checked 12 % of 4000 entries`; nothing if the total is unknown.
    pub(super) fn show(&mut self, verb: &str, done: u64, total: u64, unit: &str) {
        if total == 0 {
            return;
        }
        let per_cent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        if self.watched && self.per_cent != Some(per_cent) {
            self.per_cent = Some(per_cent);
            show(&format!("\r\x1b[K{verb} {per_cent} % of {total} {unit}"));
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if self.watched {
            show("\r\x1b[K");
        }
    }
}

fn show(text: &str) {
    let mut out = io::stderr().lock();
    // Failing to show progress is no reason to stop.
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

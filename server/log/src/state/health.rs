//! Whether the log accepts events.

use crate::error::Poison;

/// Whether the log accepts events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It reads and writes.
    Serving,
    /// It no longer contains what the server signed: it reads, signs nothing, and refuses to write until an operator
    /// decides.
    RolledBack,
    /// A commit failed: it reads, and refuses to write until it is reopened.
    Poisoned(Poison),
}

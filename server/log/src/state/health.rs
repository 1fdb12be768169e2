//! Whether the log takes events.

use crate::error::Poison;

/// Whether the log takes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It reads and writes.
    Serving,
    /// What the server had signed is not in it any more: it reads, signs nothing, and refuses to write until an
    /// operator decides.
    RolledBack,
    /// A commit failed: it reads, and refuses to write until it is opened anew.
    Poisoned(Poison),
}

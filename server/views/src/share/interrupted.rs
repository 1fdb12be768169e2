//! Why work with a plugin was interrupted, for reasons unrelated to its arguments.

/// A call of the plugin could not be completed now; this says nothing about its arguments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Interrupted {
    /// A call took longer than its wall-clock limit.
    #[error("a call of the plugin took longer than its wall-clock limit")]
    Deadline,
    /// Nobody waits for the answer any more.
    #[error("nobody waits for the answer any more")]
    Cancelled,
    /// The work needs more memory than one piece of work may hold.
    #[error("it takes more than {} MiB of memory at once, which is the limit", bytes_max >> 20)]
    TooLarge {
        /// Bytes that one piece of work may hold.
        bytes_max: usize,
    },
    /// No instance is free.
    #[error("no plugin instance is free: {reason}")]
    NoInstance {
        /// The sandbox's error.
        reason: String,
    },
}

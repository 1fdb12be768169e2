//! Why work with a plugin was broken off: nothing that its arguments are to blame for.

/// The plugin could not be asked now; nothing is known about its arguments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Interrupted {
    /// A call took longer than its wall-clock limit.
    #[error("a call of the plugin took longer than its wall-clock limit")]
    Deadline,
    /// Nobody waits for the answer any more.
    #[error("nobody waits for the answer any more")]
    Cancelled,
    /// It takes more memory than one piece of work may hold.
    #[error("it takes more than {} MiB of memory at once, which is the limit", bytes_max >> 20)]
    TooLarge {
        /// Bytes that one may hold.
        bytes_max: usize,
    },
    /// No instance is free.
    #[error("no plugin instance is free: {reason}")]
    NoInstance {
        /// What the sandbox says.
        reason: String,
    },
}

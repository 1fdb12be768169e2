//! Why a call of a plugin returned no result.

use crate::{limits, share::places::NoPlace};
use wasmtime::Trap;

/// Why a call returned no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GuestError {
    /// The plugin or the sandbox failed on these arguments. The same arguments fail in the same way.
    #[error("{message}")]
    Failed {
        /// The slot at fault, if it is known.
        slot: Option<usize>,
        /// What went wrong.
        message: String,
    },
    /// The plugin needs more memory than it may have. The same arguments need as much again.
    #[error("it needs {} MiB of memory and may have {}", bytes.div_ceil(1 << 20), bytes_max >> 20)]
    Memory {
        /// Bytes that it asked for.
        bytes: usize,
        /// Bytes that it may have.
        bytes_max: usize,
    },
    /// The result could not be read: it is too large or not of its type. The same arguments with the same limit fail in
    /// the same way.
    #[error("{0}")]
    Untaken(String),
    /// The wall-clock limit was reached, which says nothing about the arguments.
    #[error("a call took longer than its wall-clock limit")]
    Deadline,
    /// No instance could be created, or it did not get the memory it asked for: too many exist at once.
    #[error("no plugin instance is free: {0}")]
    NoInstance(String),
}

impl GuestError {
    pub(in crate::plugin::abi) fn failed(slot: Option<usize>, message: &str) -> Self {
        Self::Failed { slot, message: shortened(message) }
    }

    /// Why no instance was created: the component trapped, or too many exist.
    pub(in crate::plugin::abi) fn of_instantiation(error: &wasmtime::Error) -> Self {
        match Self::of(error) {
            Self::Untaken(message) => Self::NoInstance(message),
            other => other,
        }
    }

    pub(in crate::plugin::abi) fn of(error: &wasmtime::Error) -> Self {
        if let Some(no_place) = error.downcast_ref::<NoPlace>() {
            return Self::NoInstance(no_place.to_string());
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Self::Deadline,
            Some(trap) => Self::failed(None, &trap.to_string()),
            None => Self::Untaken(shortened(&error.root_cause().to_string())),
        }
    }
}

/// A plugin's message, cut to the length that is kept.
pub(in crate::plugin) fn shortened(message: &str) -> String {
    let mut end = message.len().min(limits::MESSAGE_BYTES_MAX);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message[..end].to_owned()
}

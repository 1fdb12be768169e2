//! Writing: the queue, the thread that decides and commits, and the thread that signs afterwards.

pub(crate) mod administration;
pub(crate) mod commit;
mod decision;
mod entry_rows;
pub(crate) mod log_state;
pub(crate) mod queue;
pub(crate) mod signer;
pub(crate) mod writer;

use crate::error::{Poison, ReadError, is_disk_full};
use kith_words::KeysError;

/// Why a batch could not be committed. It is unknown what of it is on disk.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommitFailure {
    /// The log could not be read or written.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The key file could not be read or written.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

impl CommitFailure {
    /// How it poisons the log.
    pub(crate) fn poison(&self) -> Poison {
        let is_disk_full = match self {
            Self::Log(ReadError::Storage(failure)) => failure.is_disk_full(),
            Self::Keys(KeysError::Storage(error)) => is_disk_full(error),
            Self::Log(_) | Self::Keys(KeysError::Unusable(_)) => false,
        };
        if is_disk_full { Poison::DiskFull } else { Poison::Failure }
    }
}

//! What can go wrong, one enum per operation; no type of the storage engine shows.

use kith_core::{decide::Refused, id::NetworkName, position::Position};
use std::{fmt, io, path::PathBuf, time::Duration};

/// The storage engine or the disk failed; the text is for the operator.
pub struct StorageFailure(Box<redb::Error>);

impl fmt::Display for StorageFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StorageFailure {
    /// Whether the disk, or what this process may write of it, is full.
    pub(crate) fn is_disk_full(&self) -> bool {
        is_disk_full(&self.0)
    }
}

/// Whether the disk, or what this process may write of it, is full.
pub(crate) fn is_disk_full(error: &redb::Error) -> bool {
    let redb::Error::Io(error) = error else { return false };
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// Why the log does not accept anything until it is opened anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poison {
    /// The disk was full in the middle of a commit.
    DiskFull,
    /// The disk or the program failed.
    Failure,
}

impl fmt::Display for Poison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiskFull => {
                "the log takes no writes since a commit met a full disk: an operator must make room and restart the server"
            }
            Self::Failure => "the log takes no writes after a failed commit: an operator must restart the server",
        })
    }
}

impl fmt::Debug for StorageFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::error::Error for StorageFailure {}

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or this one, has the data folder open.
    #[error("the data folder {data} is in use by another process")]
    AlreadyOpen {
        /// The data folder.
        data: PathBuf,
    },
    /// Something is of a version that this program does not read. Nothing was changed.
    #[error(
        "{of} version {found}, and this program reads version {supported}: {}; nothing was changed",
        if found > supported {
            "start the program that wrote it, or a newer one"
        } else {
            "made by an unreleased program; export with that program, import here"
        }
    )]
    Version {
        /// What it is the version of.
        of: Versioned,
        /// The version found.
        found: u32,
        /// The version that this program reads.
        supported: u32,
    },
    /// A file or folder could not be made or read.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The pages of a file are damaged.
    #[error("{path} is damaged: restore it from its backup; `kithd check` tells what can still be read")]
    FileDamaged {
        /// The file.
        path: PathBuf,
    },
    /// Others than the owner may read the root key.
    #[error("others may read the root key {path}: set its mode to 0600, and consider the key known")]
    RootKeyExposed {
        /// The file.
        path: PathBuf,
    },
    /// There are keys but not the root key that opens them.
    #[error("the root key {path} is missing: put it back from its backup")]
    RootKeyMissing {
        /// The file.
        path: PathBuf,
    },
    /// The root key is not 32 bytes.
    #[error("the root key {path} is not 32 bytes")]
    RootKeyMalformed {
        /// The file.
        path: PathBuf,
    },
    /// The key that signs checkpoints does not open with the root key.
    #[error("the key {path} is damaged or not sealed by this root key: put keys/ back from its backup")]
    SigningKeyUnusable {
        /// The file.
        path: PathBuf,
    },
    /// The file of checkpoints could not be read.
    #[error("the file of checkpoints: {0}")]
    Checkpoints(#[from] CheckpointFileError),
    /// The key of a network is missing or does not open with the root key.
    #[error(
        "the key of the network {network} is missing or not wrapped by this root key: put keys/ back from its backup"
    )]
    NetworkKeyUnusable {
        /// The network.
        network: NetworkName,
    },
    /// The storage engine failed.
    #[error("the storage engine failed: {0}")]
    Storage(#[from] StorageFailure),
    /// The files contradict themselves; `kithd check` tells more.
    #[error("the log is damaged: {0}")]
    Damaged(#[from] Damage),
}

/// Why the file of checkpoints could not be read or replaced.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointFileError {
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no file of checkpoints.
    #[error(
        "{path} is damaged: {what}; put it back from a copy, or, if you know that the log is the right one, move it away"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
}

/// What has a version of its own on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioned {
    /// The tables of the log.
    Log,
    /// The bytes of entries.
    Entries,
    /// The file of a backup.
    Backup,
}

impl fmt::Display for Versioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => "the log has format",
            Self::Entries => "the log's entries have format",
            Self::Backup => "the backup has format",
        })
    }
}

/// A row that cannot be as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("table {table}: {what}")]
pub struct Damage {
    /// The table.
    pub table: &'static str,
    /// What is wrong.
    pub what: &'static str,
}

/// Why the writer did not take, or not answer, what it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The queue is full; nothing was done.
    #[error("the log is busy")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The disk is almost full; nothing was done, and there is nothing to restart.
    #[error("the log's disk is almost full: it takes events again once an operator has made room")]
    DiskFull,
    /// The log lost or changed what the server had signed: an operator must decide. Nothing was done.
    #[error("the log is not the one that was signed before, and takes nothing until an operator decides")]
    RolledBack,
    /// A commit failed. If it was this one, it may or may not be on disk: ask again after the restart.
    #[error("{0}")]
    Poisoned(Poison),
    /// The log is closing; nothing was done.
    #[error("the log is shutting down")]
    ShuttingDown,
}

/// Why nothing of an append counts.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A rule or a condition says no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The log takes nothing now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a network was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateNetworkError {
    /// There is one of this name.
    #[error("the network {name} is already there")]
    AlreadyExists {
        /// The name.
        name: NetworkName,
    },
    /// The principal may not, or its token does not hold any more.
    #[error("the token does not hold any more")]
    TokenInvalid,
    /// The log takes nothing now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a token was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeTokenError {
    /// The network never issued it.
    #[error("there is no such token")]
    Unknown,
    /// The revocation could not be recorded.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl From<Unavailable> for RevokeTokenError {
    fn from(error: Unavailable) -> Self {
        Self::Append(error.into())
    }
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The position or size lies after the head.
    #[error("the log ends at position {head}")]
    PositionAhead {
        /// The head.
        head: Position,
    },
    /// The position lies outside of the tree that was asked about, or the sizes are the wrong way round.
    #[error("{at} lies outside of a tree of {size} leaves")]
    OutsideTree {
        /// The position or smaller size.
        at: u64,
        /// The size.
        size: u64,
    },
    /// The storage engine failed.
    #[error("the storage engine failed: {0}")]
    Storage(#[from] StorageFailure),
    /// A row contradicts the others; `kithd check` tells more.
    #[error("the log is damaged: {0}")]
    Damaged(#[from] Damage),
}

/// That a row of a table cannot be as it is.
pub(crate) fn damaged(table: &'static str, what: &'static str) -> ReadError {
    ReadError::Damaged(Damage { table, what })
}

/// Lets `?` turn an engine's error into an operation's error with a `Storage` variant.
macro_rules! from_redb {
    ($target:ty) => {
        crate::error::from_redb!(
            $target: StorageError, TableError, TransactionError, CommitError, DatabaseError, SetDurabilityError
        );
    };
    ($target:ty => $variant:ident($through:ty)) => {
        crate::error::from_redb!(
            $target => $variant($through): StorageError, TableError, TransactionError
        );
    };
    ($target:ty => $variant:ident($through:ty): $($source:ident),*) => {
        $(impl From<redb::$source> for $target {
            fn from(error: redb::$source) -> Self {
                Self::$variant(<$through>::from(error))
            }
        })*
    };
    ($target:ty: $($source:ident),*) => {
        $(impl From<redb::$source> for $target {
            fn from(error: redb::$source) -> Self {
                Self::Storage(crate::error::StorageFailure::new(error))
            }
        })*
    };
}
pub(crate) use from_redb;

impl StorageFailure {
    pub(crate) fn new(error: impl Into<redb::Error>) -> Self {
        Self(Box::new(error.into()))
    }
}

from_redb!(ReadError);
from_redb!(OpenError);

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Storage(failure) => Self::Storage(failure),
            ReadError::Damaged(damage) => Self::Damaged(damage),
            ReadError::PositionAhead { .. } | ReadError::OutsideTree { .. } => {
                Self::Damaged(Damage { table: "heads", what: "the head is not the last entry" })
            }
        }
    }
}

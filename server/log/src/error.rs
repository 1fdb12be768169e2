//! The errors, one enum per operation; they expose no type of the storage engine.

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
    /// Whether the disk, or this process's quota on it, is full.
    pub(crate) fn is_disk_full(&self) -> bool {
        is_disk_full(&self.0)
    }
}

/// Whether the disk, or this process's quota on it, is full.
pub(crate) fn is_disk_full(error: &redb::Error) -> bool {
    let redb::Error::Io(error) = error else { return false };
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// Why the log accepts no writes until it is reopened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poison {
    /// The disk filled up during a commit.
    DiskFull,
    /// The disk or the program failed.
    Failure,
}

impl fmt::Display for Poison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiskFull => {
                "the log accepts no writes since the disk filled up: an operator must make room and restart the server"
            }
            Self::Failure => "the log accepts no writes after a failed commit: an operator must restart the server",
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
    /// Something has a version that this program does not read. Nothing was changed.
    #[error(
        "{of} version {found}, and this program reads version {supported}: {}; nothing was changed",
        if found > supported {
            "start the program that wrote it, or a newer one"
        } else {
            "made by an unreleased program; export with that program, import here"
        }
    )]
    Version {
        /// What has this version.
        of: Versioned,
        /// The version found.
        found: u32,
        /// The version that this program reads.
        supported: u32,
    },
    /// A file or folder could not be created or read.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The pages of a file are damaged.
    #[error("{path} is damaged: restore it from its backup; `kithd check` shows what can still be read")]
    FileDamaged {
        /// The file.
        path: PathBuf,
    },
    /// The root key is readable by users other than its owner.
    #[error("others may read the root key {path}: set its mode to 0600, and consider the key compromised")]
    RootKeyExposed {
        /// The file.
        path: PathBuf,
    },
    /// There are keys, but the root key that opens them is missing.
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
    /// A rotation of the root key was interrupted, so that nobody but a start knows which one is right.
    #[error(
        "the rotation of the root key {path} was interrupted: start the server, or run `kithd rotate-root-key` again"
    )]
    RotationInterrupted {
        /// The file.
        path: PathBuf,
    },
    /// The key that signs checkpoints does not open with the root key.
    #[error("the key {path} is damaged or not sealed by this root key: put keys/ back from its backup")]
    SigningKeyUnusable {
        /// The file.
        path: PathBuf,
    },
    /// The file of checkpoints or that of erasures could not be read.
    #[error(transparent)]
    Kept(#[from] KeptFileError),
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
    /// The files contradict each other; `kithd check` shows the details.
    #[error("the log is damaged: {0}")]
    Damaged(#[from] Damage),
}

/// Why the file of checkpoints or that of erasures could not be read or replaced.
#[derive(Debug, thiserror::Error)]
pub enum KeptFileError {
    /// The system reported an error.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file does not contain what it should.
    #[error(
        "{path} is damaged: {what}; restore it from a copy, or, if you know that the log is the right one, move it away"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
}

/// A format on disk that has a version of its own.
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

/// A row with impossible content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("table {table}: {what}")]
pub struct Damage {
    /// The table.
    pub table: &'static str,
    /// What is wrong.
    pub what: &'static str,
}

/// Why the writer did not accept or did not answer a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The queue is full; nothing was done.
    #[error("the log is busy")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The disk is almost full; nothing was done. No restart is needed.
    #[error("the log's disk is almost full: it accepts events again once an operator has made room")]
    DiskFull,
    /// The log no longer matches what the server signed: an operator must decide. Nothing was done.
    #[error("the log is not the one that was signed before, and accepts nothing until an operator decides")]
    RolledBack,
    /// A commit failed. If it was the commit of this request, it may or may not be on disk: check after the restart.
    #[error("{0}")]
    Poisoned(Poison),
    /// The log is closing; nothing was done.
    #[error("the log is shutting down")]
    ShuttingDown,
}

/// Why an append had no effect.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A rule or the condition refuses it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The log accepts nothing now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a network was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateNetworkError {
    /// A network of this name exists.
    #[error("the network {name} already exists")]
    AlreadyExists {
        /// The name.
        name: NetworkName,
    },
    /// The principal may not do this, or its token is no longer valid.
    #[error("the token is no longer valid")]
    TokenInvalid,
    /// The log accepts nothing now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a token was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeTokenError {
    /// The network never issued this token.
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

/// Why nobody became a member by an invitation.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// There is no such invitation, or it was used, revoked or has expired.
    #[error("there is no such invitation, or it was used, revoked or has expired")]
    InvitationInvalid,
    /// The membership could not be recorded.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl From<Unavailable> for JoinError {
    fn from(error: Unavailable) -> Self {
        Self::Append(error.into())
    }
}

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The position or size lies after the head.
    #[error("the log ends at position {head}")]
    PositionAhead {
        /// The head.
        head: Position,
    },
    /// The position lies outside the requested tree, or the two sizes are in the wrong order.
    #[error("{at} lies outside a tree of {size} leaves")]
    OutsideTree {
        /// The position or smaller size.
        at: u64,
        /// The size.
        size: u64,
    },
    /// The storage engine failed.
    #[error("the storage engine failed: {0}")]
    Storage(#[from] StorageFailure),
    /// A row contradicts the others; `kithd check` shows the details.
    #[error("the log is damaged: {0}")]
    Damaged(#[from] Damage),
}

/// The error for a row with impossible content.
pub(crate) fn damaged(table: &'static str, what: &'static str) -> ReadError {
    ReadError::Damaged(Damage { table, what })
}

/// Lets `?` turn an engine's error into the `Storage` variant of an operation's error.
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

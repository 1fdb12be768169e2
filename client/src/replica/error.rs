//! What can go wrong with a replica, one enum per operation; no type of the storage engine shows.

use super::alarm::Alarm;
use crate::error::Error;
use kith_core::{id::EventId, id::NetworkName, invalid::Invalid};
use std::{io, path::PathBuf};

/// The replica's file could not be read or written. What was recorded before is still there.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No space is left. Nothing was lost; make space and repeat.
    #[error("no space is left for the replica: nothing was lost; make space, then try again")]
    Full,
    /// The disk or the storage engine failed; the text is for people.
    #[error("the replica's file cannot be used: {0}")]
    Storage(String),
    /// Another process has the file and does not let go of it.
    #[error("the replica is in use by another process that does not let go of it")]
    InUse,
    /// Another process synced the replica while this one fetched: what was fetched is not needed any more.
    #[error("another process changed the replica meanwhile: sync again")]
    Moved,
    /// The file holds something that no replica writes.
    #[error("the replica is damaged ({0}): `reset` fetches the log again and keeps what was not sent")]
    Damaged(&'static str),
}

/// Why a replica could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open and does not let go of it.
    #[error("the replica {folder} is in use by another process that does not let go of it: end that one first")]
    InUse {
        /// The replica's folder.
        folder: PathBuf,
    },
    /// It is of another network.
    #[error("the replica is of the network {found}, not of {asked}: take another folder for that one")]
    OtherNetwork {
        /// The network it is of.
        found: String,
        /// The network asked for.
        asked: NetworkName,
    },
    /// Another program wrote it. Nothing was changed.
    #[error(
        "the replica has format {found}, and this program reads {supported}: it was made by an unreleased program; \
         send what waits with that program, then sync into a new folder with this one"
    )]
    Version {
        /// The version found.
        found: u32,
        /// The version that this program reads.
        supported: u32,
    },
    /// The folder could not be made or read.
    #[error("{folder}: {source}")]
    Io {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The filter breaks a rule.
    #[error(transparent)]
    Filter(#[from] Invalid),
    /// The file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an event could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Its id is that of an event with other content.
    #[error("the id {id} is that of another event: take a new one, or look what is recorded under it")]
    IdReused {
        /// The id.
        id: EventId,
    },
    /// The file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a sync did not come to its end. What it got until then is kept, and nothing recorded here is lost.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// A call failed; the next sync goes on from here.
    #[error(transparent)]
    Call(#[from] Error),
    /// The server's log is not the one that this replica holds. Nothing of it was applied.
    #[error(transparent)]
    Alarm(#[from] Box<Alarm>),
    /// The file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The token was revoked. What only members of its organisation may see is here no more; everything else is, and so
    /// is what was recorded here.
    #[error(
        "the token was revoked: {removed} entries that only its organisation may see were removed here, and nothing \
         that was recorded here is lost; log in with another token"
    )]
    ScopeLost {
        /// Entries that went.
        removed: u64,
    },
    /// Another sync of this replica runs.
    #[error("another sync of this replica runs")]
    Running,
}

impl SyncError {
    /// Whether another attempt can succeed, unchanged.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Call(error) => error.is_retryable(),
            Self::Store(StoreError::Full | StoreError::Storage(_) | StoreError::InUse | StoreError::Moved) => true,
            Self::Alarm(_) | Self::ScopeLost { .. } | Self::Running | Self::Store(StoreError::Damaged(_)) => false,
        }
    }
}

macro_rules! store_errors {
    ($($source:ident),*) => {$(
        impl From<redb::$source> for StoreError {
            fn from(error: redb::$source) -> Self {
                redb::Error::from(error).into()
            }
        }
    )*};
}

store_errors!(StorageError, TableError, TransactionError, CommitError, DatabaseError, SetDurabilityError);

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> Self {
        match &error {
            redb::Error::DatabaseAlreadyOpen => Self::InUse,
            redb::Error::Io(cause)
                if matches!(
                    cause.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
                ) =>
            {
                Self::Full
            }
            _ => Self::Storage(error.to_string()),
        }
    }
}

impl From<kith_blocks::BlocksError> for StoreError {
    fn from(error: kith_blocks::BlocksError) -> Self {
        match error {
            kith_blocks::BlocksError::Storage(error) => error.into(),
            kith_blocks::BlocksError::Malformed => Self::Damaged("a block of entries is malformed"),
        }
    }
}

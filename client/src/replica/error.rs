//! Errors of a replica, one enum per operation. No type of the storage engine is exposed.

use super::alarm::Alarm;
use crate::error::Error;
use kith_core::counted::{counted, noun};
use kith_core::{
    authority::Lost,
    id::{EventId, NetworkName, PersonId},
    invalid::Invalid,
};
use std::{io, path::PathBuf};

/// The replica's file could not be read or written. What was recorded before is still there.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full. Nothing was lost; free some space and retry.
    #[error("no space is left for the replica: nothing was lost; free some space, then try again")]
    Full,
    /// The disk or the storage engine failed; the text is for people.
    #[error("the replica's file cannot be used: {0}")]
    Storage(String),
    /// Another process has the file open and does not release it.
    #[error("the replica is in use by another process that does not release it")]
    InUse,
    /// Another process synced the replica while this one was fetching: what was fetched is no longer needed.
    #[error("another process changed the replica in the meantime: sync again")]
    Moved,
    /// The keys of the words here are lost, or are not those that sealed them.
    #[error(
        "the words in the replica do not open ({0}): put its folder `keys` back as it was, or leave the network and sync \
         into a new folder"
    )]
    Keys(&'static str),
    /// The file contains something that no replica writes.
    #[error("the replica is damaged ({0}): `reset` fetches the log again and keeps what was not sent")]
    Damaged(&'static str),
}

/// Why a replica could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open and does not release it.
    #[error("the replica {folder} is in use by another process that does not release it: end that process first")]
    InUse {
        /// The replica's folder.
        folder: PathBuf,
    },
    /// It belongs to another network.
    #[error("the replica belongs to the network {found}, not to {asked}: use another folder for that one")]
    OtherNetwork {
        /// The network it belongs to.
        found: String,
        /// The requested network.
        asked: NetworkName,
    },
    /// It was written by a program with another format version. Nothing was changed.
    #[error(
        "the replica has format {found}, and this program reads {supported}: it was made by an unreleased program; \
         send the outbox with that program, then sync into a new folder with this one"
    )]
    Version {
        /// The version found.
        found: u32,
        /// The version that this program reads.
        supported: u32,
    },
    /// The folder could not be created or read.
    #[error("{folder}: {source}")]
    Io {
        /// The folder.
        folder: PathBuf,
        /// The error of the operating system.
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
    /// Its id belongs to an event with different content.
    #[error("the id {id} belongs to another event: use a new id, or look up what is recorded under this one")]
    IdReused {
        /// The id.
        id: EventId,
    },
    /// The words of somebody that it names were erased, as far as is known here.
    #[error("the words of {person} were erased: nothing more is recorded about them")]
    PersonErased {
        /// The person.
        person: PersonId,
    },
    /// The file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a sync did not complete. What it fetched until then is kept, and nothing recorded here is lost.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// A call failed; the next sync continues from here.
    #[error(transparent)]
    Call(#[from] Error),
    /// The server's log is not the one that this replica holds. Nothing from it was applied.
    #[error(transparent)]
    Alarm(#[from] Box<Alarm>),
    /// The file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The token was revoked, or the membership has ended. What may no longer be seen was removed: what only members of
    /// the token's organisation may see, while everything else is still here, including what was recorded here; or
    /// everything, except that events of this device that were not sent are among the refused, without words.
    #[error("{}", scope_lost(*.lost, *.removed))]
    ScopeLost {
        /// What was lost.
        lost: Lost,
        /// Number of entries removed.
        removed: u64,
    },
    /// Another sync of this replica is running.
    #[error("another sync of this replica is running")]
    Running,
}

impl SyncError {
    /// Whether the same attempt can succeed later, unchanged.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Call(error) => error.is_retryable(),
            Self::Store(StoreError::Full | StoreError::Storage(_) | StoreError::InUse | StoreError::Moved) => true,
            Self::Alarm(_)
            | Self::ScopeLost { .. }
            | Self::Running
            | Self::Store(StoreError::Damaged(_) | StoreError::Keys(_)) => false,
        }
    }
}

fn scope_lost(lost: Lost, removed: u64) -> String {
    match lost {
        Lost::Organisation => format!(
            "the token was revoked: {} that only its organisation may see {} removed here, and nothing that was recorded \
             here is lost; log in with another token",
            counted(removed, "entry", "entries"),
            noun(removed, "was", "were")
        ),
        Lost::Network => format!(
            "the membership has ended: {} and all words were removed here; events that were not sent are among the \
             refused, without words",
            counted(removed, "entry", "entries")
        ),
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

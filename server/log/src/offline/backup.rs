//! Backups of the log, and apart from them of the keys: written in one pass from one consistent state while the log
//! goes on, read back only if every byte is right.
//!
//! Invariant: a backup of the log holds no key and no checkpoint, and nothing is put in place that was not verified. A
//! token counts only if the server's own key vouches for the backup that it comes from.

mod dump;
mod frames;
mod heading;
mod keys;
mod restore;

pub use dump::{backup, backup_into};
pub use heading::{BackedUp, Heading};
pub use keys::{KeysCopied, backup_keys, backup_keys_into, restore_keys};
pub use restore::{Restored, Step, Trust, Verified, restore, verify_backup};

pub(crate) use dump::dump;
pub(crate) use restore::forget_views;

use crate::{
    error::{OpenError, ReadError},
    files::FileError,
    offline::{
        accept_rollback::AcceptError,
        check::{CheckError, Report},
    },
};
use std::{io, path::PathBuf};

/// How far a backup or a restore has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Rows written, or bytes read.
    pub done: u64,
    /// Rows, or bytes, that there are; 0 where nobody knows.
    pub total: u64,
}

/// A finished backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// What is in it.
    pub heading: Heading,
    /// Its size.
    pub bytes: u64,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The files could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is a file where the backup should go.
    #[error("{path} is already there: name a new file")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The backup could not be written.
    #[error("the backup could not be written: {0}")]
    Write(#[from] io::Error),
}

impl From<FileError> for BackupError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Exists { path } => Self::Exists { path },
            FileError::Open(error) => Self::Open(error),
            FileError::Write(error) => Self::Write(error),
        }
    }
}

crate::error::from_redb!(BackupError => Read(ReadError));

/// Why nothing was put in place.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup could not be read.
    #[error("the backup cannot be read: {0}")]
    Unreadable(io::Error),
    /// The file is something else.
    #[error("this is no backup made by kithd or kith")]
    NotABackup,
    /// A backup of keys was given for one of the log, or the other way round.
    #[error("this is a backup of something else: `restore` takes one of the log, `restore-keys` one of the keys")]
    OtherContents,
    /// The backup is damaged.
    #[error("the backup is damaged at byte {at}: {what}; nothing was restored")]
    Damaged {
        /// Bytes before the place.
        at: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// Nobody, or somebody else, signed the backup.
    #[error("this server did not sign the backup: {what}; nothing was restored")]
    NotSigned {
        /// What is wrong.
        what: &'static str,
    },
    /// The keys are not there, which tell who signed the backup and let its log go on.
    #[error("{path} is not there: put the keys back first, with `kithd restore-keys`")]
    KeyMissing {
        /// The file.
        path: PathBuf,
    },
    /// What was restored could not be made to go on without its tokens.
    #[error(transparent)]
    Restart(#[from] AcceptError),
    /// Bytes are as they were written, but what they say contradicts itself.
    #[error("the log in the backup is not sound: {}; nothing was restored", first_problem(.0))]
    NotSound(Box<Report>),
    /// There is a log already.
    #[error("{path} is already there: restore into another folder, or move it away first")]
    Exists {
        /// The file or folder.
        path: PathBuf,
    },
    /// Files could not be made or opened, or are of another version.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl From<CheckError> for RestoreError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Open(error) => error.into(),
            CheckError::Read(error) => OpenError::from(error).into(),
        }
    }
}

fn first_problem(report: &Report) -> String {
    let first = report.problems.first().map(ToString::to_string).unwrap_or_default();
    if report.problems_count > 1 { format!("{first}, and {} more", report.problems_count - 1) } else { first }
}

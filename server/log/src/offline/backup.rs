//! Backups of the log and, separately, of the keys: written in one pass from one consistent state while the log keeps
//! running, and restored only if every byte is right.
//!
//! Invariant: a backup of the log contains no key and no checkpoint, and nothing is restored that was not verified. A
//! restored token is valid only if the server's own key signed the backup.

mod dump;
mod frames;
mod heading;
mod keys;
mod restore;

pub use dump::{backup, backup_into};
pub use heading::{BackedUp, Heading};
pub use keys::{KeysCopied, backup_keys, backup_keys_into, restore_keys};
pub use restore::{Restored, Step, Trust, Verified, restore, verify_backup};

pub(crate) use dump::{Offline, dump};
pub(crate) use restore::{build_from, forget_views};

use crate::{
    error::{OpenError, ReadError},
    files::FileError,
    offline::{
        accept_rollback::AcceptError,
        check::{CheckError, Report},
    },
};
use std::{io, path::PathBuf};

/// Progress of a backup or a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Rows written, or bytes read.
    pub done: u64,
    /// Rows or bytes in total; 0 if unknown.
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

/// Why a backup failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The files could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file already exists at the backup's path.
    #[error("{path} already exists: name a new file")]
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

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup could not be read.
    #[error("the backup cannot be read: {0}")]
    Unreadable(io::Error),
    /// The file is something else.
    #[error("this is not a backup made by kithd or kith")]
    NotABackup,
    /// A backup of keys was given for one of the log, or the other way round.
    #[error("this is a backup of something else: `restore` takes one of the log, `restore-keys` one of the keys")]
    OtherContents,
    /// The backup is damaged.
    #[error("the backup is damaged at byte {at}: {what}; nothing was restored")]
    Damaged {
        /// Offset of the damage in bytes.
        at: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The backup is not signed, or not by this server.
    #[error("this server did not sign the backup: {what}; nothing was restored")]
    NotSigned {
        /// What is wrong.
        what: &'static str,
    },
    /// The keys are missing; they show who signed the backup, and its log cannot continue without them.
    #[error("{path} does not exist: put the keys back first, with `kithd restore-keys`")]
    KeyMissing {
        /// The file.
        path: PathBuf,
    },
    /// The restored log could not be continued without its tokens.
    #[error(transparent)]
    Restart(#[from] AcceptError),
    /// The bytes are as they were written, but their content contradicts itself.
    #[error("the log in the backup is not sound: {}; nothing was restored", first_problem(.0))]
    NotSound(Box<Report>),
    /// There is a log already.
    #[error("{path} already exists: restore into another folder, or move it away first")]
    Exists {
        /// The file or folder.
        path: PathBuf,
    },
    /// Files could not be created or opened, or have another version.
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

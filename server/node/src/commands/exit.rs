//! How commands fail: an error text, and an exit code for its kind.

use super::out::complain;
use kith_log::{AcceptError, BackupError, CheckError, OpenError, RestoreError, RewriteError};
use kith_node::server_token::ServerTokenError;
use std::{fmt, io, process::ExitCode};

/// Anything else.
const UNEXPECTED: u8 = 1;
/// Something that was named does not exist.
const NOT_FOUND: u8 = 3;
/// The command was refused, and nothing was changed.
const REFUSED: u8 = 4;
/// A server uses the data folder.
const BUSY: u8 = 5;
/// Something is wrong with the data.
pub(super) const DAMAGED: u8 = 6;

/// Reports why a command failed.
pub(super) fn failed<E: fmt::Display + Exit>(error: &E) -> ExitCode {
    complain(error);
    ExitCode::from(error.code())
}

/// An error that has an exit code.
pub(super) trait Exit {
    fn code(&self) -> u8;
}

impl Exit for OpenError {
    fn code(&self) -> u8 {
        match self {
            Self::AlreadyOpen { .. } | Self::RotationInterrupted { .. } => BUSY,
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => NOT_FOUND,
            // A file that does not begin as a log does.
            Self::Io { source, .. } if source.kind() == io::ErrorKind::InvalidData => DAMAGED,
            Self::Damaged(_)
            | Self::FileDamaged { .. }
            | Self::Storage(_)
            | Self::RootKeyMissing { .. }
            | Self::RootKeyMalformed { .. }
            | Self::NetworkKeyUnusable { .. }
            | Self::SigningKeyUnusable { .. } => DAMAGED,
            Self::Io { .. } | Self::Version { .. } | Self::RootKeyExposed { .. } | Self::Kept(_) => UNEXPECTED,
        }
    }
}

impl Exit for CheckError {
    fn code(&self) -> u8 {
        match self {
            Self::Open(error) => error.code(),
            Self::Read(_) => DAMAGED,
        }
    }
}

impl Exit for BackupError {
    fn code(&self) -> u8 {
        match self {
            Self::Open(error) => error.code(),
            Self::Read(_) => DAMAGED,
            Self::Exists { .. } => REFUSED,
            Self::Write(_) => UNEXPECTED,
        }
    }
}

impl Exit for RestoreError {
    fn code(&self) -> u8 {
        match self {
            Self::Open(error) => error.code(),
            Self::Unreadable(source) if source.kind() == io::ErrorKind::NotFound => NOT_FOUND,
            Self::Unreadable(_) => UNEXPECTED,
            Self::NotABackup | Self::OtherContents | Self::Exists { .. } | Self::NotSigned { .. } => REFUSED,
            Self::KeyMissing { .. } => NOT_FOUND,
            Self::Restart(error) => error.code(),
            Self::Damaged { .. } | Self::NotSound(_) => DAMAGED,
        }
    }
}

impl Exit for RewriteError {
    fn code(&self) -> u8 {
        match self {
            Self::Read(error) => error.code(),
            Self::Write(error) => error.code(),
            Self::Open(error) => error.code(),
        }
    }
}

impl Exit for ServerTokenError {
    fn code(&self) -> u8 {
        match self {
            Self::Open(error) => error.code(),
            Self::NoLog { .. } => NOT_FOUND,
            Self::AlreadyThere { .. } | Self::NoneThere { .. } | Self::NoOtherOwner => REFUSED,
            Self::Io { .. }
            | Self::Exposed { .. }
            | Self::Foreign { .. }
            | Self::Malformed { .. }
            | Self::Store(_)
            | Self::Revoke(_) => UNEXPECTED,
        }
    }
}

impl Exit for AcceptError {
    fn code(&self) -> u8 {
        match self {
            Self::Open(error) => error.code(),
            Self::Refused(_) => REFUSED,
            Self::Write(_) => UNEXPECTED,
        }
    }
}

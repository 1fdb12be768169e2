//! Why a task of a plugin author failed, by what can be done about it.

use kith_core::{
    invalid::Invalid,
    text::{self, NotText},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// Why a task of a plugin author failed.
#[derive(Debug, Error)]
pub enum Failure {
    /// The request makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Something that was named does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The plugin breaks a rule.
    #[error("{0}")]
    PluginRefused(String),
    /// Something could not be verified.
    #[error("not verified: {0}")]
    NotVerified(String),
    /// An event breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A file could not be read or written.
    #[error("cannot {action} {}: {error}", .path.display())]
    File {
        /// What was to be done with the file.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// Anything else, as a message.
    #[error("{0}")]
    Unexpected(String),
}

impl Failure {
    /// The same, with a remark.
    pub(crate) fn with(self, remark: &str) -> Self {
        match self {
            Self::Unexpected(why) => Self::Unexpected(format!("{why}\n{remark}")),
            other => other,
        }
    }

    /// The same; it is about a view that a report reads.
    pub(crate) fn of_view(self, name: &str) -> Self {
        match self {
            Self::PluginRefused(why) => Self::PluginRefused(format!("`{name}`, which the report reads: {why}")),
            other => other,
        }
    }

    pub(crate) fn file(action: &'static str, path: &Path, error: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), error }
    }
}

/// Reads a file of a plugin's folder.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::file("read", path, error))?;
    text::decode(bytes).map_err(|why: NotText| Failure::Usage(format!("{} {why}", path.display())))
}

//! Where the keys of a server are: in a folder, but for the root key, which may be elsewhere.

use super::signing_key;
use crate::config::{Config, ROOT_KEY_FILE};
use std::path::{Path, PathBuf};

/// A folder of keys, and the file of the root key that opens them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyPlace {
    folder: PathBuf,
    root: PathBuf,
}

impl KeyPlace {
    /// The place that the settings name.
    pub(crate) fn of(config: &Config) -> Self {
        Self { folder: config.keys_path(), root: config.root_key_path() }
    }

    /// A folder that has its root key in it.
    pub(crate) fn within(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), root: folder.join(ROOT_KEY_FILE) }
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of the root key.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The file of the key that signs checkpoints.
    pub(crate) fn signing(&self) -> PathBuf {
        self.folder.join(signing_key::FILE)
    }
}

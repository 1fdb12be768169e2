//! The folder of keys: its file, and who may read or replace it.

use crate::{
    keys::{KeysError, io_error},
    limits,
    swapped::SwappedFile,
};
use redb::{Builder, ConcurrencyMode, Database};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// The folder of keys.
#[derive(Debug, Clone)]
pub struct KeyFolder {
    path: PathBuf,
    file: SwappedFile,
}

impl KeyFolder {
    /// The folder at a path.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), file: SwappedFile::new(path.join("keys.redb")) }
    }

    /// The path of the file of keys.
    pub fn file(&self) -> &Path {
        self.file.path()
    }

    /// The options with which the file of keys is opened: one process writes, and a backup may read at the same time.
    pub fn builder() -> Builder {
        let mut builder = Builder::new();
        builder.set_cache_size(limits::KEYS_PAGES_BYTES_MAX).set_concurrency_mode(ConcurrencyMode::SingleWriter);
        builder
    }

    /// Keeps the old file from being overwritten while somebody reads it: held for as long as they do.
    pub fn lock_for_reading(&self) -> io::Result<File> {
        let lock = self.open_lock()?;
        lock.lock_shared()?;
        Ok(lock)
    }

    /// Ends what an interrupted replacement left behind.
    pub fn recover(&self) -> io::Result<()> {
        self.file.recover(|| self.lock_for_overwriting())
    }

    /// Writes a new file with `write`, and lets `publish` have it once it is in the place of the old one, which is then to
    /// be [forgotten](Self::forget_old).
    pub(crate) fn replace(
        &self,
        write: impl FnOnce(&Database) -> Result<(), KeysError>,
        publish: impl FnOnce(Database),
    ) -> Result<(), KeysError> {
        self.recover().and_then(|()| self.file.make_part()).map_err(io_error)?;
        let database = Self::builder().create(self.file.part())?;
        write(&database)?;
        self.file.swap().map_err(io_error)?;
        // Whatever fails from here on, keys that are made have to go into the file that has the name.
        publish(database);
        Ok(())
    }

    /// Overwrites the old file.
    pub(crate) fn forget_old(&self) -> io::Result<()> {
        self.file.forget_old(|| self.lock_for_overwriting())
    }

    fn lock_for_overwriting(&self) -> io::Result<Option<File>> {
        let lock = self.open_lock()?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => {
                let why = "the keys are being backed up: the old file goes once that has ended";
                Err(io::Error::new(io::ErrorKind::WouldBlock, why))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn open_lock(&self) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.path.join("lock"))
    }
}

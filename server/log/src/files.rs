//! Files: created whole and synced to disk or not at all, and opened with an error that names what is wrong.
//!
//! Invariant: a file gets its name only once it is whole, and only `write_private` replaces an existing file.

pub(crate) mod kept;

use crate::{config::Config, error::OpenError};
pub use kith_words::is_exposed;
pub(crate) use kith_words::{folder_of, write_private};
use redb::{Builder, Database};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

/// Why a new file was not created.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A file of this name exists.
    #[error("{path} already exists: name a new file")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It could not be created.
    #[error(transparent)]
    Open(OpenError),
    /// It could not be written.
    #[error(transparent)]
    Write(io::Error),
}

/// Writes a new file that only its owner may read. It gets its name once it is whole and on disk.
pub fn write_new<T, E: From<FileError>>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, E>,
) -> Result<T, E> {
    if path.symlink_metadata().is_ok() {
        return Err(FileError::Exists { path: path.to_owned() }.into());
    }
    let part = part_of(path);
    let written = write_part(&part, write);
    if written.is_err() {
        // The reported error says more than this one could.
        drop(fs::remove_file(&part));
        return written;
    }
    publish(&part, path).map_err(FileError::Write)?;
    written
}

/// The path of a file until it is whole.
pub(crate) fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// Creates a file with `make`, which receives the path of an empty file; a crash leaves the whole file or none.
pub(crate) fn make_whole(path: &Path, make: impl FnOnce(&Path) -> Result<(), OpenError>) -> Result<(), OpenError> {
    let part = part_of(path);
    remove_leftover(&part).map_err(io_error(&part))?;
    make_private_file(&part).map_err(io_error(&part))?;
    make(&part)?;
    publish(&part, path).map_err(io_error(path))
}

/// Gives a file its name and syncs the folder. Fails if a file of that name exists.
pub(crate) fn publish(part: &Path, path: &Path) -> io::Result<()> {
    fs::hard_link(part, path)?;
    fs::remove_file(part)?;
    File::open(folder_of(path))?.sync_all()
}

/// Gives a folder its name and syncs its parent. Fails if a folder of that name exists and is not empty.
pub(crate) fn publish_folder(part: &Path, path: &Path) -> io::Result<()> {
    fs::rename(part, path)?;
    File::open(folder_of(path))?.sync_all()
}

/// Removes what an interrupted attempt left behind.
pub(crate) fn remove_leftover(part: &Path) -> io::Result<()> {
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Creates an empty file that only the owner may read. Fails if it exists.
pub(crate) fn make_private_file(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

/// Creates a folder that only the owner may enter, if it does not exist.
pub(crate) fn make_private_folder(path: &Path) -> Result<(), OpenError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error(path))
}

/// Adds the file's path to an error.
pub(crate) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    |source| OpenError::Io { path: path.to_owned(), source }
}

fn write_part<T, E: From<FileError>>(part: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T, E>) -> Result<T, E> {
    remove_leftover(part).map_err(|error| FileError::Open(io_error(part)(error)))?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(part);
    let file = file.map_err(|error| FileError::Open(io_error(part)(error)))?;
    let mut out = BufWriter::with_capacity(256 * 1024, file);
    let written = write(&mut out)?;
    let file = out.into_inner().map_err(|error| FileError::Write(error.into_error()))?;
    file.sync_all().map_err(FileError::Write)?;
    Ok(written)
}

/// The options with which `log.redb` is opened.
pub(crate) fn builder(config: &Config) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(config.redb_cache_bytes);
    builder
}

/// Opens the log's existing file.
pub(crate) fn open_database(config: &Config, file: &Path) -> Result<Database, OpenError> {
    unless_damaged(file, || builder(config).open(file).map_err(|error| open_error(error, &config.data, file)))
}

/// Opens a file of the storage engine, which panics on some damaged pages; a panic becomes an error.
pub(crate) fn unless_damaged<T>(file: &Path, open: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    let damaged = |_| Err(OpenError::FileDamaged { path: file.to_owned() });
    catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(damaged)
}

/// Adds the data folder's or the file's path to an engine's error.
pub(crate) fn open_error(error: redb::DatabaseError, data: &Path, file: &Path) -> OpenError {
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen => OpenError::AlreadyOpen { data: data.to_owned() },
        redb::DatabaseError::Storage(redb::StorageError::Io(source)) => io_error(file)(source),
        redb::DatabaseError::Storage(redb::StorageError::Corrupted(_)) => {
            OpenError::FileDamaged { path: file.to_owned() }
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn files_are_private_whole_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup");
        let failed = write_new(&path, |out| {
            out.write_all(b"half").unwrap();
            Err::<(), _>(FileError::Write(io::Error::other("the disk is full")))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let put = |text: &'static [u8]| write_new(&path, |out| out.write_all(text).map_err(FileError::Write));
        put(b"whole").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(put(b"again"), Err(FileError::Exists { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

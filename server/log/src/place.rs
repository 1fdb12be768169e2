//! Puts files in place: whole and on disk, or not at all.
//!
//! Invariant: what is there is never replaced.

use crate::{
    backup::BackupError,
    error::OpenError,
    root_key::{folder_of, io_error, make_private_file},
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Writes a new file that only its owner may read. It has its name when it is whole and on disk.
pub fn write_new<T, E: From<BackupError>>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, E>,
) -> Result<T, E> {
    if path.symlink_metadata().is_ok() {
        return Err(BackupError::Exists { path: path.to_owned() }.into());
    }
    let part = part_of(path);
    let written = write_part(&part, write);
    if written.is_err() {
        // The error that is reported says more than this one could.
        drop(fs::remove_file(&part));
        return written;
    }
    publish(&part, path).map_err(BackupError::Write)?;
    written
}

/// Where a file is while it is not yet whole.
pub(crate) fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// Makes a file by `make`, which is given the path of an empty one; a crash leaves the whole file or none.
pub(crate) fn make_whole(path: &Path, make: impl FnOnce(&Path) -> Result<(), OpenError>) -> Result<(), OpenError> {
    let part = part_of(path);
    remove_leftover(&part).map_err(io_error(&part))?;
    make_private_file(&part).map_err(io_error(&part))?;
    make(&part)?;
    publish(&part, path).map_err(io_error(path))
}

/// Gives a file its name, and makes that last. Fails if there is one of that name.
pub(crate) fn publish(part: &Path, path: &Path) -> io::Result<()> {
    fs::hard_link(part, path)?;
    fs::remove_file(part)?;
    File::open(folder_of(path))?.sync_all()
}

/// Gives a folder its name, and makes that last. Fails if there is one of that name that holds anything.
pub(crate) fn publish_folder(part: &Path, path: &Path) -> io::Result<()> {
    fs::rename(part, path)?;
    File::open(folder_of(path))?.sync_all()
}

/// Removes what an attempt that was broken off left.
pub(crate) fn remove_leftover(part: &Path) -> io::Result<()> {
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write_part<T, E: From<BackupError>>(
    part: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, E>,
) -> Result<T, E> {
    remove_leftover(part).map_err(|error| BackupError::from(io_error(part)(error)))?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(part);
    let file = file.map_err(|error| BackupError::from(io_error(part)(error)))?;
    let mut out = BufWriter::with_capacity(256 * 1024, file);
    let written = write(&mut out)?;
    let file = out.into_inner().map_err(|error| BackupError::Write(error.into_error()))?;
    file.sync_all().map_err(BackupError::Write)?;
    Ok(written)
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
            Err::<(), _>(BackupError::Write(io::Error::other("the disk is full")))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let put = |text: &'static [u8]| write_new(&path, |out| Ok::<_, BackupError>(out.write_all(text)?));
        put(b"whole").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(put(b"again"), Err(BackupError::Exists { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

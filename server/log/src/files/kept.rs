//! A text file that is read, changed and replaced as a whole, ideally on another disk than the log.
//!
//! Invariant: it is replaced as a whole or not at all, and only by a process that has read it (a lock file beside it,
//! which only the owner can open, ensures this across processes).

use super::{folder_of, write_private};
use crate::{error::KeptFileError, limits};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::PathBuf,
    time::{Duration, Instant},
};

/// The pause between two attempts.
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// The bits of a file's mode for users other than its owner.
const OTHERS: u32 = 0o077;

/// The file at a path.
#[derive(Debug, Clone)]
pub(crate) struct KeptFile {
    path: PathBuf,
}

impl KeptFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Reads the file with `parse`, which says what is wrong with a text; `None` if the file does not exist. Its folder
    /// must exist: a missing folder means that its disk is missing.
    pub(crate) fn read<T>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<Option<T>, KeptFileError> {
        let text = match fs::read(&self.path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| self.damaged("it is not UTF-8"))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder_of(&self.path).is_dir() => return Ok(None),
            Err(source) => return Err(self.io(source)),
        };
        parse(&text).map(Some).map_err(|what| self.damaged(what))
    }

    /// Replaces the file; on disk when this returns.
    pub(crate) fn replace(&self, _: &Locked, text: &str) -> Result<(), KeptFileError> {
        write_private(&self.path, text.as_bytes()).map_err(|source| self.io(source))
    }

    /// Waits a few seconds for another process that is changing the file.
    pub(crate) fn lock(&self) -> Result<Locked, KeptFileError> {
        let mut path = self.path.clone().into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let io = |source| KeptFileError::Io { path: path.clone(), source };
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(io)?;
        if file.metadata().map_err(io)?.mode() & OTHERS != 0 {
            return Err(io(io::Error::other("others may open this lock file: set its mode to 0600")));
        }
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Locked { _file: file }),
                Err(TryLockError::Error(source)) => return Err(io(source)),
                Err(TryLockError::WouldBlock) if begun.elapsed() < limits::KEPT_LOCK_WAIT_MAX => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(io(io::Error::other("another process has held the lock for several seconds")));
                }
            }
        }
    }

    fn io(&self, source: io::Error) -> KeptFileError {
        KeptFileError::Io { path: self.path.clone(), source }
    }

    fn damaged(&self, what: &'static str) -> KeptFileError {
        KeptFileError::Damaged { path: self.path.clone(), what }
    }
}

/// The right to replace the file, until it is dropped.
pub(crate) struct Locked {
    _file: File,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn put(file: &KeptFile, text: &str) -> Result<(), KeptFileError> {
        file.replace(&file.lock()?, text)
    }

    fn text(file: &KeptFile) -> Result<Option<String>, KeptFileError> {
        file.read(|text| Ok(text.to_owned()))
    }

    #[test]
    fn a_lock_on_the_folder_keeps_nobody_and_one_on_the_lock_file_only_for_seconds() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeptFile::new(folder.path().join("checkpoint"));
        let of_somebody = File::open(folder.path()).unwrap();
        of_somebody.lock().unwrap();
        put(&file, "one").unwrap();
        let path = folder.path().join("checkpoint.lock");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        let held = File::open(&path).unwrap();
        held.lock().unwrap();
        let begun = Instant::now();
        let refused = put(&file, "two");
        assert!(matches!(refused, Err(KeptFileError::Io { .. })), "{refused:?}");
        assert!(
            (limits::KEPT_LOCK_WAIT_MAX..limits::KEPT_LOCK_WAIT_MAX * 4).contains(&begun.elapsed()),
            "{:?}",
            begun.elapsed()
        );
        drop(held);
        put(&file, "two").unwrap();
        assert_eq!(text(&file).unwrap().as_deref(), Some("two"));

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = put(&file, "three").unwrap_err();
        assert!(refused.to_string().contains("others may open"), "{refused}");
    }

    #[test]
    fn a_folder_that_is_missing_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeptFile::new(folder.path().join("disk/checkpoint"));
        let put = put(&file, "one");
        assert!(matches!(put, Err(KeptFileError::Io { .. })), "{put:?}");
        assert!(matches!(text(&file), Err(KeptFileError::Io { .. })));
        assert!(!folder.path().join("disk").exists());
    }
}

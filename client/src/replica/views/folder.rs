//! The folder for the files of a replica's views. One process at a time can use it: another process creates a separate
//! one, and removes it afterwards.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// Distinguishes folders of this process.
static NEXT: AtomicU64 = AtomicU64::new(0);
/// The folder for those separate folders.
const BESIDE: &str = "views-beside";

/// A folder for views, used exclusively by its owner.
pub(super) struct ViewsFolder {
    path: PathBuf,
    /// Held for as long as the folder is used.
    lock: File,
    /// The lock's file, if the folder is deleted after use.
    beside: Option<PathBuf>,
}

impl ViewsFolder {
    /// Takes the replica's own folder, or a separate one while another process has that.
    pub(super) fn take(replica: &Path) -> io::Result<Self> {
        let lock = open(&replica.join("views.lock"))?;
        if is_taken(&lock)? {
            return Self::beside(&replica.join(BESIDE));
        }
        remove_left(&replica.join(BESIDE))?;
        Ok(Self { path: replica.join("views"), lock, beside: None })
    }

    fn beside(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        loop {
            let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let file = folder.join(format!("{name}.lock"));
            let lock = open(&file)?;
            if !is_taken(&lock)? {
                return Ok(Self { path: folder.join(name), lock, beside: Some(file) });
            }
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ViewsFolder {
    fn drop(&mut self) {
        if let Some(file) = &self.beside {
            // What remains is removed by a later process.
            drop(fs::remove_dir_all(&self.path));
            drop(fs::remove_file(file));
        }
        drop(self.lock.unlock());
    }
}

/// Removes what ended processes left behind.
fn remove_left(folder: &Path) -> io::Result<()> {
    let found = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    for item in found {
        let file = item?.path();
        if file.extension().is_some_and(|extension| extension == "lock") && !is_taken(&open(&file)?)? {
            drop(fs::remove_dir_all(file.with_extension("")));
            fs::remove_file(&file)?;
        }
    }
    Ok(())
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}

/// Takes the lock, unless another process has it; returns whether one has.
fn is_taken(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(fs::TryLockError::WouldBlock) => Ok(true),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_second_gets_a_folder_that_goes_again() {
        let replica = tempfile::tempdir().unwrap();
        let first = ViewsFolder::take(replica.path()).unwrap();
        let second = ViewsFolder::take(replica.path()).unwrap();
        assert_eq!(first.path(), replica.path().join("views"));
        assert!(second.path().starts_with(replica.path().join(BESIDE)));
        fs::create_dir_all(second.path().join("strength")).unwrap();
        let gone = second.path().to_owned();
        drop(second);
        assert!(!gone.exists());
        drop(first);

        // A process that was killed leaves its folder and its lock file, without a lock.
        let left = replica.path().join(BESIDE).join("1-0");
        fs::create_dir_all(&left).unwrap();
        fs::write(left.with_extension("lock"), "").unwrap();
        let first = ViewsFolder::take(replica.path()).unwrap();
        assert!(!left.exists() && first.beside.is_none());
    }
}

//! A file of the storage engine that is replaced by one without what was erased.
//!
//! Invariant: the name belongs at each moment to the old file or to the new one, whole. An old file is overwritten before
//! its last name goes: a storage engine leaves what it removes in free pages.

use crate::private::folder_of;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Ends a step, after which a test may stop.
macro_rules! step {
    ($file:expr) => {
        #[cfg(feature = "faults")]
        faults::step($file.folder())?;
    };
}

/// Bytes that are overwritten at once.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// The file at a path, such as `keys.redb`. While it is replaced, `keys.redb.part` is the new one, and `keys.old` the old
/// one.
#[derive(Debug, Clone)]
pub struct SwappedFile(PathBuf);

impl SwappedFile {
    /// The file at a path.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of the new file until it has the name.
    pub fn part(&self) -> PathBuf {
        let mut name = self.0.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        self.0.with_file_name(name)
    }

    fn old(&self) -> PathBuf {
        self.0.with_extension("old")
    }

    /// Ends what an interrupted replacement left behind. `may_overwrite` says why the old file has to wait.
    pub fn recover(&self, may_overwrite: impl FnOnce() -> io::Result<Option<File>>) -> io::Result<()> {
        if metadata_if_there(&self.part())?.is_some() {
            self.overwrite(&self.part())?;
        }
        let Some(old) = metadata_if_there(&self.old())? else { return Ok(()) };
        if old.ino() == fs::metadata(&self.0)?.ino() {
            // The new file never got its name: this is another name of the file in use.
            return fs::remove_file(self.old());
        }
        // Until the new name is on the disk, a power cut may bring back the old one.
        self.sync()?;
        let _lock = may_overwrite()?;
        self.overwrite(&self.old())
    }

    /// Makes the empty file that becomes the new one, for its owner alone.
    pub fn make_part(&self) -> io::Result<()> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.part())?;
        step!(self);
        Ok(())
    }

    /// Gives the new file its name; the old one keeps another until it is overwritten.
    pub fn swap(&self) -> io::Result<()> {
        step!(self);
        File::open(self.part())?.sync_all()?;
        step!(self);
        fs::hard_link(&self.0, self.old())?;
        step!(self);
        fs::rename(self.part(), &self.0)
    }

    /// Makes the new name durable, then overwrites and removes the old file.
    pub fn forget_old(&self, may_overwrite: impl FnOnce() -> io::Result<Option<File>>) -> io::Result<()> {
        step!(self);
        self.sync()?;
        let _lock = may_overwrite()?;
        self.overwrite(&self.old())
    }

    /// Overwrites the file with zeros, then removes it, with what an interrupted replacement left behind.
    pub fn remove(&self) -> io::Result<()> {
        for path in [self.part(), self.old(), self.0.clone()] {
            if metadata_if_there(&path)?.is_some() {
                self.overwrite(&path)?;
            }
        }
        Ok(())
    }

    /// Overwrites a file with zeros, then removes it.
    fn overwrite(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        let mut left = file.metadata()?.len();
        while left > 0 {
            let count = left.min(ZEROS.len() as u64);
            file.write_all(&ZEROS[..usize::try_from(count).expect("it is the smaller one")])?;
            left -= count;
            step!(self);
        }
        file.sync_all()?;
        step!(self);
        fs::remove_file(path)?;
        step!(self);
        self.sync()
    }

    fn sync(&self) -> io::Result<()> {
        File::open(self.folder())?.sync_all()
    }

    fn folder(&self) -> &Path {
        folder_of(&self.0)
    }
}

fn metadata_if_there(path: &Path) -> io::Result<Option<fs::Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replacements that stop in the middle.
#[cfg(feature = "faults")]
pub mod faults {
    use std::{
        collections::HashMap,
        io,
        path::{Path, PathBuf},
        sync::{Mutex, PoisonError},
    };

    static LEFT: Mutex<Option<HashMap<PathBuf, Left>>> = Mutex::new(None);

    /// Steps that are left in a folder, and whether one was stopped.
    #[derive(Clone, Copy)]
    struct Left {
        steps: u32,
        stopped: bool,
    }

    /// Makes every step after the first `steps` of replacements in a folder fail, as if the process had ended there.
    pub fn stop_after(folder: &Path, steps: u32) {
        let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
        left.get_or_insert_default().insert(folder.to_owned(), Left { steps, stopped: false });
    }

    /// Whether a replacement in a folder was stopped.
    pub fn is_stopped(folder: &Path) -> bool {
        let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
        left.get_or_insert_default().get(folder).is_some_and(|left| left.stopped)
    }

    /// Lets replacements in a folder go on. Returns whether one was stopped.
    pub fn go_on(folder: &Path) -> bool {
        let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
        left.get_or_insert_default().remove(folder).is_some_and(|left| left.stopped)
    }

    pub(super) fn step(folder: &Path) -> io::Result<()> {
        let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left) = left.get_or_insert_default().get_mut(folder) else { return Ok(()) };
        if left.steps == 0 {
            left.stopped = true;
            return Err(io::Error::other("stopped here"));
        }
        left.steps -= 1;
        Ok(())
    }
}

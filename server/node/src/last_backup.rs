//! The last backup that a caller took whole: when, and how far each network's log reached in it.
//!
//! It is about this server and not about a log, so it lies in a file of its own beside the log. A lost or unreadable
//! file only means that nothing is known.

use kith_core::{id::NetworkName, position::Position, timestamp::Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Name of the file in the data folder.
const FILE: &str = "last_backup.toml";

/// A backup that was taken whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackupTaken {
    /// When its last byte was sent, in milliseconds since 1970.
    at_ms: i64,
    /// The last position of each network in it.
    heads: BTreeMap<String, u64>,
}

impl BackupTaken {
    /// A backup of networks up to some positions.
    pub(crate) fn new(at: Timestamp, heads: impl Iterator<Item = (NetworkName, Position)>) -> Self {
        Self { at_ms: at.millis(), heads: heads.map(|(name, head)| (name.to_string(), head.get())).collect() }
    }

    /// When it was taken.
    pub(crate) fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.at_ms)
    }

    /// The last position of a network in it; 0 if it has none.
    pub(crate) fn head(&self, network: &NetworkName) -> u64 {
        self.heads.get(network.as_str()).copied().unwrap_or_default()
    }
}

/// The last backup of a server.
#[derive(Debug)]
pub(crate) struct LastBackup {
    path: PathBuf,
    taken: Mutex<Option<Arc<BackupTaken>>>,
}

impl LastBackup {
    /// The last backup that is known in a data folder.
    pub(crate) fn read(data: &Path) -> Self {
        let path = data.join(FILE);
        let taken = match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).inspect_err(|error| warn(&path, error)).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                warn(&path, &error);
                None
            }
        };
        Self { path, taken: Mutex::new(taken.map(Arc::new)) }
    }

    /// The last backup, if one is known.
    pub(crate) fn get(&self) -> Option<Arc<BackupTaken>> {
        self.lock().clone()
    }

    /// Remembers a backup. Blocks on the disk.
    pub(crate) fn set(&self, taken: BackupTaken) {
        let text = toml::to_string(&taken).expect("names and numbers can be written");
        *self.lock() = Some(Arc::new(taken));
        if let Err(error) = self.write(&text) {
            warn(&self.path, &error);
        }
    }

    /// Replaces the file whole.
    fn write(&self, text: &str) -> io::Result<()> {
        let folder = self.path.parent().expect("it lies in the data folder");
        let mut part = tempfile::NamedTempFile::new_in(folder)?;
        io::Write::write_all(&mut part, text.as_bytes())?;
        part.persist(&self.path)?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<BackupTaken>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn warn(path: &Path, error: &(dyn std::error::Error + 'static)) {
    tracing::warn!(path = %path.display(), error, "the time of the last backup could not be read or kept");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let last = LastBackup::read(folder.path());
        assert_eq!(last.get(), None);
        let (north, south): (NetworkName, NetworkName) = ("north".parse().unwrap(), "south".parse().unwrap());
        let taken = BackupTaken::new(Timestamp::from_millis(7), [(north.clone(), Position::new(3))].into_iter());
        last.set(taken.clone());
        for last in [last, LastBackup::read(folder.path())] {
            let known = last.get().unwrap();
            assert_eq!((&*known, known.at().millis()), (&taken, 7));
            assert_eq!((known.head(&north), known.head(&south)), (3, 0));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_file_that_says_nothing_is_no_backup() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "at_ms = 'x'", "\u{0}", "at_ms = 1\n[heads]\nnorth = -1"] {
            fs::write(folder.path().join(FILE), text).unwrap();
            assert_eq!(LastBackup::read(folder.path()).get(), None, "{text}");
        }
    }
}

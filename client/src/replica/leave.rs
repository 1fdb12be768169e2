//! Leaving a network: deletes a replica from the disk.
//!
//! Invariant: events that were recorded here and not sent are deleted only on request, and the files themselves are
//! removed, not just their contents: a deleted row's bytes would stay behind. The keys of its words are overwritten first.

use super::{Inner, Outbox, Replica, error::StoreError, keyring::remove_keys, limits, turns};
use kith_core::counted::counted;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

/// Why a replica was not removed.
#[derive(Debug, thiserror::Error)]
pub enum LeaveError {
    /// Events of this device are not in the log: send them, or ask for them to be deleted.
    #[error(
        "{} waiting to be sent and {} refused: nothing was removed",
        counted(*pending, "event is", "events are"), counted(*refused, "was", "were")
    )]
    Unsent {
        /// Events that are waiting to be sent.
        pending: u64,
        /// Events that the server refused.
        refused: u64,
    },
    /// A clone of it, a sync or a view still exists.
    #[error("the replica is still in use in this process: nothing was removed")]
    InUse,
    /// The file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Files could not be removed; another attempt continues from there.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// What is left of a replica.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Left {
    /// Evidence of a changed log; it contains signed checkpoints only, no entries.
    pub evidence: Option<PathBuf>,
}

impl Replica {
    /// Removes the replica: its entries, details, outbox, key and views. Refuses while events of this device are not in
    /// the log, unless `outbox` says that they are to be deleted, too. Evidence of a changed log stays.
    pub fn leave(self, outbox: Outbox) -> Result<Left, LeaveError> {
        let (pending, refused) = self.0.outbox_counts()?;
        match outbox {
            Outbox::Keep if pending + refused > 0 => return Err(LeaveError::Unsent { pending, refused }),
            Outbox::Keep | Outbox::Discard => {}
        }
        let Inner { folder, store, .. } = alone(self.0).ok_or(LeaveError::InUse)?;
        // Closes the file.
        drop(store);
        let Some(folder) = folder else { return Ok(Left::default()) };
        remove(&folder.join("replica.redb"), |path| fs::remove_file(path))?;
        remove(&folder.join("keys"), |_| remove_keys(&folder))?;
        for name in [turns::TURN, turns::CHANGED, "views.lock"] {
            remove(&folder.join(name), |path| fs::remove_file(path))?;
        }
        for derived in ["views", "views-beside", "cache"] {
            remove(&folder.join(derived), |path| fs::remove_dir_all(path))?;
        }
        let evidence = folder.join("evidence");
        if evidence.exists() {
            return Ok(Left { evidence: Some(evidence) });
        }
        // The folder stays if it contains anything else.
        drop(fs::remove_dir(&folder));
        Ok(Left::default())
    }
}

/// The replica itself, if nothing else in this process uses it. The thread that gives other processes their turn holds
/// it for brief moments.
fn alone(mut inner: Arc<Inner>) -> Option<Inner> {
    for _ in 0..limits::ALONE_ATTEMPTS_MAX {
        match Arc::try_unwrap(inner) {
            Ok(inner) => return Some(inner),
            Err(shared) => inner = shared,
        }
        thread::sleep(Duration::from_millis(1));
    }
    None
}

fn remove(path: &Path, remove: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), LeaveError> {
    match remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(LeaveError::Io { path: path.to_owned(), source: error })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

//! Free space on the log's disk. The log stops growing while some space is left, so that no commit fails on a full
//! disk, and so that revocations and changes that free space can still be written.
//!
//! Invariant: once there is room again the next request is accepted, without a restart.

use crate::config::Config;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a disk that had room is not checked again. Far less than any reserve is written in that time.
const LOOK_AFTER: Duration = Duration::from_millis(100);

/// Checks how much of the log's disk is free.
#[derive(Debug, Default)]
pub(crate) struct Space {
    /// `None` for the caller's storage, which always has room.
    disk: Option<Disk>,
}

#[derive(Debug)]
struct Disk {
    folder: PathBuf,
    reserve_bytes: u64,
    reserve_per_cent: u8,
    last: Mutex<Option<Look>>,
}

/// The result of a check.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    has_room: bool,
}

/// Bytes of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bytes {
    total: u64,
    /// Bytes that this account may still use.
    free: u64,
}

/// Bytes of the disk that the log lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// Bytes that this account may still use.
    pub free: u64,
    /// Bytes of them that must stay free for the log to accept events.
    pub reserve: u64,
}

impl Space {
    /// The disk of a data folder.
    pub(crate) fn of(config: &Config) -> Self {
        let Config { data, disk_reserve_bytes, disk_reserve_per_cent, .. } = config;
        let (reserve_bytes, reserve_per_cent) = (*disk_reserve_bytes, *disk_reserve_per_cent);
        Self { disk: Some(Disk { folder: data.clone(), reserve_bytes, reserve_per_cent, last: Mutex::default() }) }
    }

    /// Whether the log may grow.
    pub(crate) fn has_room(&self) -> bool {
        self.disk.as_ref().is_none_or(Disk::has_room)
    }

    /// What is left of the disk; `None` if the system does not say.
    pub(crate) fn left(&self) -> Option<DiskSpace> {
        let disk = self.disk.as_ref()?;
        let bytes = read(&disk.folder).ok()?;
        Some(DiskSpace { free: bytes.free, reserve: disk.reserve(bytes) })
    }
}

impl Disk {
    fn has_room(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|look| look.has_room && look.at.elapsed() < LOOK_AFTER) {
            return true;
        }
        let before = last.is_none_or(|look| look.has_room);
        let has_room = self.look(before);
        *last = Some(Look { at: Instant::now(), has_room });
        has_room
    }

    /// Checks the disk, and logs a change. If its free space is unknown, assumes that there is room: a commit will find
    /// out.
    fn look(&self, before: bool) -> bool {
        let bytes = match read(&self.folder) {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::debug!(folder = %self.folder.display(), %error, "the free space of the disk is unknown");
                return true;
            }
        };
        let (free, reserve) = (bytes.free, self.reserve(bytes));
        match (before, free >= reserve) {
            (true, false) => tracing::error!(free, reserve, "the log's disk is almost full: it accepts no events"),
            (false, true) => tracing::warn!(free, reserve, "the log's disk has room again: it accepts events"),
            (true, true) | (false, false) => {}
        }
        free >= reserve
    }

    /// What must stay free.
    fn reserve(&self, bytes: Bytes) -> u64 {
        self.reserve_bytes.max(bytes.total / 100 * u64::from(self.reserve_per_cent))
    }
}

fn read(folder: &Path) -> io::Result<Bytes> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(Bytes { total: disk.f_blocks.saturating_mul(disk.f_frsize), free: disk.f_bavail.saturating_mul(disk.f_frsize) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_reserve_counts() {
        let disk = |reserve_bytes, reserve_per_cent| Disk {
            folder: "/".into(),
            reserve_bytes,
            reserve_per_cent,
            last: Mutex::default(),
        };
        let bytes = Bytes { total: 10_000, free: 0 };
        assert_eq!(disk(400, 5).reserve(bytes), 500);
        assert_eq!(disk(600, 5).reserve(bytes), 600);
        assert_eq!(disk(0, 0).reserve(bytes), 0);
    }

    #[test]
    fn a_disk_is_read_and_one_that_tells_nothing_has_room() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = read(folder.path()).unwrap();
        assert!(0 < bytes.free && bytes.free <= bytes.total, "{bytes:?}");
        let space = |data: &Path, disk_reserve_bytes| {
            Space::of(&Config { data: data.to_owned(), disk_reserve_bytes, ..Config::default() })
        };
        assert!(!space(folder.path(), u64::MAX).has_room());
        let left = space(folder.path(), u64::MAX).left().unwrap();
        assert!(left.free > 0 && left.reserve == u64::MAX, "{left:?}");
        assert_eq!(space(&folder.path().join("nothing"), 1).left(), None);
        assert!(space(&folder.path().join("nothing"), u64::MAX).has_room());
        assert!(Space::default().has_room());
    }
}

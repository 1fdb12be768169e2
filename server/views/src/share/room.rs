//! Whether a view's file may grow: views stop growing before the log's disk is full, and each has a budget.
//!
//! Lack of room says nothing about a plugin: a view waits, tries again by itself, and gets the same rows.

use crate::limits;
use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

/// The disk space that views may use. Not part of a view's identity: it only affects when work is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Bytes of a view's file that are always allowed.
    pub view_bytes: u64,
    /// The file of the log: a view's file may be four times as large.
    pub log: Option<PathBuf>,
    /// Bytes of the disk that views leave free.
    pub free_bytes: u64,
    /// Per cent of the disk that views leave free, if that is more.
    pub free_per_cent: u8,
}

/// No limit: a server's limits are in its configuration.
impl Default for Room {
    fn default() -> Self {
        Self { view_bytes: u64::MAX, log: None, free_bytes: 0, free_per_cent: 0 }
    }
}

/// Why a view's file must not grow now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// The disk is too full.
    #[error("waits for room: {} are free on the views' disk, and views leave {} free", Mebibytes(*free), Mebibytes(*left))]
    Disk {
        /// Free bytes.
        free: u64,
        /// Bytes that views leave free.
        left: u64,
    },
    /// The view's file is too large.
    #[error(
        "waits for room: the view's file has {}, and may have {}: the larger of `views.file_bytes_max` and {} times the log",
        Mebibytes(*found), Mebibytes(*allowed), limits::VIEW_FILE_LOG_FACTOR
    )]
    View {
        /// Bytes of the file.
        found: u64,
        /// Bytes that the file may have.
        allowed: u64,
    },
}

/// The disk space of one view's file.
#[derive(Debug)]
pub(crate) struct FileRoom {
    room: Room,
    file: PathBuf,
}

impl FileRoom {
    /// The path of the file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Whether the file may grow. If the system does not report its free space, it may.
    pub(crate) fn check(&self) -> Result<(), NoRoom> {
        self.room.check(&self.file)
    }
}

impl Room {
    /// The room for a view's file.
    pub(crate) fn of(self, file: PathBuf) -> FileRoom {
        FileRoom { room: self, file }
    }

    fn check(&self, file: &Path) -> Result<(), NoRoom> {
        let bytes = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        let found = bytes(file);
        let of_log = self.log.as_deref().map_or(0, bytes).saturating_mul(limits::VIEW_FILE_LOG_FACTOR);
        let allowed = self.view_bytes.max(of_log);
        if found > allowed {
            return Err(NoRoom::View { found, allowed });
        }
        match file.parent().and_then(Disk::of) {
            Some(disk) => self.check_disk(disk),
            None => Ok(()),
        }
    }

    fn check_disk(&self, Disk { total, free }: Disk) -> Result<(), NoRoom> {
        let left = self.free_bytes.max(total / 100 * u64::from(self.free_per_cent));
        if free < left { Err(NoRoom::Disk { free, left }) } else { Ok(()) }
    }
}

/// Sizes of a disk in bytes.
#[derive(Debug, Clone, Copy)]
struct Disk {
    total: u64,
    /// Bytes that an ordinary account can still write.
    free: u64,
}

impl Disk {
    /// The disk of a folder.
    #[cfg(unix)]
    fn of(folder: &Path) -> Option<Self> {
        let disk = rustix::fs::statvfs(folder).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Some(Self { total: bytes(disk.f_blocks), free: bytes(disk.f_bavail) })
    }

    #[cfg(not(unix))]
    fn of(_: &Path) -> Option<Self> {
        None
    }
}

struct Mebibytes(u64);

impl fmt::Display for Mebibytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB", self.0 >> 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_grow_up_to_its_own_limit_or_with_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let (view, log) = (folder.path().join("view"), folder.path().join("log"));
        fs::write(&view, [0; 100]).unwrap();
        fs::write(&log, [0; 20]).unwrap();
        let room = |view_bytes, log| Room { view_bytes, log, ..Room::default() };
        assert_eq!(room(100, None).check(&view), Ok(()));
        assert_eq!(room(99, None).check(&view), Err(NoRoom::View { found: 100, allowed: 99 }));
        assert_eq!(room(1, Some(log.clone())).check(&view), Err(NoRoom::View { found: 100, allowed: 80 }));
        fs::write(&log, [0; 25]).unwrap();
        assert_eq!(room(1, Some(log)).check(&view), Ok(()), "the log has grown");
    }

    #[test]
    fn the_larger_reserve_counts() {
        let room = Room { free_bytes: 400, free_per_cent: 10, ..Room::default() };
        let check = |total, free| room.check_disk(Disk { total, free });
        assert_eq!(check(1_000, 400), Ok(()));
        assert_eq!(check(1_000, 399), Err(NoRoom::Disk { free: 399, left: 400 }));
        assert_eq!(check(10_000, 999), Err(NoRoom::Disk { free: 999, left: 1_000 }));
    }

    #[test]
    fn a_full_disk_is_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let room = Room { free_bytes: u64::MAX, ..Room::default() };
        assert!(matches!(room.check(&folder.path().join("view")), Err(NoRoom::Disk { left: u64::MAX, .. })));
    }
}

//! Every limit of the log that no configuration changes, in one place.

use std::time::Duration;

/// When to append again after the queue was full: a few commits later.
pub(crate) const BUSY_RETRY: Duration = Duration::from_millis(50);
/// The longest that a batch waits for callers who were just answered to come again.
pub(crate) const LINGER_MAX: Duration = Duration::from_micros(500);
/// Entries of which it is found out at once whether they have details.
pub(crate) const WEIGHED_ENTRIES_AT_ONCE: usize = 64;
/// Bytes of one piece of a component; rows of the storage engine are not made for tens of megabytes. How large a stored
/// component is follows from it.
pub const COMPONENT_PIECE_BYTES_MAX: usize = 256 * 1024;
/// Bytes of pages that redb may cache of the key file.
pub const KEYS_PAGES_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long a change of the file of checkpoints waits for another one.
pub(crate) const CHECKPOINT_LOCK_WAIT_MAX: Duration = Duration::from_secs(3);
/// Bytes after which a frame of a backup is closed.
pub(crate) const BACKUP_FRAME_BYTES: usize = 64 * 1024;
/// Bytes of the largest frame of a backup that is read: a frame is closed after the row that fills it.
pub(crate) const BACKUP_FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of rows that one commit stores while a log is restored.
pub(crate) const RESTORE_COMMIT_BYTES: u64 = 32 * 1024 * 1024;
/// Entries that a check reads at a time.
pub(crate) const CHECK_ENTRIES_AT_ONCE: usize = 4_096;
/// Problems that a check lists; further ones are only counted.
pub(crate) const CHECK_PROBLEMS_MAX: usize = 1_000;

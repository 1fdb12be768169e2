//! Every limit of the log that cannot be configured.

use std::time::Duration;

/// How long to wait before appending again after the queue was full: a few commits.
pub(crate) const BUSY_RETRY: Duration = Duration::from_millis(50);
/// Entries that are looked up together to see whether they have details.
pub(crate) const WEIGHED_ENTRIES_AT_ONCE: usize = 64;
/// Bytes of one piece of a component; the storage engine is not made for rows of tens of megabytes. The size of a
/// stored component is computed from it.
pub const COMPONENT_PIECE_BYTES_MAX: usize = 256 * 1024;
/// How long a change of the file of checkpoints, or of that of erasures, waits for another change.
pub(crate) const KEPT_LOCK_WAIT_MAX: Duration = Duration::from_secs(3);
/// Bytes after which a frame of a backup is closed.
pub(crate) const BACKUP_FRAME_BYTES: usize = 64 * 1024;
/// Bytes of the largest frame that is accepted when a backup is read: a frame is closed after the row that fills it.
pub(crate) const BACKUP_FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of rows that one commit stores while a log is restored.
pub(crate) const RESTORE_COMMIT_BYTES: u64 = 32 * 1024 * 1024;
/// Entries that a check reads at a time.
pub(crate) const CHECK_ENTRIES_AT_ONCE: usize = 4_096;
/// Problems that a check lists; further ones are only counted.
pub(crate) const CHECK_PROBLEMS_MAX: usize = 1_000;
/// Rows of details that one commit of an erasure rewrites.
pub(crate) const ERASED_ROWS_AT_ONCE: usize = 4_096;
/// How long an erasure that failed waits before it goes on: twice as long each time.
pub(crate) const ERASE_RETRY_MIN: Duration = Duration::from_secs(1);
/// The longest such wait.
pub(crate) const ERASE_RETRY_MAX: Duration = Duration::from_mins(1);
/// How many times as long as it worked the eraser rests before it erases again.
pub(crate) const ERASE_REST_TIMES: u32 = 9;
/// Replicas of which something may wait to be kept; beyond it, what is heard of others is passed over until then.
pub(crate) const REPLICAS_WAITING_MAX: usize = 4_096;
/// Replicas of one principal in a network: the one that was not heard of for longest makes room.
pub(crate) const REPLICAS_OF_PRINCIPAL_MAX: usize = 64;
/// Dead letters of one webhook that are kept: the oldest makes room.
pub const DEAD_LETTERS_MAX: usize = 10_000;
/// Replicas of one network: likewise.
pub(crate) const REPLICAS_OF_NETWORK_MAX: usize = 10_000;

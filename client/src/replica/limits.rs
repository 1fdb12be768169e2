//! All limits of a replica.

use std::time::Duration;

/// Bytes of memory for cached pages of the file.
pub(super) const CACHE_BYTES: usize = 16 * 1024 * 1024;
/// How long to wait for another process that has the file.
pub(super) const FILE_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long the file is left to a waiting process.
pub(super) const PASS_WAIT_MAX: Duration = Duration::from_millis(500);
/// How often to check, a millisecond apart, whether nothing else in this process uses the replica.
pub(super) const ALONE_ATTEMPTS_MAX: u32 = 300;
/// Longest delay between attempts to reach a server that does not answer.
pub(super) const RETRY_DELAY_MAX: Duration = Duration::from_secs(30);
/// How often one sync starts again after the log or the token turned out to have changed.
pub(super) const SYNC_ROUNDS_MAX: usize = 3;
/// Bytes of entries that are fetched before they are verified against a checkpoint.
pub(super) const PART_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Events read from the outbox at once.
pub(super) const QUEUED_EVENTS_AT_ONCE: usize = 4_000;
/// How many happenings a slow listener may lag behind before it misses some.
pub(super) const EVENTS_KEPT: usize = 1_024;
/// Entries hashed at once by a check.
pub(super) const CHECKED_ENTRIES_AT_ONCE: u64 = 4_096;
/// Rows of words sealed anew at once.
pub(super) const RESEALED_AT_ONCE: usize = 1_024;

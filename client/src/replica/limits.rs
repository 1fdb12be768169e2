//! Every limit of a replica, in one place.

use std::time::Duration;

/// Bytes of memory for pages of the file.
pub(super) const CACHE_BYTES: usize = 16 * 1024 * 1024;
/// How long another process that has the file is waited for.
pub(super) const FILE_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long the file is left alone for the one who waits.
pub(super) const PASS_WAIT_MAX: Duration = Duration::from_millis(500);
/// How often it is looked, a millisecond apart, whether nobody else has the replica.
pub(super) const ALONE_ATTEMPTS_MAX: u32 = 300;
/// Longest delay between attempts to reach a server that does not answer.
pub(super) const RETRY_DELAY_MAX: Duration = Duration::from_secs(30);
/// How often one sync begins anew, after the log or the token turned out to be another one.
pub(super) const SYNC_ROUNDS_MAX: usize = 3;
/// Bytes of entries that are fetched before a checkpoint is asked to vouch for them.
pub(super) const PART_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Events read from the outbox at once.
pub(super) const QUEUED_EVENTS_AT_ONCE: usize = 4_000;
/// Events of a replica that a slow listener may be behind before it misses some.
pub(super) const EVENTS_KEPT: usize = 1_024;
/// Entries hashed at once by a check.
pub(super) const CHECKED_ENTRIES_AT_ONCE: u64 = 4_096;

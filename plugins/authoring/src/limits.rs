//! Every limit of trying a plugin on a log, in one place.

/// Entries of a log that are read at once.
pub(crate) const READ_ENTRIES_MAX: usize = 10_000;
/// Bytes of entries that are read at once.
pub(crate) const READ_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Pairs of people who share contacts and were never in contact themselves, by which a report is judged: each takes about
/// 50 bytes.
pub(crate) const STRANGERS_MAX: usize = 10_000_000;

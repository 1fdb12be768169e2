//! Every limit of reading logs to try a plugin, in one place.

/// Entries of a log that are read at once.
pub(crate) const READ_ENTRIES_MAX: usize = 10_000;
/// Bytes of entries that are read at once.
pub(crate) const READ_BYTES_MAX: usize = 16 * 1024 * 1024;

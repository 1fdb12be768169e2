//! Every limit of keys and sealed words.

/// Keys of people that are kept in memory, for all networks together.
pub(crate) const CACHED_KEYS_MAX: usize = 65_536;

/// Bytes that redb may use to cache pages of the key file.
pub const KEYS_PAGES_BYTES_MAX: usize = 8 * 1024 * 1024;

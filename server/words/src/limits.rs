//! Every limit of keys and sealed words.

/// Keys of people that are kept in memory, for all networks together.
pub(crate) const CACHED_KEYS_MAX: usize = 65_536;

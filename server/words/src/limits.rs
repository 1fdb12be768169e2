//! Every limit of keys and sealed words, in one place.

/// Keys of people that are held in memory, of all networks together.
pub(crate) const CACHED_KEYS_MAX: usize = 65_536;

//! What readers see: the newest entries in memory, snapshots of the file, tokens.

pub(crate) mod clock_watch;
pub(crate) mod health;
pub(crate) mod live;
pub(crate) mod member;
pub(crate) mod snapshot;
pub(crate) mod token;

//! Many events from elsewhere: lines and lists read, events made of them, recorded, and what became of each.

pub(crate) mod edges;
pub(crate) mod record;
pub(crate) mod tally;
pub(crate) mod upload;

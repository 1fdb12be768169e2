//! Many events on their way to the log: recorded in batches, and what became of each.

pub(crate) mod tally;
pub(crate) mod upload;

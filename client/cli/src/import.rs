//! Importing many events: recording them in batches, counting the outcomes, or showing what would be recorded.

pub(crate) mod preview;
mod refusals;
pub(crate) mod tally;
pub(crate) mod upload;

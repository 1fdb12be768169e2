//! Importing many events: recording them in batches, and counting the outcomes.

pub(crate) mod tally;
pub(crate) mod upload;

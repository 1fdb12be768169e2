//! Importing many events: recording them in batches, counting the outcomes, or showing what would be recorded.

pub(crate) mod consent;
pub(crate) mod contacts;
pub(crate) mod occasions;
pub(crate) mod people;
pub(crate) mod preview;
pub(crate) mod refusals;
pub(crate) mod tally;
pub(crate) mod upload;

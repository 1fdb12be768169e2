//! What is given: files, and dates as people write them.

pub(crate) mod dates;
pub(crate) mod files;

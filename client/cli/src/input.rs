//! What is given: files, and dates as they are typed.

pub(crate) mod dates;
pub(crate) mod files;

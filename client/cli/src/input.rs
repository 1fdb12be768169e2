//! Input: files, and dates as typed.

pub(crate) mod dates;
pub(crate) mod files;

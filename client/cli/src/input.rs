//! Input: files, and dates and roles as typed.

pub(crate) mod dates;
pub(crate) mod files;
pub(crate) mod role;

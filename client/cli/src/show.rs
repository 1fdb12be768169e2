//! Output: JSON for programs; tables, sentences and remarks for people.

pub(crate) mod amounts;
pub(crate) mod destination;
pub(crate) mod log_clock;
pub(crate) mod output;
pub(crate) mod people;
pub(crate) mod rows;
pub(crate) mod sentences;

//! Events made of lines and lists from elsewhere, by whatever program imports them.
//!
//! A line of JSON is an event ([`read_record`]). A list of contacts is read into rows, rows become contacts, and
//! contacts events ([`edges`]). What cannot be made an event is a [`Refusal`], and the rest goes on.
//!
//! Invariant: everything but what is random by its name is a function of what was read, so that importing it twice gives
//! the same events. Nothing here reads files, sends or prints.

pub mod edges;
mod record;
mod refusal;

pub use record::{Random, read_record};
pub use refusal::Refusal;

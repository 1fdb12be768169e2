//! Turns lines and lists from other sources into events, for any importing program.
//!
//! A line of JSON is an event ([`read_record`]). A list of contacts is read into rows, rows become contacts, and
//! contacts become events ([`edges`]). Cards and tables of people are matched with the people of a network, and what is
//! new of them becomes events ([`contacts`]). What cannot become an event is a [`Refusal`], and the rest continues.
//!
//! Invariant: everything except what is named random is a function of the input, so importing it twice yields the same
//! events. Nothing here reads files, sends or prints.

pub mod contacts;
pub mod edges;
mod limits;
pub mod names;
mod record;
mod refusal;
mod spot;

pub use limits::CONTACTS_FILE_BYTES_MAX;
pub use record::{Random, read_record};
pub use refusal::Refusal;
pub use spot::{File, Spot};

//! Turns lines and lists from other sources into events, for any importing program.
//!
//! A line of JSON is an event ([`read_record`]). A list of contacts is read into rows, rows become contacts, and
//! contacts become events ([`edges`]). Cards and tables of people are matched with the people of a network, and what is
//! new of them becomes events ([`contacts`]). Meetings of calendars and mails of mailboxes ([`calendar`], [`mail`]) are
//! compared with what a log says of them, and recorded or corrected ([`occasions`]). What cannot become an event is a
//! [`Refusal`], and the rest continues.
//!
//! Invariant: everything except what is named random is a function of the input, so importing it twice yields the same
//! events. Nothing here reads files, sends or prints.

pub mod addresses;
pub mod calendar;
mod cells;
pub mod contacts;
pub mod edges;
mod limits;
mod lines;
pub mod mail;
pub mod names;
pub mod occasions;
mod record;
mod refusal;
mod spot;
mod words;

pub use limits::{CALENDAR_FILE_BYTES_MAX, CONTACTS_FILE_BYTES_MAX, MEETING_PEOPLE_DEFAULT};
pub use record::{Random, read_record};
pub use refusal::Refusal;
pub use spot::{File, Spot};

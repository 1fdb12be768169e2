//! Turns calendars (iCalendar, RFC 5545) into meetings of people of a network.
//!
//! A file is divided into events and zones (`components`), events are read one by one (`event`, `moment`), those with
//! one UID become the instances of a series (`series`), and instances that took place become occasions (`meetings`).
//!
//! Invariant: a broken event is refused alone; only people of the network are named, by their e-mail addresses.

mod components;
mod event;
mod meetings;
mod moment;
mod series;

pub use components::NotCalendar;
pub use meetings::{Meetings, Passed, Settings, read_meetings};
pub use moment::Zone;

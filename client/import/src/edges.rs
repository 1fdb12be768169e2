//! Turns lists of contacts from other sources, such as face-to-face lists and message lists, into events.
//!
//! Rows become contacts (`join`, `group`), contacts become events (`plan`). Everything is a function of the files and
//! the flags, so importing a file twice yields the same events.

mod columns;
mod contacts;
mod plan;
mod rows;

pub use columns::{ContactColumn, PersonColumn, parse_contact_columns, parse_people_columns};
pub use contacts::{Contact, group, join, single};
pub use plan::{EdgeHabit, People, Plan, Source, changed, differing, new_organisations, newcomers};
pub use rows::{Clock, Layout, Listed, Member, Row, parse_members, parse_rows};

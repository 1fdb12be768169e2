//! Lists of contacts from elsewhere: face-to-face lists and message lists, made into events.
//!
//! Rows become contacts (`join`, `group`), contacts become events (`plan`). Everything is a function of the files and
//! the flags, so that importing a file twice gives the same events.

mod columns;
mod contacts;
mod plan;
mod rows;

pub use columns::{ContactColumn, PersonColumn, parse_contact_columns, parse_people_columns};
pub use contacts::{Contact, group, join, single};
pub use plan::{EdgeHabit, People, Plan, Source, changed, differing, new_organisations, newcomers};
pub use rows::{Clock, Layout, Listed, Member, Row, parse_members, parse_rows};

//! Turns lists of contacts from other sources, such as face-to-face lists and message lists, into events.
//!
//! A list is divided into cells (`table`), rows become contacts (`join`, `group`), contacts become events (`plan`).
//! Everything is a function of the files and the flags, so importing a file twice yields the same events.

mod cell;
mod columns;
mod contacts;
mod matrix;
mod members;
mod not_list;
mod plan;
mod rows;
mod table;

pub use columns::{Columns, ContactColumn, PersonColumn, parse_contact_columns, parse_people_columns};
pub use contacts::{Contact, Messages, group, join, single};
pub use members::{Member, Members, parse_members};
pub use not_list::NotList;
pub use plan::{
    EdgeHabit, LoneOrganisations, People, Plan, Source, changed, differing, lone_organisations, new_organisations,
    newcomers,
};
pub use rows::{Clock, Listed, Row, parse_rows};
pub use table::{Heading, Layout, Separator};

//! Turns cards and tables of people, as phones and services export them, into people of a network.
//!
//! A file is text (`encoding`), a list of cards or a table (`format`), and its records become [`Card`]s (`vcard`,
//! `table`). They are matched with the people of a network by what tells people apart ([`Key`], `matching`), somebody
//! decides what stays open (`decisions`), and the rest becomes events (`plan`).
//!
//! Invariant: who is whom is decided by keys and by people, never by a name alone; nothing that is known of a person is
//! taken away; ids of people are random, because one made of words could be guessed.

mod card;
mod columns;
mod date;
mod decisions;
mod directory;
mod encoding;
mod format;
mod keys;
mod matching;
mod plan;
mod quoted;
mod roles;
mod table;
mod taken;
mod vcard;

pub use card::{Card, Omitted};
pub use columns::{ColumnMap, parse_column_map};
pub use date::DateOrder;
pub(crate) use date::MONTHS;
pub use decisions::{Decided, Decision, Decisions, NotDecisions, review};
pub use directory::{Directory, Known};
pub use encoding::{Decoded, NotEncoding, decode};
pub use format::{Contacts, Format, NotContacts, Reading, read_contacts};
pub(crate) use keys::email_key;
pub use keys::{Country, Key};
pub use matching::{Candidate, Match, Verdict, match_cards};
pub use plan::{Connections, Counts, Plan, Planned, Settings, Step, StepKind, Tally, plan};
pub use roles::{NotRoles, Roles};
pub use taken::{Extra, Sort};

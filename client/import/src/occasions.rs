//! What happened at some time, as calendars and mailboxes say: meetings and mails, each with an identifier of its source.
//!
//! An occasion is recorded under an id that follows from its identifier, the log and a revision (`identity`), and
//! compared with what the log says under those ids (`known`). What is new is recorded, what has changed is withdrawn and
//! recorded again as the next revision, and what did not take place is withdrawn (`plan`).
//!
//! Invariant: nobody else's entries, and none that somebody withdrew by hand, are touched: they are listed. An id gives
//! nothing away: identifiers of sources are hashed with the log's own name.

mod identity;
mod known;
mod occasion;
mod plan;
mod review;

pub use identity::{Log, OccasionKey};
pub use known::KnownOccasions;
pub use occasion::{Content, Occasion, State};
pub use plan::{Open, Plan, Record, Withdrawal, plan};
pub use review::review;

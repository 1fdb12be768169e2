//! Importing what happened from calendars and mailboxes: what a network says already, what would change, and recording it.

pub(crate) mod network;
pub(crate) mod preview;
pub(crate) mod sending;

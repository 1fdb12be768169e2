//! Importing people: what is known of the network, what would be recorded, and recording it.

pub(crate) mod network;
pub(crate) mod preview;
pub(crate) mod sending;

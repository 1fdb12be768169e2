//! A view's file: its tables, their encoding, and what the follower starts with. All of it is a cache of the log.

pub(crate) mod people;
pub(crate) mod place;
pub(crate) mod row;
pub(crate) mod store;
pub(crate) mod tables;
pub(crate) mod zones;

//! A view's file: its tables, the bytes in them, and what the follower begins with. All of it is a cache of the log.

pub(crate) mod people;
pub(crate) mod place;
pub(crate) mod row;
pub(crate) mod store;
pub(crate) mod tables;

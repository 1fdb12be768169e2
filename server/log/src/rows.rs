//! The rows of `log.redb`: tables, their keys and values, and their encoding in backups.

pub(crate) mod chunk;
pub(crate) mod column;
pub(crate) mod components;
pub(crate) mod erased;
pub(crate) mod ids;
pub(crate) mod outline;
pub(crate) mod row;
pub(crate) mod tables;
pub(crate) mod tree_rows;
pub(crate) mod version;

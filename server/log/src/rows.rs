//! What the rows of `log.redb` say: tables, their keys and values, and how backups spell them.

pub(crate) mod chunk;
pub(crate) mod column;
pub(crate) mod components;
pub(crate) mod ids;
pub(crate) mod outline;
pub(crate) mod row;
pub(crate) mod tables;
pub(crate) mod tree_rows;
pub(crate) mod version;

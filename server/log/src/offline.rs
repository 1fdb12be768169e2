//! What is done to a log that no server has open. Backups are also made while one has.

pub(crate) mod accept_rollback;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod judge;

//! Operations on a log that no server has open. Backups are also made of a running log.

pub(crate) mod accept_rollback;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod judge;
pub(crate) mod rewrite;
pub(crate) mod rotate;

//! Signing: checkpoints, the file that keeps them, and the comparison of logs with it.

pub(crate) mod checkpoint_file;
pub(crate) mod checkpoints;
pub(crate) mod judge;

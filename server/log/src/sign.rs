//! What was promised: checkpoints, the file that keeps them, and logs held to it.

pub(crate) mod checkpoint_file;
pub(crate) mod checkpoints;
pub(crate) mod judge;

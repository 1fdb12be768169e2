//! A view that follows a log: its inputs, the follower, which is the only writer of its file, its thread, and the
//! handle for everybody else.

pub(crate) mod condition;
pub(crate) mod follower;
pub(crate) mod following;
pub(crate) mod handle;
pub(crate) mod shared;
pub(crate) mod status;
pub(crate) mod thread;

//! A view that follows a log: what it is followed with, the follower that is the one writer of its file, its thread, and
//! the handle that everybody else has.

pub(crate) mod condition;
pub(crate) mod follower;
pub(crate) mod following;
pub(crate) mod handle;
pub(crate) mod shared;
pub(crate) mod status;
mod thread;

//! Plugins as their authors work on them: the folder, the compilers, and folding a log here, without a server.
//!
//! Invariant: nothing here reads the command line or prints.

pub mod compiler;
pub mod evaluate;
mod failure;
pub mod host;
mod limits;
pub mod log;
pub mod project;
pub mod scaffold;

pub use failure::Failure;

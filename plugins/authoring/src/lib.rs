//! Tools for plugin authors: the plugin's folder, the compilers, and folding a log locally, without a server.
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

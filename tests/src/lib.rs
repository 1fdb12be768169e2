//! The harness: real servers and the real command line, driven from tests.
//!
//! Nothing here replaces a part of the system; every process ends with the value that owns it.

pub mod certificates;
pub mod cli;
pub mod datasets;
pub mod events;
pub mod figures;
pub mod heard;
pub mod hostile;
pub mod http;
pub mod node;
pub mod process;
pub mod programs;
pub mod proxy;
pub mod python;
pub mod ran;
pub mod random;
pub mod raw;
pub mod server;
pub mod story;
pub mod worlds;

//! Logs at hand, which can be folded here.

mod chance;
pub mod sample;
pub mod spool;

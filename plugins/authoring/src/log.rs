//! Local logs, which can be folded here.

mod chance;
pub(crate) mod sample;
pub mod spool;

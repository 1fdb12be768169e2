//! Plugins in a sandbox: whether a component may run, its code, and calls within their limits. Everything that comes
//! from a plugin is checked before it leaves this module.

pub(crate) mod abi;
pub(crate) mod cache;
mod call_clock;
pub(crate) mod compile;
pub(crate) mod engine;
mod functions;
pub(crate) mod known;
pub(crate) mod packs;
pub(crate) mod refused;
pub(crate) mod runner;
pub(crate) mod sandbox;
pub(crate) mod shape;

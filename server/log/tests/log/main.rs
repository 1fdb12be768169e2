//! The log through its public API, each test in a folder of its own.

#[path = "../support/mod.rs"]
mod support;

mod append;
mod backup;
mod check;
mod checkpoints;
mod components;
mod details;
mod erasure;
mod flips;
mod members;
mod open;
mod proofs;
mod queue;
mod rollback;
mod select;
mod space;
mod tokens;

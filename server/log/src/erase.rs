//! Erasing: from the entry that asks for it to the entry that says that nothing is left.
//!
//! Invariant: `erasure_completed` is recorded only once the keys of the person are destroyed and no row has a detail about
//! them; each step can be repeated, so that an erasure that was interrupted goes on from wherever it stopped.

pub(crate) mod again;
pub(crate) mod eraser;
mod steps;

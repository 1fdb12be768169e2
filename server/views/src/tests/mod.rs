//! The laws of views, on real components and logs in memory.

mod check;
mod corrections;
mod costs;
mod harness;
mod laws;
mod life;
mod quarantine;
mod questions;
mod refusals;
mod shapes;

//! The laws of views, with real components and in-memory logs.

mod check;
mod corrections;
mod costs;
mod days;
mod harness;
mod laws;
mod life;
mod orders;
mod quarantine;
mod questions;
mod refusals;
mod runs;
mod shapes;

//! The decision: what is accepted, what is refused and why, and the laws it obeys.

mod admission;
mod conditions;
mod duplicates;
mod laws;
mod merges;
mod ownership;
mod records;
mod refusals;
mod targets;
mod world;

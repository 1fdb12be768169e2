//! Disks that fail and machines that lose power: everything acknowledged still exists afterwards, and what exists is
//! whole.

mod disk;
mod erasure;
mod examine;
mod failures;
mod power_cuts;
mod random;
#[path = "../support/mod.rs"]
mod support;
mod workload;

//! Disks that fail and machines that lose power: whatever was acknowledged is there afterwards, and what is there is
//! whole.

mod disk;
mod examine;
mod failures;
mod power_cuts;
mod random;
#[path = "../support/mod.rs"]
mod support;
mod workload;

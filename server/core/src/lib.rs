//! The vocabulary and rules of Kith, without I/O, clock or async.
//!
//! Everything that two processes must agree on bit for bit (event bytes, entry bytes, the decision, the hash tree) is
//! here and nowhere else.

#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
pub mod authority;
pub mod backup;
pub mod checkpoint;
pub mod condition;
pub mod counted;
pub mod day;
pub mod decide;
pub mod detail;
pub mod directory;
pub mod entry;
pub mod erasures;
pub mod event;
pub mod evidence;
pub mod filter;
pub mod header;
pub mod history;
pub mod id;
pub mod invalid;
pub mod json;
pub mod limits;
pub mod may;
#[cfg(any(test, feature = "arbitrary"))]
pub mod model;
pub mod packed;
pub mod plugins;
pub mod position;
pub mod prepare;
pub mod random;
pub mod reason;
pub mod text;
pub mod timestamp;
pub mod tree;
mod wire;

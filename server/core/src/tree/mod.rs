//! The hash tree of a network's log: RFC 6962 with SHA-256, leaf index = position − 1.
//!
//! Pure arithmetic over hashes: the log and a client's replica supply the stored ones ([`Nodes`]), the writer and every
//! client grow a [`Frontier`], and anybody checks a proof with two functions that need no tree. Invariant: equal
//! entries in equal order give equal roots, however they were computed.

mod frontier;
mod hash;
mod proof;
#[cfg(test)]
mod testing;
mod verify;

pub use frontier::{Frontier, FrontierInvalid, SubtreeInvalid};
pub use hash::{EMPTY_ROOT, Hash, HashInvalid, leaf_hash, node_hash};
pub use proof::{
    Nodes, ProofError, consistency_proof, frontier_at, inclusion_proof, large_subtree, range_root, root_at,
    subtree_hashes,
};
pub use verify::{ProofInvalid, verify_consistency, verify_inclusion};

/// Leaves under one stored subtree root.
pub const SUBTREE_LEAVES: u64 = 1 << SUBTREE_LEVEL;

/// Level of a stored subtree root above its leaves.
pub const SUBTREE_LEVEL: u8 = 8;

/// Leaves under one subtree root that is worth caching.
pub const LARGE_SUBTREE_LEAVES: u64 = 1 << LARGE_SUBTREE_LEVEL;

/// Level of such a cached root above its leaves.
pub const LARGE_SUBTREE_LEVEL: u8 = 16;

/// The root of a complete, aligned subtree, in place of its leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subtree {
    /// Index of its first leaf; valid only as a multiple of 2^level.
    pub start: u64,
    /// It has 2^level leaves; valid only below 64.
    pub level: u8,
    /// Its root.
    pub hash: Hash,
}

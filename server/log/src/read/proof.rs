//! Proofs from the stored hash tree.
//!
//! Invariant: root and hashes of a proof come from one snapshot, and cover only entries up to the head.

use crate::{error::ReadError, rows::tree_rows::NodesError, state::snapshot::Snapshot};
use kith_core::{
    position::Position,
    tree::{self, Hash, ProofError, Subtree},
};

/// Proof that an entry is in the tree of some size (RFC 6962, 2.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// Root of that tree.
    pub root: Hash,
    /// Sibling hashes from the leaf up.
    pub hashes: Vec<Hash>,
}

/// Proof that one tree is the beginning of another (RFC 6962, 2.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// Root of the smaller tree.
    pub from_root: Hash,
    /// Root of the larger tree.
    pub to_root: Hash,
    /// The proof's hashes.
    pub hashes: Vec<Hash>,
}

/// Proves that an entry is in the tree of `size` leaves.
pub(crate) fn inclusion(snapshot: &Snapshot, position: Position, size: u64) -> Result<InclusionProof, ReadError> {
    let index = position.leaf_index().ok_or(ReadError::OutsideTree { at: 0, size })?;
    let nodes = snapshot.nodes()?;
    let hashes = tree::inclusion_proof(&nodes, index, size).map_err(|error| match error {
        ProofError::OutOfRange { .. } => ReadError::OutsideTree { at: position.get(), size },
        ProofError::Read(error) => error.into(),
    })?;
    Ok(InclusionProof { root: tree::root_at(&nodes, size)?, hashes })
}

/// Proves that the tree of `from` leaves is the beginning of the tree of `to` leaves.
pub(crate) fn consistency(snapshot: &Snapshot, from: u64, to: u64) -> Result<ConsistencyProof, ReadError> {
    let nodes = snapshot.nodes()?;
    let hashes = tree::consistency_proof(&nodes, from, to)?;
    Ok(ConsistencyProof { from_root: tree::root_at(&nodes, from)?, to_root: tree::root_at(&nodes, to)?, hashes })
}

/// Covers the entries after `after` up to `until` that are not among `given`, which is sorted: for each gap the largest
/// complete subtrees that fill it.
pub(crate) fn left_out(
    snapshot: &Snapshot,
    after: Position,
    given: &[Position],
    until: Position,
) -> Result<Vec<Subtree>, ReadError> {
    let nodes = snapshot.nodes()?;
    let mut subtrees = Vec::new();
    let mut from = after.get();
    for position in given.iter().chain([&until.next()]) {
        let to = position.leaf_index().ok_or(ReadError::OutsideTree { at: 0, size: until.get() })?;
        if from < to {
            subtrees.extend(tree::subtree_hashes(&nodes, from, to)?);
        }
        from = position.get();
    }
    Ok(subtrees)
}

impl From<ProofError<NodesError>> for ReadError {
    fn from(error: ProofError<NodesError>) -> Self {
        match error {
            ProofError::OutOfRange { at, size } => Self::OutsideTree { at, size },
            ProofError::Read(error) => error.into(),
        }
    }
}

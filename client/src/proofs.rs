//! Proofs of inclusion and growth, and their verification: nothing here trusts the server.

use crate::{client::Client, entries::Recorded, error::Error, retry::Repeat};
use bytes::Bytes;
use kith_core::{
    id::EventId,
    position::Position,
    tree::{Hash, ProofInvalid, Subtree, leaf_hash, verify_consistency, verify_inclusion},
};
use kith_proto::v1;

/// Proof that an entry is in the tree of a given size (RFC 6962, 2.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The entry's bytes.
    pub entry: Bytes,
    /// The entry's position.
    pub position: Position,
    /// Size of the tree.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// Sibling hashes from the leaf up.
    pub hashes: Vec<Hash>,
}

impl InclusionProof {
    /// Checks that the entry is where the proof says, in the tree with this root. Take the root from elsewhere, such as
    /// a head seen before: the root in the proof only shows that the proof is consistent with itself.
    pub fn verify(&self, root: Hash) -> Result<(), ProofInvalid> {
        let index = self.position.leaf_index();
        let index = index.ok_or(ProofInvalid::OutOfRange { index: 0, size: self.size })?;
        verify_inclusion(leaf_hash(&self.entry), index, self.size, &self.hashes, root)
    }
}

/// Proof that one tree is the beginning of a larger one (RFC 6962, 2.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// The smaller size.
    pub from: u64,
    /// Its root.
    pub from_root: Hash,
    /// The larger size.
    pub to: u64,
    /// Its root.
    pub to_root: Hash,
    /// The proof's hashes.
    pub hashes: Vec<Hash>,
}

impl ConsistencyProof {
    /// Checks that the log grew from one root to the other. Take the earlier root from what was seen before.
    pub fn verify(&self, from_root: Hash, to_root: Hash) -> Result<(), ProofInvalid> {
        verify_consistency(self.from, from_root, self.to, to_root, &self.hashes)
    }
}

impl Client {
    /// Proves that an event is in the tree of `size`; 0 means the head.
    pub async fn prove_inclusion(&self, event: &EventId, size: u64) -> Result<InclusionProof, Error> {
        let network = self.network_name();
        let request = v1::GetInclusionProofRequest { network, event: event.as_bytes().to_vec(), size };
        let audit = self.audit();
        let send = |request| {
            let mut audit = audit.clone();
            async move { audit.get_inclusion_proof(request).await }
        };
        let response = self.call(Repeat::Safe, request, send).await?;
        Ok(InclusionProof {
            entry: response.entry,
            position: Position::new(response.position),
            size: response.size,
            root: hash(&response.root)?,
            hashes: hashes(&response.hashes)?,
        })
    }

    /// Proves that the tree of `from` entries is the beginning of the tree of `to`; 0 means the head.
    pub async fn prove_consistency(&self, from: u64, to: u64) -> Result<ConsistencyProof, Error> {
        let request = v1::GetConsistencyProofRequest { network: self.network_name(), from, to };
        let audit = self.audit();
        let send = |request| {
            let mut audit = audit.clone();
            async move { audit.get_consistency_proof(request).await }
        };
        let response = self.call(Repeat::Safe, request, send).await?;
        Ok(ConsistencyProof {
            from: response.from,
            from_root: hash(&response.from_root)?,
            to: response.to,
            to_root: hash(&response.to_root)?,
            hashes: hashes(&response.hashes)?,
        })
    }

    /// The entry of an event, found by its id, without its details.
    pub async fn find_event(&self, event: &EventId) -> Result<Recorded, Error> {
        Recorded::decode(&self.prove_inclusion(event, 0).await?.entry)
    }
}

pub(crate) fn hash(bytes: &[u8]) -> Result<Hash, Error> {
    Hash::try_from(bytes).map_err(Error::answer)
}

pub(crate) fn hashes(all: &[Vec<u8>]) -> Result<Vec<Hash>, Error> {
    all.iter().map(|bytes| hash(bytes)).collect()
}

/// Reads the hashes in place of entries left out.
pub(crate) fn subtrees(all: &[v1::Subtree]) -> Result<Vec<Subtree>, Error> {
    let subtree = |subtree: &v1::Subtree| {
        let level = u8::try_from(subtree.level).map_err(Error::answer)?;
        Ok(Subtree { start: subtree.start, level, hash: hash(&subtree.hash)? })
    };
    all.iter().map(subtree).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::tree::node_hash;

    #[test]
    fn proofs_hold_against_the_right_root_only() {
        let (first, second) = (leaf_hash(b"first"), leaf_hash(b"second"));
        let root = node_hash(first, second);
        let proof = InclusionProof {
            entry: Bytes::from_static(b"second"),
            position: Position::new(2),
            size: 2,
            root,
            hashes: vec![first],
        };
        assert_eq!(proof.verify(root), Ok(()));
        assert_eq!(proof.verify(second), Err(ProofInvalid::RootMismatch));
        let nowhere = InclusionProof { position: Position::ZERO, ..proof.clone() };
        assert!(nowhere.verify(root).is_err());
        let other = InclusionProof { entry: Bytes::from_static(b"other"), ..proof };
        assert_eq!(other.verify(root), Err(ProofInvalid::RootMismatch));
    }

    #[test]
    fn growth_is_checked_from_the_root_seen_before() {
        let (first, second) = (leaf_hash(b"first"), leaf_hash(b"second"));
        let root = node_hash(first, second);
        let proof = ConsistencyProof { from: 1, from_root: first, to: 2, to_root: root, hashes: vec![second] };
        assert_eq!(proof.verify(first, root), Ok(()));
        assert_eq!(proof.verify(second, root), Err(ProofInvalid::RootMismatch));
    }
}

//! Trees for the tests beside the code: stored in memory, all alike, and the oracle.

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::LazyLock;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2::Sha256;

use super::{EMPTY_ROOT, Frontier, Hash, Nodes, SUBTREE_LEVEL, leaf_hash, node_hash};

/// Hash of the leaf with this index in every tree of the tests.
pub(super) fn leaf(index: u64) -> Hash {
    leaf_hash(&entry(index))
}

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// A tree whose hashes are stored as in the log.
pub(super) struct MemoryNodes {
    leaves: Vec<Hash>,
    subtrees: Vec<Hash>,
}

/// The error for hashes outside a [`MemoryNodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not stored")]
pub(super) struct NotStored;

impl MemoryNodes {
    pub(super) fn of(size: u64) -> Self {
        Self::from_leaves((0..size).map(leaf))
    }

    /// The tree of `size` leaves with one leaf replaced.
    pub(super) fn rewritten(size: u64, changed: u64) -> Self {
        Self::from_leaves((0..size).map(|index| leaf(if index == changed { size } else { index })))
    }

    fn from_leaves(leaves: impl Iterator<Item = Hash>) -> Self {
        let leaves: Vec<_> = leaves.collect();
        let mut frontier = Frontier::new();
        let subtrees = leaves.iter().filter_map(|leaf| frontier.push(*leaf));
        let subtrees = subtrees.map(|subtree| subtree.hash).collect();
        Self { leaves, subtrees }
    }
}

impl Nodes for MemoryNodes {
    type Error = NotStored;

    fn leaves(&self, from: u64, to: u64) -> Result<Vec<Hash>, NotStored> {
        stored(&self.leaves, from, to)
    }

    fn subtrees(&self, from: u64, to: u64) -> Result<Vec<Hash>, NotStored> {
        stored(&self.subtrees, from, to)
    }
}

fn stored(hashes: &[Hash], from: u64, to: u64) -> Result<Vec<Hash>, NotStored> {
    let range = place(from)..place(to);
    hashes.get(range).map(<[Hash]>::to_vec).ok_or(NotStored)
}

fn place(index: u64) -> usize {
    usize::try_from(index).unwrap()
}

/// Roots of complete trees whose leaves are all `leaf(0)`, by level.
static UNIFORM_ROOTS: LazyLock<[Hash; 64]> = LazyLock::new(|| {
    let mut root = leaf(0);
    std::array::from_fn(|_| {
        let parent = node_hash(root, root);
        std::mem::replace(&mut root, parent)
    })
});

/// Root of a tree of this size whose leaves are all `leaf(0)`.
pub(super) fn uniform_root(size: u64) -> Hash {
    let peaks = UNIFORM_ROOTS.iter().enumerate().filter(|(level, _)| size >> level & 1 == 1);
    let joined = peaks.map(|(_, root)| *root).reduce(|right, left| node_hash(left, right));
    joined.unwrap_or(EMPTY_ROOT)
}

/// An infinite tree whose leaves are all `leaf(0)`; counts what is read.
#[derive(Default)]
pub(super) struct UniformNodes {
    leaves_read: Cell<u64>,
    subtrees_read: Cell<u64>,
}

impl UniformNodes {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn leaves_read(&self) -> u64 {
        self.leaves_read.get()
    }

    pub(super) fn subtrees_read(&self) -> u64 {
        self.subtrees_read.get()
    }
}

impl Nodes for UniformNodes {
    type Error = Infallible;

    fn leaves(&self, from: u64, to: u64) -> Result<Vec<Hash>, Infallible> {
        self.leaves_read.update(|read| read + to - from);
        Ok(vec![leaf(0); place(to - from)])
    }

    fn subtrees(&self, from: u64, to: u64) -> Result<Vec<Hash>, Infallible> {
        self.subtrees_read.update(|read| read + to - from);
        Ok(vec![UNIFORM_ROOTS[usize::from(SUBTREE_LEVEL)]; place(to - from)])
    }
}

/// The same tree, built by another library.
pub(super) struct Oracle(MemoryBackedTree<Sha256, Vec<u8>>);

impl Oracle {
    pub(super) fn new() -> Self {
        Self(MemoryBackedTree::new())
    }

    /// The tree with the leaves of these indices.
    pub(super) fn of(indices: impl IntoIterator<Item = u64>) -> Self {
        let mut oracle = Self::new();
        indices.into_iter().for_each(|index| oracle.push(index));
        oracle
    }

    pub(super) fn push(&mut self, index: u64) {
        self.0.push(entry(index));
    }

    pub(super) fn root(&self) -> Hash {
        Hash::new((*self.0.root().as_bytes()).into())
    }

    pub(super) fn inclusion_proof(&self, index: u64) -> Vec<Hash> {
        hashes(self.0.prove_inclusion(place(index)).as_bytes())
    }

    pub(super) fn consistency_proof(&self, from: u64) -> Vec<Hash> {
        hashes(self.0.prove_consistency(place(self.0.len() - from)).as_bytes())
    }
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes.chunks(Hash::BYTES).map(|hash| hash.try_into().unwrap()).collect()
}

//! The hash tree in tables: rows of leaf hashes and roots of complete subtrees.
//!
//! Invariant: leaf i is hash i mod 120 of row i / 120, and subtree root j is that of the leaves 256·j to 256·j + 255.

use kith_core::tree::{Frontier, Hash, Nodes, large_subtree};
use redb::{ReadableTable, StorageError, Table, TableDefinition};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// Leaf hashes in a row: as many as fit a page of redb.
pub(crate) const ROW_LEAVES: u64 = 120;

/// (network's ordinal, row) → up to [`ROW_LEAVES`] hashes of leaves, 32 bytes each.
pub(crate) const LEAVES: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("leaves");

/// (network's ordinal, number) → root of the complete subtree of 256 leaves.
pub(crate) const SUBTREES: TableDefinition<(u32, u64), [u8; 32]> = TableDefinition::new("subtrees");

/// Why stored hashes could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NodesError {
    /// The storage engine failed.
    #[error("the storage engine failed: {0}")]
    Storage(#[from] StorageError),
    /// A hash is missing.
    #[error("hashes of the tree are missing or cut short")]
    Missing,
}

/// The stored hashes of one network's tree.
#[derive(Debug)]
pub(crate) struct StoredNodes<L, S> {
    /// The network's ordinal.
    pub(crate) network: u32,
    /// [`LEAVES`], open in any transaction.
    pub(crate) leaves: L,
    /// [`SUBTREES`], open in any transaction.
    pub(crate) subtrees: S,
    /// Cached roots of this log.
    pub(crate) large: Arc<LargeRoots>,
}

/// Roots of complete subtrees of [`LARGE_SUBTREE_LEAVES`](kith_core::tree::LARGE_SUBTREE_LEAVES) leaves of one log, by
/// number: proofs need them often, and they never change.
#[derive(Debug, Default)]
pub(crate) struct LargeRoots(RwLock<HashMap<u64, Hash>>);

impl LargeRoots {
    fn get(&self, number: u64) -> Option<Hash> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&number).copied()
    }

    fn remember(&self, number: u64, root: Hash) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(number, root);
    }
}

impl<L, S> Nodes for StoredNodes<L, S>
where
    L: ReadableTable<(u32, u64), &'static [u8]>,
    S: ReadableTable<(u32, u64), [u8; 32]>,
{
    type Error = NodesError;

    fn leaves(&self, from: u64, to: u64) -> Result<Vec<Hash>, NodesError> {
        let mut hashes = Vec::new();
        if from >= to {
            return Ok(hashes);
        }
        let rows = (self.network, from / ROW_LEAVES)..=(self.network, (to - 1) / ROW_LEAVES);
        for row in self.leaves.range(rows)? {
            let (key, value) = row?;
            let start = key.value().1 * ROW_LEAVES;
            let (own, rest) = value.value().as_chunks::<{ Hash::BYTES }>();
            if !rest.is_empty() {
                return Err(NodesError::Missing);
            }
            let wanted = (start..).zip(own).filter(|(index, _)| (from..to).contains(index));
            hashes.extend(wanted.map(|(_, hash)| Hash::new(*hash)));
        }
        expect_count(hashes, to - from)
    }

    fn subtrees(&self, from: u64, to: u64) -> Result<Vec<Hash>, NodesError> {
        let rows = self.subtrees.range((self.network, from)..(self.network, to))?;
        let hashes = rows.map(|row| Ok(Hash::new(row?.1.value()))).collect::<Result<Vec<_>, NodesError>>()?;
        expect_count(hashes, to - from)
    }

    fn large_subtree(&self, number: u64) -> Result<Hash, NodesError> {
        if let Some(root) = self.large.get(number) {
            return Ok(root);
        }
        let root = large_subtree(self, number)?;
        self.large.remember(number, root);
        Ok(root)
    }
}

fn expect_count(hashes: Vec<Hash>, count: u64) -> Result<Vec<Hash>, NodesError> {
    if hashes.len() as u64 == count { Ok(hashes) } else { Err(NodesError::Missing) }
}

/// The growing edge of a stored tree, held by its writer: frontier and the bytes of the last leaf row.
#[derive(Debug, Clone, Default)]
pub(crate) struct TreeEdge {
    frontier: Frontier,
    last_row: Vec<u8>,
}

impl TreeEdge {
    /// Reads the edge of a stored tree, to continue from there.
    pub(crate) fn read<L>(network: u32, frontier: Frontier, leaves: &L) -> Result<Self, NodesError>
    where
        L: ReadableTable<(u32, u64), &'static [u8]>,
    {
        let (row, hashes) = (frontier.size() / ROW_LEAVES, frontier.size() % ROW_LEAVES);
        let last_row = match leaves.get((network, row))? {
            Some(value) => value.value().to_vec(),
            None => Vec::new(),
        };
        if last_row.len() as u64 != hashes * Hash::BYTES as u64 {
            return Err(NodesError::Missing);
        }
        Ok(Self { frontier, last_row })
    }

    /// The frontier.
    pub(crate) fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Appends leaves and writes their rows. After an error the edge must not be used.
    pub(crate) fn append(
        &mut self,
        network: u32,
        hashes: impl IntoIterator<Item = Hash>,
        leaves: &mut Table<'_, (u32, u64), &'static [u8]>,
        subtrees: &mut Table<'_, (u32, u64), [u8; 32]>,
    ) -> Result<(), StorageError> {
        for hash in hashes {
            let row = self.frontier.size() / ROW_LEAVES;
            self.last_row.extend_from_slice(hash.as_bytes());
            if let Some(subtree) = self.frontier.push(hash) {
                let number = subtree.start / kith_core::tree::SUBTREE_LEAVES;
                subtrees.insert((network, number), subtree.hash.as_bytes())?;
            }
            if self.frontier.size().is_multiple_of(ROW_LEAVES) {
                leaves.insert((network, row), self.last_row.as_slice())?;
                self.last_row.clear();
            }
        }
        if !self.last_row.is_empty() {
            leaves.insert((network, self.frontier.size() / ROW_LEAVES), self.last_row.as_slice())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::tree::{EMPTY_ROOT, LARGE_SUBTREE_LEAVES, frontier_at, leaf_hash, root_at};
    use proptest::prelude::*;
    use redb::{Database, ReadableDatabase, backends::InMemoryBackend};

    fn leaf(index: u64) -> Hash {
        leaf_hash(&index.to_le_bytes())
    }

    /// Appends these numbers of leaves, one transaction each, with an edge that is read again each time.
    fn stored(parts: &[u64]) -> (Database, Frontier) {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let mut frontier = Frontier::new();
        for part in parts {
            let transaction = database.begin_write().unwrap();
            {
                let mut leaves = transaction.open_table(LEAVES).unwrap();
                let mut subtrees = transaction.open_table(SUBTREES).unwrap();
                let mut edge = TreeEdge::read(7, frontier.clone(), &leaves).unwrap();
                let size = frontier.size();
                edge.append(7, (size..size + part).map(leaf), &mut leaves, &mut subtrees).unwrap();
                frontier = edge.frontier().clone();
            }
            transaction.commit().unwrap();
        }
        (database, frontier)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn stored_hashes_give_the_frontiers_root(parts in proptest::collection::vec(0_u64..400, 1..5)) {
            let (database, frontier) = stored(&parts);
            let transaction = database.begin_read().unwrap();
            let nodes = StoredNodes {
                network: 7,
                leaves: transaction.open_table(LEAVES).unwrap(),
                subtrees: transaction.open_table(SUBTREES).unwrap(),
                large: Arc::default(),
            };
            let mut expected = Frontier::new();
            for size in 0..=frontier.size() {
                prop_assert_eq!(root_at(&nodes, size).unwrap(), expected.root());
                expected.push(leaf(size));
            }
            prop_assert_eq!(frontier_at(&nodes, frontier.size()).unwrap(), frontier);
        }
    }

    #[test]
    fn large_subtrees_are_read_once_and_give_the_same_root() {
        let (database, frontier) = stored(&[LARGE_SUBTREE_LEAVES * 2 + 300]);
        let transaction = database.begin_read().unwrap();
        let nodes = StoredNodes {
            network: 7,
            leaves: transaction.open_table(LEAVES).unwrap(),
            subtrees: transaction.open_table(SUBTREES).unwrap(),
            large: Arc::default(),
        };
        assert_eq!(root_at(&nodes, frontier.size()).unwrap(), frontier.root());
        let known = nodes.large.get(1).expect("it is remembered");
        assert_eq!(known, large_subtree(&nodes, 1).unwrap());
        nodes.large.remember(0, leaf(0));
        assert_ne!(root_at(&nodes, frontier.size()).unwrap(), frontier.root(), "what is remembered is used");
    }

    #[test]
    fn missing_hashes_are_an_error() {
        let (database, frontier) = stored(&[130]);
        let transaction = database.begin_read().unwrap();
        let leaves = transaction.open_table(LEAVES).unwrap();
        let subtrees = transaction.open_table(SUBTREES).unwrap();
        let other = TreeEdge::read(8, frontier, &leaves);
        assert!(matches!(other, Err(NodesError::Missing)), "{other:?}");
        let nodes = StoredNodes { network: 7, leaves, subtrees, large: Arc::default() };
        assert!(matches!(nodes.leaves(0, 131), Err(NodesError::Missing)));
        assert!(matches!(nodes.subtrees(0, 1), Err(NodesError::Missing)));
        assert_eq!(root_at(&nodes, 0).unwrap(), EMPTY_ROOT);
    }
}

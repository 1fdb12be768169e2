//! The hash tree of a log that is read in part, from entries and from hashes in place of those left out.
//!
//! Invariant: every position up to the size is counted once, so the root equals that of the whole log if and only if
//! nothing was changed, moved or silently left out.

use crate::{read::Page, subscribe::Update};
use bytes::Bytes;
use kith_core::{
    entry::Entry,
    position::Position,
    tree::{Frontier, Hash, Subtree, SubtreeInvalid, leaf_hash},
};

/// The tree of the part of a log read so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartialTree {
    frontier: Frontier,
}

/// Why entries and hashes do not form a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartialTreeError {
    /// Some bytes are not an entry.
    #[error("an entry cannot be read")]
    NoEntry,
    /// A subtree does not fit at its position.
    #[error("a hash does not fit: {0}")]
    Subtree(#[from] SubtreeInvalid),
    /// A position has neither an entry nor a hash.
    #[error("position {expected} is missing: {found} comes next")]
    Gap {
        /// The missing position.
        expected: Position,
        /// What comes next.
        found: Position,
    },
}

impl PartialTree {
    /// The tree of an empty log.
    pub const fn new() -> Self {
        Self { frontier: Frontier::new() }
    }

    /// Resumes from a saved tree.
    pub const fn from_frontier(frontier: Frontier) -> Self {
        Self { frontier }
    }

    /// What to save in order to resume later.
    pub const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Number of positions read so far, including those covered by hashes only.
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Root of the tree.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Adds the update that follows what was read. After an error the tree must be discarded.
    pub fn take_update(&mut self, update: &Update) -> Result<(), PartialTreeError> {
        self.take(&update.entries.bytes, &update.left_out, update.cursor.position)
    }

    /// Adds the page that follows what was read. After an error the tree must be discarded.
    pub fn take_page(&mut self, page: &Page) -> Result<(), PartialTreeError> {
        self.take(&page.entries.bytes, &page.left_out, page.next)
    }

    /// Adds entries, and subtrees in place of the others, up to a position. After an error the tree must be discarded.
    pub fn take(&mut self, entries: &[Bytes], left_out: &[Subtree], until: Position) -> Result<(), PartialTreeError> {
        let mut left_out = left_out.iter();
        for bytes in entries {
            let position = Entry::decode(bytes).map_err(|_| PartialTreeError::NoEntry)?.position;
            self.skip_to(position, &mut left_out)?;
            self.frontier.push(leaf_hash(bytes));
        }
        self.skip_to(until.next(), &mut left_out)
    }

    /// Adds the subtree that follows, in place of its entries.
    pub fn skip(&mut self, subtree: Subtree) -> Result<(), PartialTreeError> {
        self.frontier.push_subtree(subtree)?;
        Ok(())
    }

    /// Adds subtrees until `position` comes next.
    fn skip_to<'s>(
        &mut self,
        position: Position,
        left_out: &mut impl Iterator<Item = &'s Subtree>,
    ) -> Result<(), PartialTreeError> {
        let next = |tree: &Self| Position::new(tree.size()).next();
        while next(self) < position {
            let expected = next(self);
            let subtree = left_out.next().ok_or(PartialTreeError::Gap { expected, found: position })?;
            self.frontier.push_subtree(*subtree)?;
        }
        let expected = next(self);
        if expected == position { Ok(()) } else { Err(PartialTreeError::Gap { expected, found: position }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::{
        timestamp::Timestamp,
        tree::{Nodes, SUBTREE_LEAVES, range_root, subtree_hashes},
    };
    use proptest::prelude::*;
    use std::{collections::BTreeSet, convert::Infallible};

    fn entry(position: u64) -> Bytes {
        let entry = Entry {
            position: Position::new(position),
            recorded_at: Timestamp::from_millis(1),
            recorded_by: "token:a".parse().unwrap(),
            organisation: None,
            event_bytes: Bytes::from_static(b"event"),
            signature: None,
        };
        entry.encode()
    }

    /// A log of such entries, of any length.
    struct Log;

    impl Nodes for Log {
        type Error = Infallible;

        fn leaves(&self, from: u64, to: u64) -> Result<Vec<Hash>, Infallible> {
            Ok((from..to).map(|index| leaf_hash(&entry(index + 1))).collect())
        }

        fn subtrees(&self, from: u64, to: u64) -> Result<Vec<Hash>, Infallible> {
            let root = |number| {
                let mut frontier = Frontier::new();
                for leaf in self.leaves(number * SUBTREE_LEAVES, (number + 1) * SUBTREE_LEAVES).unwrap() {
                    frontier.push(leaf);
                }
                frontier.root()
            };
            Ok((from..to).map(root).collect())
        }
    }

    /// What a server sends for the positions after `from` up to `to`.
    fn given(kept: &BTreeSet<u64>, from: u64, to: u64) -> (Vec<Bytes>, Vec<Subtree>) {
        let kept: Vec<u64> = kept.range(from + 1..=to).copied().collect();
        let mut left_out = Vec::new();
        let mut at = from;
        for position in kept.iter().copied().chain([to + 1]) {
            left_out.extend(subtree_hashes(&Log, at, position - 1).unwrap());
            at = position;
        }
        (kept.into_iter().map(entry).collect(), left_out)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn parts_of_a_log_give_its_root(
            size in 1_u64..900,
            kept in proptest::collection::btree_set(1_u64..900, 0..60),
            cuts in proptest::collection::btree_set(1_u64..900, 0..4),
        ) {
            let mut tree = PartialTree::new();
            let cuts: Vec<u64> = cuts.into_iter().filter(|cut| *cut < size).chain([size]).collect();
            for to in cuts {
                let (entries, left_out) = given(&kept, tree.size(), to);
                tree.take(&entries, &left_out, Position::new(to)).unwrap();
                prop_assert_eq!(tree.size(), to);
                prop_assert_eq!(tree.root(), range_root(&Log, 0, to).unwrap());
            }
        }
    }

    #[test]
    fn what_is_left_out_unsaid_is_noticed() {
        let (entries, left_out) = given(&BTreeSet::from([3, 4, 9]), 0, 20);
        let root = range_root(&Log, 0, 20).unwrap();
        let until = Position::new(20);
        let take = |entries: &[Bytes], left_out: &[Subtree], until| {
            let mut tree = PartialTree::new();
            tree.take(entries, left_out, until).map(|()| tree.root())
        };
        assert_eq!(take(&entries, &left_out, until), Ok(root));
        for without in 0..entries.len() {
            let mut fewer = entries.clone();
            fewer.remove(without);
            assert!(take(&fewer, &left_out, until).is_err(), "entry {without}");
        }
        for without in 0..left_out.len() {
            let mut fewer = left_out.clone();
            fewer.remove(without);
            assert!(take(&entries, &fewer, until).is_err(), "hash {without}");
            let mut changed = left_out.clone();
            changed[without].hash = leaf_hash(b"other");
            assert_ne!(take(&entries, &changed, until), Ok(root), "hash {without}");
        }
        assert!(take(&entries, &left_out, Position::new(21)).is_err());
        assert!(take(&entries, &left_out, Position::new(8)).is_err());
        let swapped = [entries[1].clone(), entries[0].clone(), entries[2].clone()];
        assert!(take(&swapped, &left_out, until).is_err());
        assert_eq!(take(&[Bytes::from_static(b"\xff")], &[], until), Err(PartialTreeError::NoEntry));
    }
}

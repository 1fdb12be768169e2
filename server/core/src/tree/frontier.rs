//! The right edge of a growing tree: what is needed to append to it and to compute its root.
//!
//! Invariant: one peak for every bit set in the size, the largest first.

use super::{EMPTY_ROOT, Hash, SUBTREE_LEAVES, SUBTREE_LEVEL, Subtree, node_hash};
use crate::limits::TREE_SIZE_MAX;

/// A tree of some size, held as the roots of its largest complete subtrees ("peaks", at most 64).
///
/// The writer grows it leaf by leaf; a partial replica also crosses gaps with the roots of the omitted subtrees, and
/// arrives at the same root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The tree without leaves.
    pub const fn new() -> Self {
        Self { size: 0, peaks: Vec::new() }
    }

    /// A tree of `size` leaves with these peaks, the largest first.
    pub fn from_parts(size: u64, peaks: Vec<Hash>) -> Result<Self, FrontierInvalid> {
        if size > TREE_SIZE_MAX {
            return Err(FrontierInvalid::TooLarge { size });
        }
        if peaks.len() != peak_count(size) {
            return Err(FrontierInvalid::WrongPeaks { size, found: peaks.len() });
        }
        Ok(Self { size, peaks })
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Roots of its largest complete subtrees, the largest and leftmost first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Root of the tree; [`EMPTY_ROOT`] without leaves.
    pub fn root(&self) -> Hash {
        let joined = self.peaks.iter().copied().rev().reduce(|right, left| node_hash(left, right));
        joined.unwrap_or(EMPTY_ROOT)
    }

    /// Appends a leaf; returns the subtree of [`SUBTREE_LEAVES`] leaves that it completes, if any.
    pub fn push(&mut self, leaf: Hash) -> Option<Subtree> {
        self.carry(0, leaf)
    }

    /// Appends all leaves of a subtree by its root alone; returns the subtree of [`SUBTREE_LEAVES`] leaves that it
    /// completes, if any.
    ///
    /// The hash is not verified: compare the root with a signed one when the gaps are filled.
    pub fn push_subtree(&mut self, subtree: Subtree) -> Result<Option<Subtree>, SubtreeInvalid> {
        let Subtree { start, level, hash } = subtree;
        if start != self.size {
            return Err(SubtreeInvalid::NotNext { expected: self.size, start });
        }
        let leaves = 1_u64.checked_shl(level.into()).ok_or(SubtreeInvalid::TooLarge { start, level })?;
        if !start.is_multiple_of(leaves) {
            return Err(SubtreeInvalid::Misaligned { start, level });
        }
        if leaves > TREE_SIZE_MAX.saturating_sub(start) {
            return Err(SubtreeInvalid::TooLarge { start, level });
        }
        Ok(self.carry(level, hash))
    }

    /// Size as 8 bytes, the highest first, then the peaks.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        bytes.extend(self.peaks.iter().flat_map(Hash::as_bytes));
        bytes
    }

    /// Undoes [`Frontier::encode`]; refuses everything that it cannot have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrontierInvalid> {
        let undecodable = FrontierInvalid::WrongLength { found: bytes.len() };
        let (size, peaks) = bytes.split_first_chunk().ok_or(undecodable)?;
        let (peaks, []) = peaks.as_chunks() else {
            return Err(undecodable);
        };
        let peaks = peaks.iter().copied().map(Hash::new).collect();
        Self::from_parts(u64::from_be_bytes(*size), peaks)
    }

    /// Adds a complete subtree that starts at the end, like adding 2^level to a binary number.
    fn carry(&mut self, level: u8, hash: Hash) -> Option<Subtree> {
        let size = self.size.checked_add(1 << level).expect("no log lives to see 2^63 appends");
        let (mut height, mut root) = (level, hash);
        let mut completed = (height == SUBTREE_LEVEL).then_some(root);
        while self.size >> height & 1 == 1 {
            let left = self.peaks.pop().expect("one peak for every bit set in the size");
            root = node_hash(left, root);
            height += 1;
            completed = if height == SUBTREE_LEVEL { Some(root) } else { completed };
        }
        self.peaks.push(root);
        self.size = size;
        completed.map(|hash| Subtree { start: size - SUBTREE_LEAVES, level: SUBTREE_LEVEL, hash })
    }
}

fn peak_count(size: u64) -> usize {
    size.count_ones() as usize
}

/// Why parts or bytes are not a frontier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrontierInvalid {
    /// More leaves than a tree may have.
    #[error("a tree of {size} leaves is larger than any log")]
    TooLarge {
        /// The claimed size.
        size: u64,
    },
    /// Too many or too few peaks.
    #[error("a tree of {size} leaves does not have {found} peaks")]
    WrongPeaks {
        /// The claimed size.
        size: u64,
        /// How many peaks were given.
        found: usize,
    },
    /// Bytes that end within a number or a hash.
    #[error("{found} bytes are not a size and whole hashes")]
    WrongLength {
        /// How many bytes were given.
        found: usize,
    },
}

/// A subtree that does not fit the end of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubtreeInvalid {
    /// It leaves a gap or overlaps.
    #[error("a subtree starts at leaf {start} where leaf {expected} comes next")]
    NotNext {
        /// The index that comes next.
        expected: u64,
        /// Where the subtree starts.
        start: u64,
    },
    /// Its start is not a multiple of its number of leaves.
    #[error("a subtree of 2^{level} leaves cannot start at leaf {start}")]
    Misaligned {
        /// Where the subtree starts.
        start: u64,
        /// Its level.
        level: u8,
    },
    /// The tree would become larger than allowed.
    #[error("a subtree of 2^{level} leaves at leaf {start} is larger than any log")]
    TooLarge {
        /// Where the subtree starts.
        start: u64,
        /// Its level.
        level: u8,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{MemoryNodes, Oracle, leaf};
    use super::super::{frontier_at, leaf_hash, root_at, subtree_hashes};
    use super::*;

    fn frontier_of(size: u64) -> Frontier {
        let mut frontier = Frontier::new();
        for index in 0..size {
            frontier.push(leaf(index));
        }
        frontier
    }

    #[test]
    fn roots_equal_the_oracle_for_every_size() {
        let (mut frontier, mut oracle) = (Frontier::new(), Oracle::new());
        let nodes = MemoryNodes::of(1_100);
        assert_eq!(frontier.root(), EMPTY_ROOT);
        for index in 0..1_100 {
            frontier.push(leaf(index));
            oracle.push(index);
            assert_eq!(frontier.root(), oracle.root(), "size {}", index + 1);
            assert_eq!(root_at(&nodes, index + 1).unwrap(), oracle.root(), "size {}", index + 1);
        }
    }

    #[test]
    fn root_of_the_published_example() {
        let entries: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let mut frontier = Frontier::new();
        for entry in entries {
            frontier.push(leaf_hash(entry));
        }
        let expected = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328";
        assert_eq!(frontier.root().to_string(), expected);
    }

    #[test]
    fn completed_subtrees_are_handed_out_once() {
        let mut frontier = Frontier::new();
        let completed: Vec<_> = (0..1_100).filter_map(|index| frontier.push(leaf(index))).collect();
        let expected = [0, 256, 512, 768].map(|start| Subtree {
            start,
            level: SUBTREE_LEVEL,
            hash: Oracle::of(start..start + SUBTREE_LEAVES).root(),
        });
        assert_eq!(completed, expected);
    }

    #[test]
    fn subtrees_complete_a_stored_one_too() {
        let nodes = MemoryNodes::of(512);
        let mut frontier = Frontier::new();
        let halves = [0, 128].map(|start| subtree_hashes(&nodes, start, start + 128).unwrap()[0]);
        assert_eq!(frontier.push_subtree(halves[0]), Ok(None));
        let first = frontier.push_subtree(halves[1]).unwrap().unwrap();
        assert_eq!((first.start, first.hash), (0, root_at(&nodes, 256).unwrap()));
        let second = subtree_hashes(&nodes, 256, 512).unwrap()[0];
        assert_eq!(frontier.push_subtree(second), Ok(Some(second)));
        let both = Subtree { start: 512, level: 9, hash: frontier.root() };
        assert_eq!(frontier.push_subtree(both), Ok(None));
    }

    #[test]
    fn subtrees_that_do_not_fit_are_refused() {
        let check = |size, start, level, expected| {
            let subtree = Subtree { start, level, hash: leaf(0) };
            let mut frontier = frontier_of(size);
            let before = frontier.clone();
            assert_eq!(frontier.push_subtree(subtree), Err(expected));
            assert_eq!(frontier, before);
        };
        check(4, 5, 0, SubtreeInvalid::NotNext { expected: 4, start: 5 });
        check(4, 0, 2, SubtreeInvalid::NotNext { expected: 4, start: 0 });
        check(4, 4, 3, SubtreeInvalid::Misaligned { start: 4, level: 3 });
        check(5, 5, 1, SubtreeInvalid::Misaligned { start: 5, level: 1 });
        check(1, 1, 63, SubtreeInvalid::Misaligned { start: 1, level: 63 });
        check(0, 0, 64, SubtreeInvalid::TooLarge { start: 0, level: 64 });
        check(4, 4, u8::MAX, SubtreeInvalid::TooLarge { start: 4, level: u8::MAX });
    }

    #[test]
    fn the_largest_tree_still_takes_a_leaf() {
        let mut frontier = Frontier::new();
        let half = Subtree { start: 0, level: 63, hash: leaf(0) };
        assert_eq!(frontier.push_subtree(half), Ok(None));
        let next = Subtree { start: TREE_SIZE_MAX, level: 0, hash: leaf(1) };
        let refused = SubtreeInvalid::TooLarge { start: TREE_SIZE_MAX, level: 0 };
        assert_eq!(frontier.push_subtree(next), Err(refused));
        frontier.push(leaf(1));
        assert_eq!(frontier.root(), node_hash(leaf(0), leaf(1)));
    }

    #[test]
    fn bytes_that_are_no_frontier_are_refused() {
        let check = |bytes: &[u8], expected| assert_eq!(Frontier::decode(bytes), Err(expected));
        let good = frontier_of(6).encode();
        check(&good[..7], FrontierInvalid::WrongLength { found: 7 });
        check(&good[..71], FrontierInvalid::WrongLength { found: 71 });
        check(&good[..40], FrontierInvalid::WrongPeaks { size: 6, found: 1 });
        let longer = [good.as_slice(), &[0; 32]].concat();
        check(&longer, FrontierInvalid::WrongPeaks { size: 6, found: 3 });
        check(&[0xff; 8 + 64 * 32], FrontierInvalid::TooLarge { size: u64::MAX });
    }

    proptest! {
        #[test]
        fn encode_and_decode_undo_each_other(size in 0_u64..2_000) {
            let frontier = frontier_of(size);
            prop_assert_eq!(Frontier::decode(&frontier.encode()), Ok(frontier.clone()));
            let parts = Frontier::from_parts(frontier.size(), frontier.peaks().to_vec());
            prop_assert_eq!(parts, Ok(frontier));
        }

        #[test]
        fn what_decodes_encodes_to_the_same_bytes(
            size in prop_oneof![0_u64..16, any::<u64>()],
            peaks in 0_usize..70,
            rest in 0_usize..2,
        ) {
            let mut bytes = size.to_be_bytes().to_vec();
            bytes.resize(8 + 32 * peaks + rest, 7);
            match Frontier::decode(&bytes) {
                Ok(frontier) => prop_assert_eq!(frontier.encode(), bytes),
                Err(_) => prop_assert!(
                    rest != 0 || size > TREE_SIZE_MAX || peaks != peak_count(size)
                ),
            }
        }

        #[test]
        fn gaps_filled_with_subtrees_give_the_same_root(
            size in 1_u64..1_500,
            kept in proptest::collection::btree_set(0_u64..1_500, 0..40),
        ) {
            let nodes = MemoryNodes::of(size);
            let mut frontier = Frontier::new();
            for index in kept.into_iter().filter(|&index| index < size).chain([size]) {
                for subtree in subtree_hashes(&nodes, frontier.size(), index).unwrap() {
                    frontier.push_subtree(subtree).unwrap();
                }
                if index < size {
                    frontier.push(leaf(index));
                }
            }
            prop_assert_eq!(&frontier, &frontier_at(&nodes, size).unwrap());
            prop_assert_eq!(frontier.root(), Oracle::of(0..size).root());
        }
    }
}

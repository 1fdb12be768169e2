//! Roots and proofs from stored hashes.
//!
//! Invariant: a whole aligned block of 65,536 leaves is read as one root, and then one of 256 leaves. A proof in a tree
//! of n leaves therefore reads n / 65,536 roots of large subtrees, at most 512 of small ones and fewer than 512 leaves,
//! if [`Nodes::large_subtree`] caches what it computed.

use crate::limits::READ_HASHES_MAX;
use std::ops::Range;

use super::{Frontier, Hash, LARGE_SUBTREE_LEAVES, LARGE_SUBTREE_LEVEL, SUBTREE_LEAVES, SUBTREE_LEVEL, Subtree};

/// The stored hashes of a tree: in the server's log and in a client's replica.
pub trait Nodes {
    /// Why hashes could not be read; also when they are not stored.
    type Error: std::error::Error + 'static;

    /// Hashes of the leaves with index `from..to`: exactly `to - from`, at most a few thousand at once.
    fn leaves(&self, from: u64, to: u64) -> Result<Vec<Hash>, Self::Error>;

    /// Roots of the complete subtrees number `from..to` of [`SUBTREE_LEAVES`] leaves each: exactly
    /// `to - from`, at most a few thousand at once. Number i has the leaves 256·i up to 256·(i + 1).
    fn subtrees(&self, from: u64, to: u64) -> Result<Vec<Hash>, Self::Error>;

    /// Root of the complete subtree of that number of [`LARGE_SUBTREE_LEAVES`] leaves. It never changes, so a
    /// long-lived implementation caches it. The default computes it from [`Nodes::subtrees`].
    fn large_subtree(&self, number: u64) -> Result<Hash, Self::Error> {
        large_subtree(self, number)
    }
}

/// Computes [`Nodes::large_subtree`] from [`Nodes::subtrees`].
pub fn large_subtree<N: Nodes + ?Sized>(nodes: &N, number: u64) -> Result<Hash, N::Error> {
    let first = number.saturating_mul(LARGE_SUBTREE_LEAVES / SUBTREE_LEAVES);
    let mut frontier = Frontier::new();
    push_blocks(nodes, &mut frontier, first..first.saturating_add(LARGE_SUBTREE_LEAVES / SUBTREE_LEAVES))?;
    Ok(frontier.root())
}

/// Why there is no root or proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError<E> {
    /// The leaf or the earlier tree lies outside the tree.
    #[error("{at} lies outside a tree of {size} leaves")]
    OutOfRange {
        /// The requested index, start or earlier size.
        at: u64,
        /// The size, or the end of the range.
        size: u64,
    },
    /// Stored hashes could not be read.
    #[error("the stored hashes could not be read")]
    Read(#[from] E),
}

/// Root of the tree that has only the leaves `from..to`: MTH of RFC 6962, 2.1.
///
/// Reads roots of subtrees if `from` is a multiple of [`SUBTREE_LEAVES`]; every leaf otherwise.
pub fn range_root<N: Nodes>(nodes: &N, from: u64, to: u64) -> Result<Hash, ProofError<N::Error>> {
    ordered(from, to)?;
    Ok(read_frontier(nodes, from..to)?.root())
}

/// Root of the tree when it had `size` leaves.
pub fn root_at<N: Nodes>(nodes: &N, size: u64) -> Result<Hash, ProofError<N::Error>> {
    range_root(nodes, 0, size)
}

/// The frontier of the tree when it had `size` leaves, to continue from there.
pub fn frontier_at<N: Nodes>(nodes: &N, size: u64) -> Result<Frontier, ProofError<N::Error>> {
    Ok(read_frontier(nodes, 0..size)?)
}

/// Proves that the leaf `index` is in the tree of `size` leaves: PATH of RFC 6962, 2.1.1, from the leaf up.
pub fn inclusion_proof<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Hash>, ProofError<N::Error>> {
    if index >= size {
        return Err(ProofError::OutOfRange { at: index, size });
    }
    read_roots(nodes, inclusion_ranges(index, size))
}

/// Proves that the tree of `from` leaves is the beginning of the tree of `to` leaves: PROOF of RFC 6962, 2.1.2. The
/// proof is empty if `from` is 0 or `to`.
pub fn consistency_proof<N: Nodes>(nodes: &N, from: u64, to: u64) -> Result<Vec<Hash>, ProofError<N::Error>> {
    ordered(from, to)?;
    read_roots(nodes, consistency_ranges(from, to))
}

/// The leaves `from..to` as the largest complete aligned subtrees, in order: what is sent in place of omitted entries.
/// At most 2·log2(`to`) of them.
pub fn subtree_hashes<N: Nodes>(nodes: &N, from: u64, to: u64) -> Result<Vec<Subtree>, ProofError<N::Error>> {
    ordered(from, to)?;
    let mut subtrees = Vec::new();
    let mut start = from;
    while start < to {
        let level = level_at(start, to);
        let end = start + (1 << level);
        let hash = read_frontier(nodes, start..end)?.root();
        subtrees.push(Subtree { start, level, hash });
        start = end;
    }
    Ok(subtrees)
}

fn ordered<E>(from: u64, to: u64) -> Result<(), ProofError<E>> {
    if from > to {
        return Err(ProofError::OutOfRange { at: from, size: to });
    }
    Ok(())
}

/// Level of the largest aligned subtree that starts at `start` and ends by `to`.
fn level_at(start: u64, to: u64) -> u8 {
    let aligned = start.trailing_zeros();
    let fitting = (to - start).ilog2();
    u8::try_from(aligned.min(fitting)).expect("a u64 has 64 bits")
}

/// The ranges whose roots lead from a leaf to the root, from the leaf up. Needs `index < size`.
fn inclusion_ranges(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut siblings = Vec::new();
    let mut subtree = 0..size;
    while subtree.end - subtree.start > 1 {
        let (own, sibling) = parted(&subtree, index);
        siblings.push(sibling);
        subtree = own;
    }
    siblings.reverse();
    siblings
}

/// The ranges whose roots lead from the earlier tree to both roots. Needs `from <= to`.
fn consistency_ranges(from: u64, to: u64) -> Vec<Range<u64>> {
    let Some(last) = from.checked_sub(1) else {
        return Vec::new();
    };
    let mut ranges = Vec::new();
    let mut subtree = 0..to;
    while subtree.end != from {
        let (own, sibling) = parted(&subtree, last);
        ranges.push(sibling);
        subtree = own;
    }
    if subtree.start != 0 {
        ranges.push(subtree);
    }
    ranges.reverse();
    ranges
}

/// The children of a subtree of at least two leaves, the one with the leaf `index` first.
fn parted(subtree: &Range<u64>, index: u64) -> (Range<u64>, Range<u64>) {
    let leaves = subtree.end - subtree.start;
    let middle = subtree.start + (1 << (leaves - 1).ilog2());
    let (left, right) = (subtree.start..middle, middle..subtree.end);
    if index < middle {
        return (left, right);
    }
    (right, left)
}

fn read_roots<N: Nodes>(nodes: &N, ranges: Vec<Range<u64>>) -> Result<Vec<Hash>, ProofError<N::Error>> {
    let roots = ranges.into_iter().map(|range| Ok(read_frontier(nodes, range)?.root()));
    roots.collect()
}

/// The frontier of the tree that has only the leaves of `range`.
fn read_frontier<N: Nodes>(nodes: &N, range: Range<u64>) -> Result<Frontier, N::Error> {
    let mut frontier = Frontier::new();
    let mut at = range.start;
    if at.is_multiple_of(LARGE_SUBTREE_LEAVES) {
        for number in at / LARGE_SUBTREE_LEAVES..range.end / LARGE_SUBTREE_LEAVES {
            push_block(&mut frontier, LARGE_SUBTREE_LEVEL, nodes.large_subtree(number)?);
            at = (number + 1) * LARGE_SUBTREE_LEAVES;
        }
    }
    if at.is_multiple_of(SUBTREE_LEAVES) {
        let blocks = at / SUBTREE_LEAVES..(range.end / SUBTREE_LEAVES).max(at / SUBTREE_LEAVES);
        at = blocks.end * SUBTREE_LEAVES;
        push_blocks(nodes, &mut frontier, blocks)?;
    }
    for leaves in chunks(at..range.end) {
        let hashes = nodes.leaves(leaves.start, leaves.end)?;
        assert_eq!(hashes.len() as u64, leaves.end - leaves.start, "all leaves asked for");
        for leaf in hashes {
            frontier.push(leaf);
        }
    }
    Ok(frontier)
}

/// Appends subtrees of [`SUBTREE_LEAVES`] leaves by their numbers.
fn push_blocks<N: Nodes + ?Sized>(nodes: &N, frontier: &mut Frontier, blocks: Range<u64>) -> Result<(), N::Error> {
    for blocks in chunks(blocks) {
        let roots = nodes.subtrees(blocks.start, blocks.end)?;
        assert_eq!(roots.len() as u64, blocks.end - blocks.start, "all subtrees asked for");
        for root in roots {
            push_block(frontier, SUBTREE_LEVEL, root);
        }
    }
    Ok(())
}

fn push_block(frontier: &mut Frontier, level: u8, hash: Hash) {
    let block = Subtree { start: frontier.size(), level, hash };
    frontier.push_subtree(block).expect("larger blocks came first, so the next one is aligned");
}

/// Splits a range into pieces that are read with one call each.
fn chunks(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut start = range.start;
    std::iter::from_fn(move || {
        let chunk = start..range.end.min(start.saturating_add(READ_HASHES_MAX));
        start = chunk.end;
        (!chunk.is_empty()).then_some(chunk)
    })
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::testing::{MemoryNodes, Oracle, UniformNodes, leaf, uniform_root};
    use super::super::{EMPTY_ROOT, verify_consistency, verify_inclusion};
    use super::*;
    use crate::limits::TREE_SIZE_MAX;

    #[test]
    fn inclusion_proofs_equal_the_oracle_for_every_leaf() {
        let nodes = MemoryNodes::of(300);
        let mut oracle = Oracle::new();
        for size in 1..=300 {
            oracle.push(size - 1);
            for index in 0..size {
                let proof = inclusion_proof(&nodes, index, size).unwrap();
                assert_eq!(proof, oracle.inclusion_proof(index), "leaf {index} of {size}");
                verify_inclusion(leaf(index), index, size, &proof, oracle.root()).unwrap();
            }
        }
    }

    #[test]
    fn consistency_proofs_equal_the_oracle_for_every_pair() {
        let nodes = MemoryNodes::of(300);
        let mut oracle = Oracle::new();
        let mut roots = vec![EMPTY_ROOT];
        for to in 1..=300 {
            oracle.push(to - 1);
            roots.push(oracle.root());
            for from in 1..=to {
                let proof = consistency_proof(&nodes, from, to).unwrap();
                assert_eq!(proof, oracle.consistency_proof(from), "{from} to {to}");
                let from_root = roots[usize::try_from(from).unwrap()];
                verify_consistency(from, from_root, to, oracle.root(), &proof).unwrap();
            }
        }
    }

    #[test]
    fn nothing_needs_no_proof() {
        let nodes = MemoryNodes::of(7);
        assert_eq!(consistency_proof(&nodes, 0, 7), Ok(Vec::new()));
        assert_eq!(consistency_proof(&nodes, 7, 7), Ok(Vec::new()));
        assert_eq!(consistency_proof(&nodes, 0, 0), Ok(Vec::new()));
        assert_eq!(subtree_hashes(&nodes, 7, 7), Ok(Vec::new()));
        assert_eq!(root_at(&nodes, 0), Ok(EMPTY_ROOT));
    }

    #[test]
    fn what_lies_outside_is_refused() {
        let nodes = MemoryNodes::of(7);
        let outside = |at, size| ProofError::OutOfRange { at, size };
        assert_eq!(inclusion_proof(&nodes, 7, 7), Err(outside(7, 7)));
        assert_eq!(inclusion_proof(&nodes, 0, 0), Err(outside(0, 0)));
        assert_eq!(inclusion_proof(&nodes, u64::MAX, 7), Err(outside(u64::MAX, 7)));
        assert_eq!(consistency_proof(&nodes, 8, 7), Err(outside(8, 7)));
        assert_eq!(subtree_hashes(&nodes, 8, 7), Err(outside(8, 7)));
        assert_eq!(range_root(&nodes, 8, 7), Err(outside(8, 7)));
    }

    #[test]
    fn missing_hashes_are_an_error() {
        let nodes = MemoryNodes::of(7);
        assert!(matches!(inclusion_proof(&nodes, 0, 8), Err(ProofError::Read(_))));
        assert!(matches!(root_at(&nodes, u64::MAX), Err(ProofError::Read(_))));
        assert!(matches!(subtree_hashes(&nodes, 0, u64::MAX), Err(ProofError::Read(_))));
    }

    #[test]
    fn proofs_in_a_tree_of_ten_million_read_few_leaves() {
        let size = 10_000_000;
        let root = uniform_root(size);
        for index in [0, 6_543_210, 9_999_872, size - 1] {
            let nodes = UniformNodes::new();
            let proof = inclusion_proof(&nodes, index, size).unwrap();
            verify_inclusion(leaf(0), index, size, &proof, root).unwrap();
            assert!(nodes.leaves_read() < 512, "{} leaves read", nodes.leaves_read());
            assert!(nodes.subtrees_read() <= size / SUBTREE_LEAVES);
        }
        for from in [1, 4_194_304, 6_543_210, size - 1] {
            let nodes = UniformNodes::new();
            let proof = consistency_proof(&nodes, from, size).unwrap();
            verify_consistency(from, uniform_root(from), size, root, &proof).unwrap();
            assert!(nodes.leaves_read() < 512, "{} leaves read", nodes.leaves_read());
            assert!(nodes.subtrees_read() <= size / SUBTREE_LEAVES);
        }
    }

    /// Proof in a tree whose leaves are all alike, of any size.
    pub(crate) fn uniform_inclusion_proof(index: u64, size: u64) -> Vec<Hash> {
        let ranges = inclusion_ranges(index, size);
        ranges.into_iter().map(|range| uniform_root(range.end - range.start)).collect()
    }

    /// Proof in a tree whose leaves are all alike, of any size.
    pub(crate) fn uniform_consistency_proof(from: u64, to: u64) -> Vec<Hash> {
        let ranges = consistency_ranges(from, to);
        ranges.into_iter().map(|range| uniform_root(range.end - range.start)).collect()
    }

    proptest! {
        #[test]
        fn roots_of_ranges_equal_trees_of_their_own(from in 0_u64..1_200, leaves in 0_u64..600) {
            let nodes = MemoryNodes::of(1_800);
            let own = Oracle::of(from..from + leaves);
            prop_assert_eq!(range_root(&nodes, from, from + leaves), Ok(own.root()));
        }

        #[test]
        fn gaps_are_the_fewest_aligned_subtrees(
            to in 1_u64..TREE_SIZE_MAX,
            from in any::<u64>(),
        ) {
            let from = from % to;
            let mut start = from;
            let mut count = 0;
            while start < to {
                let leaves = 1_u64 << level_at(start, to);
                prop_assert!(start.is_multiple_of(leaves) && leaves <= to - start);
                let twice_as_large = start.is_multiple_of(2 * leaves) && 2 * leaves <= to - start;
                prop_assert!(!twice_as_large);
                start += leaves;
                count += 1;
            }
            prop_assert!(count <= (2 * to.ilog2()).max(1));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn stored_subtrees_do_not_change_proofs(size in 1_u64..3_000, at in any::<u64>()) {
            let at = at % size;
            let nodes = MemoryNodes::of(size);
            let oracle = Oracle::of(0..size);
            let proof = inclusion_proof(&nodes, at, size).unwrap();
            prop_assert_eq!(proof, oracle.inclusion_proof(at));
            let proof = consistency_proof(&nodes, at + 1, size).unwrap();
            prop_assert_eq!(proof, oracle.consistency_proof(at + 1));
        }
    }
}

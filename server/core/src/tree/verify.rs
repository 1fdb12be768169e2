//! Verification of proofs, for clients and auditors who have no tree.
//!
//! Invariant: every input gives a result, hostile input included. The required length of a proof follows from the sizes
//! alone and is checked before hashing, so a check costs at most 130 hashes.

use super::{EMPTY_ROOT, Hash, node_hash};

/// Checks that `leaf` is leaf number `index` of the tree with this size and root (RFC 6962, 2.1.1).
///
/// The size is trusted: take it, with the root, from a signed checkpoint.
pub fn verify_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash], root: Hash) -> Result<(), ProofInvalid> {
    if index >= size {
        return Err(ProofInvalid::OutOfRange { index, size });
    }
    let path = Path::of(index, size);
    expect_length(proof, path.length())?;
    expect_root(path.climb(leaf, proof), root)
}

/// Checks that the tree of `from_size` leaves is the beginning of the tree of `to_size` leaves (RFC 6962,
/// 2.1.2). Every tree begins with the empty one.
///
/// The sizes are trusted: take them, with the roots, from signed checkpoints.
pub fn verify_consistency(
    from_size: u64,
    from_root: Hash,
    to_size: u64,
    to_root: Hash,
    proof: &[Hash],
) -> Result<(), ProofInvalid> {
    if from_size > to_size {
        return Err(ProofInvalid::Shrunk { from_size, to_size });
    }
    if from_size == 0 && from_root != EMPTY_ROOT {
        return Err(ProofInvalid::EarlierRootMismatch);
    }
    if from_size == to_size {
        expect_length(proof, 0)?;
        return expect_root(from_root, to_root);
    }
    if from_size == 0 {
        return expect_length(proof, 0);
    }
    verify_growth(from_size, from_root, to_size, to_root, proof)
}

/// Consistency with `0 < from_size < to_size`. Both roots are computed on one path up, which starts at the
/// last complete subtree of the earlier tree.
fn verify_growth(
    from_size: u64,
    from_root: Hash,
    to_size: u64,
    to_root: Hash,
    proof: &[Hash],
) -> Result<(), ProofInvalid> {
    let path = Path::of(from_size - 1, to_size).above(from_size.trailing_zeros());
    // A single complete subtree is the earlier tree itself: its root is known and not sent again.
    let (start, siblings) = if from_size.is_power_of_two() {
        expect_length(proof, path.length())?;
        (from_root, proof)
    } else {
        expect_length(proof, 1 + path.length())?;
        let (start, siblings) = proof.split_first().expect("its length was checked");
        (*start, siblings)
    };
    if path.climb_left(start, siblings) != from_root {
        return Err(ProofInvalid::EarlierRootMismatch);
    }
    expect_root(path.climb(start, siblings), to_root)
}

/// The path from a leaf or a subtree up to the root.
///
/// Below the point where it joins the tree's right edge a sibling may be on either side; from there on every sibling is
/// on the left.
#[derive(Clone, Copy)]
struct Path {
    /// Bit i says whether the node at height i is a right child.
    turns: u64,
    /// Steps before the right edge.
    inner: u32,
    /// Steps along the right edge.
    border: u32,
}

impl Path {
    /// The path of a leaf. Needs `index < size`.
    fn of(index: u64, size: u64) -> Self {
        let inner = u64::BITS - (index ^ (size - 1)).leading_zeros();
        let border = index.checked_shr(inner).unwrap_or(0).count_ones();
        Self { turns: index, inner, border }
    }

    /// The same path without its lowest `levels` steps, which must be before the right edge.
    fn above(self, levels: u32) -> Self {
        Self { turns: self.turns >> levels, inner: self.inner - levels, border: self.border }
    }

    fn length(self) -> usize {
        (self.inner + self.border) as usize
    }

    /// The root over `start`, given all siblings.
    fn climb(self, start: Hash, siblings: &[Hash]) -> Hash {
        (0..).zip(siblings).fold(start, |node, (height, &sibling)| {
            if self.sibling_is_left(height) {
                return node_hash(sibling, node);
            }
            node_hash(node, sibling)
        })
    }

    /// The root over `start` of the tree that ends with it: only siblings on the left count.
    fn climb_left(self, start: Hash, siblings: &[Hash]) -> Hash {
        let left = (0..).zip(siblings).filter(|(height, _)| self.sibling_is_left(*height));
        left.fold(start, |node, (_, &sibling)| node_hash(sibling, node))
    }

    fn sibling_is_left(self, height: u32) -> bool {
        height >= self.inner || self.turns >> height & 1 == 1
    }
}

fn expect_length(proof: &[Hash], expected: usize) -> Result<(), ProofInvalid> {
    let found = proof.len();
    if found != expected {
        return Err(ProofInvalid::WrongLength { expected, found });
    }
    Ok(())
}

fn expect_root(computed: Hash, root: Hash) -> Result<(), ProofInvalid> {
    if computed != root {
        return Err(ProofInvalid::RootMismatch);
    }
    Ok(())
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofInvalid {
    /// The tree has no such leaf.
    #[error("a tree of {size} leaves has no leaf {index}")]
    OutOfRange {
        /// Index of the leaf.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// The later tree is the smaller one.
    #[error("the tree shrank from {from_size} to {to_size} leaves")]
    Shrunk {
        /// Size of the earlier tree.
        from_size: u64,
        /// Size of the later tree.
        to_size: u64,
    },
    /// The proof does not have the length that follows from the sizes.
    #[error("the proof has {found} hashes instead of {expected}")]
    WrongLength {
        /// How many hashes a proof for these sizes has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// The proof does not lead to the earlier root.
    #[error("the proof does not lead to the earlier root")]
    EarlierRootMismatch,
    /// The proof does not lead to the root.
    #[error("the proof does not lead to the root")]
    RootMismatch,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::proof::tests::{uniform_consistency_proof, uniform_inclusion_proof};
    use super::super::testing::{MemoryNodes, leaf, uniform_root};
    use super::super::{consistency_proof, inclusion_proof, root_at};
    use super::*;

    /// Calls `check` with every proof that differs from `proof` in one bit.
    fn with_each_bit_flipped(proof: &[Hash], mut check: impl FnMut(&[Hash])) {
        for (at, bit) in (0..proof.len()).flat_map(|at| (0..256).map(move |bit| (at, bit))) {
            let mut bytes = *proof[at].as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut forged = proof.to_vec();
            forged[at] = Hash::new(bytes);
            check(&forged);
        }
    }

    /// Calls `check` with every proof that has one hash fewer or more than `proof`.
    fn with_other_lengths(proof: &[Hash], mut check: impl FnMut(&[Hash])) {
        for at in 0..proof.len() {
            let mut shorter = proof.to_vec();
            shorter.remove(at);
            check(&shorter);
        }
        for at in 0..=proof.len() {
            let mut longer = proof.to_vec();
            longer.insert(at, leaf(0));
            check(&longer);
        }
    }

    #[test]
    fn forged_inclusion_is_refused() {
        let nodes = MemoryNodes::of(20);
        for (size, index) in (1..=20).flat_map(|size| (0..size).map(move |index| (size, index))) {
            let root = root_at(&nodes, size).unwrap();
            let proof = inclusion_proof(&nodes, index, size).unwrap();
            let check = |leaf, index, proof: &[Hash], root| verify_inclusion(leaf, index, size, proof, root);
            assert_eq!(check(leaf(index), index, &proof, root), Ok(()));
            with_each_bit_flipped(&proof, |forged| {
                assert_eq!(check(leaf(index), index, forged, root), Err(ProofInvalid::RootMismatch));
            });
            with_other_lengths(&proof, |forged| {
                let wrong = ProofInvalid::WrongLength { expected: proof.len(), found: forged.len() };
                assert_eq!(check(leaf(index), index, forged, root), Err(wrong));
            });
            assert_eq!(check(leaf(99), index, &proof, root), Err(ProofInvalid::RootMismatch));
            assert_eq!(check(leaf(index), index, &proof, leaf(99)), Err(ProofInvalid::RootMismatch));
            for other in (0..size).filter(|&other| other != index) {
                assert!(check(leaf(index), other, &proof, root).is_err(), "{index} as {other}");
            }
        }
    }

    #[test]
    fn forged_consistency_is_refused() {
        let nodes = MemoryNodes::of(20);
        for (to, from) in (1..=20).flat_map(|to| (1..=to).map(move |from| (to, from))) {
            let roots = [from, to].map(|size| root_at(&nodes, size).unwrap());
            let proof = consistency_proof(&nodes, from, to).unwrap();
            let check = |roots: [Hash; 2], proof: &[Hash]| verify_consistency(from, roots[0], to, roots[1], proof);
            assert_eq!(check(roots, &proof), Ok(()));
            with_each_bit_flipped(&proof, |forged| {
                assert!(check(roots, forged).is_err(), "{from} to {to}");
            });
            with_other_lengths(&proof, |forged| {
                let wrong = ProofInvalid::WrongLength { expected: proof.len(), found: forged.len() };
                assert_eq!(check(roots, forged), Err(wrong));
            });
            assert!(check([leaf(99), roots[1]], &proof).is_err());
            assert_eq!(check([roots[0], leaf(99)], &proof), Err(ProofInvalid::RootMismatch));
        }
    }

    #[test]
    fn rewritten_history_is_refused() {
        let (nodes, rewritten) = (MemoryNodes::of(40), MemoryNodes::rewritten(40, 3));
        let from_root = root_at(&nodes, 13).unwrap();
        let to_root = root_at(&rewritten, 40).unwrap();
        let proof = consistency_proof(&rewritten, 13, 40).unwrap();
        let result = verify_consistency(13, from_root, 40, to_root, &proof);
        assert_eq!(result, Err(ProofInvalid::EarlierRootMismatch));
    }

    #[test]
    fn every_tree_begins_with_the_empty_one() {
        let root = root_at(&MemoryNodes::of(5), 5).unwrap();
        let check =
            |from_root, to_size, to_root, proof: &[Hash]| verify_consistency(0, from_root, to_size, to_root, proof);
        assert_eq!(check(EMPTY_ROOT, 5, root, &[]), Ok(()));
        assert_eq!(check(EMPTY_ROOT, 0, EMPTY_ROOT, &[]), Ok(()));
        assert_eq!(check(root, 5, root, &[]), Err(ProofInvalid::EarlierRootMismatch));
        assert_eq!(check(root, 0, root, &[]), Err(ProofInvalid::EarlierRootMismatch));
        assert_eq!(check(EMPTY_ROOT, 0, root, &[]), Err(ProofInvalid::RootMismatch));
        let longer = ProofInvalid::WrongLength { expected: 0, found: 1 };
        assert_eq!(check(EMPTY_ROOT, 5, root, &[root]), Err(longer));
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let max = u64::MAX;
        let outside = |index, size| Err(ProofInvalid::OutOfRange { index, size });
        assert_eq!(verify_inclusion(leaf(0), 0, 0, &[], EMPTY_ROOT), outside(0, 0));
        assert_eq!(verify_inclusion(leaf(0), max, max, &[], leaf(0)), outside(max, max));
        let shrunk = ProofInvalid::Shrunk { from_size: max, to_size: 1 };
        assert_eq!(verify_consistency(max, leaf(0), 1, leaf(0), &[]), Err(shrunk));
    }

    fn any_size() -> impl Strategy<Value = u64> {
        prop_oneof![
            any::<u64>(),
            (0_u32..64, 0_u64..3).prop_map(|(bit, less)| (1_u64 << bit).saturating_sub(less)),
            (0_u64..3).prop_map(|less| u64::MAX - less),
        ]
    }

    proptest! {
        #[test]
        fn proofs_hold_at_every_magnitude(to in any_size(), at in any_size()) {
            prop_assume!(to > 0);
            let (index, root) = (at % to, uniform_root(to));
            let proof = uniform_inclusion_proof(index, to);
            prop_assert_eq!(verify_inclusion(leaf(0), index, to, &proof, root), Ok(()));
            let (from, from_root) = (index + 1, uniform_root(index + 1));
            let proof = uniform_consistency_proof(from, to);
            prop_assert_eq!(verify_consistency(from, from_root, to, root, &proof), Ok(()));
        }

        #[test]
        fn hostile_input_is_refused_and_never_panics(
            first in any_size(),
            second in any_size(),
            length in 0_usize..140,
        ) {
            let (start, root) = (leaf(1), leaf(2));
            let proof = vec![leaf(3); length];
            prop_assert!(verify_inclusion(start, first, second, &proof, root).is_err());
            if first != 0 {
                prop_assert!(verify_consistency(first, start, second, root, &proof).is_err());
            }
            let result = verify_inclusion(start, first, second, &proof, root);
            if let Err(ProofInvalid::WrongLength { expected, .. }) = result {
                let proof = vec![leaf(3); expected];
                let result = verify_inclusion(start, first, second, &proof, root);
                prop_assert_eq!(result, Err(ProofInvalid::RootMismatch));
            }
            let result = verify_consistency(first, start, second, root, &proof);
            if let Err(ProofInvalid::WrongLength { expected, .. }) = result {
                let proof = vec![leaf(3); expected];
                let result = verify_consistency(first, start, second, root, &proof);
                prop_assert!(result.is_err());
            }
        }
    }
}

//! The two hash functions of the tree, separated by their first byte so that no leaf passes for a node.

use std::fmt;

use sha2::{Digest, Sha256};

/// Hash of a leaf or a node: 32 bytes, shown as hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; Hash::BYTES]);

/// Root of the tree without leaves: SHA-256 of nothing (RFC 6962, 2.1).
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// Hash of a leaf: SHA-256(0x00 ‖ entry bytes) (RFC 6962, 2.1).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let digest = Sha256::new().chain_update([0]).chain_update(entry);
    Hash(digest.finalize().into())
}

/// Hash of a node: SHA-256(0x01 ‖ left ‖ right) (RFC 6962, 2.1).
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    let mut input = [1; 1 + 2 * Hash::BYTES];
    input[1..=Hash::BYTES].copy_from_slice(&left.0);
    input[1 + Hash::BYTES..].copy_from_slice(&right.0);
    Hash(Sha256::digest(input).into())
}

impl Hash {
    /// Bytes of a hash.
    pub const BYTES: usize = 32;

    /// The hash with these bytes.
    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl TryFrom<&[u8]> for Hash {
    type Error = HashInvalid;

    fn try_from(bytes: &[u8]) -> Result<Self, HashInvalid> {
        let found = bytes.len();
        bytes.try_into().map(Self).map_err(|_| HashInvalid { found })
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The error for bytes that are not a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash has {} bytes, not {found}", Hash::BYTES)]
pub struct HashInvalid {
    /// How many bytes were given.
    pub found: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_root_is_the_hash_of_nothing() {
        assert_eq!(EMPTY_ROOT, Hash(Sha256::digest([]).into()));
    }

    #[test]
    fn leaves_and_nodes_are_told_apart() {
        let (left, right) = (leaf_hash(b"left"), leaf_hash(b"right"));
        let joined = [left.0, right.0].concat();
        assert_ne!(node_hash(left, right), leaf_hash(&joined));
        assert_ne!(node_hash(left, right), node_hash(right, left));
        assert_ne!(leaf_hash(b"left"), Hash(Sha256::digest(b"left").into()));
    }

    #[test]
    fn shown_as_hexadecimal() {
        let expected = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(leaf_hash(b"").to_string(), expected);
        assert_eq!(format!("{:?}", leaf_hash(b"")), expected);
    }

    #[test]
    fn only_32_bytes_are_a_hash() {
        let hash = leaf_hash(b"entry");
        assert_eq!(Hash::try_from(hash.as_bytes().as_slice()), Ok(hash));
        assert_eq!(Hash::try_from([0; 31].as_slice()), Err(HashInvalid { found: 31 }));
        assert_eq!(Hash::try_from([0; 33].as_slice()), Err(HashInvalid { found: 33 }));
    }
}

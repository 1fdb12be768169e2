//! Keys of a view, their encoding, and the order in which a key's entries are folded.
//!
//! Stored keys are big-endian, so that their bytes sort in the order of the keys.

use super::Handle;
use kith_core::position::Position;

/// A key: two people, or one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    /// The first person.
    pub(crate) a: Handle,
    /// The second person; 0 if the key is one person.
    pub(crate) b: Handle,
}

impl Key {
    /// Sorts before every key.
    pub(crate) const MIN: Self = Self { a: 0, b: 0 };

    /// The key of one person.
    pub(crate) const fn person(a: Handle) -> Self {
        Self { a, b: 0 }
    }

    /// From one person to another.
    pub(crate) const fn directed(a: Handle, b: Handle) -> Self {
        Self { a, b }
    }

    /// Two people, the smaller handle first.
    pub(crate) fn pair(one: Handle, other: Handle) -> Self {
        Self { a: one.min(other), b: one.max(other) }
    }

    /// The same two people in reverse.
    pub(crate) const fn swapped(self) -> Self {
        Self { a: self.b, b: self.a }
    }

    /// The people in the key.
    pub(crate) fn people(self) -> impl Iterator<Item = Handle> {
        [self.a, self.b].into_iter().filter(|handle| *handle != 0)
    }

    pub(crate) fn to_bytes(self) -> [u8; 8] {
        (u64::from(self.a) << 32 | u64::from(self.b)).to_be_bytes()
    }

    pub(crate) fn from_bytes(bytes: [u8; 8]) -> Self {
        Self { a: u32::from_be_bytes(first(&bytes)), b: u32::from_be_bytes(first(&bytes[4..])) }
    }
}

/// The order of an entry among the entries of its key: by time of occurrence, then by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order {
    /// Milliseconds since 1970-01-01, UTC.
    pub(crate) at: i64,
    /// Its position.
    pub(crate) position: Position,
}

impl Order {
    /// Sorts before every entry.
    pub(crate) const MIN: Self = Self { at: i64::MIN, position: Position::ZERO };
}

/// The first bytes of a longer slice.
pub(crate) fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes.first_chunk().expect("the caller's slice is at least as long")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_have_no_direction() {
        assert_eq!(Key::pair(7, 3), Key::pair(3, 7));
        assert_ne!(Key::directed(7, 3), Key::directed(7, 3).swapped());
        assert_eq!(Key::person(4).people().collect::<Vec<_>>(), [4]);
    }
}

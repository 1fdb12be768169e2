//! The place of an entry in the index of a view, and its byte encoding.
//!
//! Encoded places sort in the same order as places.

use crate::contract::key::{Key, Order, first};
use kith_core::position::Position;

/// An entry's place in the index of a view: its key and its order there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The key, with people as the entry names them, before any merge.
    pub(crate) key: Key,
    /// The order within the key.
    pub(crate) order: Order,
}

impl Place {
    /// The first possible place of a key.
    pub(crate) const fn first_of(key: Key) -> Self {
        Self { key, order: Order::MIN }
    }

    /// The last possible place of a key.
    pub(crate) const fn last_of(key: Key) -> Self {
        Self { key, order: Order { at: i64::MAX, position: Position::new(u64::MAX) } }
    }

    pub(crate) fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.key.to_bytes());
        bytes[8..16].copy_from_slice(&sortable(self.order.at).to_be_bytes());
        bytes[16..].copy_from_slice(&self.order.position.get().to_be_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: [u8; 24]) -> Self {
        let at = u64::from_be_bytes(first(&bytes[8..]));
        let order = Order { at: unsorted(at), position: Position::new(u64::from_be_bytes(first(&bytes[16..]))) };
        Self { key: Key::from_bytes(first(&bytes)), order }
    }
}

const fn sortable(at: i64) -> u64 {
    at.cast_unsigned() ^ (1 << 63)
}

const fn unsorted(at: u64) -> i64 {
    (at ^ (1 << 63)).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places() -> impl Strategy<Value = Place> {
        (any::<u32>(), any::<u32>(), any::<i64>(), any::<u64>()).prop_map(|(a, b, at, position)| Place {
            key: Key { a, b },
            order: Order { at, position: Position::new(position) },
        })
    }

    proptest! {
        #[test]
        fn bytes_read_back_and_keep_the_order(one in places(), other in places()) {
            prop_assert_eq!(Place::from_bytes(one.to_bytes()), one);
            prop_assert_eq!(one.cmp(&other), one.to_bytes().cmp(&other.to_bytes()));
            prop_assert_eq!(one.key.cmp(&other.key), one.key.to_bytes().cmp(&other.key.to_bytes()));
        }
    }
}

//! Keys and values in backups: an encoding of our own, independent of the storage engine's.
//!
//! Invariant: `take` returns what was put, and never panics, whatever the bytes.

use kith_core::packed::Reader;
use redb::Value;

/// A type of keys or values.
pub(crate) trait Column: Value + 'static {
    /// Adds a key or value to a row: numbers little-endian, byte strings prefixed with their length in four bytes.
    fn put(value: &Self::SelfType<'_>, row: &mut Vec<u8>);

    /// Takes a key or value from the front of a row; `None` if it is malformed.
    fn take<'a>(row: &mut Reader<'a>) -> Option<Self::SelfType<'a>>;
}

impl Column for () {
    fn put((): &Self::SelfType<'_>, _: &mut Vec<u8>) {}

    fn take<'a>(_: &mut Reader<'a>) -> Option<Self::SelfType<'a>> {
        Some(())
    }
}

/// Numbers and hashes: a fixed number of bytes.
macro_rules! fixed {
    ($type:ty, $to:expr, $from:expr) => {
        impl Column for $type {
            fn put(value: &Self::SelfType<'_>, row: &mut Vec<u8>) {
                row.extend_from_slice(&$to(*value));
            }

            fn take<'a>(row: &mut Reader<'a>) -> Option<Self::SelfType<'a>> {
                row.array().map($from)
            }
        }
    };
}
fixed!(u32, u32::to_le_bytes, u32::from_le_bytes);
fixed!(u64, u64::to_le_bytes, u64::from_le_bytes);
fixed!(u128, u128::to_le_bytes, u128::from_le_bytes);
fixed!([u8; 32], std::convert::identity, std::convert::identity::<[u8; 32]>);

impl Column for &'static [u8] {
    fn put(value: &Self::SelfType<'_>, row: &mut Vec<u8>) {
        let length = u32::try_from(value.len()).expect("rows are far below 4 GiB");
        row.extend_from_slice(&length.to_le_bytes());
        row.extend_from_slice(value);
    }

    fn take<'a>(row: &mut Reader<'a>) -> Option<Self::SelfType<'a>> {
        let length = usize::try_from(row.u32()?).ok()?;
        row.bytes(length)
    }
}

impl Column for &'static str {
    fn put(value: &Self::SelfType<'_>, row: &mut Vec<u8>) {
        <&[u8]>::put(&value.as_bytes(), row);
    }

    fn take<'a>(row: &mut Reader<'a>) -> Option<Self::SelfType<'a>> {
        std::str::from_utf8(<&[u8]>::take(row)?).ok()
    }
}

impl<A: Column, B: Column> Column for (A, B) {
    fn put((one, two): &Self::SelfType<'_>, row: &mut Vec<u8>) {
        A::put(one, row);
        B::put(two, row);
    }

    fn take<'a>(row: &mut Reader<'a>) -> Option<Self::SelfType<'a>> {
        Some((A::take(row)?, B::take(row)?))
    }
}

impl<A: Column, B: Column, C: Column> Column for (A, B, C) {
    fn put((one, two, three): &Self::SelfType<'_>, row: &mut Vec<u8>) {
        A::put(one, row);
        B::put(two, row);
        C::put(three, row);
    }

    fn take<'a>(row: &mut Reader<'a>) -> Option<Self::SelfType<'a>> {
        Some((A::take(row)?, B::take(row)?, C::take(row)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Row = ((u32, &'static str), (u128, u64, &'static [u8]), [u8; 32]);

    proptest! {
        #[test]
        fn rows_read_back(n: u32, text: String, id: u128, at: u64, bytes: Vec<u8>, hash: [u8; 32], cut in 1_usize..90) {
            let value = ((n, text.as_str()), (id, at, bytes.as_slice()), hash);
            let mut row = Vec::new();
            Row::put(&value, &mut row);
            let mut reader = Reader::new(&row);
            prop_assert_eq!(Row::take(&mut reader), Some(value));
            prop_assert!(reader.rest().is_empty());
            let end = row.len().saturating_sub(cut);
            prop_assert_eq!(Row::take(&mut Reader::new(&row[..end])), None);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = Row::take(&mut Reader::new(&bytes));
        }
    }
}

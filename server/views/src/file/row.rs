//! Stored rows: their bytes, and reading one column without the others.
//!
//! Bytes of a row = head ‖ body. Head: position at which it last changed (u64), 1 if it exists or 0 if it was
//! removed. Body, which digests cover: number of values (u16), values as tag and payload (0 none; 1 number, 8 bytes
//! of IEEE 754; 2 integer, 8; 3 text, length u32 and UTF-8; 4 flag, 1; 5 day, 4; 6 person, 4; 7 event, 8), number of
//! entries of evidence (u32), number of those that are named (u32) and their positions (u64 each). Little-endian.

use crate::contract::{
    GuestRow, GuestValue,
    key::{Key, first},
};
use kith_core::{day::Day, limits::PERSON_ID_BYTES_MAX, position::Position};
use std::cmp::Ordering;

/// Length of the head.
const HEAD_BYTES: usize = 9;
/// The tag of a person.
const PERSON_TAG: u8 = 6;

/// Identifies a row of a view: its key, and the item among several rows of the key (0 = none).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RowKey {
    /// The key.
    pub(crate) key: Key,
    /// The entry that the row is about; 0 for none.
    pub(crate) item: Position,
}

impl RowKey {
    /// The first possible row of a key.
    pub(crate) const fn first_of(key: Key) -> Self {
        Self { key, item: Position::ZERO }
    }

    /// The last possible row of a key.
    pub(crate) const fn last_of(key: Key) -> Self {
        Self { key, item: Position::new(u64::MAX) }
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.key.to_bytes());
        bytes[8..].copy_from_slice(&self.item.get().to_be_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self { key: Key::from_bytes(first(&bytes)), item: Position::new(u64::from_be_bytes(first(&bytes[8..]))) }
    }
}

/// A stored row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredRow {
    /// Position of the last entry that changed its key.
    pub(crate) changed: Position,
    /// Its values.
    pub(crate) values: Vec<GuestValue>,
    /// Number of entries of evidence.
    pub(crate) evidence_count: u32,
    /// Those entries, if they are not all entries of the key.
    pub(crate) evidence: Vec<Position>,
}

impl StoredRow {
    /// A plugin's row for a key with this many entries.
    pub(crate) fn of(row: GuestRow, changed: Position, key_entries: u32) -> Self {
        let evidence_count = match row.evidence.len() {
            0 => key_entries,
            named => u32::try_from(named).expect("rows are at most 16 KiB"),
        };
        Self { changed, values: row.values, evidence_count, evidence: row.evidence }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + 10 + self.values.len() * 9 + self.evidence.len() * 8);
        bytes.extend_from_slice(&self.changed.get().to_le_bytes());
        bytes.push(1);
        let count = u16::try_from(self.values.len()).expect("views have at most 64 fields");
        bytes.extend_from_slice(&count.to_le_bytes());
        self.values.iter().for_each(|value| put_value(&mut bytes, value));
        bytes.extend_from_slice(&self.evidence_count.to_le_bytes());
        let named = u32::try_from(self.evidence.len()).expect("rows are at most 16 KiB");
        bytes.extend_from_slice(&named.to_le_bytes());
        self.evidence.iter().for_each(|position| bytes.extend_from_slice(&position.get().to_le_bytes()));
        bytes
    }

    /// Reads a row's bytes; `None` for a removed row.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let RowHead { changed, is_there } = RowHead::of(bytes);
        if !is_there {
            return None;
        }
        let mut rest = &bytes[HEAD_BYTES..];
        let count = u16::from_le_bytes(take(&mut rest));
        let values = (0..count).map(|_| take_value(&mut rest)).collect();
        let evidence_count = u32::from_le_bytes(take(&mut rest));
        let named = u32::from_le_bytes(take(&mut rest));
        let evidence = (0..named).map(|_| Position::new(u64::from_le_bytes(take(&mut rest)))).collect();
        Some(Self { changed, values, evidence_count, evidence })
    }

    /// One value of a stored row.
    pub(crate) fn column(bytes: &[u8], index: usize) -> GuestValue {
        let mut rest = &bytes[HEAD_BYTES + 2..];
        for _ in 0..index {
            skip_value(&mut rest);
        }
        take_value(&mut rest)
    }

    /// The most bytes that a stored row, or a removed one, takes in a message: people are numbers here and ids there.
    pub(crate) fn sent_bytes_max(bytes: &[u8]) -> usize {
        /// Bytes of a person's id with its prefix.
        const PERSON_BYTES: usize = PERSON_ID_BYTES_MAX + 6;
        let mut rest = &bytes[HEAD_BYTES..];
        let count = if RowHead::of(bytes).is_there { u16::from_le_bytes(take(&mut rest)) } else { 0 };
        let mut people = 0;
        for _ in 0..count {
            people += usize::from(rest.first() == Some(&PERSON_TAG));
            skip_value(&mut rest);
        }
        // The key has up to two people; a value takes up to four bytes more in a message than here.
        bytes.len() + 4 * usize::from(count) + (people + 2) * PERSON_BYTES
    }

    /// The part of a row's bytes that digests cover.
    pub(crate) fn body(bytes: &[u8]) -> &[u8] {
        &bytes[HEAD_BYTES..]
    }

    /// What is stored for a removed row.
    pub(crate) fn gone(changed: Position) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..8].copy_from_slice(&changed.get().to_le_bytes());
        bytes
    }
}

/// The head of a stored row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowHead {
    /// Position of the last entry that changed its key.
    pub(crate) changed: Position,
    /// Whether the row exists.
    pub(crate) is_there: bool,
}

impl RowHead {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { changed: Position::new(u64::from_le_bytes(first(bytes))), is_there: bytes[8] == 1 }
    }
}

/// The order of values in a column: numbers by size, text by its bytes. `None` comes last in either direction.
pub(crate) fn compare_values(one: &GuestValue, other: &GuestValue) -> Ordering {
    match (one, other) {
        (GuestValue::Number(one), GuestValue::Number(other)) => one.total_cmp(other),
        (GuestValue::Integer(one), GuestValue::Integer(other)) => one.cmp(other),
        (GuestValue::Text(one), GuestValue::Text(other)) => one.cmp(other),
        (GuestValue::Flag(one), GuestValue::Flag(other)) => one.cmp(other),
        (GuestValue::Day(one), GuestValue::Day(other)) => one.cmp(other),
        (GuestValue::Person(one), GuestValue::Person(other)) => one.cmp(other),
        (GuestValue::Event(one), GuestValue::Event(other)) => one.cmp(other),
        _ => Ordering::Equal,
    }
}

pub(crate) fn put_value(bytes: &mut Vec<u8>, value: &GuestValue) {
    match value {
        GuestValue::None => bytes.push(0),
        GuestValue::Number(number) => put(bytes, 1, &number.to_le_bytes()),
        GuestValue::Integer(integer) => put(bytes, 2, &integer.to_le_bytes()),
        GuestValue::Text(text) => {
            let length = u32::try_from(text.len()).expect("rows are at most 16 KiB");
            put(bytes, 3, &length.to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        GuestValue::Flag(flag) => put(bytes, 4, &[u8::from(*flag)]),
        GuestValue::Day(day) => put(bytes, 5, &day.number().to_le_bytes()),
        GuestValue::Person(person) => put(bytes, PERSON_TAG, &person.to_le_bytes()),
        GuestValue::Event(position) => put(bytes, 7, &position.get().to_le_bytes()),
    }
}

fn put(bytes: &mut Vec<u8>, tag: u8, payload: &[u8]) {
    bytes.push(tag);
    bytes.extend_from_slice(payload);
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (head, tail) = rest.split_first_chunk().expect("stored rows are whole");
    *rest = tail;
    *head
}

fn take_value(rest: &mut &[u8]) -> GuestValue {
    match take::<1>(rest)[0] {
        1 => GuestValue::Number(f64::from_le_bytes(take(rest))),
        2 => GuestValue::Integer(i64::from_le_bytes(take(rest))),
        3 => {
            let length = u32::from_le_bytes(take(rest)) as usize;
            let (text, tail) = rest.split_at(length);
            *rest = tail;
            GuestValue::Text(std::str::from_utf8(text).expect("stored text was text").to_owned())
        }
        4 => GuestValue::Flag(take::<1>(rest)[0] == 1),
        5 => GuestValue::Day(Day::new(i32::from_le_bytes(take(rest)))),
        PERSON_TAG => GuestValue::Person(u32::from_le_bytes(take(rest))),
        7 => GuestValue::Event(Position::new(u64::from_le_bytes(take(rest)))),
        _ => GuestValue::None,
    }
}

fn skip_value(rest: &mut &[u8]) {
    let length = match take::<1>(rest)[0] {
        1 | 2 | 7 => 8,
        3 => u32::from_le_bytes(take(rest)) as usize,
        4 => 1,
        5 | PERSON_TAG => 4,
        _ => 0,
    };
    *rest = &rest[length..];
}

/// Reads a value that [`put_value`] wrote, from untrusted bytes; also returns the bytes that follow it.
pub(crate) fn decode_value(bytes: &[u8]) -> Option<(GuestValue, &[u8])> {
    let (tag, payload) = bytes.split_first()?;
    let length = match tag {
        0 => 0,
        1 | 2 | 7 => 8,
        3 => 4 + u32::from_le_bytes(*payload.first_chunk()?) as usize,
        4 => 1,
        5 | 6 => 4,
        _ => return None,
    };
    let (payload, rest) = payload.split_at_checked(length)?;
    if *tag == 3 {
        std::str::from_utf8(&payload[4..]).ok()?;
    }
    let mut value = &bytes[..=length];
    Some((take_value(&mut value), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Vec<GuestValue>> {
        let value = prop_oneof![
            Just(GuestValue::None),
            any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(GuestValue::Number),
            any::<i64>().prop_map(GuestValue::Integer),
            ".{0,20}".prop_map(GuestValue::Text),
            any::<bool>().prop_map(GuestValue::Flag),
            any::<i32>().prop_map(|day| GuestValue::Day(Day::new(day))),
            any::<u32>().prop_map(GuestValue::Person),
            any::<u64>().prop_map(|position| GuestValue::Event(Position::new(position))),
        ];
        proptest::collection::vec(value, 1..8)
    }

    proptest! {
        #[test]
        fn rows_read_back(
            values in values(),
            changed in any::<u64>().prop_map(Position::new),
            evidence_count in any::<u32>(),
            evidence in proptest::collection::vec(any::<u64>().prop_map(Position::new), 0..5),
        ) {
            let row = StoredRow { changed, values, evidence_count, evidence };
            let bytes = row.encode();
            for (index, value) in row.values.iter().enumerate() {
                prop_assert_eq!(&StoredRow::column(&bytes, index), value);
                let mut alone = Vec::new();
                put_value(&mut alone, value);
                prop_assert_eq!(decode_value(&alone), Some((value.clone(), &[][..])));
            }
            prop_assert_eq!(RowHead::of(&bytes), RowHead { changed, is_there: true });
            prop_assert_eq!(StoredRow::decode(&bytes), Some(row));
        }

        #[test]
        fn arbitrary_bytes_are_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode_value(&bytes);
        }
    }

    #[test]
    fn a_row_that_is_gone_has_no_values() {
        let bytes = StoredRow::gone(Position::new(7));
        assert_eq!(RowHead::of(&bytes), RowHead { changed: Position::new(7), is_there: false });
        assert_eq!(StoredRow::decode(&bytes), None);
    }
}

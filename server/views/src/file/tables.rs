//! Every table of a view's file: key, value, lifetime. The whole file is a cache of the log.

use crate::contract::key::{Key, Order, first};
use kith_core::{day::Day, position::Position};
use redb::TableDefinition;

/// Version of the format of this file. A file of another version is deleted and rebuilt.
pub(crate) const FORMAT: u32 = 3;

/// "meta" → [`Meta`]. One record, written by every transaction.
pub(crate) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
/// Handle → organisation's length (u8), organisation, person. Grows with the directory.
pub(crate) const PEOPLE: TableDefinition<u32, &[u8]> = TableDefinition::new("people");
/// Position of a merge → kept, merged. Permanent: a withdrawn merge stays, alongside its retraction.
pub(crate) const MERGES: TableDefinition<u64, (u32, u32)> = TableDefinition::new("merges");
/// Position of an entry → position of its retraction. Permanent.
pub(crate) const RETRACTIONS: TableDefinition<u64, u64> = TableDefinition::new("retractions");
/// [`crate::file::place::Place`] of every entry folded or withdrawn, people as the entry names them. Permanent.
pub(crate) const PLACES: TableDefinition<&[u8; 24], ()> = TableDefinition::new("places");
/// Second person, first person of every key. Permanent.
pub(crate) const SECONDS: TableDefinition<&[u8; 8], ()> = TableDefinition::new("seconds");
/// Handle, position of entries whose keys do not contain that person. Permanent.
pub(crate) const MENTIONS: TableDefinition<&[u8; 12], ()> = TableDefinition::new("mentions");
/// Key → [`Record`]. Permanent: a dropped key keeps a record without state.
pub(crate) const RECORDS: TableDefinition<&[u8; 8], &[u8]> = TableDefinition::new("records");
/// [`crate::file::row::RowKey`] → row as of a day, or the mark of a removed row. Replaced when its key changes. One for
/// each [`Side`].
const ROWS: [TableDefinition<&[u8; 16], &[u8]>; 2] = [TableDefinition::new("rows-0"), TableDefinition::new("rows-1")];
/// [`crate::file::zones::Zone`] → smallest and largest value of each ordered column (u64 each). Written when they become
/// wider, and anew with the rows of another day. One for each [`Side`].
const ZONES: [TableDefinition<u32, &[u8]>; 2] = [TableDefinition::new("zones-0"), TableDefinition::new("zones-1")];
/// Position at which a key last changed, key. Moved when the key changes; empty until the view is built.
pub(crate) const CHANGES: TableDefinition<&[u8; 16], ()> = TableDefinition::new("changes");
/// Key → [`Quarantined`]. Kept until the key can be folded and read again.
pub(crate) const QUARANTINE: TableDefinition<&[u8; 8], &[u8]> = TableDefinition::new("quarantine");

/// Which of two tables has the rows of a day: those of the next day are made on the other side, until all are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Side {
    #[default]
    First,
    Second,
}

impl Side {
    pub(crate) const ALL: [Self; 2] = [Self::First, Self::Second];

    pub(crate) fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    /// The table of rows.
    pub(crate) fn rows(self) -> TableDefinition<'static, &'static [u8; 16], &'static [u8]> {
        ROWS[self as usize]
    }

    /// The table of the bounds of zones.
    pub(crate) fn zones(self) -> TableDefinition<'static, u32, &'static [u8]> {
        ZONES[self as usize]
    }
}

/// The state of a view as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Meta {
    /// Identifies everything besides the log that the contents depend on.
    pub(crate) identity: [u8; 32],
    /// The last position processed.
    pub(crate) cursor: Position,
    /// The day that rows are as of; `None` until the view is built.
    pub(crate) day: Option<Day>,
    /// Where those rows are.
    pub(crate) side: Side,
    /// Number of keys with a state.
    pub(crate) keys: u64,
    /// Number of rows.
    pub(crate) rows: u64,
    /// Bytes of all states.
    pub(crate) state_bytes: u64,
}

impl Meta {
    /// The only key of [`META`].
    pub(crate) const KEY: &'static str = "meta";

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(74);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&self.identity);
        bytes.push(self.side as u8);
        bytes.push(u8::from(self.day.is_some()));
        bytes.extend_from_slice(&self.day.map_or(0, Day::number).to_le_bytes());
        for number in [self.cursor.get(), self.keys, self.rows, self.state_bytes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// Reads a record of this version; `None` for any other bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (format, rest) = bytes.split_first_chunk()?;
        let (identity, rest) = rest.split_first_chunk()?;
        let ([side, has_day], rest) = rest.split_first_chunk()?;
        let (day, rest) = rest.split_first_chunk()?;
        let numbers: &[u8; 32] = rest.try_into().ok()?;
        let number = |index: usize| u64::from_le_bytes(first(&numbers[index * 8..]));
        let side = *Side::ALL.get(usize::from(*side))?;
        (u32::from_le_bytes(*format) == FORMAT).then(|| Self {
            identity: *identity,
            side,
            day: (*has_day == 1).then(|| Day::new(i32::from_le_bytes(*day))),
            cursor: Position::new(number(0)),
            keys: number(1),
            rows: number(2),
            state_bytes: number(3),
        })
    }
}

/// The record of a key: its state, and how far it is folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Position of the last entry that changed it: an event, a retraction or a merge.
    pub(crate) changed: Position,
    /// The last entry folded.
    pub(crate) last: Order,
    /// Number of entries folded.
    pub(crate) entries: u32,
    /// The state; empty if there is none.
    pub(crate) state: Vec<u8>,
}

impl Record {
    /// The record of a key for which nothing was folded.
    pub(crate) const EMPTY: Self = Self { changed: Position::ZERO, last: Order::MIN, entries: 0, state: Vec::new() };

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(28 + self.state.len());
        bytes.extend_from_slice(&self.changed.get().to_le_bytes());
        bytes.extend_from_slice(&self.last.at.to_le_bytes());
        bytes.extend_from_slice(&self.last.position.get().to_le_bytes());
        bytes.extend_from_slice(&self.entries.to_le_bytes());
        bytes.extend_from_slice(&self.state);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let word = |at: usize| first(&bytes[at..]);
        Self {
            changed: Position::new(u64::from_le_bytes(word(0))),
            last: Order { at: i64::from_le_bytes(word(8)), position: Position::new(u64::from_le_bytes(word(16))) },
            entries: u32::from_le_bytes(first(&bytes[24..])),
            state: bytes[28..].to_vec(),
        }
    }
}

/// Why a key is in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quarantined {
    /// The entry that cannot be folded; `None` if the key cannot be read.
    pub(crate) at: Option<Order>,
    /// The error of the plugin or the sandbox.
    pub(crate) message: String,
}

impl Quarantined {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let order = self.at.unwrap_or(Order::MIN);
        let mut bytes = vec![u8::from(self.at.is_some())];
        bytes.extend_from_slice(&order.at.to_le_bytes());
        bytes.extend_from_slice(&order.position.get().to_le_bytes());
        bytes.extend_from_slice(self.message.as_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let order = Order {
            at: i64::from_le_bytes(first(&bytes[1..])),
            position: Position::new(u64::from_le_bytes(first(&bytes[9..]))),
        };
        Self { at: (bytes[0] == 1).then_some(order), message: String::from_utf8_lossy(&bytes[17..]).into_owned() }
    }
}

/// The key of [`CHANGES`].
pub(crate) fn change_bytes(changed: Position, key: Key) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&changed.get().to_be_bytes());
    bytes[8..].copy_from_slice(&key.to_bytes());
    bytes
}

/// Reads a key of [`CHANGES`].
pub(crate) fn change_of(bytes: [u8; 16]) -> (Position, Key) {
    (Position::new(u64::from_be_bytes(first(&bytes))), Key::from_bytes(first(&bytes[8..])))
}

/// The key of [`MENTIONS`].
pub(crate) fn mention_bytes(handle: u32, position: Position) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&handle.to_be_bytes());
    bytes[4..].copy_from_slice(&position.get().to_be_bytes());
    bytes
}

/// Reads the position in a key of [`MENTIONS`].
pub(crate) fn mentioned_position(bytes: &[u8; 12]) -> Position {
    Position::new(u64::from_be_bytes(first(&bytes[4..])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn records_read_back(
            changed in any::<u64>().prop_map(Position::new),
            at in any::<i64>(),
            position in any::<u64>().prop_map(Position::new),
            entries in any::<u32>(),
            state in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let record = Record { changed, last: Order { at, position }, entries, state };
            prop_assert_eq!(Record::decode(&record.encode()), record);
            let key = Key::directed(entries, 7);
            prop_assert_eq!(change_of(change_bytes(changed, key)), (changed, key));
            prop_assert_eq!(mentioned_position(&mention_bytes(entries, position)), position);
        }

        #[test]
        fn meta_reads_back(
            cursor in any::<u64>().prop_map(Position::new),
            day in proptest::option::of(any::<i32>().prop_map(Day::new)),
            keys in any::<u64>(),
            side in proptest::sample::select(&Side::ALL),
        ) {
            let meta = Meta { identity: [7; 32], cursor, day, side, keys, rows: 3, state_bytes: 4 };
            prop_assert_eq!(Meta::decode(&meta.encode()), Some(meta));
        }

        #[test]
        fn arbitrary_meta_is_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Meta::decode(&bytes);
        }
    }

    #[test]
    fn quarantine_reads_back() {
        for at in [None, Some(Order { at: -3, position: Position::new(9) })] {
            let quarantined = Quarantined { at, message: "unreachable".into() };
            assert_eq!(Quarantined::decode(&quarantined.encode()), quarantined);
        }
    }
}

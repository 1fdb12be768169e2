//! What a backup of the log says about itself before its rows.
//!
//! Invariant: it is read in the same transaction as the rows.

use crate::{
    error::{OpenError, Versioned},
    rows::{
        row::{read_head, read_networks},
        version::{self, ENTRY_VERSION, FORMAT_VERSION},
    },
};
use kith_core::packed::{Reader, Writer};
use kith_core::{
    id::NetworkName,
    position::Position,
    timestamp::Timestamp,
    tree::{EMPTY_ROOT, Hash},
};
use redb::ReadTransaction;

/// What is in a backup of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// When it was begun.
    pub taken_at: Timestamp,
    /// The networks, by name.
    pub networks: Vec<BackedUp>,
}

/// A network in a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// Its name.
    pub name: NetworkName,
    /// Random id of its log.
    pub incarnation: [u8; 16],
    /// Its last position.
    pub head: Position,
    /// Root of its hash tree.
    pub root: Hash,
}

impl Heading {
    /// What a transaction sees.
    pub(super) fn read(transaction: &ReadTransaction, taken_at: Timestamp) -> Result<Self, OpenError> {
        let mut networks = Vec::new();
        for (name, row) in read_networks(transaction)? {
            let head = read_head(transaction, row.ordinal)?;
            let (head, root) = head.map_or((Position::ZERO, EMPTY_ROOT), |row| (row.position, row.frontier.root()));
            networks.push(BackedUp { name, incarnation: row.incarnation, head, root });
        }
        Ok(Self { taken_at, networks })
    }

    /// Entries of all networks.
    pub fn entries(&self) -> u64 {
        self.networks.iter().map(|network| network.head.get()).sum()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let count = u32::try_from(self.networks.len()).expect("fewer than 2^32 networks");
        let writer = Writer::default().u32(FORMAT_VERSION).u32(ENTRY_VERSION).i64(self.taken_at.millis()).u32(count);
        let add = |writer: Writer, network: &BackedUp| {
            let writer = writer.short(network.name.as_str().as_bytes()).bytes(&network.incarnation);
            writer.u64(network.head.get()).bytes(network.root.as_bytes())
        };
        self.networks.iter().fold(writer, add).finish()
    }

    /// Undoes [`Heading::encode`]; `Ok(None)` if the bytes are malformed. Unsupported versions are reported first.
    pub(super) fn decode(bytes: &[u8]) -> Result<Option<Self>, OpenError> {
        let mut reader = Reader::new(bytes);
        let (Some(format), Some(entries)) = (reader.u32(), reader.u32()) else { return Ok(None) };
        version::check_one(Versioned::Log, format, FORMAT_VERSION)?;
        version::check_one(Versioned::Entries, entries, ENTRY_VERSION)?;
        Ok(Self::decode_rest(reader))
    }

    fn decode_rest(mut reader: Reader<'_>) -> Option<Self> {
        let taken_at = Timestamp::from_millis(reader.i64()?);
        let mut networks = Vec::new();
        for _ in 0..reader.u32()? {
            let (name, incarnation) = (reader.text()?, reader.array()?);
            let (head, root) = (Position::new(reader.u64()?), Hash::new(reader.array()?));
            networks.push(BackedUp { name, incarnation, head, root });
        }
        reader.finish(Self { taken_at, networks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_read_back_and_newer_ones_are_refused() {
        let network = |name: &str, head| BackedUp {
            name: name.parse().unwrap(),
            incarnation: [head; 16],
            head: Position::new(head.into()),
            root: Hash::new([head; 32]),
        };
        let networks = vec![network("north", 7), network("south", 0)];
        let heading = Heading { taken_at: Timestamp::from_millis(5), networks };
        let bytes = heading.encode();
        assert_eq!(Heading::decode(&bytes).unwrap(), Some(heading));
        for end in 0..bytes.len() {
            assert_eq!(Heading::decode(&bytes[..end]).unwrap(), None, "cut at {end}");
        }
        for (at, of) in [(0, Versioned::Log), (4, Versioned::Entries)] {
            let mut newer = bytes.clone();
            newer[at] = 9;
            let refused = Heading::decode(&newer);
            assert!(matches!(refused, Err(OpenError::Version { found: 9, of: which, .. }) if which == of));
        }
    }
}

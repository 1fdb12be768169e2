//! One consistent state of a network's rows, for readers and for the decision.
//!
//! Invariant: everything read through one snapshot is of one commit.

use crate::{
    error::{Damage, ReadError},
    keys::Incarnation,
    seal::{self, Sealed},
    tables,
    tree_rows::{NodesError, StoredNodes},
};
use bytes::Bytes;
use kith_core::{
    decide::Recorded,
    entry::Entry,
    event::Event,
    header::Header,
    id::EventId,
    position::Position,
    tree::{Hash, Nodes},
};
use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableDatabase};

/// Leaf hashes and subtree roots of a network.
pub(crate) type TreeNodes = StoredNodes<ReadOnlyTable<(u32, u64), &'static [u8]>, ReadOnlyTable<(u32, u64), [u8; 32]>>;

/// The rows of a network at one commit.
pub(crate) struct Snapshot {
    transaction: ReadTransaction,
    network: u32,
    entries: ReadOnlyTable<(u32, u64), &'static [u8]>,
    ids: ReadOnlyTable<(u32, u128), (u64, [u8; 32])>,
}

impl Snapshot {
    /// The rows of the network with an ordinal.
    pub(crate) fn begin(database: &Database, network: u32) -> Result<Self, ReadError> {
        let transaction = database.begin_read()?;
        let (entries, ids) = (transaction.open_table(tables::ENTRIES)?, transaction.open_table(tables::IDS)?);
        Ok(Self { transaction, network, entries, ids })
    }

    /// Where an event is and what its content was.
    pub(crate) fn recorded(&self, id: &EventId) -> Result<Option<Recorded>, ReadError> {
        let row = self.ids.get((self.network, u128::from_be_bytes(*id.as_bytes())))?;
        Ok(row.map(|row| {
            let (position, content) = row.value();
            Recorded { position: Position::new(position), content }
        }))
    }

    /// The bytes of an entry, if it is there.
    pub(crate) fn find_bytes(&self, position: Position) -> Result<Option<Bytes>, ReadError> {
        let row = self.entries.get((self.network, position.get()))?;
        Ok(row.map(|row| Bytes::copy_from_slice(row.value())))
    }

    /// The bytes of an entry up to the head.
    pub(crate) fn bytes(&self, position: Position) -> Result<Bytes, ReadError> {
        self.find_bytes(position)?.ok_or_else(|| damaged("entries", "an entry is missing"))
    }

    /// An entry up to the head.
    pub(crate) fn entry(&self, position: Position) -> Result<Entry, ReadError> {
        decode_entry(&self.bytes(position)?)
    }

    /// The event of an entry up to the head.
    pub(crate) fn event(&self, position: Position) -> Result<Event, ReadError> {
        decode_event(&self.entry(position)?)
    }

    /// Outlines an entry.
    pub(crate) fn header(&self, bytes: &Bytes) -> Result<Header, ReadError> {
        let entry = decode_entry(bytes)?;
        Header::resolve(&entry, &decode_event(&entry)?, |id| self.find_event(id))
    }

    fn find_event(&self, id: &EventId) -> Result<Option<(Entry, Event)>, ReadError> {
        let Some(recorded) = self.recorded(id)? else { return Ok(None) };
        let entry = self.entry(recorded.position)?;
        let event = decode_event(&entry)?;
        Ok(Some((entry, event)))
    }

    /// Entries after `after` up to `until`, oldest first.
    pub(crate) fn range(
        &self,
        after: Position,
        until: Position,
    ) -> Result<redb::Range<'_, (u32, u64), &'static [u8]>, ReadError> {
        Ok(self.entries.range((self.network, after.next().get())..=(self.network, until.get()))?)
    }

    /// The position of the last entry; 0 if there is none.
    pub(crate) fn last_position(&self) -> Result<Position, ReadError> {
        let mut rows = self.entries.range((self.network, 0)..=(self.network, u64::MAX))?;
        let last = rows.next_back().transpose()?;
        Ok(last.map_or(Position::ZERO, |(key, _)| Position::new(key.value().1)))
    }

    /// The sealed details of an entry; none if it has none.
    pub(crate) fn details(&self, position: Position) -> Result<Vec<Sealed>, ReadError> {
        let table = self.transaction.open_table(tables::DETAILS)?;
        let Some(row) = table.get((self.network, position.get()))? else { return Ok(Vec::new()) };
        seal::decode_all(row.value()).ok_or_else(|| damaged("details", "a row is malformed"))
    }

    /// The position of the newest entry that names a person.
    pub(crate) fn named_at(&self, handle: u32) -> Result<Option<Position>, ReadError> {
        let row = self.transaction.open_table(tables::NAMES)?.get((self.network, handle))?;
        Ok(row.map(|row| Position::new(row.value())))
    }

    /// The position of the first retraction of an entry.
    pub(crate) fn retracted_at(&self, position: Position) -> Result<Option<Position>, ReadError> {
        let row = self.transaction.open_table(tables::RETRACTIONS)?.get((self.network, position.get()))?;
        Ok(row.map(|row| Position::new(row.value())))
    }

    /// The hash tree.
    pub(crate) fn nodes(&self) -> Result<TreeNodes, ReadError> {
        Ok(StoredNodes {
            network: self.network,
            leaves: self.transaction.open_table(tables::LEAVES)?,
            subtrees: self.transaction.open_table(tables::SUBTREES)?,
        })
    }

    /// The hash of a leaf.
    pub(crate) fn leaf(&self, index: u64) -> Result<Hash, ReadError> {
        Ok(self.nodes()?.leaves(index, index + 1)?[0])
    }

    /// The transaction that it reads in.
    pub(crate) fn transaction(&self) -> &ReadTransaction {
        &self.transaction
    }

    /// The network's ordinal.
    pub(crate) fn network(&self) -> u32 {
        self.network
    }
}

/// Where a detail of an event is sealed to.
pub(crate) fn place(incarnation: Incarnation, event: EventId, index: usize) -> seal::Place {
    seal::Place { incarnation, event, index }
}

pub(crate) fn damaged(table: &'static str, what: &'static str) -> ReadError {
    ReadError::Damaged(Damage { table, what })
}

pub(crate) fn decode_entry(bytes: &Bytes) -> Result<Entry, ReadError> {
    Entry::decode(bytes).map_err(|_| damaged("entries", "an entry is malformed"))
}

pub(crate) fn decode_event(entry: &Entry) -> Result<Event, ReadError> {
    entry.event().map_err(|_| damaged("entries", "an event is malformed"))
}

impl From<NodesError> for ReadError {
    fn from(error: NodesError) -> Self {
        match error {
            NodesError::Storage(error) => error.into(),
            NodesError::Missing => damaged("leaves", "hashes are missing or cut short"),
        }
    }
}

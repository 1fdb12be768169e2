//! One consistent state of a network's rows, for readers and for the decision.
//!
//! Invariant: everything read through one snapshot is from one commit.

use crate::{
    error::{ReadError, damaged},
    rows::{
        chunk::{Chunk, Found, number},
        ids, tables,
        tree_rows::{LargeRoots, NodesError, StoredNodes},
    },
    state::live::Live,
};
use bytes::Bytes;
use kith_blocks::{BlocksError, StoredEntries};
use kith_core::{
    entry::Entry,
    event::Event,
    header::Header,
    id::EventId,
    position::Position,
    tree::{Hash, Nodes},
};
use kith_words::Stored;
use redb::{ReadOnlyTable, ReadTransaction, ReadableDatabase};
use std::{collections::HashSet, sync::Arc};

/// Leaf hashes and subtree roots of a network.
pub(crate) type TreeNodes = StoredNodes<ReadOnlyTable<(u32, u64), &'static [u8]>, ReadOnlyTable<(u32, u64), [u8; 32]>>;

/// From this many positions per wanted one, looking rows up is cheaper than scanning them.
const SPARSE: u64 = 8;

/// The rows of a network at one commit, and the index of the chunk that was open just before.
pub(crate) struct Snapshot {
    transaction: ReadTransaction,
    network: u32,
    entries: StoredEntries<ReadOnlyTable<(u32, u64), &'static [u8]>>,
    ids: ReadOnlyTable<(u32, u128), &'static [u8]>,
    open: Arc<Chunk>,
    large: Arc<LargeRoots>,
}

impl Snapshot {
    /// Begins a snapshot of a network's current rows.
    pub(crate) fn begin(database: &dyn ReadableDatabase, live: &Live) -> Result<Self, ReadError> {
        // In this order, so that a chunk that is completed in between is in both and never in neither.
        let open = live.open_chunk();
        Self::with_chunk(database, live.ordinal, open, Arc::clone(&live.large))
    }

    /// Begins a snapshot of a network's rows with an empty open chunk, so that every id is looked up in the table.
    pub(crate) fn stored(database: &dyn ReadableDatabase, network: u32) -> Result<Self, ReadError> {
        Self::with_chunk(database, network, Arc::new(Chunk::around(Position::ZERO, u128::MAX)), Arc::default())
    }

    /// Replaces the open chunk with the one around a position, without entries.
    pub(crate) fn begin_chunk(&mut self, position: Position) -> Result<(), ReadError> {
        let greatest = ids::greatest(&self.ids, self.network)?;
        self.open = Arc::new(Chunk::around(position, greatest.unwrap_or(0)));
        Ok(())
    }

    /// Begins a snapshot with this open chunk.
    fn with_chunk(
        database: &dyn ReadableDatabase,
        network: u32,
        open: Arc<Chunk>,
        large: Arc<LargeRoots>,
    ) -> Result<Self, ReadError> {
        let transaction = database.begin_read()?;
        let entries = StoredEntries { network, table: transaction.open_table(tables::ENTRIES)? };
        let ids = transaction.open_table(tables::IDS)?;
        Ok(Self { transaction, network, entries, ids, open, large })
    }

    /// Where an event is.
    pub(crate) fn recorded(&self, id: &EventId) -> Result<Option<Position>, ReadError> {
        match self.open.look_up(id) {
            Found::Here(position) => Ok(Some(position)),
            Found::Nowhere => Ok(None),
            Found::PerhapsBefore => Ok(ids::find(&self.ids, self.network, number(id))?.map(Position::new)),
        }
    }

    /// The part of the index that is in memory.
    pub(crate) fn open_chunk(&self) -> &Chunk {
        &self.open
    }

    /// The part of the index that is in memory, for building it.
    pub(crate) fn open_chunk_mut(&mut self) -> &mut Chunk {
        Arc::make_mut(&mut self.open)
    }

    /// The bytes of an entry, if it exists.
    pub(crate) fn find_bytes(&self, position: Position) -> Result<Option<Bytes>, ReadError> {
        Ok(self.entries.find(position)?)
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
        let Some(position) = self.recorded(id)? else { return Ok(None) };
        let entry = self.entry(position)?;
        let event = decode_event(&entry)?;
        Ok(Some((entry, event)))
    }

    /// Entries after `after` up to `until`, oldest first.
    pub(crate) fn range(
        &self,
        after: Position,
        until: Position,
    ) -> Result<impl DoubleEndedIterator<Item = Result<(Position, Bytes), BlocksError>> + '_, ReadError> {
        Ok(self.entries.range(after, until)?)
    }

    /// The entries' rows.
    pub(crate) fn entries(&self) -> &StoredEntries<ReadOnlyTable<(u32, u64), &'static [u8]>> {
        &self.entries
    }

    /// The position of the last entry; 0 if there is none.
    pub(crate) fn last_position(&self) -> Result<Position, ReadError> {
        Ok(self.entries.last_position()?)
    }

    /// The details of an entry, sealed or erased; none if it has none.
    pub(crate) fn details(&self, position: Position) -> Result<Vec<Stored>, ReadError> {
        let table = self.transaction.open_table(tables::DETAILS)?;
        let Some(row) = table.get((self.network, position.get()))? else { return Ok(Vec::new()) };
        kith_words::decode_all(row.value()).ok_or_else(|| damaged("details", "a row is malformed"))
    }

    /// The details of all entries, oldest first.
    pub(crate) fn all_details(
        &self,
    ) -> Result<impl Iterator<Item = Result<(Position, Vec<Stored>), ReadError>> + use<>, ReadError> {
        let table = self.transaction.open_table(tables::DETAILS)?;
        let rows = table.range((self.network, 0)..=(self.network, u64::MAX))?;
        Ok(rows.map(|row| {
            let (key, value) = row?;
            let details = kith_words::decode_all(value.value());
            Ok((Position::new(key.value().1), details.ok_or_else(|| damaged("details", "a row is malformed"))?))
        }))
    }

    /// The positions that may have details, in the order given: exactly those that do if they lie close together, which
    /// costs one scan; otherwise all of them.
    pub(crate) fn positions_with_details(&self, positions: &[Position]) -> Result<Vec<Position>, ReadError> {
        let (Some(first), Some(last)) = (positions.iter().min(), positions.iter().max()) else { return Ok(Vec::new()) };
        let table = self.transaction.open_table(tables::DETAILS)?;
        if last.since(*first) > positions.len() as u64 * SPARSE {
            return Ok(positions.to_vec());
        }
        let rows = table.range((self.network, first.get())..=(self.network, last.get()))?;
        let with = rows.map(|row| Ok(row?.0.value().1)).collect::<Result<HashSet<_>, ReadError>>()?;
        Ok(positions.iter().copied().filter(|position| with.contains(&position.get())).collect())
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
            large: Arc::clone(&self.large),
        })
    }

    /// The hash of a leaf.
    pub(crate) fn leaf(&self, index: u64) -> Result<Hash, ReadError> {
        Ok(self.nodes()?.leaves(index, index + 1)?[0])
    }

    /// The transaction of this snapshot.
    pub(crate) fn transaction(&self) -> &ReadTransaction {
        &self.transaction
    }

    /// The network's ordinal.
    pub(crate) fn network(&self) -> u32 {
        self.network
    }
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

impl From<BlocksError> for ReadError {
    fn from(error: BlocksError) -> Self {
        match error {
            BlocksError::Storage(error) => error.into(),
            BlocksError::Malformed => damaged("entries", "a block is malformed"),
        }
    }
}

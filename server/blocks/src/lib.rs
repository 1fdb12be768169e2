//! Entries in rows of about a page, because a storage engine's cost is in rows, not bytes. Used by the log and by
//! replicas.
//!
//! Invariant: the row of position p holds the entries from p on, without a gap up to the next row. Where rows begin
//! depends only on the entries, never on the batches in which they were appended.
//!
//! A block is a run of `0x0a`, length as a protobuf varint, entry: the field `entries = 1` of the messages that carry
//! entries, so that a block can be sent as it is.

use bytes::{Buf, Bytes};
use kith_core::position::Position;
use prost::encoding::{decode_varint, encode_varint, encoded_len_varint};
use redb::{ReadableTable, StorageError, Table, TableDefinition};

/// (network's ordinal, position of the first entry) → a block.
pub const ENTRIES: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("entries");

/// Bytes of a block, unless one entry alone takes more: with its key it fills a page of redb.
const BLOCK_BYTES: usize = 4_000;

/// Tag and wire type of field 1, bytes.
const FRAME_TAG: u8 = 0x0a;

/// Why stored entries could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BlocksError {
    /// The storage engine failed.
    #[error("the storage engine failed: {0}")]
    Storage(#[from] StorageError),
    /// A block is cut short or contains something other than entries.
    #[error("a block of entries is malformed")]
    Malformed,
}

/// The stored entries of one network.
#[derive(Debug)]
pub struct StoredEntries<T> {
    /// The network's ordinal.
    pub network: u32,
    /// [`ENTRIES`], open in any transaction.
    pub table: T,
}

impl<T: ReadableTable<(u32, u64), &'static [u8]>> StoredEntries<T> {
    /// The entry at a position, if it is stored.
    pub fn find(&self, position: Position) -> Result<Option<Bytes>, BlocksError> {
        let Some((first, block)) = self.block_of(position)? else { return Ok(None) };
        let skipped = usize::try_from(position.get() - first.get()).map_err(|_| BlocksError::Malformed)?;
        frames(&block).nth(skipped).transpose()
    }

    /// The entries after `after` up to `until`, with their positions.
    pub fn range(
        &self,
        after: Position,
        until: Position,
    ) -> Result<impl DoubleEndedIterator<Item = Result<(Position, Bytes), BlocksError>> + '_, BlocksError> {
        let from = after.next();
        let first = self.first_of(from)?.unwrap_or(from);
        let rows = self.table.range((self.network, first.get())..=(self.network, until.get().max(first.get())))?;
        let entries = rows.flat_map(|row| match row {
            Ok((key, block)) => opened(Position::new(key.value().1), &Bytes::copy_from_slice(block.value())),
            Err(error) => vec![Err(error.into())],
        });
        Ok(entries.filter(move |entry| match entry {
            Ok((position, _)) => (from..=until).contains(position),
            Err(_) => true,
        }))
    }

    /// The position of the last entry; 0 if there is none.
    pub fn last_position(&self) -> Result<Position, BlocksError> {
        let Some((first, block)) = self.block_of(Position::new(u64::MAX))? else { return Ok(Position::ZERO) };
        let mut count = 0;
        for entry in frames(&block) {
            entry?;
            count += 1;
        }
        Ok(Position::new((first.get() + count).saturating_sub(1)))
    }

    fn block_of(&self, position: Position) -> Result<Option<(Position, Bytes)>, BlocksError> {
        let row = self.table.range((self.network, 0)..=(self.network, position.get()))?.next_back().transpose()?;
        Ok(row.map(|(key, block)| (Position::new(key.value().1), Bytes::copy_from_slice(block.value()))))
    }

    fn first_of(&self, position: Position) -> Result<Option<Position>, BlocksError> {
        let row = self.table.range((self.network, 0)..=(self.network, position.get()))?.next_back().transpose()?;
        Ok(row.map(|(key, _)| Position::new(key.value().1)))
    }
}

/// The entries of a block from a position on; ends with an error if the block is malformed.
fn opened(first: Position, block: &Bytes) -> Vec<Result<(Position, Bytes), BlocksError>> {
    (first.get()..).zip(frames(block)).map(|(position, entry)| Ok((Position::new(position), entry?))).collect()
}

/// The entries of a block, as slices of it.
fn frames(block: &Bytes) -> impl Iterator<Item = Result<Bytes, BlocksError>> + use<> {
    let mut rest = block.clone();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let entry = next_frame(&mut rest);
        if entry.is_none() {
            rest.clear();
        }
        Some(entry.ok_or(BlocksError::Malformed))
    })
}

fn next_frame(rest: &mut Bytes) -> Option<Bytes> {
    if rest.get_u8() != FRAME_TAG {
        return None;
    }
    let length = usize::try_from(decode_varint(rest).ok()?).ok()?;
    (length <= rest.len()).then(|| rest.split_to(length))
}

/// The growing end of stored entries, held by their writer: the last block.
#[derive(Debug, Clone, Default)]
pub struct BlockEdge {
    first: u64,
    block: Vec<u8>,
}

impl BlockEdge {
    /// Reads the end of stored entries, to continue from there.
    pub fn read<T>(stored: &StoredEntries<T>) -> Result<Self, BlocksError>
    where
        T: ReadableTable<(u32, u64), &'static [u8]>,
    {
        let last = stored.block_of(Position::new(u64::MAX))?;
        Ok(last.map_or_else(Self::default, |(first, block)| Self { first: first.get(), block: block.to_vec() }))
    }

    /// Appends entries, the first of which must follow the last stored one, and writes their rows.
    pub fn append<'e>(
        &mut self,
        network: u32,
        entries: impl IntoIterator<Item = (Position, &'e [u8])>,
        table: &mut Table<'_, (u32, u64), &'static [u8]>,
    ) -> Result<(), StorageError> {
        for (position, entry) in entries {
            let length = entry.len() as u64;
            if self.block.len() + 1 + encoded_len_varint(length) + entry.len() > BLOCK_BYTES {
                self.write(network, table)?;
                self.block.clear();
            }
            if self.block.is_empty() {
                self.first = position.get();
            }
            self.block.push(FRAME_TAG);
            encode_varint(length, &mut self.block);
            self.block.extend_from_slice(entry);
        }
        self.write(network, table)
    }

    fn write(&self, network: u32, table: &mut Table<'_, (u32, u64), &'static [u8]>) -> Result<(), StorageError> {
        if !self.block.is_empty() {
            table.insert((network, self.first), self.block.as_slice())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use redb::{Database, ReadableDatabase, ReadableTableMetadata, backends::InMemoryBackend};

    /// Stores entries in parts, with the end read again for each.
    fn stored(parts: &[Vec<Vec<u8>>]) -> Database {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let mut next = 1;
        for part in parts {
            let transaction = database.begin_write().unwrap();
            {
                let mut table = transaction.open_table(ENTRIES).unwrap();
                table.insert((6, 1), &b"another network"[..]).unwrap();
                let mut edge = read_edge(&table);
                let entries = (next..).zip(part).map(|(position, entry)| (Position::new(position), entry.as_slice()));
                edge.append(7, entries, &mut table).unwrap();
                next += part.len() as u64;
            }
            transaction.commit().unwrap();
        }
        database
    }

    fn read_edge(table: &Table<'_, (u32, u64), &'static [u8]>) -> BlockEdge {
        let last = table.range((7, 0)..=(7, u64::MAX)).unwrap().next_back();
        last.map_or_else(BlockEdge::default, |row| {
            let (key, block) = row.unwrap();
            BlockEdge { first: key.value().1, block: block.value().to_vec() }
        })
    }

    fn entries_of(sizes: &[usize]) -> Vec<Vec<u8>> {
        (0_u8..).zip(sizes).map(|(number, size)| vec![number; *size]).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn entries_are_found_one_by_one_and_in_ranges(
            sizes in proptest::collection::vec(prop_oneof![0_usize..600, 3_900_usize..9_000], 0..60),
            cut in 0_usize..60, after in 0_u64..70, until in 0_u64..70,
        ) {
            let entries = entries_of(&sizes);
            let (early, late) = entries.split_at(cut.min(entries.len()));
            let database = stored(&[early.to_vec(), late.to_vec()]);
            let transaction = database.begin_read().unwrap();
            let stored = StoredEntries { network: 7, table: transaction.open_table(ENTRIES).unwrap() };
            prop_assert_eq!(stored.last_position().unwrap().get(), entries.len() as u64);
            for (position, entry) in (1..).zip(&entries) {
                let found = stored.find(Position::new(position)).unwrap();
                prop_assert_eq!(found.as_deref(), Some(entry.as_slice()));
            }
            prop_assert_eq!(stored.find(Position::new(entries.len() as u64 + 1)).unwrap(), None);
            let expected: Vec<_> = (1_u64..).zip(&entries)
                .filter(|(position, _)| (after + 1..=until).contains(position))
                .map(|(position, entry)| (Position::new(position), Bytes::copy_from_slice(entry)))
                .collect();
            let (after, until) = (Position::new(after), Position::new(until));
            let forward: Vec<_> = stored.range(after, until).unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(&forward, &expected);
            let mut backward: Vec<_> = stored.range(after, until).unwrap().rev().map(Result::unwrap).collect();
            backward.reverse();
            prop_assert_eq!(backward, expected);
        }

        #[test]
        fn rows_do_not_depend_on_batches(
            sizes in proptest::collection::vec(0_usize..2_000, 1..40), cut in 0_usize..40,
        ) {
            let entries = entries_of(&sizes);
            let (early, late) = entries.split_at(cut.min(entries.len()));
            let rows = |database: &Database| -> Vec<_> {
                let table = database.begin_read().unwrap().open_table(ENTRIES).unwrap();
                let rows = table.range((7, 0)..=(7, u64::MAX)).unwrap().map(Result::unwrap);
                rows.map(|(key, block)| (key.value(), block.value().to_vec())).collect()
            };
            prop_assert_eq!(rows(&stored(&[early.to_vec(), late.to_vec()])), rows(&stored(&[entries])));
        }

        #[test]
        fn arbitrary_bytes_never_panic(block in proptest::collection::vec(any::<u8>(), 0..64)) {
            let entries: Vec<_> = frames(&Bytes::from(block.clone())).collect();
            prop_assert!(entries.len() <= block.len());
        }
    }

    #[test]
    fn a_block_fills_a_page_and_no_more() {
        let database = stored(&[entries_of(&[240; 100])]);
        let transaction = database.begin_read().unwrap();
        let table = transaction.open_table(ENTRIES).unwrap();
        let rows = table.range((7, 0)..=(7, u64::MAX)).unwrap().count();
        assert_eq!(rows, 100_usize.div_ceil(BLOCK_BYTES / 243));
        let stats = table.stats().unwrap();
        let bytes = stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes();
        let pages = stats.leaf_pages() + stats.branch_pages();
        assert_eq!(bytes, pages * 4_096, "every page is of the smallest size");
    }

    #[test]
    fn malformed_blocks_are_errors() {
        for block in [&[0x0a, 5, 1][..], &[0x12, 0], &[0x0a], &[0x0a, 0xff, 0xff]] {
            let entries: Vec<_> = frames(&Bytes::copy_from_slice(block)).collect();
            assert!(matches!(entries.as_slice(), [Err(BlocksError::Malformed)]), "{block:?}: {entries:?}");
        }
    }
}

//! Reads entries of the replica: in pages, or singly by event.

use super::{
    Inner,
    error::StoreError,
    part::id_key,
    stale::Standing,
    store::{Reading, read_state},
    tables::{DETAILS, ENTRIES, IDS, NETWORK},
    words::{Words, to_proto},
};
use crate::{
    entries::{Entries, Recorded},
    read::{Common, Direction, Page, ReadOptions},
};
use bytes::Bytes;
use kith_blocks::{BlocksError, StoredEntries};
use kith_core::{
    entry::Entry,
    event::Event,
    filter::Filter,
    header::Header,
    id::EventId,
    limits::{READ_ENTRIES_DEFAULT, READ_ENTRIES_MAX},
    position::Position,
    tree::Frontier,
};
use kith_proto::v1;
use redb::ReadOnlyTable;

/// Entries, ids and details in one snapshot of the file.
pub(super) struct Reader<'a> {
    entries: StoredEntries<ReadOnlyTable<(u32, u64), &'static [u8]>>,
    ids: ReadOnlyTable<u128, u64>,
    details: ReadOnlyTable<u64, &'static [u8]>,
    words: Words<'a>,
    /// Whether words are not shown.
    pub(super) hides_words: bool,
}

impl<'a> Reader<'a> {
    /// Reads in a transaction.
    pub(super) fn new(transaction: &Reading<'a>) -> Result<Self, StoreError> {
        Ok(Self {
            entries: StoredEntries { network: NETWORK, table: transaction.open_table(ENTRIES)? },
            ids: transaction.open_table(IDS)?,
            details: transaction.open_table(DETAILS)?,
            words: transaction.words()?,
            hides_words: false,
        })
    }

    /// Where an event is.
    pub(super) fn position_of(&self, id: &EventId) -> Result<Option<Position>, StoreError> {
        Ok(self.ids.get(id_key(id))?.map(|position| Position::new(position.value())))
    }

    /// The bytes of the entry at a position.
    pub(super) fn bytes_at(&self, position: Position) -> Result<Option<Bytes>, StoreError> {
        Ok(self.entries.find(position)?)
    }

    /// The bytes of entries after a position up to another one.
    pub(super) fn range(
        &self,
        after: Position,
        until: Position,
    ) -> Result<impl DoubleEndedIterator<Item = Result<(Position, Bytes), BlocksError>> + '_, StoreError> {
        Ok(self.entries.range(after, until)?)
    }

    /// The details of the entry of an event.
    pub(super) fn details_at(&self, position: Position, bytes: &Bytes) -> Result<Option<v1::EntryDetails>, StoreError> {
        if self.hides_words {
            return Ok(None);
        }
        let Some(row) = self.details.get(position.get())? else { return Ok(None) };
        let (_, event) = open(bytes)?;
        Ok(Some(to_proto(position, self.words.open(event.id, row.value())?)))
    }

    /// A decoded entry with its details.
    pub(super) fn recorded_at(&self, position: Position) -> Result<Option<Recorded>, StoreError> {
        let Some(bytes) = self.bytes_at(position)? else { return Ok(None) };
        let details = self.details_at(position, &bytes)?.into_iter().collect();
        let mut opened = Entries::new(vec![bytes], details).decode().map_err(|_| damaged())?;
        Ok(opened.pop())
    }

    /// An entry's header, resolved with the entry that it refers to, if that is here.
    pub(super) fn header(&self, entry: &Entry, event: &Event) -> Result<Header, StoreError> {
        Header::resolve(entry, event, |id| {
            let Some(position) = self.position_of(id)? else { return Ok(None) };
            let Some(bytes) = self.bytes_at(position)? else { return Ok(None) };
            open(&bytes).map(Some)
        })
    }

    fn is_asked_for(
        &self,
        ReadOptions { filter, common, .. }: &ReadOptions,
        bytes: &Bytes,
    ) -> Result<bool, StoreError> {
        if filter.is_all() {
            return Ok(true);
        }
        let (entry, event) = open(bytes)?;
        let header = self.header(&entry, &event)?;
        Ok(match common {
            Common::Included => filter.passes(&header),
            Common::OnlyMatching => filter.matches(&header),
        })
    }
}

/// Decodes an entry that was checked before it was stored.
pub(super) fn open(bytes: &Bytes) -> Result<(Entry, Event), StoreError> {
    let entry = Entry::decode(bytes).map_err(|_| damaged())?;
    let event = entry.event().map_err(|_| damaged())?;
    Ok((entry, event))
}

pub(super) fn damaged() -> StoreError {
    StoreError::Damaged("an entry cannot be read")
}

impl Inner {
    /// Runs `read` on one snapshot of the file.
    pub(super) fn reading<T>(&self, read: impl FnOnce(&Reader<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.store.read(|transaction| {
            let hides_words = read_state(transaction)?.standing(self.environment.now()) != Standing::Shown;
            read(&Reader { hides_words, ..Reader::new(transaction)? })
        })
    }

    /// The frontier of the tree.
    pub(super) fn frontier(&self) -> Result<Frontier, StoreError> {
        let state = self.store.state()?;
        decode_frontier(&state.frontier)
    }

    /// Which entries are here.
    pub(super) fn filter(&self) -> Result<Filter, StoreError> {
        let filter = self.store.state()?.filter.unwrap_or_default();
        Filter::from_proto(&filter).map_err(|_| StoreError::Damaged("its filter breaks a rule"))
    }

    pub(super) fn find_event(&self, id: &EventId) -> Result<Option<Recorded>, StoreError> {
        self.reading(|reader| match reader.position_of(id)? {
            Some(position) => reader.recorded_at(position),
            None => Ok(None),
        })
    }

    pub(super) fn read(&self, options: &ReadOptions) -> Result<Page, StoreError> {
        let head = Position::new(self.frontier()?.size());
        let limit = match options.limit {
            0 => READ_ENTRIES_DEFAULT,
            limit => limit.min(READ_ENTRIES_MAX),
        };
        self.reading(|reader| {
            let mut page =
                Page { entries: Entries::default(), next: options.after, end: true, head, left_out: Vec::new() };
            let (after, until) = span(options, head);
            let range = reader.range(after, until)?;
            let mut found = Vec::new();
            let mut take = |item: Result<(Position, Bytes), BlocksError>| {
                let (position, bytes) = item?;
                if reader.is_asked_for(options, &bytes)? {
                    found.push((position, bytes));
                }
                page.next = position;
                Ok::<_, StoreError>(found.len() < limit as usize)
            };
            page.end = match options.direction {
                Direction::Forward => all(range, &mut take)?,
                Direction::Backward => all(range.rev(), &mut take)?,
            };
            if page.end && options.direction == Direction::Forward {
                page.next = head.max(options.after);
            }
            page.entries = with_details(reader, found)?;
            Ok(page)
        })
    }
}

/// Passes items to `take` until it wants no more; returns whether all were passed.
fn all<T>(
    items: impl Iterator<Item = T>,
    take: &mut impl FnMut(T) -> Result<bool, StoreError>,
) -> Result<bool, StoreError> {
    for item in items {
        if !take(item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn with_details(reader: &Reader<'_>, found: Vec<(Position, Bytes)>) -> Result<Entries, StoreError> {
    let mut details = Vec::new();
    for (position, bytes) in &found {
        details.extend(reader.details_at(*position, bytes)?);
    }
    Ok(Entries::new(found.into_iter().map(|(_, bytes)| bytes).collect(), details))
}

/// The positions that a read covers.
fn span(options: &ReadOptions, head: Position) -> (Position, Position) {
    match options.direction {
        Direction::Forward => (options.after, head.max(options.after)),
        Direction::Backward if options.after == Position::ZERO => (Position::ZERO, head),
        Direction::Backward => (Position::ZERO, options.after.previous()),
    }
}

/// Decodes a frontier; no bytes at all mean an empty tree.
pub(super) fn decode_frontier(bytes: &[u8]) -> Result<Frontier, StoreError> {
    if bytes.is_empty() {
        return Ok(Frontier::new());
    }
    Frontier::decode(bytes).map_err(|_| StoreError::Damaged("its frontier cannot be read"))
}

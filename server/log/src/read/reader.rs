//! Reads of entries, details and names: the newest from memory, the others from disk, through the same calls.
//!
//! Invariant: nothing after the published head is returned, and nothing here waits for the writer.

use crate::{
    error::{ReadError, StorageFailure, damaged},
    limits,
    read::{restricted::Restricted, spending::Spending},
    state::{live::Live, snapshot::Snapshot},
    store::Store,
};
use bytes::Bytes;
use kith_core::{
    detail::Detail,
    header::Header,
    history::Budget,
    id::{EventId, PersonId},
    may::Principal,
    position::Position,
};
use kith_words::{Binding, Keys, KeysError, Sealed};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Entry bytes after `after` up to `until` or the head.
pub(crate) fn read(
    store: &Store,
    live: &Live,
    after: Position,
    until: Position,
    budget: Budget,
) -> Result<Vec<Bytes>, ReadError> {
    let head = live.head().position;
    if after > head {
        return Err(ReadError::PositionAhead { head });
    }
    let until = until.min(head);
    if after >= until {
        return Ok(Vec::new());
    }
    let mut spending = Spending::new(budget);
    if let Some(recent) = live.published().recent(after, until) {
        let within = recent.take_while(|entry| spending.take(entry.bytes.len()));
        return Ok(within.map(|entry| entry.bytes.clone()).collect());
    }
    read_stored(&Snapshot::begin(&store.database, live)?, after, until, spending)
}

fn read_stored(
    snapshot: &Snapshot,
    after: Position,
    until: Position,
    mut spending: Spending,
) -> Result<Vec<Bytes>, ReadError> {
    let mut entries = Vec::new();
    for row in snapshot.range(after, until)? {
        let (_, bytes) = row?;
        if !spending.take(bytes.len()) {
            break;
        }
        entries.push(bytes);
    }
    Ok(entries)
}

/// The entries at positions, in the order given; positions outside the log are omitted.
pub(crate) fn read_at(store: &Store, live: &Live, positions: &[Position]) -> Result<Vec<Bytes>, ReadError> {
    let head = live.head().position;
    let snapshot = Snapshot::begin(&store.database, live)?;
    let here = positions.iter().filter(|position| **position <= head);
    here.filter_map(|position| snapshot.find_bytes(*position).transpose()).collect()
}

/// The bytes and the outline of an entry.
pub(crate) fn entry(store: &Store, live: &Live, position: Position) -> Result<Option<(Bytes, Header)>, ReadError> {
    if position == Position::ZERO || position > live.head().position {
        return Ok(None);
    }
    let before = position.previous();
    if let Some(mut recent) = live.published().recent(before, position) {
        return Ok(recent.next().map(|entry| (entry.bytes.clone(), Header::clone(&entry.header))));
    }
    let snapshot = Snapshot::begin(&store.database, live)?;
    let bytes = snapshot.bytes(position)?;
    let header = snapshot.header(&bytes)?;
    Ok(Some((bytes, header)))
}

/// The opened details of those entries that a principal may see.
pub(crate) fn details(
    store: &Store,
    live: &Live,
    principal: &Principal,
    positions: &[Position],
) -> Result<Vec<(Position, Vec<Detail>)>, ReadError> {
    let head = live.head().position;
    let snapshot = Snapshot::begin(&store.database, live)?;
    let restricted = Restricted::begin(&snapshot, principal)?;
    let mut opened = Vec::new();
    for position in snapshot.positions_with_details(positions)?.into_iter().filter(|position| *position <= head) {
        if restricted.hides(position.get())? {
            continue;
        }
        let details = details_at(&snapshot, &store.keys, live, position)?;
        if !details.is_empty() {
            opened.push((position, details));
        }
    }
    Ok(opened)
}

/// The size of entries with their details.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Weighed {
    /// Number of entries that fit, counted from the first.
    pub fitting: usize,
    /// Those with details that the principal may see.
    pub with_details: Vec<Position>,
    /// Bytes of these details when opened, or a little less.
    pub details_bytes: usize,
}

/// Counts how many entries fit into a number of bytes with their details.
pub(crate) fn weigh(
    store: &Store,
    live: &Live,
    principal: &Principal,
    (entries, bytes_max): (&[(Position, Bytes)], usize),
) -> Result<Weighed, ReadError> {
    let mut weighed = Weighed::default();
    let mut spending = Spending::new(Budget { entries: entries.len(), bytes: bytes_max });
    let positions = || entries.iter().map(|(position, _)| *position);
    let (Some(first), Some(last)) = (positions().min(), positions().max()) else { return Ok(weighed) };
    if live.published().are_without_details(first.previous(), last) {
        weighed.fitting = entries.iter().take_while(|(_, entry)| spending.take(entry.len())).count();
        return Ok(weighed);
    }
    let snapshot = Snapshot::begin(&store.database, live)?;
    let restricted = Restricted::begin(&snapshot, principal)?;
    for part in entries.chunks(limits::WEIGHED_ENTRIES_AT_ONCE) {
        let positions: Vec<Position> = part.iter().map(|(position, _)| *position).collect();
        let with: HashSet<Position> = snapshot.positions_with_details(&positions)?.into_iter().collect();
        for (position, entry) in part {
            let has = with.contains(position) && !restricted.hides(position.get())?;
            let bytes = if has { snapshot.details(*position)?.iter().map(Sealed::open_bytes).sum() } else { 0 };
            if !spending.take(entry.len() + bytes) {
                return Ok(weighed);
            }
            weighed.fitting += 1;
            weighed.details_bytes += bytes;
            weighed.with_details.extend((bytes > 0).then_some(*position));
        }
    }
    Ok(weighed)
}

fn details_at(snapshot: &Snapshot, keys: &Keys, live: &Live, position: Position) -> Result<Vec<Detail>, ReadError> {
    let sealed = snapshot.details(position)?;
    if sealed.is_empty() {
        return Ok(Vec::new());
    }
    open_all(&sealed, snapshot.event(position)?.id, keys, live)
}

/// Opens details; omits those for which a subject's key was deleted.
fn open_all(sealed: &[Sealed], event: EventId, keys: &Keys, live: &Live) -> Result<Vec<Detail>, ReadError> {
    let subjects: BTreeSet<_> = sealed.iter().flat_map(|detail| &detail.subjects).collect();
    let subjects: Vec<_> = subjects.into_iter().collect();
    let keys = keys.find_people(live.key_incarnation, &subjects)?;
    let mut details = Vec::with_capacity(sealed.len());
    for (index, sealed) in sealed.iter().enumerate().filter(|(_, sealed)| sealed.has_keys(&keys)) {
        let detail = sealed.open(Binding { incarnation: live.key_incarnation, event, index }, &keys);
        details.push(detail.ok_or_else(|| damaged("details", "a detail does not open"))?);
    }
    Ok(details)
}

/// The newest recorded names of people.
pub(crate) fn names(store: &Store, live: &Live, people: &[PersonId]) -> Result<HashMap<PersonId, String>, ReadError> {
    let directory = live.directory();
    let snapshot = Snapshot::begin(&store.database, live)?;
    let mut names = HashMap::with_capacity(people.len());
    for person in people {
        let Some(known) = directory.person(person) else { continue };
        let Some(position) = snapshot.named_at(known.handle)? else { continue };
        let event = snapshot.event(position)?;
        let details = open_all(&snapshot.details(position)?, event.id, &store.keys, live)?;
        let name = details.into_iter().rev().find(|detail| event.names(detail.kind, &detail.subjects) == Some(person));
        names.extend(name.map(|detail| (person.clone(), detail.text)));
    }
    Ok(names)
}

impl From<KeysError> for ReadError {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Storage(error) => Self::Storage(StorageFailure::new(*error)),
            KeysError::Unusable(_) => damaged("person_keys", "a key does not open"),
        }
    }
}

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
use kith_words::{Binding, Keys, KeysError, Stored};
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

/// The details of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// Those that exist, in the order of the event's commitments.
    pub opened: Vec<Detail>,
    /// Index of each erased one, and position of the entry that erased it.
    pub erased: Vec<(usize, Position)>,
}

/// The details of those entries that a principal may see.
pub(crate) fn details(
    store: &Store,
    live: &Live,
    principal: &Principal,
    positions: &[Position],
) -> Result<Vec<(Position, Details)>, ReadError> {
    let head = live.head().position;
    let snapshot = Snapshot::begin(&store.database, live)?;
    let restricted = Restricted::begin(&snapshot, principal)?;
    let mut opened = Vec::new();
    for position in snapshot.positions_with_details(positions)?.into_iter().filter(|position| *position <= head) {
        if restricted.hides(position.get())? {
            continue;
        }
        let details = details_at(&snapshot, &store.keys, live, position)?;
        if details != Details::default() {
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
            let bytes = if has { snapshot.details(*position)?.iter().map(Stored::open_bytes).sum() } else { 0 };
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

fn details_at(snapshot: &Snapshot, keys: &Keys, live: &Live, position: Position) -> Result<Details, ReadError> {
    let stored = snapshot.details(position)?;
    if stored.is_empty() {
        return Ok(Details::default());
    }
    open_all(&stored, snapshot.event(position)?.id, keys, live)
}

/// Opens details. What the log says is erased is not opened, whatever keys there are; those of which a key is lost are
/// omitted.
fn open_all(stored: &[Stored], event: EventId, keys: &Keys, live: &Live) -> Result<Details, ReadError> {
    let erasures = live.erasures();
    let subjects: BTreeSet<_> = stored.iter().filter_map(Stored::sealed).flat_map(|sealed| &sealed.subjects).collect();
    let subjects: Vec<_> = subjects.into_iter().filter(|person| !erasures.is_erased(person)).collect();
    let keys = keys.find_people(live.key_incarnation, &subjects)?;
    let mut details = Details::default();
    for (index, stored) in stored.iter().enumerate() {
        let sealed = match stored {
            Stored::Erased { by, .. } => {
                details.erased.push((index, *by));
                continue;
            }
            Stored::Sealed(sealed) => sealed,
        };
        if let Some(by) = erasures.detail(&event, index).or_else(|| erasures.first_of(&sealed.subjects)) {
            details.erased.push((index, by));
        } else if sealed.has_keys(&keys) {
            let detail = sealed.open(Binding { incarnation: live.key_incarnation, event, index }, &keys);
            details.opened.push(detail.ok_or_else(|| damaged("details", "a detail does not open"))?);
        }
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
        let details = open_all(&snapshot.details(position)?, event.id, &store.keys, live)?.opened;
        let name = details.into_iter().rev().find(|detail| event.names(detail.kind, &detail.subjects) == Some(person));
        names.extend(name.map(|detail| (person.clone(), detail.text)));
    }
    Ok(names)
}

/// How many details about people a principal may see, and about whom else they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WordsAbout {
    /// Details about one of the people.
    pub details: u64,
    /// Those of them that are about others, too.
    pub shared: u64,
    /// The others.
    pub others: BTreeSet<PersonId>,
}

/// Counts the details about people. Reads all details of the log.
pub(crate) fn words_about(
    store: &Store,
    live: &Live,
    principal: &Principal,
    people: &HashSet<PersonId>,
) -> Result<WordsAbout, ReadError> {
    let (head, snapshot) = (live.head().position, Snapshot::begin(&store.database, live)?);
    let restricted = Restricted::begin(&snapshot, principal)?;
    let mut about = WordsAbout::default();
    for row in snapshot.all_details()? {
        let (position, details) = row?;
        let mut found = details
            .iter()
            .filter_map(Stored::sealed)
            .filter(|sealed| sealed.subjects.iter().any(|subject| people.contains(subject)))
            .peekable();
        if position > head || found.peek().is_none() || restricted.hides(position.get())? {
            continue;
        }
        for sealed in found {
            let others: Vec<_> = sealed.subjects.iter().filter(|subject| !people.contains(*subject)).collect();
            about.details += 1;
            about.shared += u64::from(!others.is_empty());
            about.others.extend(others.into_iter().cloned());
        }
    }
    Ok(about)
}

impl From<KeysError> for ReadError {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Storage(error) => Self::Storage(StorageFailure::new(*error)),
            KeysError::Unusable(_) => damaged("person_keys", "a key does not open"),
        }
    }
}

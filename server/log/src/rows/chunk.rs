//! The index of a chunk of positions: event ids and people. The chunk of the head is in memory, those before it are in
//! the tables.
//!
//! Invariant: a chunk's rows are written once, together and in the order of their keys, by the commit that begins the
//! next chunk. Index rows have random keys: written entry by entry they would cost more pages than the entries do.

use crate::rows::{
    ids::IdRow,
    tables::{CHUNK_POSITIONS, chunk_of},
};
use kith_core::{id::EventId, position::Position};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Bytes of a row of `people`, unless one person takes more: with its key it fills a page of redb.
const PEOPLE_ROW_BYTES: usize = 4_000;

/// Bytes of a handle and a number of places.
const PERSON_HEAD_BYTES: usize = 6;

const PLACE_BYTES: usize = 2;

/// Ids and people of the entries that a chunk has so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    number: u32,
    /// No id of the earlier chunks is greater. Ids mostly follow the order of time: a greater one is in no table, so a
    /// lookup can be skipped.
    greatest_before: u128,
    ids: HashMap<EventId, u16>,
    /// Handle and place, in order of place.
    people: Vec<(u32, u16)>,
}

/// Where an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// In this chunk, at this position.
    Here(Position),
    /// In an earlier chunk, or nowhere.
    PerhapsBefore,
    /// Not in the log.
    Nowhere,
}

/// What a batch adds to the index.
#[derive(Debug)]
pub(crate) struct Growth {
    /// Chunks that are complete.
    pub(crate) complete: Vec<Chunk>,
    /// The chunk that the batch ends in, without its new entries.
    open: Arc<Chunk>,
    added: Vec<Added>,
}

/// A new entry of a chunk.
#[derive(Debug)]
struct Added {
    position: Position,
    id: EventId,
    people: Vec<u32>,
}

impl Chunk {
    /// The chunk that a position lies in, without entries, after chunks with no greater id than this.
    pub(crate) fn around(position: Position, greatest_before: u128) -> Self {
        Self { number: chunk_of(position.get()), greatest_before, ids: HashMap::new(), people: Vec::new() }
    }

    /// The chunk that begins with a position, after this one.
    pub(crate) fn next(&self, position: Position) -> Self {
        let greatest = self.ids.keys().map(number).max().unwrap_or(0);
        Self::around(position, greatest.max(self.greatest_before))
    }

    /// Where an event is, as far as known without the tables.
    pub(crate) fn look_up(&self, id: &EventId) -> Found {
        match self.find(id) {
            Some(position) => Found::Here(position),
            None if number(id) <= self.greatest_before => Found::PerhapsBefore,
            None => Found::Nowhere,
        }
    }

    /// Its place in the order of chunks, from 0.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Its first position; 0 is before the first entry of a log.
    pub(crate) fn first(&self) -> Position {
        Position::new(u64::from(self.number) * CHUNK_POSITIONS)
    }

    /// Adds an entry of this chunk, with the handles of its people.
    pub(crate) fn add(&mut self, position: Position, id: EventId, people: &[u32]) {
        assert_eq!(chunk_of(position.get()), self.number, "the entry lies in this chunk");
        let place = u16::try_from(position.get() % CHUNK_POSITIONS).expect("a chunk has less than 2^16 places");
        self.ids.insert(id, place);
        self.people.extend(people.iter().map(|handle| (*handle, place)));
    }

    fn add_all(&mut self, entries: Vec<Added>) {
        self.ids.reserve(entries.len());
        for Added { position, id, people } in entries {
            self.add(position, id, &people);
        }
    }

    /// The position of an event, if it is in this chunk.
    pub(crate) fn find(&self, id: &EventId) -> Option<Position> {
        self.ids.get(id).map(|place| self.position(*place))
    }

    /// The positions of a person, ascending.
    pub(crate) fn positions_of(&self, handle: u32) -> Vec<u64> {
        let own = self.people.iter().filter(|(other, _)| *other == handle);
        own.map(|(_, place)| self.position(*place).get()).collect()
    }

    /// Ids with their positions, ascending.
    pub(crate) fn sorted_ids(&self) -> Vec<IdRow> {
        let row = |(id, place): (&EventId, &u16)| (number(id), self.position(*place).get());
        let mut rows: Vec<_> = self.ids.iter().map(row).collect();
        rows.sort_unstable();
        rows
    }

    /// The rows of `people`, by their first handle: handle, number of places and places of one person after the other.
    pub(crate) fn people_rows(&self) -> Vec<(u32, Vec<u8>)> {
        let mut rows: Vec<(u32, Vec<u8>)> = Vec::new();
        for (handle, places) in self.places_by_handle() {
            let bytes = PERSON_HEAD_BYTES + places.len() * PLACE_BYTES;
            let fits = rows.last().is_some_and(|(_, row)| row.len() + bytes <= PEOPLE_ROW_BYTES);
            if !fits {
                rows.push((handle, Vec::with_capacity(PEOPLE_ROW_BYTES.max(bytes))));
            }
            let (_, row) = rows.last_mut().expect("there is one that it fits in");
            push_person(row, handle, &places);
        }
        rows
    }

    fn places_by_handle(&self) -> BTreeMap<u32, Vec<u16>> {
        let mut people: BTreeMap<u32, Vec<u16>> = BTreeMap::new();
        for (handle, place) in &self.people {
            people.entry(*handle).or_default().push(*place);
        }
        people
    }

    fn position(&self, place: u16) -> Position {
        Position::new(self.first().get() + u64::from(place))
    }
}

impl Growth {
    /// No growth yet after an open chunk.
    pub(crate) fn of(open: Arc<Chunk>) -> Self {
        Self { complete: Vec::new(), open, added: Vec::new() }
    }

    /// Adds the next entry, with the handles of its people.
    pub(crate) fn add(&mut self, position: Position, id: EventId, people: Vec<u32>) {
        if chunk_of(position.get()) != self.open.number {
            self.complete_open(position);
        }
        self.added.push(Added { position, id, people });
    }

    /// Brings an open chunk up to date, in place unless a reader holds it.
    pub(crate) fn bring_to_date(self, open: &mut Arc<Chunk>) {
        *open = self.open;
        Arc::make_mut(open).add_all(self.added);
    }

    fn complete_open(&mut self, next: Position) {
        let mut chunk = Chunk::clone(&self.open);
        chunk.add_all(std::mem::take(&mut self.added));
        self.open = Arc::new(chunk.next(next));
        self.complete.push(chunk);
    }
}

/// An id as a number, in the order of ids.
pub(crate) fn number(id: &EventId) -> u128 {
    u128::from_be_bytes(*id.as_bytes())
}

fn push_person(row: &mut Vec<u8>, handle: u32, places: &[u16]) {
    let count = u16::try_from(places.len()).expect("a chunk has less than 2^16 places");
    row.extend_from_slice(&handle.to_le_bytes());
    row.extend_from_slice(&count.to_le_bytes());
    for place in places {
        row.extend_from_slice(&place.to_le_bytes());
    }
}

/// Reads a person's positions from a row of `people`, ascending; `None` if the row is malformed.
pub(crate) fn find_positions(chunk: u32, row: &[u8], handle: u32) -> Option<Vec<u64>> {
    let mut rest = row;
    while !rest.is_empty() {
        let (own, after) = rest.split_first_chunk::<4>()?;
        let (count, after) = after.split_first_chunk::<PLACE_BYTES>()?;
        let bytes = usize::from(u16::from_le_bytes(*count)) * PLACE_BYTES;
        let (places, after) = after.split_at_checked(bytes)?;
        if u32::from_le_bytes(*own) == handle {
            return decode_places(chunk, places);
        }
        rest = after;
    }
    Some(Vec::new())
}

fn decode_places(chunk: u32, places: &[u8]) -> Option<Vec<u64>> {
    let (places, _) = places.as_chunks::<PLACE_BYTES>();
    let first = u64::from(chunk) * CHUNK_POSITIONS;
    let positions: Vec<_> = places.iter().map(|place| first + u64::from(u16::from_le_bytes(*place))).collect();
    let ascending = positions.is_sorted_by(|one, next| one < next);
    (ascending && positions.iter().all(|position| chunk_of(*position) == chunk)).then_some(positions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> EventId {
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&number.to_be_bytes());
        bytes[6] = 0x80;
        bytes[8] |= 0x80;
        EventId::from_bytes(bytes).unwrap()
    }

    /// The complete chunks and the open one after `until` entries, half of them in a batch of their own.
    fn grown(until: u64) -> (Vec<Chunk>, Arc<Chunk>) {
        let mut open = Arc::new(Chunk::around(Position::ZERO, 0));
        let mut complete = Vec::new();
        for batch in [1..=until / 2, until / 2 + 1..=until] {
            let mut growth = Growth::of(open.clone());
            for position in batch {
                let people = vec![2, u32::try_from(position % 3 + 10).unwrap()];
                growth.add(Position::new(position), id(position), people);
            }
            complete.append(&mut growth.complete);
            growth.bring_to_date(&mut open);
        }
        (complete, open)
    }

    #[test]
    fn whoever_looks_at_a_chunk_sees_it_unchanged() {
        let (_, mut open) = grown(9);
        let (looked_at, before) = (open.clone(), Chunk::clone(&open));
        let mut growth = Growth::of(open.clone());
        growth.add(Position::new(10), id(10), vec![2]);
        growth.bring_to_date(&mut open);
        assert_eq!(*looked_at, before);
        assert_eq!(open.find(&id(10)), Some(Position::new(10)));
    }

    #[test]
    fn a_chunk_is_complete_when_the_next_begins() {
        assert_eq!(grown(CHUNK_POSITIONS - 1).0.len(), 0);
        let (complete, open) = grown(CHUNK_POSITIONS * 2 + 5);
        let numbers: Vec<_> = complete.iter().map(Chunk::number).collect();
        assert_eq!((numbers, open.number()), (vec![0, 1], 2));
        assert_eq!(open.first().get(), CHUNK_POSITIONS * 2);
    }

    #[test]
    fn events_and_people_are_found_in_their_chunk() {
        let (complete, open) = grown(CHUNK_POSITIONS + 7);
        let [first] = complete.as_slice() else { panic!("one chunk is complete") };
        assert_eq!(first.find(&id(9)), Some(Position::new(9)));
        assert_eq!(open.find(&id(9)), None);
        assert_eq!(open.find(&id(CHUNK_POSITIONS + 7)), Some(Position::new(CHUNK_POSITIONS + 7)));
        let expected: Vec<_> = (CHUNK_POSITIONS..=CHUNK_POSITIONS + 7).collect();
        assert_eq!(open.positions_of(2), expected);
        assert!(open.positions_of(9).is_empty());
    }

    #[test]
    fn ids_above_all_earlier_ones_are_known_to_be_new() {
        let (_, open) = grown(CHUNK_POSITIONS * 2 + 5);
        let before = [1, CHUNK_POSITIONS * 2 - 1].map(|number| open.look_up(&id(number)));
        assert_eq!(before, [Found::PerhapsBefore; 2]);
        let here = CHUNK_POSITIONS * 2;
        assert_eq!(open.look_up(&id(here)), Found::Here(Position::new(here)));
        assert_eq!(open.look_up(&id(here + 6)), Found::Nowhere);
        assert_eq!(grown(5).1.look_up(&id(6)), Found::Nowhere, "there is no earlier chunk");
    }

    #[test]
    fn rows_are_sorted_and_read_back() {
        let (complete, _) = grown(CHUNK_POSITIONS * 2);
        let chunk = &complete[1];
        assert!(chunk.sorted_ids().is_sorted());
        assert_eq!(chunk.sorted_ids().len() as u64, CHUNK_POSITIONS);
        let rows = chunk.people_rows();
        assert_eq!(rows.iter().map(|(first, _)| *first).collect::<Vec<_>>(), [2, 10, 11, 12]);
        for (handle, row) in &rows {
            assert_eq!(find_positions(1, row, *handle).unwrap(), chunk.positions_of(*handle));
            assert!(find_positions(1, row, 99).unwrap().is_empty());
        }
    }

    #[test]
    fn people_share_rows() {
        let mut chunk = Chunk::around(Position::new(1), 0);
        for position in 1..1_000 {
            chunk.add(Position::new(position), id(position), &[u32::try_from(position / 2).unwrap()]);
        }
        let rows = chunk.people_rows();
        assert_eq!(rows.len(), 500_usize.div_ceil(PEOPLE_ROW_BYTES / 10));
        for handle in 0..500 {
            let (_, row) = rows.iter().rfind(|(first, _)| *first <= handle).unwrap();
            assert_eq!(find_positions(0, row, handle).unwrap(), chunk.positions_of(handle));
        }
    }

    #[test]
    fn malformed_rows_do_not_read() {
        let person = |places: &[u8]| [&[2, 0, 0, 0, 2, 0][..], places].concat();
        for places in [&[1, 0, 1][..], &[1, 0, 1, 0], &[2, 0, 1, 0], &[1, 0, 0xff, 0xff]] {
            assert_eq!(find_positions(0, &person(places), 2), None, "{places:?}");
        }
        assert_eq!(find_positions(0, &[1, 0, 0], 2), None);
        assert_eq!(find_positions(0, &person(&[1, 0, 2, 0]), 2), Some(vec![1, 2]));
    }
}

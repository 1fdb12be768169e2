//! Local entries in a file without a name: a log that can be folded here.
//!
//! Only their places are in memory, about 60 bytes per entry, so a log of millions can be tried on a laptop.

use crate::failure::Failure;
use bytes::Bytes;
use kith_client::random_event_id;
use kith_core::{
    history::{Budget, History, HistoryId, Unreadable},
    id::EventId,
    position::Position,
};
use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

/// Where an entry is in the file.
#[derive(Debug, Clone, Copy)]
struct Place {
    position: u64,
    /// When it happened, for cutting the log by time.
    at: i64,
    start: u64,
    bytes: usize,
}

/// Accepts entries in the order of their positions.
#[derive(Debug)]
pub struct SpoolWriter {
    file: BufWriter<File>,
    places: Vec<Place>,
    ids: HashMap<EventId, u64>,
    end: u64,
}

impl SpoolWriter {
    /// An empty spool.
    pub fn new() -> Result<Self, Failure> {
        let file = BufWriter::new(tempfile::tempfile().map_err(|error| failed(&error))?);
        Ok(Self { file, places: Vec::new(), ids: HashMap::new(), end: 0 })
    }

    /// Adds an entry, later than all before it.
    pub fn push(&mut self, position: Position, id: EventId, entry: &[u8]) -> Result<(), Failure> {
        self.push_at(position, id, i64::MIN, entry)
    }

    /// The same, with the time at which it happened, for [`Spool::until`].
    pub fn push_at(&mut self, position: Position, id: EventId, at: i64, entry: &[u8]) -> Result<(), Failure> {
        self.file.write_all(entry).map_err(|error| failed(&error))?;
        let position = position.get();
        assert!(self.places.last().is_none_or(|last| last.position < position), "entries come in order");
        self.places.push(Place { position, at, start: self.end, bytes: entry.len() });
        self.ids.insert(id, position);
        self.end += entry.len() as u64;
        Ok(())
    }

    /// Finishes the log.
    pub fn finish(self) -> Result<Spool, Failure> {
        let file = self.file.into_inner().map_err(|error| failed(error.error()))?;
        Ok(Spool { id: new_id(), file: Arc::new(Mutex::new(file)), places: self.places, ids: Arc::new(self.ids) })
    }
}

fn failed(error: &io::Error) -> Failure {
    Failure::Unexpected(format!("entries cannot be written to a temporary file: {error}"))
}

/// A log that can be folded here.
#[derive(Debug)]
pub struct Spool {
    id: HistoryId,
    file: Arc<Mutex<File>>,
    places: Vec<Place>,
    ids: Arc<HashMap<EventId, u64>>,
}

impl Spool {
    /// Number of entries.
    pub fn entry_count(&self) -> usize {
        self.places.len()
    }

    /// The same log without what happened after a time.
    #[must_use]
    pub fn until(&self, time: i64) -> Self {
        let places = self.places.iter().filter(|place| place.at <= time).copied().collect();
        Self { id: new_id(), file: Arc::clone(&self.file), places, ids: Arc::clone(&self.ids) }
    }

    /// The entries at places.
    fn read_places(&self, range: Range<usize>) -> io::Result<Vec<Bytes>> {
        let mut entries = Vec::with_capacity(range.len());
        let ends_at = |place: &Place| place.start + place.bytes as u64;
        for places in self.places[range].chunk_by(|one, next| ends_at(one) == next.start) {
            entries.extend(self.read_end_to_end(places)?);
        }
        Ok(entries)
    }

    /// The entries at adjacent places.
    fn read_end_to_end(&self, places: &[Place]) -> io::Result<Vec<Bytes>> {
        let Some(first) = places.first() else { return Ok(Vec::new()) };
        let mut bytes = vec![0; places.iter().map(|place| place.bytes).sum()];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(first.start))?;
        file.read_exact(&mut bytes)?;
        let mut bytes = Bytes::from(bytes);
        Ok(places.iter().map(|place| bytes.split_to(place.bytes)).collect())
    }
}

fn new_id() -> HistoryId {
    HistoryId(*random_event_id().as_bytes())
}

fn unreadable(error: &io::Error) -> Unreadable {
    Unreadable(error.to_string())
}

impl History for Spool {
    fn id(&self) -> Result<HistoryId, Unreadable> {
        Ok(self.id)
    }

    fn head(&self) -> Position {
        self.places.last().map_or(Position::ZERO, |place| Position::new(place.position))
    }

    fn read(&self, after: Position, until: Position, budget: Budget) -> Result<Vec<Bytes>, Unreadable> {
        let from = self.places.partition_point(|place| place.position <= after.get());
        let until = self.places.partition_point(|place| place.position <= until.get()).max(from);
        let mut bytes = 0;
        let within = self.places[from..until].iter().take(budget.entries).take_while(|place| {
            bytes += place.bytes;
            bytes <= budget.bytes
        });
        let count = within.count().max(1).min(until - from);
        self.read_places(from..from + count).map_err(|error| unreadable(&error))
    }

    fn read_at(&self, positions: &[Position]) -> Result<Vec<Bytes>, Unreadable> {
        let mut found = Vec::with_capacity(positions.len());
        for position in positions {
            if let Ok(place) = self.places.binary_search_by_key(&position.get(), |place| place.position) {
                found.extend(self.read_places(place..place + 1).map_err(|error| unreadable(&error))?);
            }
        }
        Ok(found)
    }

    fn position_of(&self, id: &EventId) -> Result<Option<Position>, Unreadable> {
        let position = self.ids.get(id).copied();
        let is_here = |position: &u64| self.places.binary_search_by_key(position, |place| place.position).is_ok();
        Ok(position.filter(is_here).map(Position::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_client::random_event_id;

    #[test]
    fn entries_are_read_back_by_place_and_by_id_also_over_gaps() {
        let mut writer = SpoolWriter::new().expect("a file");
        let ids: Vec<EventId> = (0..4).map(|_| random_event_id()).collect();
        for (id, (position, text)) in ids.iter().zip([(1, "one"), (2, "two"), (5, "five"), (6, "six")]) {
            writer.push(Position::new(position), *id, text.as_bytes()).expect("it is written");
        }
        let spool = writer.finish().expect("it is written");
        let read = |after, until, entries, bytes| {
            let budget = Budget { entries, bytes };
            let read = spool.read(Position::new(after), Position::new(until), budget).expect("it is read");
            read.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(spool.entry_count(), 4);
        assert_eq!(spool.head(), Position::new(6));
        assert_eq!(read(0, 6, 9, 99), ["one", "two", "five", "six"]);
        assert_eq!(read(2, 5, 9, 99), ["five"]);
        assert_eq!(read(2, 4, 9, 99), [""; 0]);
        assert_eq!(read(0, 6, 2, 99), ["one", "two"]);
        assert_eq!(read(0, 6, 9, 7), ["one", "two"]);
        assert_eq!(read(0, 6, 9, 1), ["one"]);
        let early = spool.until(i64::MIN);
        assert_eq!((early.entry_count(), early.head()), (4, Position::new(6)), "what has no time is always known");
        let at = spool.read_at(&[6, 4, 2].map(Position::new)).expect("it is read");
        assert_eq!(at, ["six", "two"]);
        assert_eq!(spool.position_of(&ids[2]).expect("it is known"), Some(Position::new(5)));
        assert_eq!(spool.position_of(&random_event_id()).expect("it is known"), None);
    }

    #[test]
    fn a_log_can_be_cut_by_time() {
        let mut writer = SpoolWriter::new().expect("a file");
        let ids: Vec<EventId> = (0..4).map(|_| random_event_id()).collect();
        for (id, (position, at)) in ids.iter().zip([(1, 5), (2, 9), (3, i64::MIN), (4, 7)]) {
            writer
                .push_at(Position::new(position), *id, at, &[u8::try_from(position).expect("small")])
                .expect("written");
        }
        let cut = writer.finish().expect("it is written").until(7);
        let read = cut.read(Position::ZERO, Position::new(9), Budget { entries: 9, bytes: 99 }).expect("it is read");
        assert_eq!(read, [&[1][..], &[3], &[4]]);
        assert_eq!(cut.position_of(&ids[1]).expect("it is known"), None);
        assert_eq!(cut.position_of(&ids[3]).expect("it is known"), Some(Position::new(4)));
    }
}

//! Rows as they change: what changed after a position, in order of the positions, a part of bounded size at a time.
//!
//! Invariant: whoever puts all parts together has the rows of the view, whatever changed while they were read.

use super::{
    answer::{RemovedRow, Row},
    snapshot::SnapshotError,
};
use crate::{
    contract::key::Key,
    file::{
        row::{RowHead, RowKey, StoredRow},
        store::{StoreError, read_meta},
        tables::{CHANGES, ROWS, change_bytes, change_of},
    },
    view::{handle::ViewHandle, shared::ViewCursor},
};
use kith_core::{day::Day, position::Position};
use redb::ReadTransaction;

/// Rows that changed, or a part of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    /// Rows as they are now.
    pub rows: Vec<Row>,
    /// Rows that are gone.
    pub removed: Vec<RemovedRow>,
    /// Up to where everything was told, with this: where a reader begins again who hears no more. It stays where it is
    /// until all that changed at the next position was told.
    pub position: Position,
    /// The day that rows are as of. When it turns, any row may have changed without an entry: all come again.
    pub day: Day,
}

/// How far somebody who watches a view has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeReader {
    /// Up to where everything was told.
    position: Position,
    /// What is told, or was told last; none before the first changes.
    round: Option<Round>,
}

/// A reading of what changed, up to where the view is when it ends. Keys that change meanwhile come again, at their later
/// position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Round {
    day: Day,
    /// Rows that went after this position are told: the reader never had those that went before.
    known: Position,
    /// The first row that is not told; none at the end of the round.
    next: Option<Place>,
}

/// Where a row comes: with its key, at the position that changed the key last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    changed: Position,
    row: RowKey,
}

impl ChangeReader {
    /// Somebody who knows the rows up to a position; zero is nothing.
    pub fn new(after: Position) -> Self {
        Self { position: after, round: None }
    }

    /// Whether there is something to tell: first that the view is where the reader is, then the rest of what is told, a
    /// later position, or a new day, which may change any row.
    pub fn has_news(&self, view: ViewCursor) -> bool {
        view.day.is_some_and(|day| match self.round {
            None => view.position >= self.position,
            Some(round) => round.next.is_some() || view.position > self.position || day != round.day,
        })
    }

    /// Whether nothing was told yet.
    pub fn is_new(&self) -> bool {
        self.round.is_none()
    }

    /// The position that would be news.
    pub fn further(&self) -> Position {
        if self.is_new() { self.position } else { self.position.next() }
    }

    /// Up to where everything was told.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The news, or the next part of them: at most so many bytes as they are sent, but one row at least if there is one.
    /// After a new day every row comes.
    pub fn read(&mut self, view: &ViewHandle, bytes: usize) -> Result<Changes, SnapshotError> {
        let read = view.shared.store.read()?;
        let meta = read_meta(&read)?.unwrap_or_default();
        let Some(day) = meta.day else { return Err(SnapshotError::Building { cursor: meta.cursor }) };
        let (position, round) = self.round_of(day, meta.cursor);
        let from = round.next.unwrap_or(Place { changed: position.plus(1), row: RowKey::first_of(Key::MIN) });
        let mut part = Part { known: round.known, room: bytes, rows: Vec::new(), removed: Vec::new() };
        let next = part.fill(&read, from)?;
        let position = next.map_or(position.max(meta.cursor), Place::told);
        *self = Self { position, round: Some(Round { next, ..round }) };
        Ok(part.changes(view, meta.cursor, position, day))
    }

    /// From where the reader goes on, and in which round.
    fn round_of(&self, day: Day, cursor: Position) -> (Position, Round) {
        match self.round {
            // Rows that are gone by now are not known to somebody who knows none.
            None if self.position == Position::ZERO => (Position::ZERO, Round { day, known: cursor, next: None }),
            None => (self.position, Round { day, known: self.position, next: None }),
            // Rows may have gone with the day, at no position.
            Some(round) if round.day != day => (Position::ZERO, Round { day, known: Position::ZERO, next: None }),
            Some(round) if round.next.is_some() => (self.position, round),
            Some(round) => (self.position, Round { known: self.position, ..round }),
        }
    }
}

impl Place {
    /// Up to where everything was told when this row is the next.
    fn told(self) -> Position {
        Position::new(self.changed.get().saturating_sub(1))
    }
}

/// The rows of one read, as they are stored.
struct Part {
    /// Rows that went after this position are told.
    known: Position,
    /// Bytes that there is room for.
    room: usize,
    rows: Vec<(RowKey, StoredRow)>,
    removed: Vec<RowKey>,
}

impl Part {
    /// Takes rows while there is room for them; gives the first that it had none for.
    fn fill(&mut self, read: &ReadTransaction, from: Place) -> Result<Option<Place>, StoreError> {
        let (keys, rows) = (read.open_table(CHANGES)?, read.open_table(ROWS)?);
        for change in keys.range::<&[u8; 16]>(&change_bytes(from.changed, from.row.key)..)? {
            let (changed, key) = change_of(*change?.0.value());
            let first = if (changed, key) == (from.changed, from.row.key) { from.row } else { RowKey::first_of(key) };
            for row in rows.range::<&[u8; 16]>(&first.to_bytes()..=&RowKey::last_of(key).to_bytes())? {
                let (row_key, row) = row?;
                let place = Place { changed, row: RowKey::from_bytes(*row_key.value()) };
                if !self.take(place.row, row.value()) {
                    return Ok(Some(place));
                }
            }
        }
        Ok(None)
    }

    /// Takes a row if it is to be told; false if there is no room for it.
    fn take(&mut self, row_key: RowKey, row: &[u8]) -> bool {
        let head = RowHead::of(row);
        if !head.is_there && head.changed <= self.known {
            return true;
        }
        let bytes = StoredRow::sent_bytes_max(row);
        let is_first = self.rows.is_empty() && self.removed.is_empty();
        if bytes > self.room && !is_first {
            return false;
        }
        self.room = self.room.saturating_sub(bytes);
        match StoredRow::decode(row) {
            Some(row) => self.rows.push((row_key, row)),
            None => self.removed.push(row_key),
        }
        true
    }

    /// The rows with people by their ids.
    fn changes(self, view: &ViewHandle, cursor: Position, position: Position, day: Day) -> Changes {
        let people = view.shared.source.people();
        let meaning = people.meaning(cursor);
        let complete = view.complete(&view.shared.held, &people, &meaning);
        let rows = self.rows.into_iter().map(|(row_key, row)| Row::of(row_key, row, &people, &complete)).collect();
        let removed = self.removed.into_iter().map(|row_key| RemovedRow::of(row_key, &people)).collect();
        Changes { rows, removed, position, day }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_hears_of_what_it_does_not_know() {
        let at = |position, day| ViewCursor { position: Position::new(position), day: Some(Day::new(day)) };
        let reader = |after| ChangeReader::new(Position::new(after));
        let round = Round { day: Day::new(3), known: Position::ZERO, next: None };
        let told = ChangeReader { round: Some(round), ..reader(7) };
        let place = Place { changed: Position::new(8), row: RowKey::first_of(Key::MIN) };
        let within = ChangeReader { round: Some(Round { next: Some(place), ..round }), ..reader(7) };
        assert!(reader(0).has_news(at(0, 3)), "that there is nothing");
        assert!(!reader(7).has_news(at(6, 3)), "the view is not yet where the reader is");
        assert!(!reader(0).has_news(ViewCursor { position: Position::new(9), day: None }), "it is not built");
        assert!(reader(7).has_news(at(7, 3)));
        assert!(!told.has_news(at(7, 3)));
        assert!(told.has_news(at(8, 3)) && told.has_news(at(7, 4)));
        assert!(within.has_news(at(7, 3)), "the rest of what is told");
    }
}

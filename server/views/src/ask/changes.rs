//! Changes of rows: what changed after a position, in the order of positions, in parts of bounded size.
//!
//! Invariant: all parts together make up the rows of the view, whatever changes while they are read.

use super::{
    answer::{RemovedRow, Row},
    snapshot::SnapshotError,
};
use crate::{
    contract::key::Key,
    file::{
        row::{RowHead, RowKey, StoredRow},
        store::{StoreError, read_meta},
        tables::{CHANGES, Side, change_bytes, change_of},
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
    /// Removed rows.
    pub removed: Vec<RemovedRow>,
    /// The position up to which all changes have been returned, including these: a reader that stops here continues
    /// from it. It does not advance until everything that changed at the next position has been returned.
    pub position: Position,
    /// The day that rows are as of. When the day changes, any row may change without an entry: all are returned again.
    pub day: Day,
}

/// The progress of a reader that watches a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeReader {
    /// The position up to which all changes have been returned.
    position: Position,
    /// The current or last round; `None` before the first changes.
    round: Option<Round>,
}

/// One pass over the changes, up to the view's position when the pass ends. Keys that change during the pass are
/// returned again, at their later position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Round {
    day: Day,
    /// Rows removed after this position are returned: the reader never had those removed earlier.
    known: Position,
    /// The first row that has not been returned; `None` at the end of the round.
    next: Option<Place>,
}

/// Where a row comes in a round: at the position that last changed its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    changed: Position,
    row: RowKey,
}

impl ChangeReader {
    /// A reader that knows the rows as of a position; 0 for none.
    pub fn new(after: Position) -> Self {
        Self { position: after, round: None }
    }

    /// Whether there is something to return: at first, that the view has reached the reader's position; then the rest
    /// of a round, a later position, or a new day, which may change any row.
    pub fn has_news(&self, view: ViewCursor) -> bool {
        view.day.is_some_and(|day| match self.round {
            None => view.position >= self.position,
            Some(round) => round.next.is_some() || view.position > self.position || day != round.day,
        })
    }

    /// Whether nothing has been returned yet.
    pub fn is_new(&self) -> bool {
        self.round.is_none()
    }

    /// The next position that would be news.
    pub fn further(&self) -> Position {
        if self.is_new() { self.position } else { self.position.next() }
    }

    /// The position up to which all changes have been returned.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Returns the news, or the next part of it: at most `bytes` when sent, but at least one row if there is one. After
    /// a new day every row is returned.
    pub fn read(&mut self, view: &ViewHandle, bytes: usize) -> Result<Changes, SnapshotError> {
        let read = view.shared.store.read()?;
        let meta = read_meta(&read)?.unwrap_or_default();
        let Some(day) = meta.day else { return Err(SnapshotError::unbuilt(&view.shared, meta.cursor)) };
        let (position, round) = self.round_of(day, meta.cursor);
        let from = round.next.unwrap_or(Place { changed: position.plus(1), row: RowKey::first_of(Key::MIN) });
        let mut part = Part { known: round.known, room: bytes, rows: Vec::new(), removed: Vec::new() };
        let next = part.fill(&read, meta.side, from)?;
        let position = next.map_or(position.max(meta.cursor), Place::told);
        *self = Self { position, round: Some(Round { next, ..round }) };
        Ok(part.changes(view, meta.cursor, position, day))
    }

    /// The position after which the reader continues, and the round.
    fn round_of(&self, day: Day, cursor: Position) -> (Position, Round) {
        match self.round {
            // A reader without any rows does not know those that are removed by now.
            None if self.position == Position::ZERO => (Position::ZERO, Round { day, known: cursor, next: None }),
            None => (self.position, Round { day, known: self.position, next: None }),
            // Rows may have been removed by the change of day, without a position.
            Some(round) if round.day != day => (Position::ZERO, Round { day, known: Position::ZERO, next: None }),
            Some(round) if round.next.is_some() => (self.position, round),
            Some(round) => (self.position, Round { known: self.position, ..round }),
        }
    }
}

impl Place {
    /// The position up to which all changes have been returned if this row is the next.
    fn told(self) -> Position {
        self.changed.previous()
    }
}

/// The stored rows of one read.
struct Part {
    /// Rows removed after this position are returned.
    known: Position,
    /// Bytes that are left.
    room: usize,
    rows: Vec<(RowKey, StoredRow)>,
    removed: Vec<RowKey>,
}

impl Part {
    /// Adds rows while they fit; returns the first that did not fit.
    fn fill(&mut self, read: &ReadTransaction, side: Side, from: Place) -> Result<Option<Place>, StoreError> {
        let (keys, rows) = (read.open_table(CHANGES)?, read.open_table(side.rows())?);
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

    /// Adds a row if it has to be returned; returns false if it does not fit.
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

    /// The rows, with people by their ids.
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

//! Rows as they change: what changed after a position, in order of the positions.

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
use kith_core::position::Position;
use redb::ReadTransaction;

/// Rows that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    /// Rows as they are now.
    pub rows: Vec<Row>,
    /// Rows that are gone.
    pub removed: Vec<RemovedRow>,
    /// Where this goes on from; zero if every row there is comes.
    pub after: Position,
    /// How far this goes: where the next call goes on.
    pub position: Position,
    /// The day that rows are as of. When it turns, any row may have changed without an entry: read all again.
    pub day: i32,
}

/// How far somebody who watches a view has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeReader {
    /// None before the first changes.
    told: Option<Told>,
    after: Position,
}

/// What was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    position: Position,
    day: i32,
}

impl ChangeReader {
    /// Somebody who knows the rows up to a position; zero is nothing.
    pub fn new(after: Position) -> Self {
        Self { told: None, after }
    }

    /// Whether there is something to tell: first that the view is where the reader is, then a later position, or a new
    /// day, which may change any row.
    pub fn has_news(&self, view: ViewCursor) -> bool {
        view.day.is_some_and(|day| match self.told {
            None => view.position >= self.after,
            Some(told) => view.position > told.position || day != told.day,
        })
    }

    /// Whether nothing was told yet.
    pub fn is_new(&self) -> bool {
        self.told.is_none()
    }

    /// The position that would be news.
    pub fn further(&self) -> Position {
        self.told.map_or(self.after, |told| told.position.next())
    }

    /// The last position told; none before the first changes.
    pub fn position(&self) -> Option<Position> {
        self.told.map(|told| told.position)
    }

    /// The news: at least `limit` rows unless there are fewer. After a new day every row comes.
    pub fn read(&mut self, view: &ViewHandle, limit: usize) -> Result<Changes, SnapshotError> {
        let today = view.cursor().day;
        let after = match self.told {
            Some(told) if Some(told.day) == today => told.position,
            Some(_) => Position::ZERO,
            None => self.after,
        };
        let mut changes = view.changed_since(after, limit)?;
        changes.position = changes.position.max(after);
        self.told = Some(Told { position: changes.position, day: changes.day });
        Ok(changes)
    }
}

impl ViewHandle {
    /// What changed after a position: at least `limit` rows unless there are fewer, whole positions only. With
    /// `Position::ZERO` every row comes.
    pub fn changed_since(&self, after: Position, limit: usize) -> Result<Changes, SnapshotError> {
        let read = self.shared.store.read()?;
        let meta = read_meta(&read)?.unwrap_or_default();
        let cursor = meta.cursor;
        let Some(day) = meta.day else { return Err(SnapshotError::Building { cursor }) };
        let mut changes = Changes { rows: Vec::new(), removed: Vec::new(), after, position: cursor, day };
        let table = read.open_table(CHANGES).map_err(StoreError::from)?;
        let mut last = after;
        let first = change_bytes(last.plus(1), Key::MIN);
        for change in table.range::<&[u8; 16]>(&first..).map_err(StoreError::from)? {
            let (position, key) = change_of(*change.map_err(StoreError::from)?.0.value());
            if position > last && changes.rows.len() + changes.removed.len() >= limit.max(1) {
                changes.position = last;
                break;
            }
            last = position;
            self.take_key(&read, key, after, &mut changes)?;
        }
        Ok(changes)
    }

    fn take_key(
        &self,
        read: &ReadTransaction,
        key: Key,
        after: Position,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        let (first, last) = (RowKey::first_of(key).to_bytes(), RowKey::last_of(key).to_bytes());
        let people = self.shared.source.people();
        let meaning = people.meaning(changes.position);
        let complete = self.complete(&self.shared.held, &people, &meaning);
        for row in read.open_table(ROWS)?.range::<&[u8; 16]>(&first..=&last)? {
            let (row_key, row) = row?;
            let row_key = RowKey::from_bytes(*row_key.value());
            match StoredRow::decode(row.value()) {
                Some(row) => changes.rows.push(Row::of(row_key, row, &people, &complete)),
                None if after > Position::ZERO && RowHead::of(row.value()).changed > after => {
                    changes.removed.push(RemovedRow::of(row_key, &people));
                }
                None => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_hears_of_what_it_does_not_know() {
        let at = |position, day| ViewCursor { position: Position::new(position), day: Some(day) };
        let reader = |after| ChangeReader::new(Position::new(after));
        let told = ChangeReader { told: Some(Told { position: Position::new(7), day: 3 }), ..reader(0) };
        assert!(reader(0).has_news(at(0, 3)), "that there is nothing");
        assert!(!reader(7).has_news(at(6, 3)), "the view is not yet where the reader is");
        assert!(!reader(0).has_news(ViewCursor { position: Position::new(9), day: None }), "it is not built");
        assert!(reader(7).has_news(at(7, 3)));
        assert!(!told.has_news(at(7, 3)));
        assert!(told.has_news(at(8, 3)) && told.has_news(at(7, 4)));
    }
}

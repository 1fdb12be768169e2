//! Rows as they change: what changed after a position, in order of the positions.

use crate::{
    answer::{RemovedRow, Row},
    key::Key,
    row::{RowHead, RowKey, StoredRow},
    snapshot::SnapshotError,
    store::{StoreError, read_meta},
    tables::{CHANGES, ROWS, change_bytes, change_of},
    view::ViewHandle,
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
    /// How far this goes: where the next call goes on.
    pub position: Position,
    /// The day that rows are as of. When it turns, any row may have changed without an entry: read all again.
    pub day: i32,
}

impl ViewHandle {
    /// What changed after a position: at least `limit` rows unless there are fewer, whole positions only. With
    /// `Position::ZERO` every row comes.
    pub fn changed_since(&self, after: Position, limit: usize) -> Result<Changes, SnapshotError> {
        let read = self.shared.store.read()?;
        let meta = read_meta(&read)?.unwrap_or_default();
        let cursor = Position::new(meta.cursor);
        let Some(day) = meta.day else { return Err(SnapshotError::Building { cursor }) };
        let mut changes = Changes { rows: Vec::new(), removed: Vec::new(), position: cursor, day };
        let table = read.open_table(CHANGES).map_err(StoreError::from)?;
        let mut last = after.get();
        let first = change_bytes(last.saturating_add(1), Key::MIN);
        for change in table.range::<&[u8; 16]>(&first..).map_err(StoreError::from)? {
            let (position, key) = change_of(*change.map_err(StoreError::from)?.0.value());
            if position > last && changes.rows.len() + changes.removed.len() >= limit.max(1) {
                changes.position = Position::new(last);
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
        let (first, last) = (RowKey { key, item: 0 }.to_bytes(), RowKey { key, item: u64::MAX }.to_bytes());
        let people = self.shared.source.people();
        for row in read.open_table(ROWS)?.range::<&[u8; 16]>(&first..=&last)? {
            let (row_key, row) = row?;
            let row_key = RowKey::from_bytes(*row_key.value());
            match StoredRow::decode(row.value()) {
                Some(row) => changes.rows.push(Row::of(row_key, row, &people)),
                None if after > Position::ZERO && RowHead::of(row.value()).changed > after.get() => {
                    changes.removed.push(RemovedRow::of(row_key, &people));
                }
                None => {}
            }
        }
        Ok(())
    }
}

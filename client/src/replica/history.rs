//! A replica as a history that views are derived from. Entries that are not here are left out.

use super::{Inner, error::StoreError};
use bytes::Bytes;
use kith_core::{
    history::{Budget, History, HistoryId, Unreadable},
    id::EventId,
    position::Position,
};
use sha2::{Digest, Sha256};

impl History for Inner {
    /// Changes when entries come or go other than at the end.
    fn id(&self) -> Result<HistoryId, Unreadable> {
        let state = self.store.state().map_err(unreadable)?;
        let digest =
            Sha256::new_with_prefix(&state.incarnation).chain_update(state.generation.to_le_bytes()).finalize();
        Ok(HistoryId(*digest.first_chunk().expect("a digest has 32 bytes")))
    }

    fn head(&self) -> Position {
        *self.head.borrow()
    }

    fn read(&self, after: Position, until: Position, budget: Budget) -> Result<Vec<Bytes>, Unreadable> {
        let read = self.reading(|reader| {
            let (mut entries, mut bytes_count) = (Vec::new(), 0);
            for entry in reader.range(after, until)? {
                let (_, bytes) = entry?;
                bytes_count += bytes.len();
                if entries.len() == budget.entries || (!entries.is_empty() && bytes_count > budget.bytes) {
                    break;
                }
                entries.push(bytes);
            }
            Ok(entries)
        });
        read.map_err(unreadable)
    }

    fn read_at(&self, positions: &[Position]) -> Result<Vec<Bytes>, Unreadable> {
        let read = self.reading(|reader| {
            let mut entries = Vec::with_capacity(positions.len());
            for position in positions {
                entries.extend(reader.bytes_at(*position)?);
            }
            Ok(entries)
        });
        read.map_err(unreadable)
    }

    fn position_of(&self, id: &EventId) -> Result<Option<Position>, Unreadable> {
        self.reading(|reader| reader.position_of(id)).map_err(unreadable)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where an error is mapped")]
fn unreadable(error: StoreError) -> Unreadable {
    Unreadable(error.to_string())
}

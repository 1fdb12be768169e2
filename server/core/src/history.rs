//! Where entries can be read from: the server's log or a client's replica.

use crate::{id::EventId, position::Position};
use bytes::Bytes;

/// How much one read may return. It returns at least one entry, even a larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Maximum number of entries.
    pub entries: usize,
    /// Maximum number of bytes; the first entry may exceed it.
    pub bytes: usize,
}

/// The store could not be read; the text is for the operator.
#[derive(Debug, thiserror::Error)]
#[error("entries could not be read: {0}")]
pub struct Unreadable(pub String);

/// Which history entries are of: two of the same id have the same entry at every position that both have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryId(pub [u8; 16]);

/// Stored entries in order of position. Calls block on the disk.
pub trait History: Send + Sync + 'static {
    /// Which one it is. What is derived of one history must never go on with another.
    fn id(&self) -> Result<HistoryId, Unreadable>;

    /// The last position.
    fn head(&self) -> Position;

    /// Entry bytes after `after` up to `until`, oldest first, within the budget.
    fn read(&self, after: Position, until: Position, budget: Budget) -> Result<Vec<Bytes>, Unreadable>;

    /// The entries at these positions, in the order given; missing positions are skipped.
    fn read_at(&self, positions: &[Position]) -> Result<Vec<Bytes>, Unreadable>;

    /// The position of an event, if the store has it.
    fn position_of(&self, id: &EventId) -> Result<Option<Position>, Unreadable>;
}

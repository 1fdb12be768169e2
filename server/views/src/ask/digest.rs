//! One digest over all rows of a view: equal on every machine that folded the same entries.
//!
//! SHA-256 over "kith/rows/1", then for each row, sorted by key and item: the key's two handles (u32 each; 0 = none)
//! and the item (u64; 0 = none), big-endian, and the row's body as specified in `file/row.rs`. Handles are the same
//! everywhere, so ids are not needed. The position at which a row last changed is not included, and neither are rows of
//! incomplete keys.

use super::snapshot::{Snapshot, SnapshotError};
use crate::{file::row::StoredRow, share::cancel::Cancel, view::handle::ViewHandle};
use kith_core::{day::Day, filter::Filter, position::Position};
use sha2::{Digest, Sha256};

/// A digest over all rows of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewDigest {
    /// The position that rows are as of.
    pub position: Position,
    /// The day that rows are as of.
    pub day: Day,
    /// Number of rows.
    pub rows: u64,
    /// SHA-256 over them.
    pub sha256: [u8; 32],
}

impl ViewHandle {
    /// The digest of the view now, or as of another day or position: over the rows of complete keys.
    pub fn digest(&self, day: Option<Day>, as_of: Option<Position>) -> Result<ViewDigest, SnapshotError> {
        self.digest_until(&self.shared.held, day, as_of, &Cancel::default())
    }

    /// The digest that a replica with only the entries that pass a filter gets. Stops when cancelled.
    pub fn digest_until(
        &self,
        held: &Filter,
        day: Option<Day>,
        as_of: Option<Position>,
        cancel: &Cancel,
    ) -> Result<ViewDigest, SnapshotError> {
        let snapshot = Snapshot::open(&self.shared, day, as_of)?.until(cancel);
        let complete = self.complete(held, &self.shared.source.people(), &snapshot.meaning);
        let (mut rows, mut hash) = (0, Sha256::new_with_prefix(b"kith/rows/1"));
        snapshot.scan(None, |row_key, row| {
            if complete.holds(row_key.key) {
                rows += 1;
                hash.update(row_key.to_bytes());
                hash.update(StoredRow::body(row));
            }
        })?;
        Ok(ViewDigest { position: snapshot.position, day: snapshot.day, rows, sha256: hash.finalize().into() })
    }
}

//! What is stored of keys in tables with another order than theirs: collected, and stored in the order of its table, so
//! that each page is written once.

use super::{derivation::KeyChange, evaluate::EvaluateError};
use crate::{
    contract::key::Key,
    file::{
        store::StoreError,
        tables::{CHANGES, SECONDS, change_bytes},
    },
    share::cancel::Cancel,
};
use kith_core::position::Position;
use redb::WriteTransaction;

/// Bytes that are collected for a key while the view is built.
pub(crate) const BUILDING_KEY_BYTES: usize = 8;
/// The same for a view that is built.
pub(crate) const BUILT_KEY_BYTES: usize = 8 + 2 * 16;

/// Collected rows of these tables.
#[derive(Default)]
pub(crate) struct SideTables {
    seconds: Vec<[u8; 8]>,
    changed_before: Vec<[u8; 16]>,
    changed: Vec<[u8; 16]>,
}

impl SideTables {
    /// Makes room for what is collected for a number of keys. Room that is not used takes no memory.
    pub(crate) fn reserve(&mut self, keys: usize) {
        self.seconds.reserve_exact(keys);
        self.changed_before.reserve_exact(keys);
        self.changed.reserve_exact(keys);
    }

    /// Notes the second people of new keys.
    pub(crate) fn note_seconds(&mut self, changes: &[KeyChange]) {
        let new = changes.iter().filter(|change| change.before.is_none() && change.key.b != 0);
        self.seconds.extend(new.map(|change| change.key.swapped().to_bytes()));
    }

    /// Notes that keys move to the position of their latest change.
    pub(crate) fn note_changes(&mut self, changes: &[KeyChange]) {
        for KeyChange { key, before, after, .. } in changes {
            self.changed_before.extend(before.as_ref().map(|before| change_bytes(before.changed, *key)));
            self.note_change(*key, after.changed);
        }
    }

    /// Notes the position at which a key changed for the first time.
    pub(crate) fn note_change(&mut self, key: Key, changed: Position) {
        self.changed.push(change_bytes(changed, key));
    }

    /// Bytes of memory that this takes.
    pub(crate) fn bytes(&self) -> usize {
        self.seconds.len() * 8 + (self.changed_before.len() + self.changed.len()) * 16
    }

    /// Stores everything.
    pub(crate) fn write(&mut self, write: &WriteTransaction, cancel: &Cancel) -> Result<(), EvaluateError> {
        let mut seconds = write.open_table(SECONDS).map_err(StoreError::from)?;
        drain(&mut self.seconds, cancel, |second| seconds.insert(second, ()).map(drop))?;
        let mut changes = write.open_table(CHANGES).map_err(StoreError::from)?;
        drain(&mut self.changed_before, cancel, |change| changes.remove(change).map(drop))?;
        drain(&mut self.changed, cancel, |change| changes.insert(change, ()).map(drop))
    }
}

/// Takes everything out of a list, in order.
fn drain<const N: usize>(
    list: &mut Vec<[u8; N]>,
    cancel: &Cancel,
    mut store: impl FnMut(&[u8; N]) -> Result<(), redb::StorageError>,
) -> Result<(), EvaluateError> {
    list.sort_unstable();
    for (step, row) in list.drain(..).enumerate() {
        cancel.check_at(step)?;
        store(&row).map_err(StoreError::from)?;
    }
    Ok(())
}

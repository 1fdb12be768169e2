//! What is stored of keys in tables with another order than theirs: collected, and stored in the order of its table, so
//! that each page is written once.

use super::derivation::KeyChange;
use crate::{
    contract::key::Key,
    file::{
        store::StoreError,
        tables::{CHANGES, SECONDS, change_bytes},
    },
};
use kith_core::position::Position;
use redb::WriteTransaction;

/// Collected rows of these tables.
#[derive(Default)]
pub(crate) struct SideTables {
    seconds: Vec<[u8; 8]>,
    changed_before: Vec<[u8; 16]>,
    changed: Vec<[u8; 16]>,
}

impl SideTables {
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
    pub(crate) fn write(&mut self, write: &WriteTransaction) -> Result<(), StoreError> {
        for list in [&mut self.changed_before, &mut self.changed] {
            list.sort_unstable();
        }
        self.seconds.sort_unstable();
        let mut seconds = write.open_table(SECONDS)?;
        for second in self.seconds.drain(..) {
            seconds.insert(&second, ())?;
        }
        let mut changes = write.open_table(CHANGES)?;
        for change in self.changed_before.drain(..) {
            changes.remove(&change)?;
        }
        for change in self.changed.drain(..) {
            changes.insert(&change, ())?;
        }
        Ok(())
    }
}

//! Mistakes on purpose, for whoever tests that tests find them.
//!
//! Invariant: a program that was built without the feature `faults` makes none of them.

use super::{Inner, error::StoreError, part::id_key, rows::Pending, store::decode, tables::OUTBOX};
use crate::builder::NewEvent;
use kith_core::event::Event;
use prost::Message;
use redb::{ReadableTable, Table, WriteTransaction};

/// A mistake that a replica makes on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "faults"), expect(unreachable_pub, reason = "it is public with the feature"))]
pub enum Planted {
    /// What the server has already is sent again under a new id.
    NoDedupe,
    /// The cursor is committed before the entries.
    CursorAhead,
    /// A reset discards the outbox.
    OutboxDropped,
    /// After a failure nothing is tried again until something is recorded.
    NoTimerRetry,
    /// Nothing is held against a checkpoint of the known key.
    Unverified,
}

impl Inner {
    /// Whether a mistake is made.
    #[cfg(feature = "faults")]
    pub(super) fn makes(&self, mistake: Planted) -> bool {
        self.environment.planted == Some(mistake)
    }

    /// Whether a mistake is made: none is.
    #[cfg(not(feature = "faults"))]
    #[expect(clippy::unused_self, reason = "the same shape as with the feature")]
    pub(super) const fn makes(&self, _: Planted) -> bool {
        false
    }
}

/// Gives an event that waits a new id.
pub(super) fn rename(
    transaction: &WriteTransaction,
    numbers: &mut Table<'_, u128, u64>,
    number: u64,
) -> Result<(), StoreError> {
    let mut outbox = transaction.open_table(OUTBOX)?;
    let Some(mut row) = outbox.get(number)?.map(|value| decode::<Pending>(value.value())).transpose()? else {
        return Ok(());
    };
    let broken = |_| StoreError::Damaged("an event of the outbox breaks a rule");
    let old = NewEvent::from_stored(row.event.as_ref().ok_or(StoreError::Damaged("no event"))?).map_err(broken)?;
    let event = Event { id: crate::builder::random_event_id(), ..old.event().clone() };
    let new = NewEvent::from_parts(event, old.details().to_vec()).map_err(broken)?;
    row.event = Some(new.to_proto());
    outbox.insert(number, row.encode_to_vec().as_slice())?;
    numbers.insert(id_key(&new.id()), number)?;
    Ok(())
}

//! Deliberate faults, to test that the tests find them: one hook at each place where a fault can be planted.
//!
//! Invariant: this file and the lines that call it are compiled only with the feature `faults`.

use super::{
    Inner,
    error::StoreError,
    outbox::own,
    part::{Part, id_key},
    reset::Outbox,
    rows::Pending,
    store::{Writing, decode},
    tables::OUTBOX,
};
use crate::{append_stream::EventResult, builder::NewEvent, checkpoints::SignedHead};
use kith_core::{checkpoint::VerifierKey, decide::Outcome, event::Event};
use prost::Message;
use redb::{ReadableTable, Table};

/// A deliberate fault of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// What the server already has is sent again under a new id.
    NoDedupe,
    /// The cursor is committed before the entries.
    CursorAhead,
    /// A reset discards the outbox.
    OutboxDropped,
    /// After a failure nothing is retried until something is recorded.
    NoTimerRetry,
    /// Nothing is verified against a checkpoint signed by the known key.
    Unverified,
    /// The words of people who are erased stay.
    ErasureForgotten,
}

impl Inner {
    fn makes(&self, mistake: Planted) -> bool {
        self.environment.planted == Some(mistake)
    }

    /// The key that the server's key is compared with: with the fault, its own, so that any key passes.
    pub(super) fn planted_key(&self, known: Option<VerifierKey>, head: &SignedHead) -> Option<VerifierKey> {
        if self.makes(Planted::Unverified) { Some(head.key.clone()) } else { known }
    }

    /// Whether a head vouches for anything.
    pub(super) fn vouches_blindly(&self) -> bool {
        self.makes(Planted::Unverified)
    }

    /// What happens to the outbox at a reset.
    pub(super) fn planted_outbox(&self, outbox: Outbox) -> Outbox {
        if self.makes(Planted::OutboxDropped) { Outbox::Discard } else { outbox }
    }

    /// Makes the faults of a part: the cursor is committed before it, or it erases nothing.
    pub(super) fn spoil(&self, part: &mut Part, head: &SignedHead) -> Result<(), StoreError> {
        part.forgets_erasures = self.makes(Planted::ErasureForgotten);
        if self.makes(Planted::CursorAhead) {
            self.store.write(|transaction| part.write_cursor(transaction, head))?;
            part.follow(&self.store.state()?);
        }
        Ok(())
    }

    /// Waits for something to be recorded.
    pub(super) async fn wait_for_something_recorded(&self) {
        if self.makes(Planted::NoTimerRetry) {
            drop(self.outbox_moved.subscribe().changed().await);
        }
    }

    /// Gives an event that the server already has a new id, to be sent again; returns whether it did.
    pub(super) fn renames(
        &self,
        transaction: &Writing<'_>,
        numbers: &mut Table<'_, u128, u64>,
        (number, result): (u64, &EventResult),
    ) -> Result<bool, StoreError> {
        let is_known = matches!(result.result, Ok(Outcome::Duplicate(_)));
        if !is_known || !self.makes(Planted::NoDedupe) {
            return Ok(false);
        }
        rename(transaction, numbers, number)?;
        Ok(true)
    }
}

/// Gives a waiting event a new id.
fn rename(transaction: &Writing<'_>, numbers: &mut Table<'_, u128, u64>, number: u64) -> Result<(), StoreError> {
    let mut outbox = transaction.open_table(OUTBOX)?;
    let Some(mut row) = outbox.get(number)?.map(|value| decode::<Pending>(value.value())).transpose()? else {
        return Ok(());
    };
    let broken = |_| StoreError::Damaged("an event of the outbox breaks a rule");
    let words = transaction.words()?;
    let old = words.open_own(own(row.event.as_ref())?)?;
    let event = Event { id: crate::builder::random_event_id(), ..old.event().clone() };
    let new = NewEvent::from_parts(event, old.details().to_vec()).map_err(broken)?;
    row.event = words.seal_own(&[&new])?.pop();
    outbox.insert(number, row.encode_to_vec().as_slice())?;
    numbers.insert(id_key(&new.id()), number)?;
    Ok(())
}

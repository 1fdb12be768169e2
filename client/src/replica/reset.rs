//! Discards the log here, because the server's log is another one or on request.
//!
//! Invariant: unless it is to be discarded, what this device recorded returns to the outbox, under its old numbers, in
//! the same transaction.

use super::{
    Inner,
    error::StoreError,
    events::Happening,
    outbox,
    store::change_state,
    tables::{COMMON, DETAILS, ENTRIES, GAPS, IDS, NEWER, NUMBERS, OUTBOX, REFUSED, SETTLED},
    words::Erasures,
};
use crate::append_stream::EventRefused;
use kith_core::position::Position;
use redb::WriteTransaction;

/// What happens to the events of this device when the log is discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outbox {
    /// They are queued to be sent; the log recognises those that it already has.
    Keep,
    /// They are deleted.
    Discard,
}

impl Inner {
    pub(super) fn reset(&self, outbox: Outbox) -> Result<u64, StoreError> {
        let returned = self.store.write(|transaction| {
            let returned = match outbox {
                Outbox::Keep => outbox::return_all(transaction)?,
                Outbox::Discard => {
                    transaction.open_table(OUTBOX)?.retain(|_, _| false)?;
                    transaction.open_table(REFUSED)?.retain(|_, _| false)?;
                    transaction.open_table(SETTLED)?.retain(|_, _| false)?;
                    transaction.open_table(NUMBERS)?.retain(|_, _| false)?;
                    0
                }
            };
            forget_log(transaction)?;
            transaction.seal_anew(self.environment.random_bytes(), Erasures::Forgotten)?;
            Ok(returned)
        })?;
        self.store.end_old_sealings()?;
        self.publish_head()?;
        self.tell(Happening::Reset { returned });
        Ok(returned)
    }
}

impl Inner {
    /// Discards the log and all words here, because whoever uses this device is no longer a member. Events that were not
    /// sent stay among the refused, without words. Returns how many entries were removed.
    pub(super) fn lose_network(&self, token: &[u8], why: &EventRefused) -> Result<u64, StoreError> {
        let head = Position::new(self.frontier()?.size());
        let removed = self.reading(|reader| {
            let mut count = 0;
            for entry in reader.range(Position::ZERO, head)? {
                entry?;
                count += 1;
            }
            Ok(count)
        })?;
        self.store.write(|transaction| {
            outbox::refuse_all(transaction, why)?;
            forget_log(transaction)?;
            change_state(transaction, |state| state.token = token.to_vec())?;
            transaction.seal_anew(self.environment.random_bytes(), Erasures::Forgotten)
        })?;
        self.store.end_old_sealings()?;
        self.publish_head()?;
        self.tell(Happening::Reset { returned: 0 });
        Ok(removed)
    }
}

fn forget_log(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(ENTRIES)?.retain(|_, _| false)?;
    transaction.open_table(IDS)?.retain(|_, _| false)?;
    transaction.open_table(COMMON)?.retain(|_, ()| false)?;
    transaction.open_table(NEWER)?.retain(|_, ()| false)?;
    transaction.open_table(DETAILS)?.retain(|_, _| false)?;
    transaction.open_table(GAPS)?.retain(|_, _| false)?;
    change_state(transaction, |state| {
        state.incarnation.clear();
        state.frontier.clear();
        state.checkpoint.clear();
        state.key.clear();
        state.alarm.clear();
        state.evidence.clear();
        state.server_head = 0;
        state.replica_days = 0;
        state.words_gone = false;
        state.generation += 1;
    })
}

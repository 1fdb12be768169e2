//! A replica that has not synced for long: its network may demand that it shows no words then, and in the end has none.
//!
//! Invariant: facts stay, and so do the words of events that were not sent; all others come back with the next sync. It
//! is this program's own act: it protects from whoever finds a device, not from whoever takes it apart.

use super::{
    Inner, SyncError,
    directory::Known,
    error::StoreError,
    gaps::Why,
    reading::{Reader, open},
    rows::State,
    store::{Writing, change_state},
    tables::{DETAILS, SETTLED},
    words::Erasures,
};
use crate::{client::Client, entries::Recorded};
use bytes::Bytes;
use kith_core::{
    event::{Administration, Fact},
    timestamp::{DAY_MS, Timestamp},
};
use std::sync::PoisonError;

/// How often a replica that is connected notes that it is.
const CONTACT_MS: i64 = 3_600_000;

/// Whether words may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// They may.
    Shown,
    /// The replica has not synced for as long as its network allows.
    Hidden,
    /// It has not for twice as long: they have to go.
    Over,
}

impl State {
    /// Whether words may be shown at a time.
    pub(super) fn standing(&self, now: Timestamp) -> Standing {
        let allowed = i64::from(self.replica_days) * DAY_MS;
        let since = now.millis().saturating_sub(self.synced_at);
        if allowed == 0 || self.synced_at == 0 || since <= allowed {
            Standing::Shown
        } else if since <= 2 * allowed {
            Standing::Hidden
        } else {
            Standing::Over
        }
    }
}

/// Notes what the network demands of replicas, if one of these entries says so.
pub(super) fn note_policy(transaction: &Writing<'_>, entries: &[Recorded]) -> Result<(), StoreError> {
    let policies = entries.iter().filter_map(|recorded| match &recorded.event.fact {
        Fact::Administration(Administration::PolicyChanged { policy }) => Some(policy.replica_days),
        _ => None,
    });
    match policies.last() {
        Some(days) => change_state(transaction, |state| state.replica_days = days),
        None => Ok(()),
    }
}

impl Inner {
    /// Whether words may be shown now.
    pub(super) fn words_are_shown(&self) -> Result<bool, StoreError> {
        Ok(self.store.state()?.standing(self.environment.now()) == Standing::Shown)
    }

    /// Destroys the keys of all words that the log has, if the replica has not synced for too long.
    pub(super) fn end_stale_words(&self) -> Result<(), StoreError> {
        let state = self.store.state()?;
        if state.words_gone || state.standing(self.environment.now()) != Standing::Over {
            return Ok(());
        }
        self.store.write(|transaction| {
            transaction.open_table(DETAILS)?.retain(|_, _| false)?;
            transaction.drop_own_words(SETTLED)?;
            transaction.seal_anew(self.environment.random_bytes(), Erasures::Kept)?;
            change_state(transaction, |state| state.words_gone = true)
        })?;
        self.store.end_old_sealings()?;
        self.forget_names();
        Ok(())
    }

    /// Fetches the entries anew whose words were destroyed.
    pub(super) async fn fetch_words_again(&self, client: &Client) -> Result<(), SyncError> {
        if !self.store.state()?.words_gone {
            return Ok(());
        }
        let keeps = |_: &Reader<'_>, bytes: &Bytes| Ok(open(bytes)?.1.details.is_empty());
        // If this is interrupted, what is missing is a gap, and the next attempt fills it.
        self.let_go(Why::Filter, keeps, |_| {})?;
        let filter = self.filter()?;
        self.fill_gaps(client, &filter).await?;
        self.store.write(|transaction| change_state(transaction, |state| state.words_gone = false))?;
        self.forget_names();
        Ok(())
    }

    /// Notes that the server was heard of, now and then: whoever follows has synced.
    pub(super) fn note_contact(&self) -> Result<(), StoreError> {
        let now = self.environment.now().millis();
        if now.saturating_sub(self.store.state()?.synced_at) < CONTACT_MS {
            return Ok(());
        }
        self.store.write(|transaction| change_state(transaction, |state| state.synced_at = now))
    }

    fn forget_names(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Known::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_shown_for_as_long_as_the_network_allows() {
        let state = |replica_days, synced_at| State { synced_at, replica_days, ..State::default() };
        let at = |days: i64, millis| Timestamp::from_millis(1_000 + days * DAY_MS + millis);
        for (days, millis, standing) in [
            (0, 0, Standing::Shown),
            (90, 0, Standing::Shown),
            (90, 1, Standing::Hidden),
            (180, 0, Standing::Hidden),
            (180, 1, Standing::Over),
            (-5, 0, Standing::Shown),
        ] {
            assert_eq!(state(90, 1_000).standing(at(days, millis)), standing, "{days} {millis}");
            assert_eq!(state(0, 1_000).standing(at(days, millis)), Standing::Shown, "nothing is demanded");
            assert_eq!(state(90, 0).standing(at(days, millis)), Standing::Shown, "nothing is here");
        }
    }
}

//! Changes which entries are here: with another filter, another token, or a lost scope.
//!
//! Invariant: with another token or a lost scope, entries that must no longer be here are removed before anything else
//! is fetched, and the number removed is reported.

use super::{
    Inner, SyncError, SyncReport,
    error::StoreError,
    gaps::Why,
    reading::{Reader, open},
    rows::State,
    store::change_state,
};
use crate::{append_stream::EventRefused, client::Client, error::Error};
use bytes::Bytes;
use futures_util::StreamExt;
use kith_core::{
    authority::Lost,
    event::Scope,
    filter::{Filter, PeopleMatch},
    position::Position,
    reason::Reason,
};

/// Stored in place of a token's fingerprint after the token was revoked; it equals no fingerprint.
const NO_TOKEN: &[u8] = b"revoked";

/// The result of changing the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FilterChanged {
    /// Number of entries fetched.
    pub fetched: u64,
    /// Number of entries removed.
    pub removed: u64,
}

impl Inner {
    pub(super) async fn set_filter(&self, client: &Client, filter: Filter) -> Result<FilterChanged, SyncError> {
        let Ok(_alone) = self.syncing.try_lock() else { return Err(SyncError::Running) };
        let before = self.filter()?;
        let mut changed = FilterChanged::default();
        if before == filter {
            return Ok(changed);
        }
        // If this is interrupted here, what was fetched stays, and the next attempt continues from there.
        changed.fetched = self.fill_gaps(client, &addition(&before, &filter)).await?;
        let note = |state: &mut State| {
            state.filter = Some(filter.to_proto());
            state.generation += 1;
        };
        changed.removed = self.let_go(Why::Filter, |reader, bytes| passes(reader, &filter, bytes), note)?;
        Ok(changed)
    }

    /// If the token is not the same as before, replaces the entries with those that it may see.
    pub(super) async fn look_again_with_other_token(
        &self,
        client: &Client,
        report: &mut SyncReport,
    ) -> Result<(), SyncError> {
        // Rights may change behind a certificate, but not behind a token.
        let token = match client.token_fingerprint() {
            Some(token) => token,
            None => client.who_am_i(Some(client.network())).await?.scope_digest,
        };
        let before = self.store.state()?.token;
        if before == token {
            return Ok(());
        }
        if !before.is_empty() {
            report.removed += self.look_again(client).await?;
        }
        self.store.write(|transaction| change_state(transaction, |state| state.token = token))?;
        Ok(())
    }

    /// If a call failed because a scope was lost, removes what may no longer be seen; returns how many entries were
    /// removed, and the replica can continue. Otherwise returns the original error.
    pub(super) async fn look_after_scope(&self, client: &Client, error: SyncError) -> Result<u64, SyncError> {
        let SyncError::Call(call) = &error else { return Err(error) };
        let lost = match call.reason() {
            Some(Reason::ScopeLost) => Some(lost_by(call)),
            Some(Reason::TokenInvalid | Reason::NetworkUnknown) => self.lost_scope(client).await?,
            Some(_) | None => None,
        };
        let Some(lost) = lost else { return Err(error) };
        let refused = match client.head().await {
            Ok(_) => return self.look_again(client).await,
            Err(refused) => refused.reason(),
        };
        // A server that cannot be reached has taken nothing away.
        if !matches!(refused, Some(Reason::TokenInvalid | Reason::NetworkUnknown)) {
            return Err(error);
        }
        let removed = match lost {
            Lost::Organisation => self.lose_scope()?,
            Lost::Network => self.lose_network(NO_TOKEN, &lost_words(call))?,
        };
        Err(SyncError::ScopeLost { lost, removed })
    }

    /// What was lost, as the server reports it to a subscription from here: other calls only report an invalid token.
    async fn lost_scope(&self, client: &Client) -> Result<Option<Lost>, SyncError> {
        Ok(match self.begin_pull(client)?.updates.next().await {
            Some(Err(error)) if error.reason() == Some(Reason::ScopeLost) => Some(lost_by(&error)),
            Some(_) | None => None,
        })
    }

    /// Removes what only members of an organisation may see. The next token fetches again what it may see.
    fn lose_scope(&self) -> Result<u64, StoreError> {
        let keeps = |_: &Reader<'_>, bytes: &Bytes| Ok(open(bytes)?.1.scope == Scope::Network);
        self.let_go(Why::Scope, keeps, |state| state.token = NO_TOKEN.to_vec())
    }

    /// Removes what may no longer be seen, and fetches what may be seen now; returns how many entries were removed.
    pub(super) async fn look_again(&self, client: &Client) -> Result<u64, SyncError> {
        let filter = self.filter()?;
        let removed = match self.first_restricted()? {
            Some(first) => {
                let after = first.previous();
                let visible = self.visible(client, &filter, after).await?;
                let keeps = |_: &Reader<'_>, bytes: &Bytes| {
                    let (entry, event) = open(bytes)?;
                    Ok(event.scope == Scope::Network || visible.contains(&entry.position))
                };
                self.let_go(Why::Scope, keeps, |_| {})?
            }
            None => 0,
        };
        self.fill_gaps(client, &filter).await?;
        self.publish_head()?;
        Ok(removed)
    }

    fn first_restricted(&self) -> Result<Option<Position>, StoreError> {
        let head = Position::new(self.frontier()?.size());
        self.reading(|reader| {
            for entry in reader.range(Position::ZERO, head)? {
                let (position, bytes) = entry?;
                if open(&bytes)?.1.scope == Scope::Organisation {
                    return Ok(Some(position));
                }
            }
            Ok(None)
        })
    }
}

/// What the server says was lost; less if it says nothing that is known here.
fn lost_by(error: &Error) -> Lost {
    if error.value("lost") == Some("network") { Lost::Network } else { Lost::Organisation }
}

/// Why what this device had recorded cannot be sent any more.
fn lost_words(error: &Error) -> EventRefused {
    EventRefused { reason: Some(Reason::ScopeLost), field: String::new(), message: error.to_string() }
}

fn passes(reader: &Reader<'_>, filter: &Filter, bytes: &Bytes) -> Result<bool, StoreError> {
    let (entry, event) = open(bytes)?;
    Ok(filter.passes(&reader.header(&entry, &event)?))
}

/// A filter for what `after` adds to `before`: only the new part of the one list that grew, if nothing else changed.
fn addition(before: &Filter, after: &Filter) -> Filter {
    let grown = Filter {
        kinds: added(&before.kinds, &after.kinds),
        people: added(&before.people, &after.people),
        organisations: added(&before.organisations, &after.organisations),
        ..after.clone()
    };
    let only_kinds = Filter { kinds: after.kinds.clone(), ..before.clone() } == *after && !before.kinds.is_empty();
    let only_people = Filter { people: after.people.clone(), ..before.clone() } == *after && !before.people.is_empty();
    let only_organisations = Filter { organisations: after.organisations.clone(), ..before.clone() } == *after
        && !before.organisations.is_empty();
    if only_kinds && !grown.kinds.is_empty() && !after.kinds.is_empty() {
        return Filter { kinds: grown.kinds, ..after.clone() };
    }
    if only_people && !grown.people.is_empty() && after.people_match == PeopleMatch::Any {
        return Filter { people: grown.people, ..after.clone() };
    }
    if only_organisations && !grown.organisations.is_empty() {
        return Filter { organisations: grown.organisations, ..after.clone() };
    }
    after.clone()
}

fn added<T: PartialEq + Clone>(before: &[T], after: &[T]) -> Vec<T> {
    after.iter().filter(|item| !before.contains(item)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(names: &[&str]) -> Filter {
        Filter { people: names.iter().map(|name| name.parse().unwrap()).collect(), ..Filter::default() }
    }

    #[test]
    fn only_the_difference_is_asked_for() {
        assert_eq!(addition(&people(&["amina"]), &people(&["amina", "ben"])), people(&["ben"]));
        assert_eq!(addition(&people(&["amina"]), &people(&["ben"])), people(&["ben"]));
        assert_eq!(addition(&people(&["amina"]), &Filter::default()), Filter::default());
        assert_eq!(addition(&Filter::default(), &people(&["ben"])), people(&["ben"]));
        let all = |filter: Filter| Filter { people_match: PeopleMatch::All, ..filter };
        let both = all(people(&["amina", "ben"]));
        assert_eq!(addition(&all(people(&["amina"])), &both), both);
    }
}

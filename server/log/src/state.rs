//! What is recorded of a network, as the decision and conditions look at it.
//!
//! Invariant: everything is of one commit, and nothing here writes.

use crate::{
    candidates::{Direction, Mode, Span},
    error::ReadError,
    live::{Head, Live},
    select::Scan,
    snapshot::{Snapshot, decode_entry},
    store::Store,
};
use kith_core::{
    decide::State, directory::Directory, entry::Entry, filter::Filter, history::Budget, id::EventId, may::Principal,
    position::Position, timestamp::Timestamp,
};
use std::sync::Arc;

/// What is on disk of a network, as the decision sees it.
pub(crate) struct LogState<'a> {
    live: &'a Live,
    snapshot: Snapshot,
    head: Head,
    directory: Arc<Directory>,
}

impl<'a> LogState<'a> {
    /// Reads nothing yet but the head.
    pub(crate) fn read(store: &Store, live: &'a Live) -> Result<Self, ReadError> {
        let snapshot = Snapshot::begin(&store.database, live)?;
        let published = live.published();
        let (head, directory) = (published.head, published.directory.clone());
        drop(published);
        Ok(Self { live, snapshot, head, directory })
    }
}

impl State for LogState<'_> {
    type Error = ReadError;

    fn head(&self) -> Position {
        self.head.position
    }

    fn last_recorded_at(&self) -> Timestamp {
        self.head.recorded_at.unwrap_or(Timestamp::MIN)
    }

    fn directory(&self) -> &Directory {
        &self.directory
    }

    fn recorded(&self, id: &EventId) -> Result<Option<Position>, ReadError> {
        self.snapshot.recorded(id)
    }

    fn entry(&self, position: Position) -> Result<Entry, ReadError> {
        decode_entry(&self.snapshot.bytes(position)?)
    }

    fn any_match(&self, after: Position, filter: &Filter, principal: &Principal) -> Result<bool, ReadError> {
        let span = Span { after, until: self.head.position, direction: Direction::Forward };
        Ok(first_match(&self.snapshot, self.live, span, filter, principal)?.is_some())
    }
}

/// The first entry of a span that matches a filter and that the principal may see.
pub(crate) fn first_match(
    snapshot: &Snapshot,
    live: &Live,
    span: Span,
    filter: &Filter,
    principal: &Principal,
) -> Result<Option<Position>, ReadError> {
    let budget = Budget { entries: 1, bytes: usize::MAX };
    let search = Scan { principal, filter, mode: Mode::Matching, span, budget, looks_max: usize::MAX };
    let selected = match search.recent(live) {
        Some(selected) => selected,
        None => search.stored(snapshot, live)?,
    };
    Ok(selected.entries.first().map(|(position, _)| *position))
}

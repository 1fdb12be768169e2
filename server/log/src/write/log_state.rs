//! A network's recorded state, as decisions and conditions see it.
//!
//! Invariant: everything is from one commit, and nothing here writes.

use crate::{
    error::ReadError,
    read::{
        candidates::{Direction, Mode, Span},
        select::{Reach, Scan},
    },
    rows::chunk::{Chunk, Found},
    state::{
        live::{Head, Live},
        snapshot::{Snapshot, decode_entry},
    },
    store::Store,
};
use kith_core::{
    authority::Authority,
    decide::State,
    directory::Directory,
    entry::Entry,
    erasures::Erasures,
    filter::Filter,
    history::Budget,
    id::{EventId, PersonId},
    may::Principal,
    position::Position,
    timestamp::Timestamp,
};
use kith_words::Stored;
use std::{cell::OnceCell, sync::Arc};

/// A network's state on disk, as the decision sees it.
pub(crate) struct LogState<'a> {
    store: &'a Store,
    live: &'a Live,
    head: Head,
    directory: Arc<Directory>,
    erasures: Arc<Erasures>,
    authority: Arc<Authority>,
    open: Arc<Chunk>,
    /// Begun when something is needed that is not in memory, which is rare.
    stored: OnceCell<Snapshot>,
}

impl<'a> LogState<'a> {
    /// Reads only memory at first. Nothing else may write while this is in use.
    pub(crate) fn new(store: &'a Store, live: &'a Live) -> Self {
        let published = live.published();
        let (head, directory, open) = (published.head, published.directory.clone(), published.open.clone());
        let (erasures, authority) = (published.erasures.clone(), published.authority.clone());
        Self { store, live, head, directory, erasures, authority, open, stored: OnceCell::new() }
    }

    fn stored(&self) -> Result<&Snapshot, ReadError> {
        if let Some(snapshot) = self.stored.get() {
            return Ok(snapshot);
        }
        let snapshot = Snapshot::begin(&self.store.database, self.live)?;
        Ok(self.stored.get_or_init(|| snapshot))
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

    fn erasures(&self) -> &Erasures {
        &self.erasures
    }

    fn authority(&self) -> &Authority {
        &self.authority
    }

    fn subjects(&self, position: Position, details: &[u32]) -> Result<Vec<PersonId>, ReadError> {
        let row = self.stored()?.details(position)?;
        let sealed = details.iter().filter_map(|index| row.get(*index as usize).and_then(Stored::sealed));
        Ok(sealed.flat_map(|sealed| &sealed.subjects).cloned().collect())
    }

    fn recorded(&self, id: &EventId) -> Result<Option<Position>, ReadError> {
        match self.open.look_up(id) {
            Found::Here(position) => Ok(Some(position)),
            Found::Nowhere => Ok(None),
            Found::PerhapsBefore => self.stored()?.recorded(id),
        }
    }

    fn entry(&self, position: Position) -> Result<Entry, ReadError> {
        decode_entry(&self.stored()?.bytes(position)?)
    }

    fn any_match(&self, after: Position, filter: &Filter, principal: &Principal) -> Result<bool, ReadError> {
        let span = Span { after, until: self.head.position, direction: Direction::Forward };
        Ok(first_match(self.stored()?, self.live, span, filter, principal)?.is_some())
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
    let search = Scan { principal, filter, mode: Mode::Matching, span, budget, reach: Reach::WHOLE };
    let selected = match search.recent(live) {
        Some(selected) => selected,
        None => search.stored(snapshot, live)?,
    };
    Ok(selected.entries.first().map(|(position, _)| *position))
}

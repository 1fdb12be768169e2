//! The entries that a view folds, as its routes see them: those of a history that pass the view's scope.

use super::routing::{Referral, Routable, Routes};
use crate::{file::people::People, limits};
use bytes::Bytes;
use kith_core::{
    entry::Entry,
    event::{DirectoryFact, Event, Fact, Scope},
    history::{Budget, History, Unreadable},
    id::{EventId, OrganisationId},
    position::Position,
};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Which entries a view folds. Part of the view's identity: the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ViewScope {
    /// The entries that the whole network may see.
    Network,
    /// These, and the entries that only this organisation may see.
    Organisation(OrganisationId),
}

impl ViewScope {
    fn sees(&self, entry: &Entry, event: &Event) -> bool {
        match (event.scope, self) {
            (Scope::Network, _) => true,
            (Scope::Organisation, Self::Network) => false,
            (Scope::Organisation, Self::Organisation(own)) => entry.organisation.as_ref() == Some(own),
        }
    }
}

/// Why entries could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The history could not be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// An entry cannot be decoded by this version.
    #[error("the entry after position {after} cannot be opened: {invalid}")]
    Unopened {
        /// The last entry that could be decoded.
        after: Position,
        /// What is wrong with it.
        invalid: kith_core::invalid::Invalid,
    },
}

/// A history, and which of its entries a view folds.
#[derive(Clone)]
pub(crate) struct Source {
    history: Arc<dyn History>,
    scope: ViewScope,
    routes: Routes,
    people: Arc<RwLock<People>>,
}

impl Source {
    /// A source in which nobody is known yet.
    pub(crate) fn new(history: Arc<dyn History>, scope: ViewScope, routes: Routes) -> Self {
        Self { history, scope, routes, people: Arc::default() }
    }

    /// The known people, locked for reading: hold it briefly.
    pub(crate) fn people(&self) -> RwLockReadGuard<'_, People> {
        self.people.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The known people, locked for writing. Only the follower does this.
    pub(crate) fn people_mut(&self) -> RwLockWriteGuard<'_, People> {
        self.people.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The routes that determine the keys of entries.
    pub(crate) fn routes(&self) -> &Routes {
        &self.routes
    }

    /// The history's last position.
    pub(crate) fn head(&self) -> Position {
        self.history.head()
    }

    /// Reads entries after a position; hidden ones are left out, but count for the position of the last one read.
    pub(crate) fn read(&self, after: Position, until: Position, budget: Budget) -> Result<Batch, SourceError> {
        let read = self.history.read(after, until, budget)?;
        let mut batch = Batch { last: after, entries: Vec::with_capacity(read.len()) };
        for bytes in &read {
            let (entry, event) = open(bytes, batch.last)?;
            batch.last = entry.position;
            if self.scope.sees(&entry, &event) {
                batch.entries.push((batch.last, event));
            }
        }
        Ok(batch)
    }

    /// The entry bytes and events at positions; missing ones are left out.
    pub(crate) fn read_at(&self, positions: &[Position]) -> Result<Vec<(Position, Bytes, Event)>, SourceError> {
        let mut found = Vec::with_capacity(positions.len());
        for bytes in self.history.read_at(positions)? {
            let (entry, event) = open(&bytes, Position::ZERO)?;
            found.push((entry.position, bytes, event));
        }
        Ok(found)
    }

    /// The position of an event, if the history has it.
    pub(crate) fn position_of(&self, id: &EventId) -> Result<Option<Position>, SourceError> {
        Ok(self.history.position_of(id)?)
    }

    /// An entry as the routes see it.
    pub(crate) fn routable(&self, position: Position, event: &Event) -> Result<Option<Routable>, SourceError> {
        let people = self.people();
        Routable::of(position, event, &self.routes, &people, |id| self.find_referral(id, &people))
    }

    /// The entries at positions as the routes see them.
    pub(crate) fn routables_at(&self, positions: &[Position]) -> Result<Vec<Routable>, SourceError> {
        let mut routables = Vec::with_capacity(positions.len());
        for positions in positions.chunks(limits::ANEW_READ_ENTRIES) {
            for (position, _, event) in self.read_at(positions)? {
                routables.extend(self.routable(position, &event)?);
            }
        }
        Ok(routables)
    }

    fn find_referral(&self, id: &EventId, people: &People) -> Result<Option<Referral>, SourceError> {
        let Some(position) = self.position_of(id)? else { return Ok(None) };
        let found = self.read_at(&[position])?;
        Ok(found.first().and_then(|(position, _, event)| Referral::of(*position, event, people)))
    }
}

/// Entries of one read.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Position of the last entry read, visible or not; where the read began if there was none.
    pub(crate) last: Position,
    /// Positions and events of the entries that pass the scope.
    pub(crate) entries: Vec<(Position, Event)>,
}

impl Batch {
    /// Whether an entry changes which people handles mean: merges them, or withdraws a merge.
    pub(crate) fn moves_people(&self, source: &Source) -> Result<bool, SourceError> {
        for (_, event) in &self.entries {
            let moves = match &event.fact {
                Fact::Directory(DirectoryFact::PeopleMerged(_)) => true,
                Fact::Retracted(retracted) => {
                    let target = source.position_of(&retracted.event)?;
                    target.is_some_and(|target| source.people().merge_at(target).is_some())
                }
                Fact::Habit(_) | Fact::Custom(_) | Fact::Directory(_) | Fact::Administration(_) | Fact::Newer(_) => {
                    false
                }
            };
            if moves {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Leaves entries beyond `events_max` events, counting an entry once for each key, to later batches; the first
    /// entry stays.
    pub(crate) fn cut(&mut self, routes: &Routes, events_max: usize) {
        let mut events = 0;
        let fits = self.entries.iter().take_while(|(_, event)| {
            events += routes.events_max(event);
            events <= events_max
        });
        let fits = fits.count().max(1);
        if fits < self.entries.len() {
            self.entries.truncate(fits);
            self.last = self.entries.last().expect("one entry stays at least").0;
        }
    }
}

fn open(bytes: &Bytes, after: Position) -> Result<(Entry, Event), SourceError> {
    let entry = Entry::decode(bytes).map_err(|invalid| SourceError::Unopened { after, invalid })?;
    let event = entry.event().map_err(|invalid| SourceError::Unopened { after, invalid })?;
    Ok((entry, event))
}

//! A replica's entries followed by the outbox, as if the server had accepted all of it.
//!
//! Invariant: an event is in it once, as an entry or as pending, whatever a concurrent sync does.

use super::{Inner, ViewError};
use crate::replica::{directory::add_to_directory, error::StoreError, outbox::Pending};
use bytes::Bytes;
use kith_core::{
    directory::Directory,
    entry::Entry,
    event::{DirectoryFact, Event, Fact},
    history::{Budget, History, HistoryId, Unreadable},
    id::{EventId, PersonId},
    position::Position,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Entries up to a position, and pending events at the positions after it.
pub(super) struct WithPending {
    id: HistoryId,
    entries: Arc<Inner>,
    last_recorded: Position,
    pending: Vec<Bytes>,
    positions: HashMap<EventId, Position>,
}

impl WithPending {
    /// A snapshot of the replica. Blocks on the disk.
    pub(super) fn of(entries: Arc<Inner>) -> Result<Self, ViewError> {
        // In this order nothing is missed: an event that became an entry in between is recognised.
        let (pending, last_recorded) = (entries.pending()?, *entries.head.borrow());
        let added = entries.people()?.into_iter().filter(|person| person.position > 0);
        let added: HashSet<PersonId> = added.filter_map(|person| person.id.parse().ok()).collect();
        let id = HistoryId(entries.environment.random_bytes());
        let mut history = Self { id, entries, last_recorded, pending: Vec::new(), positions: HashMap::new() };
        for pending in pending {
            if history.may_come(&pending, &added)? {
                history.push(&pending);
            }
        }
        Ok(history)
    }

    /// The last position before the pending events.
    pub(super) fn last_recorded(&self) -> Position {
        self.last_recorded
    }

    /// Excludes events that are entries here, and people added a second time: the server would refuse that, and handles
    /// depend on it.
    fn may_come(&self, pending: &Pending, added: &HashSet<PersonId>) -> Result<bool, StoreError> {
        if let Fact::Directory(DirectoryFact::PersonAdded(person)) = &pending.event.event().fact
            && added.contains(&person.person)
        {
            return Ok(false);
        }
        let here = self.entries.reading(|reader| reader.position_of(&pending.event.id()))?;
        Ok(here.is_none_or(|position| position > self.last_recorded))
    }

    fn push(&mut self, pending: &Pending) {
        let position = self.head().next();
        let entry = Entry {
            position,
            recorded_at: pending.recorded_at,
            recorded_by: "token:pending".parse().expect("it has the form of a principal"),
            organisation: None,
            event_bytes: pending.event.to_proto().event,
            signature: None,
        };
        self.pending.push(entry.encode());
        self.positions.insert(pending.event.id(), position);
    }

    /// Applies the pending events up to a position to a directory of the entries before them.
    pub(super) fn add_to(&self, directory: &mut Directory, until: Position) {
        for (position, entry) in (self.last_recorded.get() + 1..=until.get()).zip(&self.pending) {
            let entry = Entry::decode(entry).expect("it was encoded here");
            let event = Event::decode(&entry.event_bytes).expect("the outbox holds events");
            add_to_directory(directory, &event, Position::new(position));
        }
    }

    /// The pending entry at a position after the recorded ones.
    fn pending_at(&self, position: Position) -> Option<&Bytes> {
        let index = position.get().checked_sub(self.last_recorded.get() + 1)?;
        self.pending.get(usize::try_from(index).ok()?)
    }
}

impl History for WithPending {
    fn id(&self) -> Result<HistoryId, Unreadable> {
        Ok(self.id)
    }

    fn head(&self) -> Position {
        Position::new(self.last_recorded.get() + self.pending.len() as u64)
    }

    fn read(&self, after: Position, until: Position, budget: Budget) -> Result<Vec<Bytes>, Unreadable> {
        if after < self.last_recorded {
            let recorded = History::read(self.entries.as_ref(), after, until.min(self.last_recorded), budget)?;
            if !recorded.is_empty() {
                return Ok(recorded);
            }
        }
        let first = after.max(self.last_recorded).get() + 1;
        let positions = (first..=until.min(self.head()).get()).take(budget.entries).map(Position::new);
        Ok(positions.filter_map(|position| self.pending_at(position).cloned()).collect())
    }

    fn read_at(&self, positions: &[Position]) -> Result<Vec<Bytes>, Unreadable> {
        let mut found = Vec::with_capacity(positions.len());
        let is_recorded = |position: &Position| *position <= self.last_recorded;
        for run in positions.chunk_by(|one, next| is_recorded(one) == is_recorded(next)) {
            if run.first().is_some_and(is_recorded) {
                found.extend(History::read_at(self.entries.as_ref(), run)?);
            } else {
                found.extend(run.iter().filter_map(|position| self.pending_at(*position).cloned()));
            }
        }
        Ok(found)
    }

    fn position_of(&self, id: &EventId) -> Result<Option<Position>, Unreadable> {
        if let Some(position) = self.positions.get(id) {
            return Ok(Some(*position));
        }
        Ok(History::position_of(self.entries.as_ref(), id)?.filter(|position| *position <= self.last_recorded))
    }
}

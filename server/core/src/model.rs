//! A log in memory: the simplest state for decisions, and the oracle for real ones.
//!
//! Invariant: it holds exactly what was accepted, and answers by scanning all of it.

use crate::{
    authority::Authority,
    decide::{Accepted, Batch, Command, Outcome, Refused, State, Undecided},
    directory::Directory,
    entry::Entry,
    erasures::Erasures,
    filter::Filter,
    id::{EventId, PersonId},
    may::{Action, Principal, may},
    position::Position,
    timestamp::Timestamp,
};
use std::{collections::HashMap, convert::Infallible};

/// A log in memory.
#[derive(Debug, Default)]
pub struct Model {
    accepted: Vec<Accepted>,
    positions: HashMap<EventId, Position>,
    directory: Directory,
    erasures: Erasures,
    authority: Authority,
}

impl Model {
    /// Decides a command at time `now` and stores the result. Events may happen up to `future_ms_max` after that.
    pub fn append(&mut self, command: Command, now: Timestamp, future_ms_max: i64) -> Result<Vec<Outcome>, Refused> {
        let mut batch = Batch::new(self, now, future_ms_max);
        let outcomes = decided(batch.decide(command))?;
        let accepted = batch.into_accepted();
        self.commit(accepted);
        Ok(outcomes)
    }

    /// Stores what a batch on top of this state accepted.
    pub fn commit(&mut self, accepted: Vec<Accepted>) {
        for accepted in accepted {
            assert_eq!(accepted.entry.position, self.head().next(), "positions are dense");
            self.positions.insert(accepted.event.id, accepted.entry.position);
            self.directory.apply(&accepted.event, accepted.entry.position);
            self.erasures.apply(&accepted.event, &accepted.entry);
            self.authority.apply(&accepted.event, &accepted.entry);
            self.accepted.push(accepted);
        }
    }

    /// Everything accepted, in order of position.
    pub fn accepted(&self) -> &[Accepted] {
        &self.accepted
    }

    fn at(&self, position: Position) -> Option<&Accepted> {
        self.accepted.get(usize::try_from(position.leaf_index()?).ok()?)
    }
}

/// The result of a decision on a model, which can always be read.
pub fn decided(decision: Result<Vec<Outcome>, Undecided<Infallible>>) -> Result<Vec<Outcome>, Refused> {
    decision.map_err(|undecided| match undecided {
        Undecided::Refused(refused) => refused,
        Undecided::Unreadable(never) => match never {},
    })
}

impl State for Model {
    type Error = Infallible;

    fn head(&self) -> Position {
        Position::new(self.accepted.len() as u64)
    }

    fn last_recorded_at(&self) -> Timestamp {
        self.accepted.last().map_or(Timestamp::MIN, |last| last.entry.recorded_at)
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

    fn subjects(&self, position: Position, details: &[u32]) -> Result<Vec<PersonId>, Infallible> {
        let of_entry = &self.at(position).expect("positions up to the head are there").details;
        let subjects = details.iter().filter_map(|index| of_entry.get(*index as usize));
        Ok(subjects.flat_map(|detail| &detail.subjects).cloned().collect())
    }

    fn recorded(&self, id: &EventId) -> Result<Option<Position>, Infallible> {
        Ok(self.positions.get(id).copied())
    }

    fn entry(&self, position: Position) -> Result<Entry, Infallible> {
        Ok(self.at(position).expect("positions up to the head are there").entry.clone())
    }

    fn any_match(&self, after: Position, filter: &Filter, principal: &Principal) -> Result<bool, Infallible> {
        let seen = self.accepted.iter().map(|accepted| &*accepted.header).filter(|header| header.position > after);
        Ok(seen.into_iter().any(|header| filter.matches(header) && may(principal, &Action::See(header))))
    }
}

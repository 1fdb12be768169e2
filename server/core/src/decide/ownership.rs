//! Checks that the principal owns the parts of the directory that an event changes.
//!
//! Invariant: people's organisations are those at the moment of the decision, including the batch's own changes, so
//! that no change enables another one that the principal could not make directly.

use super::{Batch, Refusal, State, Target};
use crate::{
    event::{DirectoryFact, Event, Fact, PeopleMerged, PersonChanged},
    may::{Action, PersonChange, Principal, may},
};

/// Refusal for changes of organisations.
const ADD_ORGANISATIONS: &str = "add organisations: an owner of the network may";
/// Refusal for adding people.
const ADD: &str = "add people of another organisation: that organisation's tokens may, and those of the network";
/// Refusal for changing people who stay in their organisation.
const CHANGE: &str = "change people of another organisation, or of none: their organisation's tokens may, and the \
                      network's officers and owners";
/// Refusal for moving people to another organisation.
const MOVE: &str = "move people from one organisation to another: an owner of the network may";
/// Refusal for merging people or undoing a merge.
const MERGE: &str = "merge people of another organisation, or of none, or split them: tokens of the organisation of \
                     both may, and the network's officers and owners";

impl<S: State> Batch<'_, S> {
    /// Checks that the principal may make the event's change of the directory. Everybody in the event is known.
    pub(super) fn check_ownership(
        &self,
        principal: &Principal,
        event: &Event,
        target: Option<&Target>,
    ) -> Result<(), Refusal> {
        match &event.fact {
            Fact::Directory(DirectoryFact::OrganisationAdded(_)) => {
                demand(principal, &Action::AddOrganisation, ADD_ORGANISATIONS)
            }
            Fact::Directory(DirectoryFact::PersonAdded(added)) => {
                let change = PersonChange::Add(added.organisation.as_ref());
                demand(principal, &Action::ChangePerson(change), ADD)
            }
            Fact::Directory(DirectoryFact::PersonChanged(changed)) => self.check_change(principal, changed),
            Fact::Directory(DirectoryFact::PeopleMerged(merge)) => self.check_merged(principal, merge),
            Fact::Retracted(_) => match target.map(|target| &target.event.fact) {
                Some(Fact::Directory(DirectoryFact::PeopleMerged(merge))) => self.check_merged(principal, merge),
                Some(_) | None => Ok(()),
            },
            Fact::Habit(_) | Fact::Custom(_) | Fact::Administration(_) | Fact::Newer(_) => Ok(()),
        }
    }

    fn check_change(&self, principal: &Principal, changed: &PersonChanged) -> Result<(), Refusal> {
        let (from, to) = (self.pending.organisation_of(&changed.person), changed.organisation.as_ref());
        let is_move = from.is_some() && to.is_some() && from != to;
        let change = PersonChange::Describe { from, to };
        demand(principal, &Action::ChangePerson(change), if is_move { MOVE } else { CHANGE })
    }

    /// A merge concerns both people, and the person that the kept id now resolves to.
    fn check_merged(&self, principal: &Principal, merge: &PeopleMerged) -> Result<(), Refusal> {
        for person in [&merge.kept, self.pending.root(&merge.kept), &merge.merged] {
            let change = PersonChange::Merge(self.pending.organisation_of(person));
            demand(principal, &Action::ChangePerson(change), MERGE)?;
        }
        Ok(())
    }
}

pub(super) fn demand(principal: &Principal, action: &Action<'_>, what: &'static str) -> Result<(), Refusal> {
    if may(principal, action) { Ok(()) } else { Err(Refusal::PermissionDenied { what }) }
}

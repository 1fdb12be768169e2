//! Directory, erasures and authority with a batch's changes so far on top of what is stored.
//!
//! Invariant: they answer as the stored ones would after applying the batch's events in order.

use super::Accepted;
use crate::{
    authority::Authority,
    directory::{Directory, Merge},
    erasures::Erasures,
    event::{DirectoryFact, Fact},
    id::{OrganisationId, PersonId},
};
use std::collections::{HashMap, HashSet};

/// What is stored, and the changes of a batch.
pub(super) struct Pending<'s> {
    stored: &'s Directory,
    stored_erasures: &'s Erasures,
    /// The erasures after the batch's changes, once there are any: they are rare.
    erasures: Option<Erasures>,
    stored_authority: &'s Authority,
    /// The authority after the batch's changes, once there are any: they are rare.
    authority: Option<Authority>,
    people: HashMap<PersonId, Option<OrganisationId>>,
    organisations: HashSet<OrganisationId>,
    merges: HashMap<PersonId, Option<Merge>>,
}

impl<'s> Pending<'s> {
    /// What is stored, without changes.
    pub(super) fn new(stored: &'s Directory, stored_erasures: &'s Erasures, stored_authority: &'s Authority) -> Self {
        let (people, organisations, merges) = (HashMap::new(), HashSet::new(), HashMap::new());
        let (erasures, authority) = (None, None);
        Self { stored, stored_erasures, erasures, stored_authority, authority, people, organisations, merges }
    }

    /// Discards all changes, then applies these events.
    pub(super) fn replay(&mut self, accepted: &[Accepted]) {
        *self = Self::new(self.stored, self.stored_erasures, self.stored_authority);
        for accepted in accepted {
            self.apply(accepted);
        }
    }

    /// Applies an accepted event.
    pub(super) fn apply(&mut self, accepted: &Accepted) {
        match &accepted.event.fact {
            Fact::Directory(DirectoryFact::OrganisationAdded(added)) => {
                self.organisations.insert(added.organisation.clone());
            }
            Fact::Directory(DirectoryFact::PersonAdded(added)) => {
                self.people.insert(added.person.clone(), added.organisation.clone());
            }
            Fact::Directory(DirectoryFact::PersonChanged(changed)) => {
                self.people.insert(changed.person.clone(), changed.organisation.clone());
            }
            Fact::Directory(DirectoryFact::PeopleMerged(merged)) => {
                let (event, position) = (accepted.event.id, accepted.entry.position);
                let merge = Merge { kept: merged.kept.clone(), event, position };
                self.merges.insert(merged.merged.clone(), Some(merge));
            }
            Fact::Retracted(retracted) => {
                let undone =
                    |person: &&PersonId| self.merge(person).is_some_and(|merge| merge.event == retracted.event);
                // A retraction counts under the people of the merge that it withdraws.
                if let Some(freed) = accepted.header.people.iter().find(undone) {
                    self.merges.insert(freed.clone(), None);
                }
            }
            Fact::Administration(fact) => {
                if fact.is_about_records() {
                    let erasures = self.erasures.get_or_insert_with(|| self.stored_erasures.clone());
                    erasures.apply(&accepted.event, &accepted.entry);
                }
                if fact.is_about_authority() {
                    let authority = self.authority.get_or_insert_with(|| self.stored_authority.clone());
                    authority.apply(&accepted.event, &accepted.entry);
                }
            }
            Fact::Habit(_) | Fact::Custom(_) | Fact::Newer(_) => {}
        }
    }

    /// Erasures and holds.
    pub(super) fn erasures(&self) -> &Erasures {
        self.erasures.as_ref().unwrap_or(self.stored_erasures)
    }

    /// Members, tokens and policy.
    pub(super) fn authority(&self) -> &Authority {
        self.authority.as_ref().unwrap_or(self.stored_authority)
    }

    /// Whether the directory has a person.
    pub(super) fn has_person(&self, id: &PersonId) -> bool {
        self.people.contains_key(id) || self.stored.person(id).is_some()
    }

    /// Whether the directory has an organisation.
    pub(super) fn has_organisation(&self, id: &OrganisationId) -> bool {
        self.organisations.contains(id) || self.stored.organisation(id).is_some()
    }

    /// The organisation that a person belongs to.
    pub(super) fn organisation_of(&self, id: &PersonId) -> Option<&OrganisationId> {
        match self.people.get(id) {
            Some(organisation) => organisation.as_ref(),
            None => self.stored.person(id)?.organisation.as_ref(),
        }
    }

    /// The merge in which an id was merged into another.
    pub(super) fn merge(&self, id: &PersonId) -> Option<&Merge> {
        match self.merges.get(id) {
            Some(changed) => changed.as_ref(),
            None => self.stored.merge(id),
        }
    }

    /// The person that an id means now: the end of its chain of merges.
    pub(super) fn root<'a>(&'a self, id: &'a PersonId) -> &'a PersonId {
        let mut root = id;
        while let Some(merge) = self.merge(root) {
            root = &merge.kept;
        }
        root
    }
}

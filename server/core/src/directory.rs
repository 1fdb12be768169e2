//! The directory of a network: people, organisations and merges, as its entries state them.

use crate::{
    event::{DirectoryFact, Event, Fact},
    id::{EventId, OrganisationId, PersonId},
    position::Position,
};
use std::collections::HashMap;

/// People, organisations and merges at some position.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    people: Vec<Person>,
    handles: HashMap<PersonId, u32>,
    organisations: Vec<Organisation>,
    organisation_ordinals: HashMap<OrganisationId, usize>,
    merges: HashMap<PersonId, Merge>,
}

/// A person in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their pseudonym.
    pub id: PersonId,
    /// Ordinal of their `person_added` entry, from 1.
    pub handle: u32,
    /// Their organisation now.
    pub organisation: Option<OrganisationId>,
    /// Their role now; may be empty.
    pub role: String,
    /// Position of their `person_added` entry.
    pub position: Position,
}

/// An organisation in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its id.
    pub id: OrganisationId,
    /// Its name.
    pub name: String,
    /// Position of its `organisation_added` entry.
    pub position: Position,
}

/// A merge: one id now means the person of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The id that stays.
    pub kept: PersonId,
    /// The merge's event.
    pub event: EventId,
    /// Its position.
    pub position: Position,
}

impl Directory {
    /// Applies an accepted event. Events must be applied in order of position.
    pub fn apply(&mut self, event: &Event, position: Position) {
        match &event.fact {
            Fact::Directory(DirectoryFact::OrganisationAdded(added)) => {
                self.organisation_ordinals.insert(added.organisation.clone(), self.organisations.len());
                let (id, name) = (added.organisation.clone(), added.name.clone());
                self.organisations.push(Organisation { id, name, position });
            }
            Fact::Directory(DirectoryFact::PersonAdded(added)) => {
                let handle = u32::try_from(self.people.len() + 1).expect("fewer than 2^32 people");
                self.handles.insert(added.person.clone(), handle);
                self.people.push(Person {
                    id: added.person.clone(),
                    handle,
                    organisation: added.organisation.clone(),
                    role: added.role.clone(),
                    position,
                });
            }
            Fact::Directory(DirectoryFact::PersonChanged(changed)) => {
                let person = self.person_mut(&changed.person).expect("only known people change");
                person.organisation.clone_from(&changed.organisation);
                person.role.clone_from(&changed.role);
            }
            Fact::Directory(DirectoryFact::PeopleMerged(merge)) => {
                let merged = Merge { kept: merge.kept.clone(), event: event.id, position };
                self.merges.insert(merge.merged.clone(), merged);
            }
            Fact::Retracted(retracted) => self.merges.retain(|_, merge| merge.event != retracted.event),
            Fact::Habit(_) | Fact::Custom(_) | Fact::Administration(_) | Fact::Newer(_) => {}
        }
    }

    fn person_mut(&mut self, id: &PersonId) -> Option<&mut Person> {
        let handle = *self.handles.get(id)?;
        self.people.get_mut(handle as usize - 1)
    }

    /// The person with an id.
    pub fn person(&self, id: &PersonId) -> Option<&Person> {
        self.person_of(*self.handles.get(id)?)
    }

    /// The person with a handle.
    pub fn person_of(&self, handle: u32) -> Option<&Person> {
        self.people.get((handle as usize).checked_sub(1)?)
    }

    /// The organisation with an id.
    pub fn organisation(&self, id: &OrganisationId) -> Option<&Organisation> {
        self.organisations.get(*self.organisation_ordinals.get(id)?)
    }

    /// People in the order they were added.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// Organisations in the order they were added.
    pub fn organisations(&self) -> &[Organisation] {
        &self.organisations
    }

    /// The merge in which an id was merged into another.
    pub fn merge(&self, id: &PersonId) -> Option<&Merge> {
        self.merges.get(id)
    }

    /// Every id that means the same person as this one, which comes first; the others in the order they were added.
    pub fn ids_of(&self, person: &PersonId) -> Vec<PersonId> {
        let root = self.root(person);
        let others = self.people.iter().map(|other| &other.id);
        let others = others.filter(|other| *other != person && self.root(other) == root);
        std::iter::once(person).chain(others).cloned().collect()
    }

    /// The person that an id means now: the end of its chain of merges.
    pub fn root<'a>(&'a self, id: &'a PersonId) -> &'a PersonId {
        let mut root = id;
        while let Some(merge) = self.merges.get(root) {
            root = &merge.kept;
        }
        root
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arbitrary::{numbered_event, numbered_organisation, numbered_person},
        event::{OrganisationAdded, PeopleMerged, PersonAdded, PersonChanged, Retracted, RetractionReason, Scope},
        timestamp::Timestamp,
    };

    /// The directory after these facts, at positions 1, 2, 3 ... under event ids of the same numbers.
    fn directory(facts: Vec<Fact>) -> Directory {
        let mut directory = Directory::default();
        for (number, fact) in (1..).zip(facts) {
            let event = Event {
                id: numbered_event(number),
                occurred_at: Timestamp::from_millis(0),
                scope: Scope::Network,
                caused_by: Vec::new(),
                attributes: Vec::new(),
                salt: [0; 16],
                details: Vec::new(),
                fact,
            };
            directory.apply(&event, Position::new(number));
        }
        directory
    }

    fn added(person: u8) -> Fact {
        Fact::Directory(DirectoryFact::PersonAdded(PersonAdded {
            person: numbered_person(person),
            organisation: None,
            role: String::new(),
        }))
    }

    fn merged(kept: u8, merged: u8) -> Fact {
        Fact::Directory(DirectoryFact::PeopleMerged(PeopleMerged {
            kept: numbered_person(kept),
            merged: numbered_person(merged),
        }))
    }

    fn retracted(number: u64) -> Fact {
        Fact::Retracted(Retracted { event: numbered_event(number), reason: RetractionReason::Mistake })
    }

    #[test]
    fn handles_count_people_in_the_order_they_came() {
        let name = OrganisationAdded { organisation: numbered_organisation(0), name: "Riverside".into() };
        let directory = directory(vec![added(5), Fact::Directory(DirectoryFact::OrganisationAdded(name)), added(3)]);
        assert_eq!(directory.person(&numbered_person(5)).unwrap().handle, 1);
        assert_eq!(directory.person(&numbered_person(3)).unwrap().handle, 2);
        assert_eq!(directory.person_of(2).unwrap().id, numbered_person(3));
        assert_eq!(directory.person_of(2).unwrap().position, Position::new(3));
        assert_eq!((directory.person_of(0), directory.person_of(3)), (None, None));
        assert_eq!(directory.person(&numbered_person(1)), None);
        assert_eq!(directory.organisation(&numbered_organisation(0)).unwrap().position, Position::new(2));
        assert_eq!(directory.organisation(&numbered_organisation(1)), None);
    }

    #[test]
    fn people_change_and_keep_their_handles() {
        let (person, organisation) = (numbered_person(1), Some(numbered_organisation(0)));
        let changed = |organisation, role: &str| {
            Fact::Directory(DirectoryFact::PersonChanged(PersonChanged {
                person: person.clone(),
                organisation,
                role: role.into(),
            }))
        };
        let one = directory(vec![added(1), changed(organisation.clone(), "nurse")]);
        let after = one.person(&person).unwrap();
        assert_eq!((after.handle, &after.organisation, after.role.as_str()), (1, &organisation, "nurse"));
        let two = directory(vec![added(1), changed(organisation, "nurse"), changed(None, "")]);
        assert_eq!(two.person(&person), directory(vec![added(1)]).person(&person));
    }

    #[test]
    fn all_ids_of_a_person_are_found_from_any_of_them() {
        let directory = directory(vec![added(0), added(1), added(2), added(3), merged(2, 3), merged(0, 2)]);
        for (asked, found) in [(0, [0, 2, 3].as_slice()), (3, &[3, 0, 2]), (1, &[1])] {
            let found: Vec<_> = found.iter().map(|number| numbered_person(*number)).collect();
            assert_eq!(directory.ids_of(&numbered_person(asked)), found, "{asked}");
        }
    }

    #[test]
    fn merges_hold_until_they_are_withdrawn() {
        let people = || vec![added(0), added(1), added(2)];
        let root_of_2 = |facts: Vec<Fact>| {
            let directory = directory(people().into_iter().chain(facts).collect());
            directory.root(&numbered_person(2)).clone()
        };
        assert_eq!(root_of_2(vec![]), numbered_person(2));
        assert_eq!(root_of_2(vec![merged(1, 2)]), numbered_person(1));
        assert_eq!(root_of_2(vec![merged(1, 2), merged(0, 1)]), numbered_person(0));
        assert_eq!(root_of_2(vec![merged(1, 2), merged(0, 1), retracted(5)]), numbered_person(1));
        assert_eq!(root_of_2(vec![merged(1, 2), retracted(4)]), numbered_person(2));
        assert_eq!(root_of_2(vec![merged(1, 2), retracted(4), merged(0, 2), retracted(4)]), numbered_person(0));
        assert_eq!(root_of_2(vec![merged(1, 2), retracted(3)]), numbered_person(1));
    }
}

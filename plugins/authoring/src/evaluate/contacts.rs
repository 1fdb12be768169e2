//! The contacts of pairs in a network's log.
//!
//! Invariant: one contact for each pair and event, whatever the kind of event, and none that was withdrawn.

use kith_core::{
    event::{DirectoryFact, Event, Fact, Habit},
    id::{EventId, PersonId},
};
use std::collections::{HashMap, HashSet};

/// Two people by their numbers, the smaller first.
pub type Pair = (u32, u32);

/// A contact of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contact {
    /// When it happened, in milliseconds since 1970-01-01, UTC.
    pub at: i64,
    /// The two people.
    pub pair: Pair,
}

/// Collects contacts from events in the order of a log.
#[derive(Debug, Default)]
pub struct Contacts {
    numbers: HashMap<PersonId, u32>,
    found: Vec<(EventId, Contact)>,
    withdrawn: HashSet<EventId>,
    merges: Vec<(EventId, u32, u32)>,
}

impl Contacts {
    /// The number of a person; a new one for somebody who was not named before.
    pub fn number(&mut self, person: &PersonId) -> u32 {
        let next = u32::try_from(self.numbers.len()).expect("fewer than 2^32 people");
        *self.numbers.entry(person.clone()).or_insert(next)
    }

    /// Adds an event.
    pub fn add(&mut self, event: &Event) {
        let people = match &event.fact {
            Fact::Habit(Habit::Met(met)) => return self.add_all(event, &met.people),
            Fact::Custom(custom) => return self.add_all(event, &custom.people),
            Fact::Habit(Habit::FollowedUp(followed_up)) => (&followed_up.by, followed_up.with.as_slice()),
            Fact::Habit(Habit::Asked(asked)) => (&asked.by, asked.of.as_slice()),
            Fact::Habit(Habit::Helped(helped)) => (&helped.helper, std::slice::from_ref(&helped.helped)),
            Fact::Habit(Habit::Referred(referred)) => {
                let others = [referred.person.clone(), referred.to.clone()];
                return self.add_each(event, &referred.referrer, &others);
            }
            Fact::Retracted(retracted) => {
                self.withdrawn.insert(retracted.event);
                return;
            }
            Fact::Directory(DirectoryFact::PeopleMerged(merged)) => {
                let (kept, gone) = (self.number(&merged.kept), self.number(&merged.merged));
                self.merges.push((event.id, kept, gone));
                return;
            }
            Fact::Habit(Habit::Answered(_))
            | Fact::Directory(
                DirectoryFact::OrganisationAdded(_) | DirectoryFact::PersonAdded(_) | DirectoryFact::PersonChanged(_),
            )
            | Fact::Administration(_)
            | Fact::Newer(_) => return,
        };
        self.add_each(event, people.0, people.1);
    }

    fn add_all(&mut self, event: &Event, people: &[PersonId]) {
        for (place, one) in people.iter().enumerate() {
            self.add_each(event, one, &people[place + 1..]);
        }
    }

    fn add_each(&mut self, event: &Event, one: &PersonId, others: &[PersonId]) {
        let one = self.number(one);
        for other in others {
            let other = self.number(other);
            let pair = (one.min(other), one.max(other));
            self.found.push((event.id, Contact { at: event.occurred_at.millis(), pair }));
        }
    }

    /// The contacts by time, after all merges are resolved.
    pub fn finish(self) -> (Vec<Contact>, HashMap<PersonId, u32>) {
        let mut roots: HashMap<u32, u32> = HashMap::new();
        for (event, kept, gone) in &self.merges {
            if !self.withdrawn.contains(event) {
                roots.insert(*gone, *kept);
            }
        }
        let root = |mut person: u32| {
            // Merges have no cycles, so this ends.
            while let Some(kept) = roots.get(&person) {
                person = *kept;
            }
            person
        };
        let mut contacts: Vec<_> = self
            .found
            .iter()
            .filter(|(event, _)| !self.withdrawn.contains(event))
            .map(|(_, Contact { at, pair })| {
                let (one, other) = (root(pair.0), root(pair.1));
                Contact { at: *at, pair: (one.min(other), one.max(other)) }
            })
            .filter(|contact| contact.pair.0 != contact.pair.1)
            .collect();
        contacts.sort_unstable();
        let numbers = self.numbers.into_iter().map(|(id, number)| (id, root(number))).collect();
        (contacts, numbers)
    }
}

/// The time by which an event is cut off; the directory, retractions and answers are always known.
pub fn happened(event: &Event) -> i64 {
    match &event.fact {
        Fact::Habit(Habit::Met(_) | Habit::FollowedUp(_) | Habit::Asked(_) | Habit::Helped(_) | Habit::Referred(_))
        | Fact::Custom(_) => event.occurred_at.millis(),
        Fact::Habit(Habit::Answered(_))
        | Fact::Retracted(_)
        | Fact::Directory(_)
        | Fact::Administration(_)
        | Fact::Newer(_) => i64::MIN,
    }
}

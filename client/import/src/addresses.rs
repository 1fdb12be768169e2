//! People of a network by their e-mail addresses, as calendars and mailboxes name them.

use crate::contacts::{Directory, Key, Known, email_key};
use kith_core::{detail::DetailKind, id::PersonId};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Whom an address of a file belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A person of the network.
    Person(PersonId),
    /// Nobody of the network, or several: the address in the form in which it is listed.
    Nobody(String),
    /// It is no e-mail address.
    NoAddress,
}

/// The people of a network by their addresses.
#[derive(Debug)]
pub struct Addresses<'d> {
    directory: &'d Directory,
    /// Whose each address is; `None` where several people have it.
    owners: HashMap<Key, Option<usize>>,
    /// People with an address of their own.
    reachable: HashSet<usize>,
}

impl<'d> Addresses<'d> {
    /// The addresses of a directory.
    pub fn of(directory: &'d Directory) -> Self {
        let mut owners: HashMap<Key, Option<usize>> = HashMap::new();
        for (index, Known { words, .. }) in directory.people().iter().enumerate() {
            let contacts = words.iter().filter(|(kind, _)| *kind == DetailKind::Contact);
            for key in contacts.filter_map(|(_, text)| Key::of_detail(text, None)) {
                let Key::Email(_) = key else { continue };
                let owner = owners.entry(key).or_insert(Some(index));
                if *owner != Some(index) {
                    *owner = None;
                }
            }
        }
        let reachable = owners.values().filter_map(|owner| *owner).collect();
        Self { directory, owners, reachable }
    }

    /// Whose an address is, with or without `mailto:`.
    pub(crate) fn owner(&self, address: &str) -> Owner {
        let Some(key) = Key::of_detail(address, None).or_else(|| email_key(address)) else { return Owner::NoAddress };
        let Key::Email(text) = &key else { return Owner::NoAddress };
        match self.owners.get(&key) {
            Some(Some(index)) => Owner::Person(self.directory.people()[*index].id.clone()),
            Some(None) | None => Owner::Nobody(text.clone()),
        }
    }

    /// Whom an id means after all merges; `None` if it is nobody's, or the person was erased.
    pub(crate) fn meant(&self, person: &PersonId) -> Option<&'d PersonId> {
        let index = self.directory.find(person.as_str())?;
        Some(&self.directory.people()[index].id)
    }

    /// Whether a file could name a person: by an address that only they have.
    pub(crate) fn is_reachable(&self, person: &PersonId) -> bool {
        self.directory.find(person.as_str()).is_some_and(|index| self.reachable.contains(&index))
    }
}

/// Addresses that are nobody's, with the number of records that name them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strangers(BTreeMap<String, u64>);

impl Strangers {
    pub(crate) fn note(&mut self, address: String) {
        *self.0.entry(address).or_default() += 1;
    }

    /// How many addresses there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The addresses, those of most records first.
    pub fn by_count(&self) -> Vec<(&str, u64)> {
        let mut all: Vec<(&str, u64)> = self.0.iter().map(|(address, count)| (address.as_str(), *count)).collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        all
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use kith_client::{EventBuilder, Recorded, v1};
    use kith_core::{
        entry::Entry,
        event::{PersonAdded, Scope},
        position::Position,
        timestamp::Timestamp,
    };

    /// A directory of people with addresses: each `id`, or `id address ...`.
    pub(crate) fn directory(people: &[&str]) -> Directory {
        let ids: Vec<v1::Person> = people
            .iter()
            .map(|person| v1::Person { id: person.split(' ').next().unwrap().to_owned(), ..v1::Person::default() })
            .collect();
        let mut directory = Directory::new(&ids, &[]);
        for line in people {
            let mut words = line.split(' ');
            let person: PersonId = words.next().unwrap().parse().unwrap();
            let added = PersonAdded { person: person.clone(), organisation: None, role: String::new() };
            let mut builder = EventBuilder::new(added, Timestamp::from_millis(0)).scope(Scope::Network);
            for address in words {
                builder = builder.detail(DetailKind::Contact, vec![person.clone()], format!("mailto:{address}"));
            }
            let event = builder.build().unwrap();
            let entry = Entry {
                position: Position::new(1),
                recorded_at: Timestamp::from_millis(0),
                recorded_by: "service:test".parse().unwrap(),
                organisation: None,
                event_bytes: event.event().encode().into(),
                signature: None,
            };
            let mut recorded = Recorded::decode(&entry.encode()).unwrap();
            recorded.details = event.details().to_vec();
            directory.learn(&recorded);
        }
        directory
    }

    #[test]
    fn an_address_of_two_people_is_nobodys() {
        let known = directory(&["ada ada@x.example desk@x.example", "ben ben@x.example desk@x.example", "cora"]);
        let addresses = Addresses::of(&known);
        let owner = |text: &str| addresses.owner(text);
        assert_eq!(owner("mailto:ADA@x.example"), Owner::Person("ada".parse().unwrap()));
        assert_eq!(owner("ben@x.example"), Owner::Person("ben".parse().unwrap()));
        assert_eq!(owner("desk@x.example"), Owner::Nobody("desk@x.example".to_owned()));
        assert_eq!(owner("MAILTO:Nobody@x.example"), Owner::Nobody("nobody@x.example".to_owned()));
        assert_eq!(
            (owner("urn:room:7"), owner(""), owner("tel:+442079460958")),
            (Owner::NoAddress, Owner::NoAddress, Owner::NoAddress)
        );
        assert!(addresses.is_reachable(&"ada".parse().unwrap()));
        assert!(!addresses.is_reachable(&"cora".parse().unwrap()) && !addresses.is_reachable(&"zoe".parse().unwrap()));
    }

    #[test]
    fn strangers_of_most_records_come_first() {
        let mut strangers = Strangers::default();
        for address in ["b@x.example", "a@x.example", "b@x.example", "c@x.example"] {
            strangers.note(address.to_owned());
        }
        assert_eq!(strangers.by_count(), [("b@x.example", 2), ("a@x.example", 1), ("c@x.example", 1)]);
        assert_eq!((strangers.len(), strangers.is_empty()), (3, false));
    }
}

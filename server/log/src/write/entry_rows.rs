//! The rows of new entries, in memory, before they are stored.
//!
//! Invariant: the keys of all subjects of a detail are on disk before the detail is sealed.

use crate::{
    rows::{chunk::Growth, outline::Outline},
    state::live::Live,
    store::Store,
    write::{CommitFailure, commit::StagedNetwork},
};
use kith_core::{
    decide::Accepted,
    detail::Detail,
    directory::Directory,
    event::{DirectoryFact, Fact},
    id::{OrganisationId, PersonId},
    tree::{Hash, leaf_hash},
};
use kith_words::{Binding, Sealed, SharedKey, Stored};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The rows of one network's part of a batch, each list in the order of its keys.
pub(crate) struct Rows {
    pub(crate) index: Growth,
    pub(crate) leaves: Vec<Hash>,
    pub(crate) common: Vec<u64>,
    pub(crate) restricted: Vec<(u64, OrganisationId)>,
    pub(crate) names: BTreeMap<u32, u64>,
    pub(crate) details: Vec<(u64, Vec<u8>)>,
}

impl Rows {
    /// The rows of accepted entries. Creates the keys that sealing needs.
    pub(crate) fn of(store: &Store, network: &StagedNetwork) -> Result<Self, CommitFailure> {
        let keys = keys_of_subjects(store, network)?;
        let directory = network.live.directory();
        let handles = Handles::after(&directory, &network.accepted);
        let accepted = &network.accepted;
        let mut rows = Self {
            index: Growth::of(network.live.open_chunk()),
            leaves: accepted.iter().map(|accepted| leaf_hash(&accepted.bytes)).collect(),
            common: Vec::new(),
            restricted: Vec::new(),
            names: BTreeMap::new(),
            details: Vec::new(),
        };
        for accepted in accepted {
            rows.index(accepted, &handles);
            rows.seal(accepted, &network.live, &handles, &keys);
        }
        Ok(rows)
    }

    fn index(&mut self, accepted: &Accepted, handles: &Handles<'_>) {
        let outline = Outline::of(&accepted.header, &accepted.event, |person| handles.find(person));
        let outline = outline.expect("only people of the directory take part");
        self.index.add(accepted.entry.position, accepted.event.id, outline.people);
        let position = accepted.entry.position.get();
        if outline.common {
            self.common.push(position);
        }
        self.restricted.extend(outline.restricted.map(|organisation| (position, organisation)));
    }

    fn seal(&mut self, accepted: &Accepted, live: &Live, handles: &Handles<'_>, keys: &HashMap<PersonId, SharedKey>) {
        if accepted.details.is_empty() {
            return;
        }
        let position = accepted.entry.position.get();
        let seal = |(index, detail): (usize, &Detail)| {
            let binding = Binding { incarnation: live.key_incarnation, event: accepted.event.id, index };
            Stored::Sealed(Sealed::seal(detail, binding, keys))
        };
        let sealed: Vec<_> = accepted.details.iter().enumerate().map(seal).collect();
        self.details.push((position, kith_words::encode_all(&sealed)));
        for detail in &accepted.details {
            if let Some(person) = accepted.event.names(detail.kind, &detail.subjects) {
                let handle = handles.find(person).expect("details are about people of the directory");
                self.names.insert(handle, position);
            }
        }
    }
}

/// The keys of all subjects of new details, on disk before the details are.
fn keys_of_subjects(store: &Store, network: &StagedNetwork) -> Result<HashMap<PersonId, SharedKey>, CommitFailure> {
    let details = network.accepted.iter().flat_map(|accepted| &accepted.details);
    let subjects: BTreeSet<_> = details.flat_map(|detail| &detail.subjects).collect();
    if subjects.is_empty() {
        return Ok(HashMap::new());
    }
    let subjects: Vec<_> = subjects.into_iter().collect();
    Ok(store.keys.find_or_make_people(network.live.key_incarnation, &subjects)?)
}

/// Handles of people in the directory and of people who join it in this batch.
struct Handles<'a> {
    directory: &'a Directory,
    joined: HashMap<&'a PersonId, u32>,
}

impl<'a> Handles<'a> {
    fn after(directory: &'a Directory, accepted: &'a [Accepted]) -> Self {
        let added = accepted.iter().filter_map(|accepted| match &accepted.event.fact {
            Fact::Directory(DirectoryFact::PersonAdded(added)) => Some(&added.person),
            _ => None,
        });
        let next = directory.people().len() + 1;
        let numbered = added.zip(next..);
        let joined = numbered.map(|(person, number)| (person, u32::try_from(number).expect("fewer than 2^32 people")));
        Self { directory, joined: joined.collect() }
    }

    fn find(&self, person: &PersonId) -> Option<u32> {
        let known = self.directory.person(person).map(|person| person.handle);
        known.or_else(|| self.joined.get(person).copied())
    }
}

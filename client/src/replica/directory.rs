//! The directory according to the entries here, with what is still in the outbox.
//!
//! Invariant: it is derived from entries alone and cached only for speed; another incarnation or a smaller log rebuilds
//! it.

use super::{
    Inner,
    error::StoreError,
    reading::{Reader, damaged, decode_frontier},
    store::read_state,
    tables::COMMON,
};
use crate::builder::NewEvent;
use kith_core::{
    detail::Detail,
    directory::Directory,
    erasures::Erasures,
    event::{Administration, DirectoryFact, Event, Fact},
    id::{OrganisationId, PersonId},
    plugins::Plugins,
    position::Position,
};
use kith_proto::v1;
use std::{collections::HashMap, sync::PoisonError};

/// The directory up to a position.
#[derive(Default)]
pub(super) struct Known {
    incarnation: Vec<u8>,
    size: u64,
    directory: Directory,
    plugins: Plugins,
    names: HashMap<PersonId, String>,
    erasures: Erasures,
}

impl Known {
    fn take(&mut self, reader: &Reader, position: Position) -> Result<(), StoreError> {
        let recorded = reader.recorded_at(position)?.ok_or_else(damaged)?;
        add_to_directory(&mut self.directory, &recorded.event, position);
        self.plugins.apply(&recorded.event, &recorded.entry);
        self.names.extend(names(&recorded.event, recorded.details));
        self.erasures.apply(&recorded.event, &recorded.entry);
        if let Fact::Administration(Administration::PersonErased { person, .. }) = &recorded.event.fact {
            self.names.remove(person);
        }
        Ok(())
    }
}

/// Applies an event, if it is consistent with the directory.
pub(super) fn add_to_directory(directory: &mut Directory, event: &Event, position: Position) {
    if can_apply(directory, event) {
        directory.apply(event, position);
    }
}

/// Whether a directory event is consistent with the directory: a nonsensical server must not end the process.
fn can_apply(directory: &Directory, event: &Event) -> bool {
    match &event.fact {
        Fact::Directory(DirectoryFact::PersonChanged(changed)) => directory.person(&changed.person).is_some(),
        Fact::Directory(DirectoryFact::PersonAdded(added)) => directory.person(&added.person).is_none(),
        Fact::Directory(DirectoryFact::OrganisationAdded(added)) => {
            directory.organisation(&added.organisation).is_none()
        }
        Fact::Habit(_)
        | Fact::Custom(_)
        | Fact::Retracted(_)
        | Fact::Directory(DirectoryFact::PeopleMerged(_))
        | Fact::Administration(_)
        | Fact::Newer(_) => true,
    }
}

/// The names that an event's details give to people, visible to everybody.
fn names(event: &Event, details: Vec<Detail>) -> impl Iterator<Item = (PersonId, String)> {
    details.into_iter().filter_map(|detail| Some((event.names(detail.kind, &detail.subjects)?.clone(), detail.text)))
}

impl Inner {
    /// Runs `answer` on the directory at the head.
    fn with_directory<T>(&self, answer: impl FnOnce(&Known) -> T) -> Result<T, StoreError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.store.read(|transaction| {
            let state = read_state(transaction)?;
            let size = decode_frontier(&state.frontier)?.size();
            if known.incarnation != state.incarnation || known.size > size {
                *known = Known { incarnation: state.incarnation, ..Known::default() };
            }
            if known.size < size {
                let reader = Reader::new(transaction)?;
                for row in transaction.open_table(COMMON)?.range(known.size + 1..=size)? {
                    known.take(&reader, Position::new(row?.0.value()))?;
                }
                known.size = size;
            }
            Ok(())
        })?;
        Ok(answer(&known))
    }

    /// The directory up to a position.
    #[cfg(feature = "views")]
    pub(super) fn directory_at(&self, position: Position) -> Result<Directory, StoreError> {
        if let Some(directory) =
            self.with_directory(|known| (known.size <= position.get()).then(|| known.directory.clone()))?
        {
            return Ok(directory);
        }
        let mut directory = Directory::default();
        self.store.read(|transaction| {
            let reader = Reader::new(transaction)?;
            for row in transaction.open_table(COMMON)?.range(1..=position.get())? {
                let position = Position::new(row?.0.value());
                let recorded = reader.recorded_at(position)?.ok_or_else(damaged)?;
                add_to_directory(&mut directory, &recorded.event, position);
            }
            Ok(())
        })?;
        Ok(directory)
    }

    /// The network's plugins, according to the entries here.
    #[cfg(feature = "views")]
    pub(super) fn plugins(&self) -> Result<Plugins, StoreError> {
        self.with_directory(|known| known.plugins.clone())
    }

    pub(super) fn people(&self) -> Result<Vec<v1::Person>, StoreError> {
        let mut people = self.with_directory(|known| {
            let person = |person: &kith_core::directory::Person| v1::Person {
                id: person.id.to_string(),
                handle: person.handle,
                organisation: person.organisation.as_ref().map(ToString::to_string).unwrap_or_default(),
                role: person.role.clone(),
                name: known.names.get(&person.id).cloned().unwrap_or_default(),
                position: person.position.get(),
                merged_into: known.directory.merge(&person.id).map(|merge| merge.kept.to_string()).unwrap_or_default(),
                erased: known.erasures.of(&person.id).is_some(),
            };
            known.directory.people().iter().map(person).collect::<Vec<_>>()
        })?;
        if !self.words_are_shown()? {
            for person in &mut people {
                person.name.clear();
            }
        }
        for pending in self.pending()? {
            describe(&mut people, &pending.event);
        }
        Ok(people)
    }

    pub(super) fn organisations(&self) -> Result<Vec<v1::Organisation>, StoreError> {
        let mut organisations = self.with_directory(|known| {
            let organisation = |organisation: &kith_core::directory::Organisation| v1::Organisation {
                id: organisation.id.to_string(),
                name: organisation.name.clone(),
                position: organisation.position.get(),
            };
            known.directory.organisations().iter().map(organisation).collect::<Vec<_>>()
        })?;
        for pending in self.pending()? {
            if let Fact::Directory(DirectoryFact::OrganisationAdded(added)) = &pending.event.event().fact {
                let (id, name) = (added.organisation.to_string(), added.name.clone());
                organisations.push(v1::Organisation { id, name, position: 0 });
            }
        }
        Ok(organisations)
    }
}

/// Applies an event of the outbox to a list of people, as the log will.
fn describe(people: &mut Vec<v1::Person>, event: &NewEvent) {
    let text = |organisation: Option<&OrganisationId>| organisation.map(ToString::to_string).unwrap_or_default();
    let given = names(event.event(), event.details().to_vec()).last().map(|(_, name)| name);
    if let Fact::Directory(DirectoryFact::PersonAdded(added)) = &event.event().fact {
        people.push(v1::Person {
            id: added.person.to_string(),
            organisation: text(added.organisation.as_ref()),
            role: added.role.clone(),
            name: given.unwrap_or_default(),
            ..v1::Person::default()
        });
    } else if let Fact::Directory(DirectoryFact::PersonChanged(changed)) = &event.event().fact
        && let Some(person) = people.iter_mut().find(|person| person.id == changed.person.as_str())
    {
        person.organisation = text(changed.organisation.as_ref());
        person.role.clone_from(&changed.role);
        if let Some(name) = given {
            person.name = name;
        }
    }
}

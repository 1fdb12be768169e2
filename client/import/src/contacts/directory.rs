//! The people of a network, as far as matching and planning need to know them.

use crate::names::folded;
use kith_client::{Merges, Recorded, v1};
use kith_core::{
    detail::DetailKind,
    id::{OrganisationId, PersonId},
};
use std::collections::{HashMap, HashSet};

/// A person of a network whose words are not erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Their id, after all merges.
    pub id: PersonId,
    /// Their name; may be empty.
    pub name: String,
    /// Their organisation.
    pub organisation: Option<OrganisationId>,
    /// Their role; may be empty.
    pub role: String,
    /// Contact details and words of all events about them.
    pub words: Vec<(DetailKind, String)>,
}

/// The people and organisations of a network at some position.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    people: Vec<Known>,
    /// Who is meant by each id.
    meant: HashMap<String, usize>,
    organisations: HashSet<OrganisationId>,
    /// Organisations by their ids and names as they are compared; `None` where several have one.
    named: HashMap<String, Option<OrganisationId>>,
    erased: usize,
}

impl Directory {
    /// The people and organisations that a server lists. Ids that it could not have are passed over.
    pub fn new(people: &[v1::Person], organisations: &[v1::Organisation]) -> Self {
        let mut directory = Self::default();
        for person in people.iter().filter(|person| person.merged_into.is_empty()) {
            directory.erased += usize::from(person.erased);
            let (false, Ok(id)) = (person.erased, person.id.parse()) else { continue };
            directory.meant.insert(person.id.clone(), directory.people.len());
            directory.people.push(Known {
                id,
                name: person.name.clone(),
                organisation: person.organisation.parse().ok(),
                role: person.role.clone(),
                words: Vec::new(),
            });
        }
        let merges = Merges::of(people);
        for id in merges.merged() {
            if let Some(&index) = directory.meant.get(merges.meant(id)) {
                directory.meant.insert(id.to_owned(), index);
            }
        }
        for organisation in organisations {
            directory.add_organisation(organisation);
        }
        directory
    }

    fn add_organisation(&mut self, organisation: &v1::Organisation) {
        let Ok(id) = organisation.id.parse::<OrganisationId>() else { return };
        for name in [folded(id.as_str()), folded(&organisation.name)].into_iter().filter(|name| !name.is_empty()) {
            let named = self.named.entry(name).or_insert_with(|| Some(id.clone()));
            if named.as_ref() != Some(&id) {
                *named = None;
            }
        }
        self.organisations.insert(id);
    }

    /// Adds the contact details and words that an event has about a person.
    pub fn learn(&mut self, recorded: &Recorded) {
        let Some(&index) = recorded.event.person_described().and_then(|person| self.meant.get(person.as_str())) else {
            return;
        };
        let words = &mut self.people[index].words;
        for detail in &recorded.details {
            if matches!(detail.kind, DetailKind::Contact | DetailKind::Words) && detail.subjects.len() == 1 {
                words.push((detail.kind, detail.text.clone()));
            }
        }
    }

    /// The people, in the order in which they were added.
    pub fn people(&self) -> &[Known] {
        &self.people
    }

    /// How many people were erased.
    pub fn erased(&self) -> usize {
        self.erased
    }

    /// The index of the person whom an id means.
    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        self.meant.get(id).copied()
    }

    /// The organisation with an id or name, ignoring case; `None` if there is none or if there are several.
    pub(super) fn organisation(&self, text: &str) -> Option<&OrganisationId> {
        let exact = text.parse::<OrganisationId>().ok().and_then(|id| self.organisations.get(&id));
        exact.or_else(|| self.named.get(&folded(text)).and_then(Option::as_ref))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str, merged_into: &str) -> v1::Person {
        v1::Person { id: id.into(), merged_into: merged_into.into(), ..v1::Person::default() }
    }

    #[test]
    fn merged_ids_mean_somebody_else_and_the_erased_are_nobody() {
        let gone = v1::Person { erased: true, ..person("gone", "") };
        let round = [person("x", "y"), person("y", "x")];
        let people =
            [&[person("a", "b"), person("b", "c"), person("c", ""), gone, person("d", "gone")][..], &round].concat();
        let directory = Directory::new(&people, &[]);
        assert_eq!((directory.people().len(), directory.erased()), (1, 1));
        assert_eq!(
            ["a", "b", "c", "d", "gone", "x"].map(|id| directory.find(id)),
            [Some(0), Some(0), Some(0), None, None, None]
        );
    }

    #[test]
    fn organisations_are_found_by_id_or_name_whatever_the_case() {
        let organisation = |id: &str, name: &str| v1::Organisation { id: id.into(), name: name.into(), position: 1 };
        let all =
            [organisation("riverside", "Riverside Practice"), organisation("a", "Ward"), organisation("b", "WARD")];
        let directory = Directory::new(&[], &all);
        let find = |text: &str| directory.organisation(text).map(OrganisationId::as_str);
        assert_eq!(
            [" Riverside", "riverside  PRACTICE", "Ward", "a", "", "Riverside Practice Ltd"].map(find),
            [Some("riverside"), Some("riverside"), None, Some("a"), None, None]
        );
    }
}

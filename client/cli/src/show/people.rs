//! Names of people, for output to people.

use kith_client::{Recorded, v1};
use std::collections::HashMap;

/// Names of people, for output to people.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, String>);

impl Names {
    /// The names of these people, as far as they are known.
    pub(crate) fn of_people(people: Vec<v1::Person>) -> Self {
        let people = people.into_iter().filter(|person| !person.name.is_empty());
        Self(people.map(|person| (person.id, person.name)).collect())
    }

    /// Takes in the name that an event gives a person.
    pub(crate) fn learn(&mut self, recorded: &Recorded) {
        for detail in &recorded.details {
            if let Some(person) = recorded.event.names(detail.kind, &detail.subjects) {
                self.0.insert(person.to_string(), detail.text.clone());
            }
        }
    }

    /// A person's name, or their id where there is none.
    pub(crate) fn of<'t>(&'t self, id: &'t str) -> &'t str {
        self.0.get(id).map_or(id, String::as_str)
    }
}

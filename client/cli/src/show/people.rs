//! Names of people, for human-readable output.

use kith_client::{Recorded, v1};
use std::collections::HashMap;

/// Names of people, for human-readable output.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, String>);

impl Names {
    /// The known names of these people.
    pub(crate) fn of_people(people: Vec<v1::Person>) -> Self {
        let people = people.into_iter().filter(|person| !person.name.is_empty());
        Self(people.map(|person| (person.id, person.name)).collect())
    }

    /// Adds the name that an event gives to a person.
    pub(crate) fn learn(&mut self, recorded: &Recorded) {
        for detail in &recorded.details {
            if let Some(person) = recorded.event.names(detail.kind, &detail.subjects) {
                self.0.insert(person.to_string(), detail.text.clone());
            }
        }
    }

    /// A person's name, or their id if there is none.
    pub(crate) fn of<'t>(&'t self, id: &'t str) -> &'t str {
        self.0.get(id).map_or(id, String::as_str)
    }
}

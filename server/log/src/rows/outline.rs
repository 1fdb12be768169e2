//! Which index rows an entry has. The writer stores them, `check` compares them.
//!
//! Invariant: they follow only from the entry, the event it names, its details' subjects and the directory.

use kith_core::{
    event::{Event, Fact, Scope},
    header::Header,
    id::{EventId, OrganisationId, PersonId},
};

/// The index rows of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outline {
    /// Handles of the people in `people`, sorted, each once.
    pub(crate) people: Vec<u32>,
    /// Whether it is in `common`.
    pub(crate) common: bool,
    /// Its row in `restricted`, if any: the only organisation that may see it.
    pub(crate) restricted: Option<OrganisationId>,
    /// The event that it withdraws.
    pub(crate) retracted: Option<EventId>,
}

impl Outline {
    /// The rows of an entry. `handle_of` knows everybody in the directory after it.
    pub(crate) fn of(header: &Header, event: &Event, handle_of: impl Fn(&PersonId) -> Option<u32>) -> Option<Self> {
        let mut people = header.people.iter().map(handle_of).collect::<Option<Vec<_>>>()?;
        people.sort_unstable();
        people.dedup();
        Some(Self {
            people,
            common: header.is_common(),
            restricted: match header.scope {
                Scope::Network => None,
                Scope::Organisation => header.organisation.clone(),
            },
            retracted: match &event.fact {
                Fact::Retracted(retracted) => Some(retracted.event),
                Fact::Habit(_) | Fact::Custom(_) | Fact::Directory(_) | Fact::Administration(_) | Fact::Newer(_) => {
                    None
                }
            },
        })
    }
}

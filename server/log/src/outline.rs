//! Which index rows an entry has. The writer stores them, `check` compares them.
//!
//! Invariant: they follow from the entry, the event it names, its details' subjects and the directory alone.

use kith_core::{
    detail::DetailKind,
    event::{Event, Fact, Scope},
    header::Header,
    id::{EventId, PersonId},
};

/// The index rows of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outline {
    /// Handles of the people in `people`, sorted, each once.
    pub(crate) people: Vec<u32>,
    /// Whether it is in `common`.
    pub(crate) common: bool,
    /// Whether it is in `restricted`.
    pub(crate) restricted: bool,
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
            restricted: header.scope == Scope::Organisation,
            retracted: match &event.fact {
                Fact::Retracted(retracted) => Some(retracted.event),
                Fact::Met(_)
                | Fact::FollowedUp(_)
                | Fact::Asked(_)
                | Fact::Helped(_)
                | Fact::Referred(_)
                | Fact::Answered(_)
                | Fact::Custom(_)
                | Fact::OrganisationAdded(_)
                | Fact::PersonAdded(_)
                | Fact::PersonChanged(_)
                | Fact::PeopleMerged(_)
                | Fact::Administration(_) => None,
            },
        })
    }
}

/// The person that a detail names, if that is what it does: a name of one person alone.
pub(crate) fn named(kind: DetailKind, subjects: &[PersonId]) -> Option<&PersonId> {
    match (kind, subjects) {
        (DetailKind::Name, [person]) => Some(person),
        (DetailKind::Name | DetailKind::Contact | DetailKind::Note | DetailKind::Place | DetailKind::Words, _) => None,
    }
}

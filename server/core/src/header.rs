//! What permissions and filters need to know of an entry, including its target.

use crate::{
    entry::Entry,
    event::{Event, Fact, Kind, Scope},
    id::{EventId, OrganisationId, PersonId, PrincipalId},
    position::Position,
    timestamp::Timestamp,
};

/// An entry's outline: all that permission and filters look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Where it is.
    pub position: Position,
    /// Its event's id.
    pub id: EventId,
    /// Its own kind.
    pub kind: Kind,
    /// Who may see it.
    pub scope: Scope,
    /// The recorder's organisation.
    pub organisation: Option<OrganisationId>,
    /// Who recorded it.
    pub recorded_by: PrincipalId,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Its own kind and that of the event it names.
    pub kinds: Vec<Kind>,
    /// Its own people and those of the event it names, each once.
    pub people: Vec<PersonId>,
}

impl Header {
    /// Outlines an entry. `find` returns the entry of an event that it names, or `None` if that is missing (as in a
    /// partial replica); then only the entry's own part counts.
    ///
    /// A retraction has all kinds and people of its target's header; other events have those of their target's own
    /// part.
    pub fn resolve<E>(
        entry: &Entry,
        event: &Event,
        mut find: impl FnMut(&EventId) -> Result<Option<(Entry, Event)>, E>,
    ) -> Result<Self, E> {
        let mut header = Self::own(entry, event);
        let Some((id, _)) = event.target() else { return Ok(header) };
        let Some((target_entry, target)) = find(&id)? else { return Ok(header) };
        header.count_under(&Self::own(&target_entry, &target));
        if !matches!(event.fact, Fact::Retracted(_)) {
            return Ok(header);
        }
        let Some((id, _)) = target.target() else { return Ok(header) };
        if let Some((entry, event)) = find(&id)? {
            header.count_under(&Self::own(&entry, &event));
        }
        Ok(header)
    }

    /// Whether the entry is part of directory or administration: by its own kind, or because it withdraws an entry that
    /// is (a merge).
    pub fn is_common(&self) -> bool {
        self.kinds.iter().any(Kind::is_common)
    }

    /// Whether the entry is part of every filter and stream of those who may see it: it is common, and of scope
    /// network, or it erases details, which every copy has to learn. The rest of an organisation's administration is
    /// filtered like any other entry.
    pub fn passes_every_filter(&self) -> bool {
        self.is_common() && (self.scope == Scope::Network || self.kind.erases_details())
    }

    fn own(entry: &Entry, event: &Event) -> Self {
        Self {
            position: entry.position,
            id: event.id,
            kind: event.kind(),
            scope: event.scope,
            organisation: entry.organisation.clone(),
            recorded_by: entry.recorded_by.clone(),
            occurred_at: event.occurred_at,
            kinds: vec![event.kind()],
            people: event.people().into_iter().cloned().collect(),
        }
    }

    fn count_under(&mut self, target: &Self) {
        for kind in &target.kinds {
            if !self.kinds.contains(kind) {
                self.kinds.push(kind.clone());
            }
        }
        for person in &target.people {
            if !self.people.contains(person) {
                self.people.push(person.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arbitrary, prepare::Prepared};
    use proptest::{prelude::*, test_runner::TestCaseResult};
    use std::convert::Infallible;

    fn entry(prepared: &Prepared) -> Entry {
        Entry {
            position: Position::new(7),
            recorded_at: Timestamp::from_millis(0),
            recorded_by: "person:amina".parse().unwrap(),
            organisation: None,
            event_bytes: prepared.bytes.clone(),
            signature: None,
        }
    }

    fn check_own_part(header: &Header, event: &Event) -> TestCaseResult {
        prop_assert_eq!(&header.kind, &event.kind());
        prop_assert_eq!(&header.kinds[0], &event.kind());
        let own = event.people();
        prop_assert_eq!(header.people[..own.len()].iter().collect::<Vec<_>>(), own);
        Ok(())
    }

    proptest! {
        #[test]
        fn without_its_target_an_entry_counts_under_its_own_part(
            prepared in arbitrary::prepared_of(&arbitrary::Names::few()),
        ) {
            let find = |_: &EventId| Ok::<_, Infallible>(None);
            let header = Header::resolve(&entry(&prepared), &prepared.event, find).unwrap();
            check_own_part(&header, &prepared.event)?;
            prop_assert_eq!(header.kinds.len(), 1);
            prop_assert_eq!(header.people.len(), prepared.event.people().len());
            prop_assert_eq!(header.position, Position::new(7));
            prop_assert_eq!(header.id, prepared.event.id);
        }

        #[test]
        fn with_its_target_it_counts_under_both_each_once(
            prepared in arbitrary::prepared_of(&arbitrary::Names::few()),
            target in arbitrary::prepared_of(&arbitrary::Names::few()),
            behind in arbitrary::prepared_of(&arbitrary::Names::few()),
        ) {
            let mut found = [&target, &behind].into_iter();
            let header = Header::resolve(&entry(&prepared), &prepared.event, |_| {
                let next = found.next().expect("at most two are looked for");
                Ok::<_, Infallible>(Some((entry(next), next.event.clone())))
            })
            .unwrap();
            check_own_part(&header, &prepared.event)?;
            let retracts = matches!(prepared.event.fact, Fact::Retracted(_));
            let mut parts = vec![&prepared.event];
            parts.extend(prepared.event.target().map(|_| &target.event));
            parts.extend(target.event.target().filter(|_| retracts).map(|_| &behind.event));
            prop_assert!(header.people.iter().all(|person| parts.iter().any(|event| event.people().contains(&person))));
            for event in parts {
                prop_assert!(header.kinds.contains(&event.kind()));
                prop_assert!(event.people().into_iter().all(|person| header.people.contains(person)));
            }
            let mut once = header.people.clone();
            once.sort();
            once.dedup();
            prop_assert_eq!(once.len(), header.people.len());
        }
    }

    #[test]
    fn a_read_that_fails_is_told() {
        let retraction = Event {
            fact: Fact::Retracted(crate::event::Retracted {
                event: arbitrary::numbered_event(1),
                reason: crate::event::RetractionReason::Other,
            }),
            id: arbitrary::numbered_event(2),
            occurred_at: Timestamp::from_millis(0),
            scope: Scope::Network,
            caused_by: Vec::new(),
            attributes: Vec::new(),
            salt: [0; 16],
            details: Vec::new(),
        };
        let prepared = Prepared::from_event(&retraction, &[]).unwrap();
        let resolved = Header::resolve(&entry(&prepared), &retraction, |_| Err("unreadable"));
        assert_eq!(resolved, Err("unreadable"));
    }
}

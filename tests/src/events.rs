//! Builds events as a client would, concisely for tests.

use kith_core::{
    detail::{Detail, DetailKind},
    event::{
        Answer, Answered, Asked, DirectoryFact, Event, Fact, FollowedUp, Habit, Helped, Met, OrganisationAdded,
        PersonAdded, Referred, Retracted, RetractionReason, Scope,
    },
    id::{EventId, PersonId},
    timestamp::Timestamp,
};
use kith_proto::v1::NewEvent;

/// 2026-03-01T12:00:00Z, the default time of events.
pub const NOON: Timestamp = Timestamp::from_millis(1_772_366_400_000);

/// An event with a new id, in network scope, at [`NOON`].
pub fn event(fact: Fact) -> Event {
    Event {
        id: new_id(),
        occurred_at: NOON,
        scope: Scope::Network,
        caused_by: Vec::new(),
        attributes: Vec::new(),
        salt: random(),
        details: Vec::new(),
        fact,
    }
}

/// The same event in organisation scope.
#[must_use]
pub fn confidential(event: Event) -> Event {
    Event { scope: Scope::Organisation, ..event }
}

/// People met.
pub fn met(people: &[&str]) -> Event {
    event(Fact::Habit(Habit::Met(Met { people: people.iter().map(|id| person(id)).collect() })))
}

/// A person followed up with another, about an event if one is named.
pub fn followed_up(by: &str, with: &str, about: Option<EventId>) -> Event {
    event(Fact::Habit(Habit::FollowedUp(FollowedUp { by: person(by), with: vec![person(with)], about })))
}

/// A person asked another for beds.
pub fn asked(by: &str, of: &str) -> Event {
    let category = "beds".parse().expect("it is a category");
    event(Fact::Habit(Habit::Asked(Asked { by: person(by), of: vec![person(of)], category })))
}

/// A person helped another, about an event if one is named.
pub fn helped(by: &str, other: &str, about: Option<EventId>) -> Event {
    event(Fact::Habit(Habit::Helped(Helped { helper: person(by), helped: person(other), category: None, about })))
}

/// `referrer` introduces `introduced` to `to`.
pub fn referred(referrer: &str, introduced: &str, to: &str) -> Event {
    event(Fact::Habit(Habit::Referred(Referred {
        referrer: person(referrer),
        person: person(introduced),
        to: person(to),
    })))
}

/// An introduction was accepted.
pub fn accepted(referral: EventId, by: &str) -> Event {
    event(Fact::Habit(Habit::Answered(Answered { referral, by: person(by), answer: Answer::Accepted })))
}

/// An event is withdrawn by mistake.
pub fn retracted(event_id: EventId) -> Event {
    event(Fact::Retracted(Retracted { event: event_id, reason: RetractionReason::Mistake }))
}

/// An organisation is added.
pub fn organisation_added(id: &str) -> Event {
    let organisation = id.parse().expect("organisation ids in tests are well formed");
    event(Fact::Directory(DirectoryFact::OrganisationAdded(OrganisationAdded {
        organisation,
        name: format!("Organisation {id}"),
    })))
}

/// A person is added, without a name; an empty organisation means none.
pub fn person_added(id: &str, organisation: &str) -> Event {
    let organisation =
        (!organisation.is_empty()).then(|| organisation.parse().expect("organisation ids in tests are well formed"));
    event(Fact::Directory(DirectoryFact::PersonAdded(PersonAdded {
        person: person(id),
        organisation,
        role: String::new(),
    })))
}

/// The event as it is sent, without details.
pub fn sent(event: &Event) -> NewEvent {
    NewEvent { event: event.encode().into(), details: Vec::new(), signature: Vec::new() }
}

/// The event as it is sent with a note on everybody in it.
pub fn sent_with_note(event: &Event, text: &str) -> NewEvent {
    let mut subjects: Vec<PersonId> = event.people().into_iter().cloned().collect();
    subjects.sort_unstable();
    let note = Detail { kind: DetailKind::Note, subjects, text: text.to_owned(), salt: random() };
    let event = Event { details: vec![note.commitment()], ..event.clone() };
    NewEvent { details: vec![note.to_proto()], ..sent(&event) }
}

/// A new event id.
pub fn new_id() -> EventId {
    EventId::from_bytes(uuid::Uuid::now_v7().into_bytes()).expect("version 7 is allowed")
}

fn person(id: &str) -> PersonId {
    id.parse().expect("person ids in tests are well formed")
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

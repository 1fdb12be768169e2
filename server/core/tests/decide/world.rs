//! A small network in memory: two organisations, five people, and ways to append to it.

use kith_core::{
    arbitrary::numbered_event,
    decide::{Command, Origin, Outcome, Refusal, Refused, State},
    event::{
        Administration, Answer, Answered, DirectoryFact, Event, Fact, FollowedUp, Habit, Helped, Met,
        OrganisationAdded, PeopleMerged, PersonAdded, PersonChanged, Referred, Retracted, RetractionReason, Role,
        Scope,
    },
    id::{EventId, OrganisationId, PersonId},
    limits::FUTURE_MS_MAX_DEFAULT,
    may::{Credential, Principal, Reach},
    model::Model,
    position::Position,
    prepare::Prepared,
    timestamp::Timestamp,
};

/// The time of recording, unless a test says otherwise.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Number of the first event id that the world does not use itself.
pub(crate) const FREE: u64 = 100;

pub(crate) fn principal(name: &str, role: Role, organisation: Option<&str>) -> Principal {
    Principal {
        id: format!("person:{name}").parse().unwrap(),
        credential: Credential::Program,
        reach: Reach::Network("north".parse().unwrap()),
        role,
        person: Some(person(name)),
        organisation: organisation.map(organisation_id),
    }
}

/// A recorder of Riverside.
pub(crate) fn amina() -> Principal {
    principal("amina", Role::Recorder, Some("riverside"))
}

/// A recorder of Hillside.
pub(crate) fn chidi() -> Principal {
    principal("chidi", Role::Recorder, Some("hillside"))
}

/// An owner of no organisation.
pub(crate) fn owner() -> Principal {
    Principal { person: None, ..principal("owner", Role::Owner, None) }
}

pub(crate) fn person(id: &str) -> PersonId {
    id.parse().unwrap()
}

pub(crate) fn organisation_id(id: &str) -> OrganisationId {
    id.parse().unwrap()
}

pub(crate) fn id(number: u64) -> EventId {
    numbered_event(number)
}

pub(crate) fn event(number: u64, fact: Fact) -> Event {
    Event {
        id: id(number),
        occurred_at: NOW,
        scope: Scope::Network,
        caused_by: Vec::new(),
        attributes: Vec::new(),
        salt: [1; 16],
        details: Vec::new(),
        fact,
    }
}

/// A person's words are to be erased.
pub(crate) fn erased(name: &str) -> Fact {
    let (reason, reference) = ("withdrawn".parse().unwrap(), Some("IG-1".parse().unwrap()));
    Fact::Administration(Administration::PersonErased { person: person(name), reason, reference })
}

/// A hold is set or lifted.
pub(crate) fn hold(name: &str, held: bool, reference: &str) -> Fact {
    let (reason, reference) = ("inquiry".parse().unwrap(), reference.parse().unwrap());
    Fact::Administration(Administration::HoldChanged { person: person(name), held, reason, reference })
}

/// The same event, for the recorder's organisation only.
pub(crate) fn private(event: Event) -> Event {
    Event { scope: Scope::Organisation, ..event }
}

pub(crate) fn met(people: &[&str]) -> Fact {
    Fact::Habit(Habit::Met(Met { people: people.iter().map(|id| person(id)).collect() }))
}

pub(crate) fn referred(referrer: &str, introduced: &str, to: &str) -> Fact {
    Fact::Habit(Habit::Referred(Referred { referrer: person(referrer), person: person(introduced), to: person(to) }))
}

pub(crate) fn answered(referral: u64) -> Fact {
    Fact::Habit(Habit::Answered(Answered { referral: id(referral), by: person("chidi"), answer: Answer::Accepted }))
}

pub(crate) fn followed_up(by: &str, with: &str, about: Option<u64>) -> Fact {
    Fact::Habit(Habit::FollowedUp(FollowedUp { by: person(by), with: vec![person(with)], about: about.map(id) }))
}

pub(crate) fn helped(by: &str, whom: &str, about: Option<u64>) -> Fact {
    Fact::Habit(Habit::Helped(Helped {
        helper: person(by),
        helped: person(whom),
        category: None,
        about: about.map(id),
    }))
}

pub(crate) fn retracted(event: u64) -> Fact {
    Fact::Retracted(Retracted { event: id(event), reason: RetractionReason::Mistake })
}

pub(crate) fn merged(kept: &str, merged: &str) -> Fact {
    Fact::Directory(DirectoryFact::PeopleMerged(PeopleMerged { kept: person(kept), merged: person(merged) }))
}

pub(crate) fn person_added(id: &str, organisation: Option<&str>) -> Fact {
    let organisation = organisation.map(organisation_id);
    Fact::Directory(DirectoryFact::PersonAdded(PersonAdded { person: person(id), organisation, role: String::new() }))
}

pub(crate) fn person_changed(id: &str, organisation: Option<&str>) -> Fact {
    let organisation = organisation.map(organisation_id);
    Fact::Directory(DirectoryFact::PersonChanged(PersonChanged {
        person: person(id),
        organisation,
        role: String::new(),
    }))
}

pub(crate) fn organisation_added(id: &str) -> Fact {
    Fact::Directory(DirectoryFact::OrganisationAdded(OrganisationAdded {
        organisation: organisation_id(id),
        name: id.into(),
    }))
}

pub(crate) fn command(principal: Principal, events: &[Event]) -> Command {
    let events = events.iter().map(|event| Prepared::from_event(event, &[]).unwrap()).collect();
    Command { principal, events, condition: None, origin: Origin::Client }
}

pub(crate) fn server_command(principal: Principal, events: &[Event]) -> Command {
    Command { origin: Origin::Server, ..command(principal, events) }
}

/// Riverside with Amina and Ben, Hillside with Chidi and Dana, and Eve of neither.
pub(crate) fn world() -> Model {
    let mut model = Model::default();
    let facts = [
        organisation_added("riverside"),
        organisation_added("hillside"),
        person_added("amina", Some("riverside")),
        person_added("ben", Some("riverside")),
        person_added("chidi", Some("hillside")),
        person_added("dana", Some("hillside")),
        person_added("eve", None),
    ];
    let events: Vec<Event> = (0..).zip(facts).map(|(number, fact)| event(number, fact)).collect();
    run(&mut model, command(owner(), &events)).unwrap();
    model
}

pub(crate) fn run(model: &mut Model, command: Command) -> Result<Vec<Outcome>, Refused> {
    model.append(command, NOW, FUTURE_MS_MAX_DEFAULT)
}

/// Appends one event.
pub(crate) fn append(model: &mut Model, principal: Principal, event: Event) -> Result<Outcome, Refusal> {
    match run(model, command(principal, &[event])) {
        Ok(outcomes) => Ok(outcomes[0]),
        Err(refused) => Err(refused.why),
    }
}

/// Appends one event that must be accepted.
pub(crate) fn accept(model: &mut Model, principal: Principal, event: Event) -> Position {
    let next = model.head().next();
    assert_eq!(append(model, principal, event), Ok(Outcome::Accepted(next)));
    next
}

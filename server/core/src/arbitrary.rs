//! Generators of valid events, for property tests of this and other crates.
//!
//! Invariant: what they generate obeys every rule of the event model, so its bytes are accepted.

mod administration;
mod fact;

pub use fact::fact;

use crate::{
    detail::{Detail, DetailKind},
    event::{Attribute, AttributeValue, Event, Fact, Scope},
    id::{Category, EventId, OrganisationId, PersonId},
    prepare::Prepared,
    timestamp::Timestamp,
};
use proptest::{
    collection::{btree_map, btree_set, vec},
    prelude::*,
    sample::{Index, select},
};
use std::str::FromStr;

/// The ids that generated events name.
#[derive(Debug, Clone)]
pub struct Names {
    /// Ids of people.
    pub person: BoxedStrategy<PersonId>,
    /// Ids of organisations.
    pub organisation: BoxedStrategy<OrganisationId>,
    /// Ids of events.
    pub event: BoxedStrategy<EventId>,
}

impl Names {
    /// Ids of every form and length; hardly any repeat.
    pub fn any() -> Self {
        Self {
            person: parsed("[A-Za-z0-9_.@-]{1,64}").boxed(),
            organisation: parsed("[A-Za-z0-9_.-]{1,64}").boxed(),
            event: (any::<u128>(), 1..=8_u8).prop_map(|(bits, version)| event_id(bits, version)).boxed(),
        }
    }

    /// A small world, so that events share ids: 8 people, 3 organisations, 48 events.
    pub fn few() -> Self {
        Self {
            person: (0..8_u8).prop_map(numbered_person).boxed(),
            organisation: (0..3_u8).prop_map(numbered_organisation).boxed(),
            event: (0..48_u64).prop_map(numbered_event).boxed(),
        }
    }
}

/// The person with a number in a small world.
pub fn numbered_person(number: u8) -> PersonId {
    parse(&format!("p-{number}"))
}

/// The organisation with a number in a small world.
pub fn numbered_organisation(number: u8) -> OrganisationId {
    parse(&format!("org-{number}"))
}

/// The event id with a number in a small world.
pub fn numbered_event(number: u64) -> EventId {
    event_id(u128::from(number), 8)
}

/// Any valid event.
pub fn event() -> impl Strategy<Value = Event> {
    event_of(&Names::any())
}

/// A valid event that names these ids, without details.
pub fn event_of(names: &Names) -> impl Strategy<Value = Event> + use<> {
    let parts = (names.event.clone(), time(), scope(), ids(names), attributes(), any::<[u8; 16]>(), fact(names));
    parts.prop_map(|(id, occurred_at, scope, caused_by, attributes, salt, fact)| Event {
        id,
        occurred_at,
        scope: if in_network_only(&fact) { Scope::Network } else { scope },
        caused_by,
        attributes,
        salt,
        details: Vec::new(),
        fact,
    })
}

/// A valid event that names these ids, with details about people in it.
pub fn prepared_of(names: &Names) -> impl Strategy<Value = Prepared> + use<> {
    (event_of(names), vec(draft(), 0..=3)).prop_map(|(mut event, drafts)| {
        let people: Vec<PersonId> = event.people().into_iter().cloned().collect();
        let details: Vec<Detail> = drafts.iter().filter_map(|draft| draft.about(&people, &event)).collect();
        event.details = details.iter().map(Detail::commitment).collect();
        Prepared::from_event(&event, &details).expect("generated events are valid")
    })
}

/// A detail that still lacks its subjects.
#[derive(Debug, Clone)]
struct Draft {
    kind: DetailKind,
    text: String,
    salt: [u8; 32],
    subject: Index,
}

impl Draft {
    /// The detail with some of these people as its subjects; none where the event may not have it.
    fn about(&self, people: &[PersonId], event: &Event) -> Option<Detail> {
        if people.is_empty() {
            return None;
        }
        let mut subjects = people[self.subject.index(people.len())..].to_vec();
        subjects.sort_unstable();
        let detail = Detail { kind: self.kind, subjects, text: self.text.clone(), salt: self.salt };
        detail.check_place(event).is_ok().then_some(detail)
    }
}

fn draft() -> impl Strategy<Value = Draft> {
    let kind =
        select(&[DetailKind::Name, DetailKind::Contact, DetailKind::Note, DetailKind::Place, DetailKind::Words][..]);
    (kind, "\\PC{1,40}", name(), any::<[u8; 32]>(), any::<Index>()).prop_map(|(kind, words, name, salt, subject)| {
        let text = if kind == DetailKind::Name { name } else { words };
        Draft { kind, text, salt, subject }
    })
}

/// A name of a person or an organisation.
fn name() -> impl Strategy<Value = String> {
    "[^\\pC\\p{Zl}\\p{Zp}]{0,39}[A-Za-z0-9]"
}

/// A time at which an event can have happened.
pub fn time() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.millis()..=Timestamp::MAX.millis()).prop_map(Timestamp::from_millis)
}

fn scope() -> impl Strategy<Value = Scope> {
    select(&[Scope::Network, Scope::Organisation][..])
}

fn ids(names: &Names) -> impl Strategy<Value = Vec<EventId>> + use<> {
    btree_set(names.event.clone(), 0..=3).prop_map(Vec::from_iter).prop_shuffle()
}

fn attributes() -> impl Strategy<Value = Vec<Attribute>> {
    btree_map("[a-z][a-z0-9_.-]{0,63}", attribute_value(), 0..=4)
        .prop_map(|pairs| pairs.into_iter().map(|(key, value)| Attribute { key, value }).collect())
}

fn attribute_value() -> impl Strategy<Value = AttributeValue> {
    prop_oneof![
        "[\\PC\n\t]{0,40}".prop_map(AttributeValue::Text),
        any::<i64>().prop_map(AttributeValue::Integer),
        any::<f64>().prop_map(AttributeValue::Number),
        any::<bool>().prop_map(AttributeValue::Flag),
    ]
}

fn category() -> impl Strategy<Value = Category> {
    parsed("[a-z0-9_-]{1,32}")
}

fn in_network_only(fact: &Fact) -> bool {
    match fact {
        Fact::Directory(_) | Fact::Administration(_) => true,
        Fact::Habit(_) | Fact::Custom(_) | Fact::Retracted(_) | Fact::Newer(_) => false,
    }
}

fn parsed<T: FromStr + std::fmt::Debug>(pattern: &'static str) -> impl Strategy<Value = T> {
    pattern.prop_map(|text| parse(&text))
}

fn parse<T: FromStr>(text: &str) -> T {
    text.parse().ok().expect("the pattern gives well-formed ids")
}

fn event_id(bits: u128, version: u8) -> EventId {
    let uuid = uuid::Builder::from_u128(bits)
        .with_variant(uuid::Variant::RFC4122)
        .with_version(version_of(version))
        .into_uuid();
    EventId::from_bytes(uuid.into_bytes()).expect("variant and version are set")
}

fn version_of(number: u8) -> uuid::Version {
    match number {
        1 => uuid::Version::Mac,
        2 => uuid::Version::Dce,
        3 => uuid::Version::Md5,
        4 => uuid::Version::Random,
        5 => uuid::Version::Sha1,
        6 => uuid::Version::SortMac,
        7 => uuid::Version::SortRand,
        _ => uuid::Version::Custom,
    }
}

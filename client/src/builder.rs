//! Builds events: id, salt, commitments, sorted attributes, canonical bytes. Every event it returns obeys all rules
//! that can be checked without the log.

use bytes::Bytes;
use kith_core::{
    detail::{Detail, DetailKind},
    event::{Attribute, AttributeValue, Event, Fact, Scope},
    id::{EventId, PersonId},
    invalid::Invalid,
    limits::{DETAIL_SALT_BYTES, EVENT_SALT_BYTES},
    prepare::Prepared,
    timestamp::Timestamp,
};
use kith_proto::v1;
use uuid::Uuid;

/// The alphabet of a person's pseudonym (RFC 4648 base32, in lower case).
const PSEUDONYM_LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Number of letters in a person's pseudonym, 5 bits each.
const PSEUDONYM_LENGTH: usize = 10;

/// An event ready to be appended, with its details.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    event: Event,
    bytes: Bytes,
    details: Vec<Detail>,
}

impl NewEvent {
    /// Checks an event that already has its salt and commitments against every rule that needs no log.
    pub fn from_parts(event: Event, details: Vec<Detail>) -> Result<Self, Invalid> {
        let new = Self { bytes: event.encode().into(), event, details };
        Prepared::new(&new.to_proto())?;
        Ok(new)
    }

    /// Reads the wire form and checks it against every rule that needs no log.
    pub fn from_proto(proto: &v1::NewEvent) -> Result<Self, Invalid> {
        let Prepared { event, bytes, details, .. } = Prepared::new(proto)?;
        Ok(Self { event, bytes, details })
    }

    /// An event that was checked when it was stored; its details may have been erased since.
    #[cfg(feature = "replica")]
    pub(crate) fn from_stored(event: Event, details: Vec<Detail>) -> Self {
        Self { bytes: event.encode().into(), event, details }
    }

    /// The event's id.
    pub fn id(&self) -> EventId {
        self.event.id
    }

    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The details that are sent with it.
    pub fn details(&self) -> &[Detail] {
        &self.details
    }

    /// How many bytes it counts towards the limit of an append.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len() + self.details.iter().map(|detail| detail.text.len()).sum::<usize>()
    }

    /// The wire form.
    pub fn to_proto(&self) -> v1::NewEvent {
        v1::NewEvent {
            event: self.bytes.clone(),
            details: self.details.iter().map(Detail::to_proto).collect(),
            signature: Vec::new(),
        }
    }
}

/// Builds an event.
#[derive(Debug, Clone)]
pub struct EventBuilder {
    id: Option<EventId>,
    salt: Option<[u8; EVENT_SALT_BYTES]>,
    occurred_at: Timestamp,
    scope: Scope,
    caused_by: Vec<EventId>,
    attributes: Vec<Attribute>,
    details: Vec<Detail>,
    fact: Fact,
}

impl EventBuilder {
    /// Starts with a fact and when it happened; the whole network sees the event unless `scope` says otherwise.
    pub fn new(fact: impl Into<Fact>, occurred_at: Timestamp) -> Self {
        Self {
            id: None,
            salt: None,
            occurred_at,
            scope: Scope::Network,
            caused_by: Vec::new(),
            attributes: Vec::new(),
            details: Vec::new(),
            fact: fact.into(),
        }
    }

    /// Sets the event's id. By default, it is a new version 7 UUID.
    #[must_use]
    pub fn id(mut self, id: EventId) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the event's salt, which must be as hard to guess as a random one. By default, it is random.
    #[must_use]
    pub fn salt(mut self, salt: [u8; EVENT_SALT_BYTES]) -> Self {
        self.salt = Some(salt);
        self
    }

    /// Sets who may see the event.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Adds an event that led to this one.
    #[must_use]
    pub fn caused_by(mut self, event: EventId) -> Self {
        self.caused_by.push(event);
        self
    }

    /// Adds a value for plugins to read. It must not be personal.
    #[must_use]
    pub fn attribute(mut self, key: impl Into<String>, value: AttributeValue) -> Self {
        self.attributes.push(Attribute { key: key.into(), value });
        self
    }

    /// Adds personal words, which can be erased. Sorts the subjects.
    #[must_use]
    pub fn detail(self, kind: DetailKind, subjects: Vec<PersonId>, text: impl Into<String>) -> Self {
        self.salted_detail(kind, subjects, text, random_bytes())
    }

    /// Adds personal words with a salt, which must be as hard to guess as a random one.
    #[must_use]
    pub fn salted_detail(
        mut self,
        kind: DetailKind,
        mut subjects: Vec<PersonId>,
        text: impl Into<String>,
        salt: [u8; DETAIL_SALT_BYTES],
    ) -> Self {
        subjects.sort_unstable();
        self.details.push(Detail { kind, subjects, text: text.into(), salt });
        self
    }

    /// Builds the event, or returns the rule that it breaks.
    pub fn build(mut self) -> Result<NewEvent, Invalid> {
        self.attributes.sort_by(|one, other| one.key.cmp(&other.key));
        let event = Event {
            id: self.id.unwrap_or_else(random_event_id),
            occurred_at: self.occurred_at,
            scope: self.scope,
            caused_by: self.caused_by,
            attributes: self.attributes,
            salt: self.salt.unwrap_or_else(random_bytes),
            details: self.details.iter().map(Detail::commitment).collect(),
            fact: self.fact,
        };
        NewEvent::from_parts(event, self.details)
    }
}

/// A new event id: a version 7 UUID.
pub fn random_event_id() -> EventId {
    EventId::from_bytes(Uuid::now_v7().into_bytes()).expect("version 7 is an RFC 9562 UUID")
}

/// A new pseudonym for a person: `p-` and ten random base32 letters.
pub fn random_person_id() -> PersonId {
    let letters = random_bytes::<PSEUDONYM_LENGTH>().map(|byte| char::from(PSEUDONYM_LETTERS[usize::from(byte & 31)]));
    let id = format!("p-{}", String::from_iter(letters));
    id.parse().expect("the letters are those of a person's id")
}

/// Random bytes from the operating system.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::{
        event::{Habit, Met},
        invalid::Problem,
    };

    fn met() -> Fact {
        Fact::Habit(Habit::Met(Met { people: vec!["ben".parse().unwrap(), "amina".parse().unwrap()] }))
    }

    fn builder() -> EventBuilder {
        EventBuilder::new(met(), Timestamp::from_millis(1_700_000_000_123))
    }

    #[test]
    fn made_events_pass_the_server_s_own_check() {
        let subjects = vec!["ben".parse().unwrap(), "amina".parse().unwrap()];
        let new = builder()
            .scope(Scope::Organisation)
            .attribute("minutes", AttributeValue::Integer(20))
            .attribute("channel", AttributeValue::Text("phone".into()))
            .detail(DetailKind::Note, subjects, "spoke about letters")
            .caused_by(random_event_id())
            .build()
            .unwrap();
        let prepared = Prepared::new(&new.to_proto()).unwrap();
        assert_eq!(&prepared.event, new.event());
        assert_eq!(prepared.details, new.details());
        assert_eq!(prepared.event.attributes[0].key, "channel");
        assert_eq!(new.details()[0].subjects[0].as_str(), "amina");
        assert_eq!(new.size_bytes(), prepared.size_bytes());
        assert_eq!(Uuid::from_bytes(*new.id().as_bytes()).get_version_num(), 7);
    }

    #[test]
    fn the_same_content_twice_differs_in_id_and_salt_only() {
        let (one, other) = (builder().build().unwrap(), builder().build().unwrap());
        assert_ne!(one.id(), other.id());
        assert_ne!(one.event().salt, other.event().salt);
        let id = random_event_id();
        let content = || builder().id(id).detail(DetailKind::Place, vec!["ben".parse().unwrap()], "ward").build();
        let (one, other) = (content().unwrap(), content().unwrap());
        assert_eq!(one.event().content_hash(), other.event().content_hash());
        assert_ne!(one.event().details, other.event().details);
    }

    #[test]
    fn broken_rules_are_named_before_anything_is_sent() {
        let twice = Fact::Habit(Habit::Met(Met { people: vec!["ben".parse().unwrap(), "ben".parse().unwrap()] }));
        let invalid = EventBuilder::new(twice, Timestamp::from_millis(0)).build().unwrap_err();
        assert_eq!(invalid, Invalid::new("event.met.people", Problem::Repeated("ben".into())));
        let invalid = builder().attribute("n", AttributeValue::Number(f64::NAN)).build().unwrap_err();
        assert_eq!(invalid.field, "event.attributes.value");
        let invalid = builder().detail(DetailKind::Note, Vec::new(), "nobody").build().unwrap_err();
        assert_eq!(invalid.field, "details.subjects");
    }

    #[test]
    fn pseudonyms_have_their_form_and_differ() {
        let (one, other) = (random_person_id(), random_person_id());
        assert_ne!(one, other);
        assert_eq!(one.as_str().len(), 12);
        assert!(one.as_str().starts_with("p-"));
    }
}

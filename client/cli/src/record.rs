//! One event from one line: the JSON form of `kith.v1.NewEvent`, with the event as JSON of `kith.v1.Event`.
//!
//! Ids are UUIDs as text (or base64, as proto3 JSON writes bytes), times RFC 3339, enums the names of `kith.v1` or
//! their short forms. What is missing of id, salts and commitments is filled in; everything else is read strictly.

mod details;
mod facts;
mod values;

use crate::{
    derive::{FileDigest, Repeats, detail_salt, digest_parts, event_salt},
    json::{Object, Value},
};
use details::drafts;
use kith_client::{Error, NewEvent, random_bytes, random_event_id};
use kith_core::{
    detail::Detail,
    event::{Attribute, AttributeValue, Commitment, Event, Fact, Habit},
    id::EventId,
    invalid::{Invalid, Problem},
    limits::{DETAIL_SALT_BYTES, EVENT_SALT_BYTES},
};
use std::fmt;

/// Separates the content of records from all other hashes.
const CONTENT_DOMAIN: &[u8] = b"kith/import/record/2";
/// Stands for an id that is not known yet.
const NO_ID: [u8; 16] = [0x80; 16];

/// Where missing ids and salts come from.
#[derive(Debug)]
pub(crate) enum Missing {
    /// They are random: each reading gives new events.
    Random,
    /// They follow from the record and its file: each reading gives the same events.
    Derived {
        /// Digest of the file.
        file: FileDigest,
        /// How often each content has come.
        repeats: Repeats,
    },
}

/// Why a line is no event.
#[derive(Debug)]
pub(crate) enum NotRecord {
    /// It is not JSON.
    NotJson(String),
    /// It breaks a rule.
    Invalid(Invalid),
}

impl fmt::Display for NotRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(message) => f.write_str(message),
            Self::Invalid(invalid) => invalid.fmt(f),
        }
    }
}

impl From<Invalid> for NotRecord {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl NotRecord {
    /// The same as a refusal.
    pub(crate) fn refusal(self, record: u64) -> crate::failure::Refusal {
        match self {
            Self::NotJson(message) => {
                crate::failure::Refusal { record, reason: "EVENT_INVALID", field: String::new(), message }
            }
            Self::Invalid(invalid) => crate::failure::Refusal::local(record, &Error::from(invalid)),
        }
    }
}

/// Reads an event from a line.
pub(crate) fn read_record(line: &[u8], missing: &mut Missing) -> Result<NewEvent, NotRecord> {
    let value = Value::parse(line, "").map_err(|error| NotRecord::NotJson(error.to_string()))?;
    Ok(read_new_event(value, missing)?)
}

/// What a record says of its event beside the event itself.
struct Given {
    id: Option<EventId>,
    salt: Option<[u8; EVENT_SALT_BYTES]>,
    commitments: Option<Vec<Commitment>>,
}

fn read_new_event(value: Value, missing: &mut Missing) -> Result<NewEvent, Invalid> {
    let mut record = value.object()?;
    let (mut event, given) = read_event(record.need("event")?.object()?)?;
    let drafts = drafts(record.list_or_empty("details")?)?;
    record.finish()?;
    event.id = match given.id {
        Some(id) => id,
        None => missing.id(&mut event),
    };
    event.salt = given.salt.unwrap_or_else(|| missing.salt(&event.id));
    let salted = drafts.into_iter().enumerate().map(|(index, draft)| {
        let salt = draft.salt.unwrap_or_else(|| missing.detail_salt(&event.id, index));
        draft.salted(salt)
    });
    let details: Vec<Detail> = salted.collect();
    event.details = given.commitments.unwrap_or_else(|| details.iter().map(Detail::commitment).collect());
    NewEvent::from_parts(event, details)
}

fn read_event(mut fields: Object) -> Result<(Event, Given), Invalid> {
    let id = fields.take("id").map(values::event_id).transpose()?;
    let salt = fields.take("salt").map(|value| values::bytes(value, "16 random bytes")).transpose()?;
    let commitments = fields.take("details").map(Value::list).transpose()?;
    let commitment = |value| values::bytes(value, "commitments of 32 bytes");
    let commitments = commitments.map(|all| all.into_iter().map(commitment).collect()).transpose()?;
    let caused_by = fields.list_or_empty("caused_by")?.into_iter().map(values::event_id).collect::<Result<_, _>>()?;
    let event = Event {
        id: EventId::from_bytes(NO_ID).expect("it has the form of a UUID of version 8"),
        occurred_at: values::time(fields.need("occurred_at")?)?,
        scope: values::scope(fields.need("scope")?)?,
        caused_by,
        attributes: attributes(fields.list_or_empty("attributes")?)?,
        salt: [0; EVENT_SALT_BYTES],
        details: Vec::new(),
        fact: facts::fact(&mut fields)?,
    };
    fields.finish()?;
    Ok((event, Given { id, salt, commitments }))
}

fn attributes(values: Vec<Value>) -> Result<Vec<Attribute>, Invalid> {
    let mut attributes = values.into_iter().map(attribute).collect::<Result<Vec<_>, _>>()?;
    attributes.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(attributes)
}

fn attribute(value: Value) -> Result<Attribute, Invalid> {
    let path = value.path().to_owned();
    let mut fields = value.object()?;
    let key = fields.need("key")?.text()?;
    let given = [
        fields.take("text").map(|value| value.text().map(AttributeValue::Text)),
        fields.take("integer").map(|value| value.integer().map(AttributeValue::Integer)),
        fields.take("number").map(|value| value.number().map(AttributeValue::Number)),
        fields.take("flag").map(|value| value.flag().map(AttributeValue::Flag)),
    ];
    fields.finish()?;
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(value), None) => Ok(Attribute { key, value: value? }),
        _ => Err(Invalid::new(path, Problem::MustBe("a key with exactly one of text, integer, number and flag"))),
    }
}

impl Missing {
    /// An id for an event that has none. People whose order says nothing are put in order first, so that one event
    /// has one id however it was written down.
    fn id(&mut self, event: &mut Event) -> EventId {
        match self {
            Self::Random => random_event_id(),
            Self::Derived { repeats, .. } => {
                sort_people(&mut event.fact);
                repeats.next_id(content(event))
            }
        }
    }

    fn salt(&self, id: &EventId) -> [u8; EVENT_SALT_BYTES] {
        match self {
            Self::Random => random_bytes(),
            Self::Derived { file, .. } => event_salt(file, id),
        }
    }

    fn detail_salt(&self, id: &EventId, index: usize) -> [u8; DETAIL_SALT_BYTES] {
        match self {
            Self::Random => random_bytes(),
            Self::Derived { file, .. } => detail_salt(file, id, index),
        }
    }
}

/// Identity of what happened, whatever the event's id and salt. Details have no part in it: the id stays in the log for
/// ever, and guesses of their words could be tested against it after they were erased.
fn content(event: &Event) -> [u8; 32] {
    digest_parts(CONTENT_DOMAIN, [event.content_hash().as_slice()])
}

fn sort_people(fact: &mut Fact) {
    match fact {
        Fact::Habit(Habit::Met(met)) => met.people.sort_unstable(),
        Fact::Habit(Habit::FollowedUp(followed)) => followed.with.sort_unstable(),
        Fact::Habit(Habit::Asked(asked)) => asked.of.sort_unstable(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::event_json;
    use kith_client::EventBuilder;
    use kith_core::{
        detail::DetailKind,
        event::{FollowedUp, Scope},
        timestamp::Timestamp,
    };
    use proptest::prelude::*;

    const MET: &str =
        r#"{"event":{"occurred_at":"2026-03-04T10:00:00Z","scope":"network","met":{"people":["amina","ben"]}}}"#;

    fn derived() -> Missing {
        Missing::Derived { file: [7; 32], repeats: Repeats::default() }
    }

    fn read(line: &str) -> Result<NewEvent, NotRecord> {
        read_record(line.as_bytes(), &mut derived())
    }

    /// Reads the meeting with one text put in place of another; it must fail at a field.
    fn check_field(old: &str, new: &str, field: &str) {
        assert!(MET.contains(old), "{old}");
        match read(&MET.replacen(old, new, 1)) {
            Err(NotRecord::Invalid(invalid)) => assert_eq!(invalid.field, field, "{invalid}"),
            other => panic!("{new}: {other:?}"),
        }
    }

    #[test]
    fn what_is_missing_is_filled_in() {
        let one = read_record(MET.as_bytes(), &mut Missing::Random).unwrap();
        let other = read_record(MET.as_bytes(), &mut Missing::Random).unwrap();
        assert_ne!(one.id(), other.id());
        assert_ne!(one.event().salt, [0; 16]);
        assert_eq!(read(MET).unwrap(), read(MET).unwrap());
    }

    #[test]
    fn repeats_in_a_file_are_events_of_their_own_and_give_no_words_away() {
        let noted = |text: &str| {
            let details = format!(r#"}},"details":[{{"kind":"NOTE","subjects":["ben","amina"],"text":"{text}"}}]}}"#);
            MET.replace("}}}", &format!("}}{details}"))
        };
        let ids = |lines: &[&str]| {
            let mut missing = derived();
            lines.iter().map(|line| read_record(line.as_bytes(), &mut missing).unwrap().id()).collect::<Vec<_>>()
        };
        let noted_ids = ids(&[MET, &noted("x"), &noted("y")]);
        assert!(noted_ids[0] != noted_ids[1] && noted_ids[0] != noted_ids[2] && noted_ids[1] != noted_ids[2]);
        assert_eq!(noted_ids, ids(&[&noted("guess"), MET, &noted("another")]), "ids follow from the events alone");
        let noted = noted("x");
        let new = read(&noted).unwrap();
        assert_eq!(new.details()[0].subjects[0].as_str(), "amina");
        assert_eq!(new.event().details.len(), 1);
    }

    #[test]
    fn an_event_has_one_id_however_its_people_are_written_down() {
        let turned = MET.replace(r#"["amina","ben"]"#, r#"["ben","amina"]"#);
        assert_eq!(read(MET).unwrap(), read(&turned).unwrap());
        let asked = |of: &str| {
            MET.replace(
                r#""met":{"people":["amina","ben"]}"#,
                &format!(r#""asked":{{"by":"carol","of":[{of}],"category":"beds"}}"#),
            )
        };
        assert_eq!(read(&asked(r#""ben","amina""#)).unwrap(), read(&asked(r#""amina","ben""#)).unwrap());
        let given = turned.replace(r#""occurred_at""#, r#""id":"019d0000-0000-7000-8000-000000000000","occurred_at""#);
        let new = read(&given).unwrap();
        let Fact::Habit(Habit::Met(met)) = &new.event().fact else { panic!("it is a meeting") };
        assert_eq!(met.people[0].as_str(), "ben", "an event with an id is taken as it is");
    }

    #[test]
    fn both_ways_of_writing_names_and_enums_are_read() {
        let camel = r#"{"event":{"occurredAt":"2026-03-04T10:00:00Z","scope":"SCOPE_NETWORK","causedBy":["AZ0AAAAAcACAAAAAAAAAAA=="],"followedUp":{"by":"amina","with":["ben"]}}}"#;
        let new = read(camel).unwrap();
        assert_eq!(new.event().kind().to_string(), "followed_up");
        assert_eq!(new.event().caused_by[0].to_string(), "019d0000-0000-7000-8000-000000000000");
        let answered = r#"{"event":{"occurred_at":"2026-03-04T10:00:00Z","scope":"organisation","answered":{"referral":"019d0000-0000-7000-8000-000000000000","by":"ben","answer":"ANSWER_ACCEPTED"}}}"#;
        assert_eq!(read(answered).unwrap().event().scope, Scope::Organisation);
        assert_eq!(
            read(&answered.replace("ANSWER_ACCEPTED", "accepted")).unwrap().event().kind().to_string(),
            "answered"
        );
    }

    #[test]
    fn faults_name_their_field() {
        check_field("\"people\":[\"amina\",\"ben\"]", "\"people\":[\"amina\"]", "event.met.people");
        check_field("\"amina\",", "7,", "event.met.people[0]");
        check_field("\"amina\",", "\"a b\",", "event.met.people[0]");
        check_field("\"people\":", "\"persons\":[],\"people\":", "event.met.persons");
        check_field("\"people\":", "\"people\":[],\"people\":", "event.met.people");
        check_field("\"met\":", "\"colour\":1,\"met\":", "event.colour");
        check_field("\"event\":", "\"colour\":1,\"event\":", "colour");
        check_field("\"occurred_at\":\"2026-03-04T10:00:00Z\",", "", "event.occurred_at");
        check_field("2026-03-04T10:00:00Z", "yesterday", "event.occurred_at");
        check_field("\"scope\":\"network\",", "", "event.scope");
        check_field("\"network\"", "\"everybody\"", "event.scope");
        check_field("\"scope\"", "\"id\":\"x\",\"scope\"", "event.id");
        check_field("\"scope\"", "\"salt\":\"AAAA\",\"scope\"", "event.salt");
        check_field("\"met\":{\"people\":[\"amina\",\"ben\"]}", "\"x\":{}", "event");
        check_field("\"met\":", "\"referred\":{\"referrer\":\"a\",\"person\":\"b\",\"to\":\"c\"},\"met\":", "event");
        check_field("\"met\":", "\"attributes\":[{\"key\":\"n\"}],\"met\":", "event.attributes[0]");
        let both = "\"attributes\":[{\"key\":\"n\",\"text\":\"\",\"flag\":true}],\"met\":";
        check_field("\"met\":", both, "event.attributes[0]");
        let text = "\"attributes\":[{\"key\":\"n\",\"number\":\"NaN\"}],\"met\":";
        check_field("\"met\":", text, "event.attributes[0].number");
        let twice = "\"attributes\":[{\"key\":\"n\",\"text\":\"\"},{\"key\":\"n\",\"text\":\"\"}],\"met\":";
        check_field("\"met\":", twice, "event.attributes");
        let commitment = format!("\"details\":[\"{}=\"],\"met\":", "A".repeat(43));
        check_field("\"met\":", &commitment, "details");
        check_field("\"met\":", "\"token_revoked\":{\"token\":\"t\"},\"met\":", "event.token_revoked");
    }

    #[test]
    fn times_of_other_systems_are_taken_in_whole_milliseconds() {
        let time = |text: &str| read(&MET.replace("2026-03-04T10:00:00Z", text)).unwrap().event().occurred_at;
        let whole = time("2026-03-04T10:00:00.123Z");
        assert_eq!(time("2026-03-04T10:00:00.123456+00:00"), whole);
        assert_eq!(time("2026-03-04T10:00:00.123999999Z"), whole, "never later than it was: it could lie ahead");
    }

    #[test]
    fn text_that_is_no_json_is_said_to_be_none() {
        for line in ["", "{", "met", "{\"event\":NaN}"] {
            assert!(matches!(read(line), Err(NotRecord::NotJson(_))), "{line}");
        }
        assert!(matches!(read("[]"), Err(NotRecord::Invalid(_))));
    }

    proptest! {
        #[test]
        fn what_the_log_shows_can_be_recorded_again(
            millis in 0_i64..4_000_000_000_000,
            others in proptest::collection::btree_set("[b-z]{1,8}", 1..5),
            attributes in proptest::collection::btree_map("[a-z]{1,5}", any::<i64>(), 0..4),
            number in proptest::option::of(proptest::num::f64::NORMAL),
            about in any::<bool>(),
        ) {
            let with = others.iter().map(|id| id.parse().unwrap()).collect();
            let about = about.then(random_event_id);
            let fact = Fact::Habit(Habit::FollowedUp(FollowedUp { by: "a".parse().unwrap(), with, about }));
            let mut builder = EventBuilder::new(fact, Timestamp::from_millis(millis))
                .scope(Scope::Organisation)
                .caused_by(random_event_id());
            for (key, value) in attributes {
                builder = builder.attribute(key, AttributeValue::Integer(value));
            }
            if let Some(number) = number {
                builder = builder.attribute("zzzzzz", AttributeValue::Number(number));
            }
            let event = builder.detail(DetailKind::Note, vec!["a".parse().unwrap()], "x").build().unwrap();
            let shown = serde_json::json!({ "event": event_json(event.event()) }).to_string();
            let again = read(&shown).unwrap();
            prop_assert_eq!(again.id(), event.id());
            prop_assert_eq!(again.event().content_hash(), event.event().content_hash());
        }

        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,100}") {
            let _ = read(&text);
        }
    }
}

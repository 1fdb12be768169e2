//! Records: events to record, with their details. The JSON form of `kith.v1.NewEvent`, with the event as JSON of
//! `kith.v1.Event`.

use crate::{
    detail::read_drafts,
    entry::BESIDES,
    event::read_event,
    missing::Missing,
    value::{NotJson, Value},
};
use kith_core::{detail::Detail, event::Event, invalid::Invalid};

/// An event to record. Its form is valid; the rules of events are not checked here, but by
/// [`Prepared`](kith_core::prepare::Prepared).
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The event, with its id, salt and commitments.
    pub event: Event,
    /// The event's details.
    pub details: Vec<Detail>,
}

/// Why text is not a record.
#[derive(Debug, thiserror::Error)]
pub enum NotRecord {
    /// It is not JSON.
    #[error(transparent)]
    NotJson(NotJson),
    /// A field is invalid.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// Reads a record: `{"event": {...}, "details": [{"kind", "subjects", "text", "salt"}, ...]}`.
///
/// The event is as [`event_json`](crate::event_json) writes it; it may have a `salt`, and commitments as `details`. Ids
/// are UUIDs as text (or base64, as proto3 JSON writes bytes), times RFC 3339, enums the names of `kith.v1` or their
/// short forms, fields written in `snake_case` or `lowerCamelCase`. An entry, as [`entry_json`](crate::entry_json) writes
/// it, is read as the record in it. Missing ids, salts and commitments are filled in;
/// everything else is read strictly, and facts that only the server records are refused.
pub fn read_record(text: &[u8], missing: &mut impl Missing) -> Result<Record, NotRecord> {
    let value = Value::parse(text, "").map_err(NotRecord::NotJson)?;
    Ok(read_record_value(value, missing)?)
}

/// Like [`read_record`], from parsed JSON such as an item of a list; errors begin with its path.
pub fn read_record_value(value: Value, missing: &mut impl Missing) -> Result<Record, Invalid> {
    let mut record = value.object()?;
    let (mut event, given) = read_event(record.need("event")?.object()?)?;
    let drafts = read_drafts(record.list_or_empty("details")?)?;
    // What an entry says besides follows from its event, or is for the log to say.
    if record.take(BESIDES[0]).is_some() {
        for name in BESIDES {
            drop(record.take(name));
        }
    }
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
    Ok(Record { event, details })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{derived::Derived, details_json, event_json};
    use kith_core::{
        arbitrary::{Names, prepared_of},
        event::{Fact, Habit, Scope},
        prepare::Prepared,
    };
    use proptest::prelude::*;
    use serde_json::json;

    const MET: &str =
        r#"{"event":{"occurred_at":"2026-03-04T10:00:00Z","scope":"network","met":{"people":["amina","ben"]}}}"#;

    fn derived() -> Derived {
        Derived::of([7; 32])
    }

    /// Reads a record that must obey every rule that needs no log.
    fn read(line: &str) -> Result<Record, NotRecord> {
        let record = read_record(line.as_bytes(), &mut derived())?;
        Prepared::from_event(&record.event, &record.details)?;
        Ok(record)
    }

    /// Reads the meeting with one text replaced; it must fail at a field.
    fn check_field(old: &str, new: &str, field: &str) {
        assert!(MET.contains(old), "{old}");
        match read(&MET.replacen(old, new, 1)) {
            Err(NotRecord::Invalid(invalid)) => assert_eq!(invalid.field, field, "{invalid}"),
            other => panic!("{new}: {other:?}"),
        }
    }

    #[test]
    fn what_is_missing_is_filled_in() {
        let record = read(MET).unwrap();
        assert_ne!(record.event.salt, [0; 16]);
        assert_eq!(record, read(MET).unwrap());
    }

    #[test]
    fn repeats_in_a_file_are_events_of_their_own_and_give_no_words_away() {
        let noted = |text: &str| {
            let details = format!(r#"}},"details":[{{"kind":"NOTE","subjects":["ben","amina"],"text":"{text}"}}]}}"#);
            MET.replace("}}}", &format!("}}{details}"))
        };
        let ids = |lines: &[&str]| {
            let mut missing = derived();
            lines.iter().map(|line| read_record(line.as_bytes(), &mut missing).unwrap().event.id).collect::<Vec<_>>()
        };
        let noted_ids = ids(&[MET, &noted("x"), &noted("y")]);
        assert!(noted_ids[0] != noted_ids[1] && noted_ids[0] != noted_ids[2] && noted_ids[1] != noted_ids[2]);
        assert_eq!(noted_ids, ids(&[&noted("guess"), MET, &noted("another")]), "ids follow from the events alone");
        let noted = noted("x");
        let new = read(&noted).unwrap();
        assert_eq!(new.details[0].subjects[0].as_str(), "amina");
        assert_eq!(new.event.details.len(), 1);
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
        let Fact::Habit(Habit::Met(met)) = &new.event.fact else { panic!("it is a meeting") };
        assert_eq!(met.people[0].as_str(), "ben", "an event with an id is taken as it is");
    }

    #[test]
    fn an_entry_is_read_as_its_record_and_nothing_else_may_be_beside_one() {
        let record = read(MET).unwrap();
        let entry = kith_core::entry::Entry {
            position: kith_core::position::Position::new(7),
            recorded_at: record.event.occurred_at,
            recorded_by: "token:t".parse().unwrap(),
            organisation: None,
            event_bytes: Prepared::from_event(&record.event, &record.details).unwrap().bytes,
            signature: None,
        };
        let mut line = crate::entry_json(&entry, &record.event, &record.details, &[]);
        let besides: Vec<_> = line.keys().filter(|name| !["event", "details"].contains(&name.as_str())).collect();
        assert_eq!(besides, BESIDES);
        assert_eq!(read(&json!(line).to_string()).unwrap().event.id, record.event.id);
        line.remove("position");
        let refused = read(&json!(line).to_string()).unwrap_err();
        assert!(
            matches!(&refused, NotRecord::Invalid(invalid) if BESIDES.contains(&invalid.field.as_str())),
            "without a position it is no entry: {refused:?}"
        );
    }

    #[test]
    fn both_ways_of_writing_names_and_enums_are_read() {
        let camel = r#"{"event":{"occurredAt":"2026-03-04T10:00:00Z","scope":"SCOPE_NETWORK","causedBy":["AZ0AAAAAcACAAAAAAAAAAA=="],"followedUp":{"by":"amina","with":["ben"]}}}"#;
        let new = read(camel).unwrap();
        assert_eq!(new.event.kind().to_string(), "followed_up");
        assert_eq!(new.event.caused_by[0].to_string(), "019d0000-0000-7000-8000-000000000000");
        let answered = r#"{"event":{"occurred_at":"2026-03-04T10:00:00Z","scope":"organisation","answered":{"referral":"019d0000-0000-7000-8000-000000000000","by":"ben","answer":"ANSWER_ACCEPTED"}}}"#;
        assert_eq!(read(answered).unwrap().event.scope, Scope::Organisation);
        assert_eq!(
            read(&answered.replace("ANSWER_ACCEPTED", "accepted")).unwrap().event.kind().to_string(),
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
        let unscoped = read(&MET.replace("\"scope\":\"network\",", "")).unwrap_err();
        assert_eq!(unscoped.to_string(), "event.scope: must be network or organisation");
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
        let time = |text: &str| read(&MET.replace("2026-03-04T10:00:00Z", text)).unwrap().event.occurred_at;
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
        fn what_is_written_reads_back(prepared in prepared_of(&Names::any())) {
            let (event, details) = (&prepared.event, &prepared.details);
            let written = json!({ "event": event_json(event), "details": details_json(details) }).to_string();
            let again = read(&written);
            if let Fact::Administration(_) = event.fact {
                let Err(NotRecord::Invalid(invalid)) = again else { panic!("only the server records {written}") };
                prop_assert_eq!(invalid.field, format!("event.{}", event.kind()));
                return Ok(());
            }
            let again = again.unwrap();
            prop_assert_eq!(again.event.id, event.id);
            prop_assert_eq!(again.event.content_hash(), event.content_hash());
            let words = |details: &[Detail]| {
                let of = |detail: &Detail| (detail.kind, detail.subjects.clone(), detail.text.clone());
                details.iter().map(of).collect::<Vec<_>>()
            };
            prop_assert_eq!(words(&again.details), words(details));
        }

        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,100}") {
            let _ = read(&text);
        }
    }
}

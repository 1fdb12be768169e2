//! CloudEvents 1.0 (github.com/cloudevents/spec): an entry as others' tools pass events on, and an event to record in the
//! same form.
//!
//! The data of a CloudEvent is a record, as [`read_record`](crate::read_record) reads it. Its `type` is `kith.v1.` and the
//! kind of the event (`kith.v1.custom` for all custom ones, whose own type is in the data), its `id` the event's.

use crate::{
    detail::details_json,
    event::event_json,
    missing::Missing,
    name::scope_name,
    record::{Record, read_record_value},
    time::time_text,
    value::Value,
    values::{self, text},
};
use kith_core::{
    checkpoint::LogOrigin,
    detail::Detail,
    entry::Entry,
    event::{Event, Kind},
    id::EventId,
    invalid::{Invalid, Problem},
    limits::{DETAIL_SALT_BYTES, EVENT_SALT_BYTES},
};
use serde_json::{Map, json};

/// The version of the specification.
const SPEC_VERSION: &str = "1.0";
/// The prefix of every type.
const TYPE_PREFIX: &str = "kith.v1.";

/// An entry as a CloudEvent: `{"specversion", "id", "source", "type", "time", "subject", "sequence", "recordedtime",
/// "recordedby", "organisation", "scope", "datacontenttype", "data": {"event", "details"}}`.
///
/// `source` is the log, `kith/NETWORK/INCARNATION`; `time` is when it happened; `subject` are the ids of its people,
/// separated by commas, and missing without any; `sequence` is the position as 20 digits; an entry of no organisation has no
/// `organisation`.
pub fn cloud_event_json(
    log: &LogOrigin,
    entry: &Entry,
    event: &Event,
    details: &[Detail],
) -> Map<String, serde_json::Value> {
    let people: Vec<String> = event.people().into_iter().map(ToString::to_string).collect();
    let subject = (!people.is_empty()).then(|| people.join(","));
    let attributes = [
        ("specversion", Some(SPEC_VERSION.to_owned())),
        ("id", Some(event.id.to_string())),
        ("source", Some(log.to_string())),
        ("type", Some(type_of(&event.kind()))),
        ("time", Some(time_text(event.occurred_at))),
        ("subject", subject),
        ("sequence", Some(format!("{:020}", entry.position.get()))),
        ("recordedtime", Some(time_text(entry.recorded_at))),
        ("recordedby", Some(entry.recorded_by.as_str().to_owned())),
        ("organisation", text(entry.organisation.as_ref())),
        ("scope", Some(scope_name(event.scope).to_owned())),
        ("datacontenttype", Some("application/json".to_owned())),
    ];
    let given = attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
    let mut object: Map<_, serde_json::Value> = given.collect();
    object.insert("data".into(), json!({ "event": event_json(event), "details": details_json(details) }));
    object
}

/// The attributes of a CloudEvent that count when it is read. All others are ignored, `source`, `time` and `sequence` among
/// them: which log the event is recorded in says the call, and when it happened its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudEventAttributes {
    /// `specversion`; has to be `1.0`.
    pub spec_version: String,
    /// `id`; has to be a UUID.
    pub id: String,
    /// `type`; has to be the one of the event in the data.
    pub event_type: String,
}

/// Reads a CloudEvent in structured JSON as a record. Errors name its attributes (`id`, `type`), and fields of the record
/// below `data`.
pub fn read_cloud_event(value: Value, missing: &mut impl Missing) -> Result<Record, Invalid> {
    let mut fields = value.object()?;
    let attributes = CloudEventAttributes {
        spec_version: fields.need("specversion")?.text()?,
        id: fields.need("id")?.text()?,
        event_type: fields.need("type")?.text()?,
    };
    let at = |name: &str| fields.path_of(name);
    let (path, id, event_type) = (at("specversion"), at("id"), at("type"));
    let data = fields.need("data")?;
    read(&attributes, [&path, &id, &event_type], data, missing)
}

/// Reads a CloudEvent whose attributes stand beside its data, as in the binary mode of HTTP. Errors name the attributes as
/// in [`read_cloud_event`], and fields of the record as in [`read_record`](crate::read_record).
pub fn read_cloud_event_data(
    attributes: &CloudEventAttributes,
    data: Value,
    missing: &mut impl Missing,
) -> Result<Record, Invalid> {
    read(attributes, ["specversion", "id", "type"], data, missing)
}

fn read(
    attributes: &CloudEventAttributes,
    [spec_version, id, event_type]: [&str; 3],
    data: Value,
    missing: &mut impl Missing,
) -> Result<Record, Invalid> {
    let must_be = |field: &str, rule| Invalid::new(field, Problem::MustBe(rule));
    if attributes.spec_version != SPEC_VERSION {
        return Err(must_be(spec_version, "1.0"));
    }
    if !attributes.event_type.starts_with(TYPE_PREFIX) {
        return Err(must_be(event_type, "a type of Kith, such as kith.v1.met: map others before they are sent"));
    }
    let known = values::parse_event_id(&attributes.id, id)?;
    let record = read_record_value(data, &mut Named { id: known, missing })?;
    if record.event.id != known {
        return Err(must_be(id, "the id of the event in the data"));
    }
    if attributes.event_type != type_of(&record.event.kind()) {
        return Err(must_be(event_type, "kith.v1. and the kind of the event in the data"));
    }
    Ok(record)
}

fn type_of(kind: &Kind) -> String {
    match kind {
        Kind::Custom(_) => format!("{TYPE_PREFIX}custom"),
        Kind::Habit(_) | Kind::Retracted | Kind::Directory(_) | Kind::Administration(_) | Kind::Newer(_) => {
            format!("{TYPE_PREFIX}{kind}")
        }
    }
}

/// Fills in what a record leaves out of an event whose id is known.
struct Named<'m, M> {
    id: EventId,
    missing: &'m mut M,
}

impl<M: Missing> Missing for Named<'_, M> {
    fn id(&mut self, _: &mut Event) -> EventId {
        self.id
    }

    fn salt(&mut self, id: &EventId) -> [u8; EVENT_SALT_BYTES] {
        self.missing.salt(id)
    }

    fn detail_salt(&mut self, id: &EventId, index: usize) -> [u8; DETAIL_SALT_BYTES] {
        self.missing.detail_salt(id, index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derived::Derived;
    use kith_core::{
        arbitrary::{Names, prepared_of},
        event::Fact,
        position::Position,
        timestamp::Timestamp,
    };
    use proptest::prelude::*;

    const MET: &str = r#"{"specversion":"1.0","id":"019d0000-0000-7000-8000-000000000000","source":"elsewhere",
        "type":"kith.v1.met","time":"1999-01-01T00:00:00Z","comexampleextension":7,
        "data":{"event":{"occurred_at":"2026-03-04T10:00:00Z","scope":"network","met":{"people":["amina","ben"]}}}}"#;

    fn read(text: &str) -> Result<Record, Invalid> {
        read_cloud_event(Value::parse(text.as_bytes(), "").unwrap(), &mut Derived::of([7; 32]))
    }

    fn check_field(old: &str, new: &str, field: &str) {
        assert!(MET.contains(old), "{old}");
        assert_eq!(read(&MET.replacen(old, new, 1)).unwrap_err().field, field, "{new}");
    }

    fn entry(event: &Event) -> Entry {
        Entry {
            position: Position::new(7),
            recorded_at: Timestamp::from_millis(1_000),
            recorded_by: "person:amina".parse().unwrap(),
            organisation: Some("riverside".parse().unwrap()),
            event_bytes: event.encode().into(),
            signature: None,
        }
    }

    fn log() -> LogOrigin {
        LogOrigin::of(&"north".parse().unwrap(), &[7; 16])
    }

    #[test]
    fn a_cloud_event_is_its_data_under_its_id() {
        let record = read(MET).unwrap();
        assert_eq!(record.event.id.to_string(), "019d0000-0000-7000-8000-000000000000");
        assert_eq!(time_text(record.event.occurred_at), "2026-03-04T10:00:00Z", "the data says when it happened");
        assert_eq!(record.event.kind().to_string(), "met");
    }

    #[test]
    fn what_is_not_ours_is_refused_by_name() {
        check_field("\"1.0\"", "\"0.3\"", "specversion");
        check_field("kith.v1.met", "com.example.met", "type");
        check_field("kith.v1.met", "kith.v1.helped", "type");
        check_field("019d0000-0000-7000-8000-000000000000", "7", "id");
        check_field("\"scope\"", "\"id\":\"019d0000-0000-7000-8000-000000000001\",\"scope\"", "id");
        check_field("[\"amina\",\"ben\"]", "7", "data.event.met.people");
        check_field("\"type\":\"kith.v1.met\",", "", "type");
        check_field("\"data\":", "\"body\":", "data");
    }

    #[test]
    fn entries_are_written_as_documented() {
        let event = read(MET).unwrap().event;
        let written = serde_json::Value::Object(cloud_event_json(&log(), &entry(&event), &event, &[]));
        let expected = json!({
            "specversion": "1.0",
            "id": "019d0000-0000-7000-8000-000000000000",
            "source": "kith/north/07070707070707070707070707070707",
            "type": "kith.v1.met",
            "time": "2026-03-04T10:00:00Z",
            "subject": "amina,ben",
            "sequence": "00000000000000000007",
            "recordedtime": "1970-01-01T00:00:01Z",
            "recordedby": "person:amina",
            "organisation": "riverside",
            "scope": "network",
            "datacontenttype": "application/json",
            "data": { "event": event_json(&event), "details": [] },
        });
        assert_eq!(written, expected);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(prepared in prepared_of(&Names::any())) {
            let (event, details) = (&prepared.event, &prepared.details);
            let written = serde_json::Value::Object(cloud_event_json(&log(), &entry(event), event, details));
            let again = read(&written.to_string());
            if let Fact::Administration(_) = event.fact {
                prop_assert!(again.is_err(), "only the server records {}", written);
                return Ok(());
            }
            let again = again.unwrap();
            prop_assert_eq!(again.event.id, event.id);
            prop_assert_eq!(again.event.content_hash(), event.content_hash());
        }
    }
}

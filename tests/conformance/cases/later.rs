//! Later versions: facts, fields and values that this version does not know are kept, shown and passed over.

use crate::{
    case::{Case, Talk, equal, table},
    scripted::{Scripted, message},
};
use anyhow::{Result, ensure};
use bytes::Bytes;
use kith_client::Recorded;
use kith_core::{
    entry::Entry,
    event::{Event, Fact, Newer},
    position::Position,
};
use kith_proto::v1;
use kith_tests::events::{NOON, met};
use prost::Message;
use serde_json::json;

pub(super) fn cases() -> Vec<Case> {
    table(
        "later",
        &[
            ("facts that pass filters and facts that do not", &[], facts),
            ("fields of known facts", &[], fields_of_known_facts),
            ("fields of answers", &[], fields_of_answers),
            ("entries in a read", &[], entries_in_a_read),
            ("entries that are followed", &["follow"], entries_that_are_followed),
            ("types of columns", &["views"], types_of_columns),
        ],
    )
}

/// An event whose fact has this number.
fn newer(number: u32, bytes: &[u8]) -> Event {
    Event { fact: Fact::Newer(Newer { number, bytes: bytes.to_vec() }), ..met(&["amina", "ben"]) }
}

/// A field that nobody knows, of number 15 and type varint.
const UNKNOWN: &[u8] = b"\x78\x05";

fn facts(talk: &mut Talk) -> Result<()> {
    for number in [60, 90] {
        let bytes = newer(number, b"\x0a\x05amina").encode();
        let event = Event::read(&bytes)?;
        let expected = json!({
            "event": kith_json::event_json(&event),
            "kind": format!("newer:{number}"),
            "people": [],
            "target": null,
            "bytes": hex::encode(&bytes),
            "content_hash": hex::encode(event.content_hash()),
        });
        equal(&talk.ask(json!({ "do": "decode", "bytes": hex::encode(&bytes) }))?, &expected)?;
    }
    Ok(())
}

fn fields_of_known_facts(talk: &mut Talk) -> Result<()> {
    let number_of_met = 8;
    let bytes = newer(number_of_met, &[b"\x0a\x05amina\x0a\x03ben", UNKNOWN].concat()).encode();
    let decoded = talk.ask(json!({ "do": "decode", "bytes": hex::encode(&bytes) }))?;
    ensure!(decoded["kind"] == "met" && decoded["people"] == json!(["amina", "ben"]), "it is read as {decoded}");
    let number_of_answered = 13;
    // An answer whose value is of a later version: the fact as a whole is.
    let bytes = newer(number_of_answered, b"\x18\x09").encode();
    let decoded = talk.ask(json!({ "do": "decode", "bytes": hex::encode(&bytes) }))?;
    ensure!(decoded["kind"] == "newer:13" && decoded["bytes"] == hex::encode(&bytes), "it is read as {decoded}");
    Ok(())
}

fn entry(position: u64, event: &Event) -> Bytes {
    let entry = Entry {
        position: Position::new(position),
        recorded_at: NOON,
        recorded_by: "token:owner".parse().expect("it is a principal"),
        organisation: None,
        event_bytes: event.encode().into(),
        signature: None,
    };
    entry.encode()
}

fn later_entries() -> Vec<Bytes> {
    let events = [newer(60, b"\x0a\x05amina"), met(&["amina", "ben"]), newer(90, b"")];
    let mut entries: Vec<_> = (1..).zip(&events).map(|(position, event)| entry(position, event)).collect();
    // A field of entries that nobody knows.
    entries[1] = [&entries[1][..], UNKNOWN].concat().into();
    entries
}

/// An answer with a field that nobody knows.
fn later_message(answer: &impl Message) -> crate::scripted::Answer {
    let mut bytes = answer.encode_to_vec();
    bytes.extend_from_slice(b"\xf8\x3f\x05");
    let mut parts = message(&v1::HeadResponse::default());
    parts[0] = crate::scripted::Part::Message(bytes.into());
    parts
}

fn shown(entries: &[Bytes]) -> Result<Vec<serde_json::Value>> {
    entries.iter().map(|bytes| Ok(crate::village::shown(&Recorded::decode(bytes)?))).collect()
}

fn fields_of_answers(talk: &mut Talk) -> Result<()> {
    let head = v1::HeadResponse { position: 7, root: vec![1; 32], incarnation: vec![2; 16], recorded_at: None };
    let server = Scripted::start(&talk.world.runtime, [later_message(&head)]);
    talk.connect(server.url(), "kith_secret", "default")?;
    let expected = json!({ "position": 7, "root": "01".repeat(32), "incarnation": "02".repeat(16) });
    equal(&talk.ask(json!({ "do": "head", "on": "c" }))?, &expected)
}

fn entries_in_a_read(talk: &mut Talk) -> Result<()> {
    let entries = later_entries();
    let page = v1::ReadResponse { entries: entries.clone(), next: 3, end: true, head: 3, ..Default::default() };
    let server = Scripted::start(&talk.world.runtime, [later_message(&page)]);
    talk.connect(server.url(), "kith_secret", "default")?;
    let expected = json!({ "entries": shown(&entries)?, "next": 3, "end": true, "head": 3 });
    equal(&talk.ask(json!({ "do": "read", "on": "c" }))?, &expected)
}

fn entries_that_are_followed(talk: &mut Talk) -> Result<()> {
    let entries = later_entries();
    let cursor = v1::Cursor { incarnation: vec![2; 16], position: 3, filter: vec![3; 32] };
    let update =
        v1::SubscribeResponse { entries: entries.clone(), cursor: Some(cursor), caught_up: true, ..Default::default() };
    let mut answer = later_message(&update);
    answer[1] = crate::scripted::Part::Silence;
    let server = Scripted::start(&talk.world.runtime, [answer]);
    talk.connect(server.url(), "kith_secret", "default")?;
    talk.ask(json!({ "do": "follow", "on": "c", "as": "f" }))?;
    let heard = talk.ask(json!({ "do": "next", "of": "f", "ms": 5_000 }))?;
    equal(&heard["entries"], &json!(shown(&entries)?))?;
    talk.ask(json!({ "do": "stop", "of": "f" })).map(drop)
}

fn types_of_columns(talk: &mut Talk) -> Result<()> {
    let field = |name: &str, kind| v1::Field { name: name.into(), r#type: kind, about: "why".into() };
    let number = v1::Value { value: Some(v1::value::Value::Number(1.5)) };
    // A value of a type that nobody knows is none.
    let row = v1::Row {
        key: vec!["amina".into(), "ben".into()],
        values: vec![number, v1::Value { value: None }],
        evidence: 2,
        ..Default::default()
    };
    let page = v1::QueryViewResponse {
        fields: vec![field("score", v1::FieldType::Number.into()), field("shape", 99)],
        rows: vec![row],
        position: 7,
        total: 1,
        ..Default::default()
    };
    let server = Scripted::start(&talk.world.runtime, [later_message(&page)]);
    talk.connect(server.url(), "kith_secret", "default")?;
    let answer = talk.ask(json!({ "do": "view", "on": "c", "view": "strength" }))?;
    let expected = json!([{ "key": ["amina", "ben"], "score": 1.5, "shape": null, "evidence": 2 }]);
    equal(&answer["rows"], &expected)
}

//! Bytes: every kind, edge and rule of the encoding, from `fixtures/vectors.json`.

use crate::case::{Case, Talk, equal};
use anyhow::Result;
use base64::{Engine, prelude::BASE64_STANDARD};
use kith_core::event::Event;
use kith_json::event_json;
use kith_tests::programs::root;
use serde_json::{Value, json};

/// What the Rust side computes for every language.
pub(super) fn vectors() -> Value {
    let text = std::fs::read_to_string(root().join("tests/fixtures/vectors.json")).expect("the vectors are there");
    serde_json::from_str(&text).expect("they are JSON")
}

pub(super) fn cases() -> Vec<Case> {
    let vectors = vectors();
    let events = vectors["events"].as_array().expect("there are events").iter().enumerate();
    events
        .map(|(at, vector)| {
            let vector = vector.clone();
            let fact = vector["event"].as_object().and_then(|event| event.keys().next_back().cloned());
            let fact = fact.expect("every event has a fact");
            Case::new(format!("bytes: {fact} {at}"), &[], move |talk| check(talk, &vector))
        })
        .collect()
}

fn check(talk: &mut Talk, vector: &Value) -> Result<()> {
    let bytes = hex::decode(vector["bytes"].as_str().unwrap_or_default())?;
    let event = Event::decode(&bytes)?;
    let decoded = talk.ask(json!({ "do": "decode", "bytes": vector["bytes"] }))?;
    let expected = json!({
        "event": event_json(&event),
        "kind": event.kind().to_string(),
        "people": event.people().iter().map(|person| person.as_str()).collect::<Vec<_>>(),
        "target": event.target().map(|(target, _)| target.to_string()),
        "bytes": vector["bytes"],
        "content_hash": vector["content_hash"],
    });
    equal(&decoded, &expected)?;
    // Only servers record it.
    if event.kind().is_administration() {
        return Ok(());
    }
    let encoded = talk.ask(json!({ "do": "encode", "record": record(vector)? }))?;
    let expected = json!({
        "id": vector["event"]["id"],
        "bytes": vector["bytes"],
        "salt": vector["salt"],
        "details": vector["detail_bytes"],
        "commitments": vector["commitments"],
        "content_hash": vector["content_hash"],
    });
    equal(&encoded, &expected)
}

/// The record of a vector, with its salts.
pub(super) fn record(vector: &Value) -> Result<Value> {
    let base64 =
        |hex: &Value| Ok::<_, anyhow::Error>(BASE64_STANDARD.encode(hex::decode(hex.as_str().unwrap_or_default())?));
    // From the bytes: reading its numbers from JSON may be off by the last bit.
    let event = Event::decode(&hex::decode(vector["bytes"].as_str().unwrap_or_default())?)?;
    let mut record = json!({ "event": event_json(&event), "details": vector["details"] });
    record["event"]["salt"] = base64(&vector["salt"])?.into();
    for (at, salt) in vector["detail_salts"].as_array().into_iter().flatten().enumerate() {
        record["details"][at]["salt"] = base64(salt)?.into();
    }
    Ok(record)
}

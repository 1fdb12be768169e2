//! Commands that need no server: bytes of events, and what is refused before it is sent.

use crate::{answers::Failure, commands};
use kith_client::{EventBuilder, NewEvent, random_person_id, v1};
use kith_core::{event::Event, invalid::Invalid};
use kith_json::event_json;
use prost::Message;
use serde_json::{Value, json};

pub(crate) fn encode(command: &Value) -> Result<Value, Failure> {
    Ok(event_answer(&commands::event(&command["record"])?))
}

pub(crate) fn decode(command: &Value) -> Result<Value, Failure> {
    let malformed =
        |invalid: Invalid| Failure::Failed(json!({ "kind": "answer_invalid", "message": format!("{invalid}") }));
    let event = Event::read(&commands::bytes(&command["bytes"])).map_err(malformed)?;
    Ok(json!({
        "event": event_json(&event),
        "kind": event.kind().to_string(),
        "people": event.people().iter().map(|person| person.as_str()).collect::<Vec<_>>(),
        "target": event.target().map(|(target, _)| target.to_string()),
        "bytes": hex::encode(event.encode()),
        "content_hash": hex::encode(event.content_hash()),
    }))
}

/// Checks an event and its details as they would be sent.
pub(crate) fn check(command: &Value) -> Result<Value, Failure> {
    let details = commands::list(command, "details").iter().map(commands::bytes);
    let details = details.map(|detail| v1::Detail::decode(detail.as_slice()).expect("details are messages"));
    let event = commands::bytes(&command["event"]).into();
    NewEvent::from_proto(&v1::NewEvent { event, details: details.collect(), signature: Vec::new() })?;
    Ok(json!({}))
}

/// Makes an event of a record without an id and salts.
pub(crate) fn make(command: &Value) -> Result<Value, Failure> {
    let record = commands::event(&command["record"])?;
    let Event { fact, occurred_at, scope, .. } = record.event().clone();
    let builder = EventBuilder::new(fact, occurred_at).scope(scope);
    let builder = record
        .details()
        .iter()
        .fold(builder, |builder, detail| builder.detail(detail.kind, detail.subjects.clone(), detail.text.clone()));
    let event = builder.build()?;
    Ok(event_answer(&event))
}

/// Keeps an event as bytes and reads it again.
pub(crate) fn keep(command: &Value) -> Result<Value, Failure> {
    let kept = commands::event(&command["record"])?.to_proto().encode_to_vec();
    let read = v1::NewEvent::decode(kept.as_slice()).map_err(|_| Failure::Unknown)?;
    Ok(event_answer(&NewEvent::from_proto(&read)?))
}

pub(crate) fn person_id() -> Value {
    json!({ "id": random_person_id().to_string() })
}

fn event_answer(new: &NewEvent) -> Value {
    let v1::NewEvent { event, details, .. } = new.to_proto();
    json!({
        "id": new.id().to_string(),
        "bytes": hex::encode(event),
        "salt": hex::encode(new.event().salt),
        "details": details.iter().map(|detail| hex::encode(detail.encode_to_vec())).collect::<Vec<_>>(),
        "commitments": new.event().details.iter().map(hex::encode).collect::<Vec<_>>(),
        "content_hash": hex::encode(new.event().content_hash()),
    })
}

//! `POST /v1/{network}/events`: records one event, a list of them (all or none), or lines (each on its own).

use super::{
    Parts,
    answer::{Answer, JSON, LINES, apart, json},
    asked::{Asked, is_media_type},
    body::read_whole,
    lines,
    made::Made,
    problem::BODY,
    refused::Refused,
};
use crate::grpc::{Failure, convert};
use http::header::{CONTENT_TYPE, IF_MATCH};
use kith_core::{decide::Outcome, detail::Detail, id::EventId, invalid::Invalid, position::Position};
use kith_json::{Record, outcome_json, read_record_value, value::Value};
use kith_proto::v1::{self, condition, log_service_server::LogService};
use serde_json::Value as Json;
use tonic::body::Body;

/// What a list of events is called in errors, as in an append.
const EVENTS: &str = "events";

pub(super) async fn record(door: &Parts, mut asked: Asked, body: Body) -> Answer {
    std::mem::take(&mut asked.query).finish()?;
    let media_type = asked.header(&CONTENT_TYPE)?.unwrap_or_default();
    if is_media_type(media_type, LINES) {
        return lines::record(door, asked, body).await;
    }
    if !is_media_type(media_type, JSON) {
        return Err(Refused::media_type("application/json or application/x-ndjson"));
    }
    let mut made = Made::for_request(door, &asked)?;
    record_json(door, &asked, body, |value, place| read_record_value(value, made.at(place))).await
}

/// Records what a body in JSON has: one value, which is answered with one outcome, or a list of them.
pub(super) async fn record_json(
    door: &Parts,
    asked: &Asked,
    body: Body,
    mut read: impl FnMut(Value, u64) -> Result<Record, Invalid>,
) -> Answer {
    let condition = condition(asked)?;
    let (text, _room) = read_whole(&door.node, &asked.key(), asked.headers(), body).await?;
    let is_list = text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let value = Value::parse(&text, if is_list { EVENTS } else { "" });
    let value = value.map_err(|not_json| Failure::request(BODY, not_json))?;
    drop(text);
    let values =
        if is_list { value.list().map_err(|invalid| convert::request_invalid(&invalid))? } else { vec![value] };
    let records = values.into_iter().zip(0_u64..).map(|(value, place)| {
        let record = read(value, place);
        record.map_err(|invalid| convert::event_invalid(&invalid).with("event", place))
    });
    let (ids, events): (Vec<EventId>, Vec<v1::NewEvent>) =
        records.map(|record| record.map(new_event)).collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    let request = v1::AppendRequest { network: asked.network.clone(), events, condition };
    let (appended, answered) = apart(LogService::append(&door.services, asked.call(request)).await?);
    let mut outcomes =
        ids.into_iter().zip(&appended.outcomes).map(|(id, told)| Json::Object(outcome_json(id, outcome(told))));
    let outcomes = if is_list { Json::Array(outcomes.collect()) } else { outcomes.next().unwrap_or_default() };
    Ok(json(&outcomes, answered))
}

/// What must hold: `If-Match: "POSITION"` is the head that is expected.
fn condition(asked: &Asked) -> Result<Option<v1::Condition>, Failure> {
    let Some(tag) = asked.header(&IF_MATCH)? else { return Ok(None) };
    let head = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(|head| head.parse().ok());
    let head = head.ok_or_else(|| Failure::request(IF_MATCH.as_str(), "must be the head in quotes, such as \"12\""))?;
    Ok(Some(v1::Condition { condition: Some(condition::Condition::ExpectedHead(head)) }))
}

/// An event as it is appended, and its id.
pub(super) fn new_event(Record { event, details }: Record) -> (EventId, v1::NewEvent) {
    let details = details.iter().map(Detail::to_proto).collect();
    (event.id, v1::NewEvent { event: event.encode().into(), details, signature: Vec::new() })
}

/// The outcome of an append as the codec has it.
pub(super) fn outcome(told: &v1::AppendOutcome) -> Outcome {
    let position = Position::new(told.position);
    if told.duplicate { Outcome::Duplicate(position) } else { Outcome::Accepted(position) }
}

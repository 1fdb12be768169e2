//! `POST /v1/{network}/cloudevents`: records CloudEvents 1.0 in structured JSON, as a batch (all or none), or with their
//! attributes as headers.

use super::{
    Parts,
    answer::{Answer, JSON},
    asked::{Asked, is_media_type},
    events::record_json,
    made::Made,
    refused::Refused,
};
use crate::grpc::Failure;
use http::{HeaderName, header::CONTENT_TYPE};
use kith_json::{CloudEventAttributes, read_cloud_event, read_cloud_event_data};
use tonic::body::Body;

/// The media type of one in structured JSON.
const STRUCTURED: &str = "application/cloudevents+json";
/// The media type of a list of them.
const BATCH: &str = "application/cloudevents-batch+json";

const SPEC_VERSION: HeaderName = HeaderName::from_static("ce-specversion");
const ID: HeaderName = HeaderName::from_static("ce-id");
const TYPE: HeaderName = HeaderName::from_static("ce-type");

pub(super) async fn record(door: &Parts, mut asked: Asked, body: Body) -> Answer {
    std::mem::take(&mut asked.query).finish()?;
    let media_type = asked.header(&CONTENT_TYPE)?.unwrap_or_default();
    let mut made = Made::for_request(door, &asked)?;
    if [STRUCTURED, BATCH].iter().any(|structured| is_media_type(media_type, structured)) {
        return record_json(door, &asked, body, |value, place| read_cloud_event(value, made.at(place))).await;
    }
    if !is_media_type(media_type, JSON) || asked.header(&SPEC_VERSION)?.is_none() {
        let readable = format!("{STRUCTURED}, {BATCH}, or {JSON} beside the headers ce-specversion, ce-id, ce-type");
        return Err(Refused::media_type(&readable));
    }
    let attributes = CloudEventAttributes {
        spec_version: needed(&asked, &SPEC_VERSION)?,
        id: needed(&asked, &ID)?,
        event_type: needed(&asked, &TYPE)?,
    };
    record_json(door, &asked, body, |value, place| read_cloud_event_data(&attributes, value, made.at(place))).await
}

fn needed(asked: &Asked, name: &HeaderName) -> Result<String, Failure> {
    let value = asked.header(name)?.ok_or_else(|| Failure::request(name.as_str(), "is missing"))?;
    Ok(value.to_owned())
}

//! `GET /v1/{network}/head`: the end of the log. Its position is the answer's tag, which `If-Match` takes.

use super::{
    Parts,
    answer::{Answer, apart, json},
    asked::Asked,
};
use http::{HeaderValue, header::ETAG};
use kith_core::{position::Position, timestamp::Timestamp};
use kith_json::head_json;
use kith_proto::v1::{self, log_service_server::LogService};
use serde_json::Value;

pub(super) async fn get(door: &Parts, mut asked: Asked) -> Answer {
    std::mem::take(&mut asked.query).finish()?;
    let request = v1::HeadRequest { network: asked.network.clone() };
    let (head, answered) = apart(LogService::head(&door.services, asked.call(request)).await?);
    let recorded_at = head.recorded_at.as_ref().and_then(Timestamp::from_proto);
    let told = head_json(&asked.network, Position::new(head.position), &hex::encode(&head.root), recorded_at);
    let mut response = json(&Value::Object(told), answered);
    let tag = HeaderValue::try_from(format!("\"{}\"", head.position)).expect("digits in quotes are a header");
    response.headers_mut().insert(ETAG, tag);
    Ok(response)
}

//! What may be answered: a result, or a refusal that says whose mistake it is, soon and in few words.

use crate::requests::Sent;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tonic::{Code, Status, body::Body, transport::Channel};
use tonic_types::StatusExt;
use tower::{Service, ServiceExt};

/// The longest that an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(4);
/// How long a stream is listened to when it says nothing.
const LISTEN: Duration = Duration::from_millis(20);
/// Messages of a stream that are listened to.
const FRAMES_MAX: usize = 8;
/// Bytes of all headers of a refusal.
const REFUSAL_BYTES_MAX: usize = 8 * 1024;
/// Bytes of what a refusal says.
const MESSAGE_BYTES_MAX: usize = 1_024;

/// Makes a call: the code that it is answered with, or what is wrong with the answer.
pub(crate) async fn ask(channel: &mut Channel, sent: &Sent) -> Result<Code, String> {
    let (parts, ()) = sent.head.clone().into_parts();
    let body = Body::new(Full::new(Bytes::from(sent.body.clone())));
    let begun = Instant::now();
    let asking = async {
        let channel = channel.ready().await.map_err(|error| format!("no connection: {error}"))?;
        let response =
            channel.call(Request::from_parts(parts, body)).await.map_err(|error| format!("broke: {error:?}"))?;
        let (head, mut body) = response.into_parts();
        let mut trailers = head.headers;
        for _ in 0..FRAMES_MAX {
            let frame = if sent.method.streams_out {
                let Ok(frame) = timeout(LISTEN, body.frame()).await else { break };
                frame
            } else {
                body.frame().await
            };
            match frame {
                Some(Ok(frame)) => trailers.extend(frame.into_trailers().unwrap_or_default()),
                Some(Err(error)) => return Err(format!("the answer broke off: {error:?}")),
                None => break,
            }
        }
        Ok(trailers)
    };
    let headers = match timeout(ANSWER_MAX * 4, asking).await {
        Ok(answered) => answered?,
        Err(_) => return Err("no answer".to_owned()),
    };
    let took = begun.elapsed();
    if took > ANSWER_MAX {
        return Err(format!("the answer took {took:?}"));
    }
    check(sent, &headers)
}

fn check(sent: &Sent, headers: &HeaderMap) -> Result<Code, String> {
    // A stream that goes on has not said how it ends; a request that is no call is refused by HTTP alone.
    let Some(status) = Status::from_header_map(headers) else { return Ok(Code::Ok) };
    let code = status.code();
    if code == Code::Ok {
        return Ok(code);
    }
    if [Code::Internal, Code::Unknown, Code::DataLoss].contains(&code) {
        return Err(format!("{code:?}: {}", status.message()));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > REFUSAL_BYTES_MAX || status.message().len() > MESSAGE_BYTES_MAX {
        return Err(format!("{code:?} in {bytes} bytes"));
    }
    if status.message().contains(char::is_control) {
        return Err(format!("{code:?} with control characters: {:?}", status.message()));
    }
    let details = status.get_error_details();
    let has_reason = details.error_info().is_some_and(|info| info.domain == kith_proto::ERROR_DOMAIN);
    if sent.method.is_ours() && !has_reason {
        return Err(format!("{code:?} without a reason: {}", status.message()));
    }
    Ok(code)
}

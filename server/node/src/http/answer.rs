//! Answers: JSON in one piece, lines of JSON up to a size, and streams of text.
//!
//! An answer says what it takes (`Answered`, or the way of its stream), so that it is sent as that of a call is: within the
//! caller's share of the memory, and no longer kept than its reader may take.

use super::{Parts, asked::Asked, refused::Refused};
use crate::{
    bounds::{
        answers::{Answers, NotTaken},
        budget::Room,
        call_rate::Key,
    },
    grpc::{Answered, Failure, stream::Messages},
    limits::{JSON_GROWTH, LINES_AT_ONCE_BYTES},
};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{
    HeaderMap, HeaderValue, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use kith_proto::v1::ErrorReason;
use serde_json::{Map, Value};
use tonic::body::Body;

/// The media type of one value.
pub(super) const JSON: &str = "application/json";
/// The media type of values on lines of their own.
pub(super) const LINES: &str = "application/x-ndjson";

/// Takes the answer to a call apart.
pub(super) fn apart<T>(response: tonic::Response<T>) -> (T, Answered) {
    let (_, message, mut extensions) = response.into_parts();
    let nothing = Answered { bytes: 0, details: None, recorded: false };
    (message, extensions.remove::<Answered>().unwrap_or(nothing))
}

/// Lines of JSON that are written up to a size.
///
/// Others have their turn in between, and may get messages of their own, so lines hold room from the start.
#[derive(Debug)]
pub(super) struct Lines {
    _room: Option<Room>,
    text: Vec<u8>,
    max: usize,
    /// Bytes after which others have a turn.
    rest_at: usize,
}

impl Lines {
    /// No lines yet of what a call has answered, once there is room for them.
    pub(super) async fn of(door: &Parts, asked: &Asked, answered: &Answered) -> Result<Self, Failure> {
        let bytes = answered.bytes + answered.details.as_deref().map_or(0, Room::bytes);
        let max = door.node.limits().response_bytes_max as usize;
        Ok(Self::in_room(door.node.answers(), &asked.key(), bytes, max).await?)
    }

    /// No lines yet of a message of so many bytes.
    async fn in_room(answers: &Answers, key: &Key, bytes: usize, max: usize) -> Result<Self, NotTaken> {
        let room = answers.hold(key, bytes.saturating_mul(JSON_GROWTH).min(max)).await?;
        Ok(Self { _room: room, text: Vec::new(), max, rest_at: LINES_AT_ONCE_BYTES })
    }

    /// Writes a line; returns false, and writes nothing, if there is no room for it.
    pub(super) async fn push(&mut self, line: Map<String, Value>) -> bool {
        let start = self.text.len();
        write_line(&mut self.text, line);
        if self.text.len() > self.max {
            self.text.truncate(start);
            return false;
        }
        if self.text.len() > self.rest_at {
            self.rest_at = self.text.len() + LINES_AT_ONCE_BYTES;
            tokio::task::yield_now().await;
        }
        true
    }

    /// Writes a line of a list of which the caller can ask for a smaller part.
    pub(super) async fn push_all(&mut self, lines: impl Iterator<Item = Map<String, Value>>) -> Result<(), Failure> {
        for line in lines {
            if !self.push(line).await {
                let failure = format_args!("the answer is larger than {} bytes: ask for less", self.max);
                let failure = Failure::because(ErrorReason::LimitExceeded, failure);
                return Err(failure.with("limit", "response_bytes_max"));
            }
        }
        Ok(())
    }

    /// The answer, with a last line.
    pub(super) fn finish(mut self, last: Map<String, Value>, answered: Answered) -> Response<Body> {
        write_line(&mut self.text, last);
        whole(LINES, self.text, answered)
    }
}

/// The fields of what is written as an object.
pub(super) fn as_map(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(fields) => fields,
        other => panic!("{other} is no object"),
    }
}

/// Writes a value on a line of its own.
pub(super) fn write_line(text: &mut Vec<u8>, line: Map<String, Value>) {
    serde_json::to_writer(&mut *text, &Value::Object(line)).expect("JSON can be written to memory");
    text.push(b'\n');
}

/// One value of JSON.
pub(super) fn json(value: &Value, answered: Answered) -> Response<Body> {
    let mut text = value.to_string().into_bytes();
    text.push(b'\n');
    whole(JSON, text, answered)
}

/// An answer in one piece, in the place of that to a call.
fn whole(media_type: &'static str, text: Vec<u8>, answered: Answered) -> Response<Body> {
    let bytes = text.len().saturating_sub(answered.details.as_deref().map_or(0, Room::bytes));
    let mut response = with_type(media_type, Body::new(Full::new(Bytes::from(text))));
    response.extensions_mut().insert(Answered { bytes, ..answered });
    response
}

/// A stream of text.
pub(super) fn stream(media_type: &'static str, messages: Messages<Bytes>) -> Response<Body> {
    let on_its_way = messages.on_its_way();
    let body = StreamBody::new(messages.map(|message| message.map(Frame::data)));
    let mut response = with_type(media_type, Body::new(body));
    response.extensions_mut().insert(on_its_way);
    response
}

/// An answer of a media type.
pub(super) fn with_type(media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    secure(response.headers_mut());
    response
}

/// Says that nobody keeps an answer, or takes it for something else.
pub(super) fn secure(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// What a route answers.
pub(super) type Answer = Result<Response<Body>, Refused>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn line(bytes: usize) -> Map<String, Value> {
        Map::from_iter([("x".to_owned(), "x".repeat(bytes).into())])
    }

    const MIB: usize = 1024 * 1024;

    async fn lines(message_bytes: usize, max: usize, answers: &Answers) -> Result<Lines, NotTaken> {
        Lines::in_room(answers, &(None, "person:amina".parse().unwrap()), message_bytes, max).await
    }

    #[tokio::test(start_paused = true)]
    async fn lines_that_are_being_written_have_room() {
        let answers = Answers::of(&Limits::default());
        let mut written = Vec::new();
        while let Ok(more) = lines(2 * MIB, 4 * MIB, &answers).await {
            written.push(more);
        }
        assert_eq!(written.len(), 3, "a share of it");
        lines(100, 4 * MIB, &answers).await.expect("few need none");
        drop(written);
        lines(2 * MIB, 4 * MIB, &answers).await.expect("it is free again");
    }

    #[tokio::test]
    async fn lines_end_before_the_one_for_which_there_is_no_room() {
        let mut lines = lines(0, 30, &Answers::of(&Limits::default())).await.unwrap();
        for (bytes, fits) in [(10, true), (10, false), (1, true), (1, false)] {
            assert_eq!(lines.push(line(bytes)).await, fits, "{bytes}");
        }
        let text = String::from_utf8(lines.text.clone()).unwrap();
        assert_eq!(text, "{\"x\":\"xxxxxxxxxx\"}\n{\"x\":\"x\"}\n");
        let refused = lines.push_all([line(1)].into_iter()).await.unwrap_err();
        assert_eq!(refused.reason(), ErrorReason::LimitExceeded);
    }
}

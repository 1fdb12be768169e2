//! Bodies of requests, read only when there is room for them.

use super::{problem::BODY, refused::Refused};
use crate::{
    bounds::{budget::Room, call_rate::Key},
    grpc::Failure,
    limits::JSON_VALUES_MAX,
    node::Node,
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header::CONTENT_ENCODING};
use http_body::Body as _;
use http_body_util::BodyExt;
use kith_proto::v1::ErrorReason;
use tonic::body::Body;

/// A whole body, and the room that it holds.
pub(super) async fn read_whole(
    node: &Node,
    key: &Key,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Bytes, Room), Refused> {
    check_encoding(headers)?;
    let max = node.requests().message_bytes_max();
    let announced = body.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if announced.is_some_and(|bytes| bytes > max) {
        return Err(too_large(max).into());
    }
    let mut room = node.requests().hold(key, announced.unwrap_or(max)).await.map_err(Failure::from)?;
    let bytes = receive(body, max).await?;
    room.shrink(bytes.len());
    check_values(&bytes)?;
    Ok((bytes, room))
}

/// Receives a body of `max` bytes at most into one piece of memory: pieces as small as a byte each hold more than they are
/// counted for.
async fn receive(mut body: Body, max: usize) -> Result<Bytes, Failure> {
    let mut received = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let data = frame.map_err(|_| broken_off())?.into_data().unwrap_or_default();
        if data.len() > max - received.len() {
            return Err(too_large(max));
        }
        received.extend_from_slice(&data);
    }
    Ok(received.freeze())
}

/// Refuses JSON with so many values that it would take much more memory than its text.
fn check_values(text: &[u8]) -> Result<(), Failure> {
    if count_values(text) <= JSON_VALUES_MAX {
        return Ok(());
    }
    let failure = format_args!("the body has more than {JSON_VALUES_MAX} values: send fewer events at a time");
    Err(Failure::because(ErrorReason::LimitExceeded, failure).at(BODY))
}

/// About how many values are in JSON: one behind each comma, colon and opening bracket outside of texts.
fn count_values(text: &[u8]) -> usize {
    let (mut count, mut in_text, mut escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b',' | b':' | b'[' | b'{' if !in_text => count += 1,
            _ => {}
        }
    }
    count
}

/// Refuses bodies that are compressed.
pub(super) fn check_encoding(headers: &HeaderMap) -> Result<(), Refused> {
    if headers.get_all(CONTENT_ENCODING).iter().any(|encoding| encoding != "identity") {
        return Err(Refused::encoding());
    }
    Ok(())
}

/// What was sent is larger than what is read at once.
pub(super) fn too_large(max: usize) -> Failure {
    Failure::because(ErrorReason::LimitExceeded, format_args!("at most {max} bytes are read at once")).at(BODY)
}

/// The caller stopped sending.
pub(super) fn broken_off() -> Failure {
    Failure::because(ErrorReason::RequestInvalid, "the body broke off")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body::Frame;
    use http_body_util::StreamBody;

    fn in_pieces(pieces: &[&'static str]) -> Body {
        let frames: Vec<_> =
            pieces.iter().map(|piece| Ok::<_, tonic::Status>(Frame::data(Bytes::from(*piece)))).collect();
        Body::new(StreamBody::new(futures_util::stream::iter(frames)))
    }

    #[tokio::test]
    async fn what_comes_in_many_pieces_is_one_and_no_more_than_may_be() {
        let letters = ["x"; 100];
        let received = receive(in_pieces(&letters), 100).await.unwrap();
        assert_eq!(received, "x".repeat(100));
        assert_eq!(receive(in_pieces(&letters), 99).await.unwrap_err().reason(), ErrorReason::LimitExceeded);
        assert_eq!(receive(in_pieces(&[]), 0).await.unwrap(), "");
        assert!(receive(in_pieces(&["x"]), 0).await.is_err());
    }

    #[test]
    fn values_are_counted_outside_of_texts() {
        for (text, expected) in [(r#"{"a":[1,2],"b":"x,y[\",{"}"#, 6), ("7", 0), ("[0,0,0]", 3), (r#""[[,,""#, 0)] {
            assert_eq!(count_values(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn many_small_values_are_too_large() {
        let zeros = |count: usize| format!("[0{}]", ",0".repeat(count));
        assert!(check_values(zeros(1_000).as_bytes()).is_ok());
        assert_eq!(check_values(zeros(JSON_VALUES_MAX).as_bytes()).unwrap_err().field(), Some(BODY));
    }
}

//! Requests as they go over HTTP/2: frames of messages, right and wrong, and headers, right and wrong.

use crate::{
    messages::Maker,
    mutation::mutate,
    place::Caller,
    schema::{Method, Schema},
};
use http::{
    HeaderName, HeaderValue, Method as Verb, Request,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use kith_tests::random::Random;

/// A request that can be told about.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) method: Method,
    pub(crate) who: &'static str,
    pub(crate) head: Request<()>,
    pub(crate) body: Vec<u8>,
}

/// Bytes before a message: whether it is compressed, and its length.
const FRAME_BYTES: usize = 5;
/// More than the server takes in one message.
const OVERSIZED: usize = 2 * 1024 * 1024 + 1;

/// The request of a number, which is always the same.
pub(crate) fn request(schema: &Schema, events: &[Vec<u8>], callers: &[Caller], random: &mut Random) -> Sent {
    let method = random.pick(&schema.methods).clone();
    let caller = random.pick(callers).clone();
    let tame = random.below(3) == 0;
    let mut maker = Maker { schema, random, events, tame };
    let count = if method.streams_in { maker.random.below(4) } else { 1 };
    let mut body = Vec::new();
    for _ in 0..count {
        let message = message(&mut maker, &method);
        frame(&mut body, &message);
    }
    if maker.random.below(10) == 0 {
        break_frames(&mut maker, &mut body);
    }
    let mut head = head(&method, &caller);
    if maker.random.below(16) == 0 {
        odd_head(maker.random, &mut head);
    }
    Sent { method, who: caller.name, head, body }
}

fn message(maker: &mut Maker<'_>, method: &Method) -> Vec<u8> {
    let mut message = maker.message(&method.input, 0);
    if maker.tame {
        return message;
    }
    match maker.random.below(10) {
        0 => {
            let count = maker.random.below(300);
            maker.noise(count)
        }
        1..=3 => {
            mutate(&mut message, &[], maker.random);
            message
        }
        _ => message,
    }
}

fn frame(body: &mut Vec<u8>, message: &[u8]) {
    body.push(0);
    body.extend_from_slice(&u32::try_from(message.len()).expect("messages are small").to_be_bytes());
    body.extend_from_slice(message);
}

/// Frames that say something else than what follows them.
fn break_frames(maker: &mut Maker<'_>, body: &mut Vec<u8>) {
    match maker.random.below(8) {
        0 => body.clear(),
        1 => body.truncate(body.len().min(FRAME_BYTES - 1)),
        2 => body.truncate(body.len().saturating_sub(1)),
        3 => body.insert(0, 1),
        4 => body.insert(0, maker.random.number().to_le_bytes()[0]),
        5 => body.splice(.., [0, 0xff, 0xff, 0xff, 0xff, 1]).for_each(drop),
        6 => {
            body.clear();
            frame(body, &vec![b'x'; OVERSIZED]);
        }
        _ => {
            let again = body.clone();
            body.extend(again);
        }
    }
}

fn head(method: &Method, caller: &Caller) -> Request<()> {
    let request = Request::builder()
        .method(Verb::POST)
        .uri(method.path.as_str())
        .header(CONTENT_TYPE, "application/grpc")
        .header("te", "trailers");
    let request = match &caller.secret {
        Some(secret) => request.header(AUTHORIZATION, format!("Bearer {secret}")),
        None => request,
    };
    request.body(()).expect("the parts of a call are well formed")
}

/// Headers and calls that there are not.
fn odd_head(random: &mut Random, head: &mut Request<()>) {
    const HEADERS: [(&str, &[u8]); 12] = [
        ("content-type", b"application/json"),
        ("content-type", b"application/grpc+json"),
        ("content-type", b"application/grpc-web-text"),
        ("content-type", b""),
        ("grpc-encoding", b"gzip"),
        ("grpc-encoding", b"\xff\xfe"),
        ("grpc-timeout", b"2S"),
        ("grpc-timeout", b"soon"),
        ("grpc-timeout", b"99999999H"),
        ("authorization", b"Bearer \xff\xff"),
        ("authorization", b"Basic eDp4"),
        ("trace-bin", b"not base64!"),
    ];
    match random.below(10) {
        0 => *head.method_mut() = Verb::GET,
        1 => *head.uri_mut() = "/kith.v1.LogService/Nothing".parse().expect("it is a path"),
        2 => *head.uri_mut() = "/kith.v9.LogService/Head".parse().expect("it is a path"),
        3 => *head.uri_mut() = "/".parse().expect("it is a path"),
        _ => {
            let (name, value) = random.pick(&HEADERS);
            let value = HeaderValue::from_bytes(value).expect("bytes that HTTP allows");
            head.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}

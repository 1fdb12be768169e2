//! A server that answers as it is told, over gRPC and gRPC-web: with what a real one sends only when it is broken, busy or
//! of a later version.

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use kith_proto::ERROR_DOMAIN;
use prost::Message;
use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, runtime::Runtime, task::JoinHandle};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tower::service_fn;

/// Bit of a frame of gRPC-web that holds the trailer.
const TRAILER: u8 = 0x80;

/// A part of an answer, in the order in which it is sent.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// A message.
    Message(Bytes),
    /// Bytes in the place of a frame.
    Bytes(Bytes),
    /// How it ends; an answer without it is cut off.
    Status(Status),
    /// Nothing more: the connection breaks.
    Cut,
    /// Nothing more, and no end.
    Silence,
}

/// An answer to one call.
pub(crate) type Answer = Vec<Part>;

/// An answer with one message.
pub(crate) fn message(message: &impl Message) -> Answer {
    vec![Part::Message(message.encode_to_vec().into()), Part::Status(Status::ok(""))]
}

/// A refusal.
pub(crate) fn refusal(status: Status) -> Answer {
    vec![Part::Status(status)]
}

/// A status with a reason, and when to try again if it says so.
pub(crate) fn status(code: Code, reason: &str, retry: Option<Duration>) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, ERROR_DOMAIN, HashMap::new());
    if let Some(retry) = retry {
        details.set_retry_info(Some(retry));
    }
    Status::with_error_details(code, "as the script says", details)
}

/// A call that was made.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Its path, such as `/kith.v1.LogService/Head`.
    pub(crate) path: String,
    /// When it came.
    pub(crate) at: Instant,
    /// The first message, without its frame.
    pub(crate) request: Bytes,
}

/// The running server. Dropping it stops it.
pub(crate) struct Scripted {
    script: Arc<Script>,
    url: String,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    calls: Mutex<Vec<Call>>,
}

impl Scripted {
    /// Starts a server with an answer to each call in turn; the last answers all that follow.
    pub(crate) fn start(runtime: &Runtime, answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Arc::new(Script { answers: Mutex::new(answers.into_iter().collect()), ..Script::default() });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let task = runtime.spawn(serve(listener, Arc::clone(&script)));
        Self { script, url, task }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The calls that were made.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.script.calls.lock().expect("no test panics here").clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.url)
    }
}

async fn serve(listener: TcpListener, script: Arc<Script>) {
    while let Ok((socket, _)) = listener.accept().await {
        let script = Arc::clone(&script);
        let service = service_fn(move |request| answer(request, Arc::clone(&script)));
        tokio::spawn(async move {
            let builder = auto::Builder::new(TokioExecutor::new());
            // Clients end connections as they like.
            let _ = builder.serve_connection(TokioIo::new(socket), TowerToHyperService::new(service)).await;
        });
    }
}

type Frames = StreamBody<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Cut>> + Send>>>;

/// The answer is cut off.
#[derive(Debug, thiserror::Error)]
#[error("cut off")]
struct Cut;

async fn answer<B>(request: Request<B>, script: Arc<Script>) -> Result<Response<Frames>, Infallible>
where
    B: Body<Data: Send> + Send + 'static,
    B::Error: fmt::Debug,
{
    let (head, body) = request.into_parts();
    let content_type = head.headers.get(http::header::CONTENT_TYPE).cloned();
    let is_web = content_type.as_ref().is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc-web"));
    let request = first_message(body).await;
    script.calls.lock().expect("no test panics here").push(Call {
        path: head.uri.path().to_owned(),
        at: Instant::now(),
        request,
    });
    let parts = {
        let mut answers = script.answers.lock().expect("no test panics here");
        if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
    };
    let mut parts = parts.unwrap_or_default();
    if !parts.iter().any(|part| matches!(part, Part::Status(_))) {
        parts.push(Part::Cut);
    }
    let frames: Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Cut>> + Send>> =
        Box::pin(stream::iter(parts).then(move |part| frame(part, is_web)));
    let mut response = Response::new(StreamBody::new(frames));
    if let Some(content_type) = content_type {
        response.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
    }
    Ok(response)
}

/// The first message of a request. Streams of requests go on, so the rest is not waited for.
async fn first_message<B: Body>(body: B) -> Bytes {
    let mut body = std::pin::pin!(body);
    let mut bytes = BytesMut::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            bytes.put(data);
        }
        if let Some(length) = bytes.get(1..5) {
            let length = u32::from_be_bytes(length.try_into().expect("it has four bytes")) as usize;
            if bytes.len() >= length + 5 {
                return bytes.freeze().slice(5..length + 5);
            }
        }
    }
    Bytes::new()
}

async fn frame(part: Part, is_web: bool) -> Result<Frame<Bytes>, Cut> {
    match part {
        Part::Message(message) => Ok(Frame::data(framed(0, &message))),
        Part::Bytes(bytes) => Ok(Frame::data(bytes)),
        Part::Cut => Err(Cut),
        Part::Silence => std::future::pending().await,
        Part::Status(status) => {
            let trailers = trailers(&status);
            Ok(if is_web { Frame::data(framed(TRAILER, &lines(&trailers))) } else { Frame::trailers(trailers) })
        }
    }
}

fn framed(flags: u8, message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(flags);
    frame.put_u32(u32::try_from(message.len()).expect("messages are short"));
    frame.put_slice(message);
    frame.freeze()
}

fn trailers(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    status.add_header(&mut trailers).expect("the status can be sent");
    trailers
}

fn lines(trailers: &HeaderMap) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in trailers {
        lines.extend_from_slice(name.as_str().as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value.as_bytes());
        lines.extend_from_slice(b"\r\n");
    }
    lines
}

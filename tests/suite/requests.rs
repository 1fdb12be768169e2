//! Requests that are started but not completed: the server memory they use is bounded, their sender is told why they
//! end, and nobody else waits for them.

use bytes::Bytes;
use futures_util::{StreamExt, future::join_all};
use http::{Request, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use kith_proto::v1;
use kith_tests::{
    events::{met, person_added, sent},
    process::peak_resident_bytes,
    raw::{Raw, Refusal},
    server::Server,
};
use std::{
    collections::BTreeMap,
    fs, iter,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio_stream as stream;
use tonic::{
    Status,
    body::Body,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tower::{Service, ServiceExt};

/// Connections of the principal that sends too much, and calls on each.
const CONNECTIONS: usize = 4;
const CALLS_EACH: usize = 50;
/// Bytes that each call announces and sends, except the last one; all calls together are hundreds of MiB.
const MESSAGE_BYTES: u32 = 1_900_000;
/// More than twice a share of the budget, and the windows of those connections.
const GROWTH_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Fast enough on a busy machine, and sooner than any of those calls is dropped.
const SOON: Duration = Duration::from_secs(4);
/// The time by which each of them has ended.
const ENDS_WITHIN: Duration = Duration::from_secs(20);
const SETTINGS: &str = "[limits]\nunary_deadline_s = 6\nstall_ms = 6000\n";

/// A server, its owner's connection, and another principal's token.
struct Place {
    server: Server,
    owner: Raw,
    secret: String,
    _settings: TempDir,
}

impl Place {
    async fn start() -> Self {
        let settings = tempfile::tempdir().unwrap();
        let file = settings.path().join("kith.toml");
        fs::write(&file, SETTINGS).unwrap();
        let server = Server::start_with(&["--config", file.to_str().unwrap()]);
        let owner = Raw::connect(&server.url(), &server.token()).await;
        owner.append(["amina", "ben"].map(|id| sent(&person_added(id, ""))).into()).await.unwrap();
        let token = v1::IssueTokenRequest { role: v1::Role::Recorder.into(), ..Default::default() };
        let (_, secret) = owner.issue_token(token).await.unwrap();
        Self { server, owner, secret, _settings: settings }
    }

    async fn channel(&self) -> Channel {
        Endpoint::from_shared(self.server.url()).unwrap().connect().await.unwrap()
    }

    /// Makes calls of which all but the last byte is sent; returns how they ended.
    async fn begin_calls(&self) -> BTreeMap<String, usize> {
        let channels = join_all((0..CONNECTIONS).map(|_| self.channel())).await;
        let paths = ["LogService/Append", "DirectoryService/ListPeople", "LogService/AppendStream"];
        let calls = channels.iter().flat_map(|channel| iter::repeat_n(channel, CALLS_EACH)).zip(paths.iter().cycle());
        let calls = calls.map(|(channel, path)| {
            let call = begin_call(channel.clone(), path, self.secret.clone());
            tokio::spawn(tokio::time::timeout(ENDS_WITHIN, call))
        });
        let mut ends = BTreeMap::new();
        for end in join_all(calls.collect::<Vec<_>>()).await {
            let end = end.unwrap().map_or("never".to_owned(), |refusal| refusal.reason);
            *ends.entry(end).or_default() += 1;
        }
        ends
    }

    /// Repeatedly records and queries; returns the longest time that it took.
    async fn go_on(&self) -> Duration {
        let mut longest = Duration::ZERO;
        for _ in 0..40 {
            let begun = Instant::now();
            self.owner.append(vec![sent(&met(&["amina", "ben"]))]).await.unwrap();
            self.owner.head().await.unwrap();
            longest = longest.max(begun.elapsed());
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        longest
    }
}

/// A call that sends all of its message but the last byte, and then nothing.
async fn begin_call(mut channel: Channel, path: &str, secret: String) -> Refusal {
    let head = [&[0], &MESSAGE_BYTES.to_be_bytes()[..]].concat();
    let most = vec![b'x'; MESSAGE_BYTES as usize - 1];
    let frames = stream::iter([Bytes::from(head), most.into()].map(|bytes| Ok::<_, Status>(Frame::data(bytes))));
    let request = Request::post(format!("/kith.v1.{path}"))
        .header(CONTENT_TYPE, "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {secret}"))
        .body(Body::new(StreamBody::new(frames.chain(stream::pending()))));
    let response = channel.ready().await.unwrap().call(request.unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    if let Some(status) = Status::from_header_map(&parts.headers) {
        return status.into();
    }
    let trailers = body.collect().await.unwrap().trailers().cloned();
    let status = trailers.as_ref().and_then(Status::from_header_map);
    status.expect("a stream says how it ends").into()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_not_finished_hold_a_share_of_memory_and_keep_nobody_waiting() {
    let place = Place::start().await;
    place.go_on().await;
    let before = peak_resident_bytes(place.server.pid()).unwrap();
    let (ends, longest) = tokio::join!(place.begin_calls(), place.go_on());
    let grown = peak_resident_bytes(place.server.pid()).unwrap() - before;
    println!("{ends:?}: {grown} bytes more, calls of others took up to {longest:?}");
    assert!(grown < GROWTH_BYTES_MAX, "{grown} bytes more");
    assert!(longest < SOON, "a call of somebody else took {longest:?}");
    let reasons: Vec<_> = ends.keys().map(String::as_str).collect();
    assert_eq!(reasons, ["DEADLINE_EXCEEDED", "RATE_LIMITED"], "whoever has room is given up, others hear at once");
    let again = Raw::connect(&place.server.url(), &place.secret).await;
    let large = (0..1_000).map(|_| sent(&met(&["amina", "ben"]))).collect();
    again.append(large).await.expect("the same principal goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_without_a_token_have_small_messages() {
    let place = Place::start().await;
    let mut health = HealthClient::new(place.channel().await);
    health.check(HealthCheckRequest::default()).await.unwrap();
    let long = health.check(HealthCheckRequest { service: "s".repeat(5_000) }).await.unwrap_err();
    assert_eq!(Refusal::from(long).reason, "LIMIT_EXCEEDED");
}

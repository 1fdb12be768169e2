//! The rate of calls: a principal above it is told when to retry, and nobody else is affected.

use crate::backpressure::append_patiently;
use futures_util::future::join_all;
use kith_proto::v1;
use kith_tests::{
    events::{met, person_added, sent},
    raw::{Raw, Refusal},
    server::Server,
};
use std::{fs, time::Instant};
use tempfile::TempDir;
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

const CALLS_PER_S_MAX: u32 = 5;
const CALLS_BURST_MAX: u32 = 30;

/// A server with a low rate, the owner's connection, and that of another principal.
struct Place {
    server: Server,
    owner: Raw,
    other: Raw,
    _settings: TempDir,
}

impl Place {
    async fn start() -> Self {
        let settings = tempfile::tempdir().unwrap();
        let file = settings.path().join("kith.toml");
        let limits = format!("[limits]\ncalls_per_s_max = {CALLS_PER_S_MAX}\ncalls_burst_max = {CALLS_BURST_MAX}\n");
        fs::write(&file, limits).unwrap();
        let server = Server::start_with(&["--config", file.to_str().unwrap()]);
        let owner = Raw::connect(&server.url(), &server.token()).await;
        owner.append(["amina", "ben"].map(|id| sent(&person_added(id, ""))).into()).await.unwrap();
        let token = v1::IssueTokenRequest { role: v1::Role::Recorder.into(), ..Default::default() };
        let (_, secret) = owner.issue_token(token).await.unwrap();
        let other = Raw::connect(&server.url(), &secret).await;
        Self { server, owner, other, _settings: settings }
    }

    /// The owner appends one event in each of many calls at once.
    async fn flood(&self, calls: usize) -> Vec<Result<Vec<v1::AppendOutcome>, Refusal>> {
        join_all((0..calls).map(|_| self.owner.append(vec![sent(&met(&["amina", "ben"]))]))).await
    }
}

/// The maximum number of calls that a principal can have made since then.
fn room_since(started: Instant) -> u64 {
    let seconds = started.elapsed().as_secs() + 1;
    u64::from(CALLS_BURST_MAX) + seconds * u64::from(CALLS_PER_S_MAX)
}

fn check_refused(refusal: &Refusal) {
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::ResourceExhausted, "RATE_LIMITED"));
    assert!(refusal.retry_after.is_some_and(|delay| !delay.is_zero()), "{refusal:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_calls_too_often_is_told_when_to_come_again_and_nobody_else_notices() {
    let place = Place::start().await;
    let before = place.other.head().await.unwrap().position;
    let started = Instant::now();
    let answers = place.flood(200).await;
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
    answers.iter().filter_map(|answer| answer.as_ref().err()).for_each(check_refused);
    let room = room_since(started);
    println!("{accepted} of 200 calls accepted, room for {room}");
    assert!(accepted > 0 && accepted < 200 && accepted as u64 <= room, "{accepted} accepted, room for {room}");
    for _ in 0..10 {
        let event = sent(&met(&["amina", "ben"]));
        place.other.append(vec![event]).await.expect("another principal has a rate of its own");
    }
    let head = place.other.head().await.unwrap().position;
    assert_eq!(head, before + accepted as u64 + 10, "what was refused did nothing, what was accepted is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_checks_are_not_counted() {
    let place = Place::start().await;
    let refused = place.flood(100).await.into_iter().filter_map(Result::err).inspect(check_refused).count();
    assert!(refused > 0);
    let channel = tonic::transport::Endpoint::from_shared(place.server.url()).unwrap().connect().await.unwrap();
    let mut health = HealthClient::new(channel);
    for _ in 0..4 * CALLS_BURST_MAX {
        let answer = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_waits_as_it_is_told_and_gets_through() {
    let place = Place::start().await;
    let before = place.other.head().await.unwrap().position;
    let accepted = place.flood(100).await.iter().filter(|answer| answer.is_ok()).count() as u64;
    assert!(accepted < 100);
    append_patiently(&place.server, 8).await;
    assert_eq!(place.other.head().await.unwrap().position, before + accepted + 8);
}

//! Whoever is no longer let in hears nothing more, on any stream, within a second.

use crate::village::{token, village};
use futures_util::future::join_all;
use kith_proto::v1;
use kith_tests::raw::{Raw, Refusal};
use std::time::{Duration, Instant};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

/// How long a stream may go on after its caller's token has ended.
const END_MAX: Duration = Duration::from_secs(1);

/// An open stream: when it ends, the time and the reason.
type Open = JoinHandle<(Instant, Refusal)>;

/// Reads a stream to its end. What keeps its other direction open is dropped then.
fn read<T: Send + 'static>(mut stream: Streaming<T>, kept: impl Send + 'static) -> Open {
    tokio::spawn(async move {
        let ended = loop {
            match stream.message().await {
                Ok(message) => assert!(message.is_some(), "an end has a reason"),
                Err(status) => break (Instant::now(), Refusal::from(status)),
            }
        };
        drop(kept);
        ended
    })
}

/// A hundred streams of every kind, those of uploads and appends before and after their first message.
async fn streams(raw: &Raw) -> Vec<Open> {
    let mut open = Vec::new();
    let network = raw.network_name();
    for _ in 0..40 {
        open.push(read(raw.subscribe(None, None).await.unwrap(), ()));
    }
    for _ in 0..20 {
        let request = v1::WatchViewRequest { network: network.clone(), view: "strength".to_owned(), after: 0 };
        open.push(read(raw.views().watch_view(request).await.unwrap().into_inner(), ()));
    }
    for begun in [true, false].repeat(10) {
        let (sender, receiver) = mpsc::channel(1);
        if begun {
            sender.send(v1::AppendStreamRequest { network: network.clone(), events: Vec::new() }).await.unwrap();
        }
        let answers = raw.log().append_stream(ReceiverStream::new(receiver)).await.unwrap().into_inner();
        open.push(read(answers, sender));
    }
    for number in 0..20 {
        let (sender, receiver) = mpsc::channel(1);
        // One upload at a time is taken in.
        if number == 0 {
            let plugin = v1::NewPlugin { network: network.clone(), ..Default::default() };
            let first = v1::InstallPluginRequest { plugin: Some(plugin), data: vec![7; 1_000].into() };
            sender.send(first).await.unwrap();
        }
        let progress = raw.plugins().install_plugin(ReceiverStream::new(receiver)).await.unwrap().into_inner();
        open.push(read(progress, sender));
    }
    open
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_streams_of_every_kind_end_when_their_token_is_revoked() {
    let (server, cli) = village();
    let (id, secret) = token(&cli, &["--role", "owner"]);
    let raw = Raw::connect(&server.url(), &secret).await;
    raw.follow_view("strength", cli.head()).await.unwrap();
    let open = streams(&raw).await;
    assert_eq!(open.len(), 100);
    let other = Raw::connect(&server.url(), &server.token()).await;
    let mut unharmed = other.subscribe(None, None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let ended: Vec<_> = open.iter().enumerate().filter(|(_, stream)| stream.is_finished()).map(|(at, _)| at).collect();
    assert_eq!(ended, Vec::<usize>::new(), "they go on until then");

    cli.run(&["token", "revoke", &id]).ok();
    let revoked = Instant::now();
    for ended in join_all(open).await {
        let (at, refusal) = ended.unwrap();
        assert_eq!(refusal.reason, "TOKEN_INVALID", "{refusal:?}");
        assert!(at.saturating_duration_since(revoked) <= END_MAX, "{:?}", at - revoked);
    }
    unharmed.message().await.unwrap().expect("others go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_end_when_their_token_expires() {
    let (server, cli) = village();
    let owner = Raw::connect(&server.url(), &server.token()).await;
    let end = kith_client::now().plus(Duration::from_secs(2));
    let request =
        v1::IssueTokenRequest { role: v1::Role::Reader.into(), expires_at: Some(end.to_proto()), ..Default::default() };
    let (_, secret) = owner.issue_token(request).await.unwrap();
    let raw = Raw::connect(&server.url(), &secret).await;
    raw.follow_view("strength", cli.head()).await.unwrap();
    let watch = v1::WatchViewRequest { network: raw.network_name(), view: "strength".to_owned(), after: 0 };
    let open = [
        read(raw.subscribe(None, None).await.unwrap(), ()),
        read(raw.views().watch_view(watch).await.unwrap().into_inner(), ()),
    ];
    for ended in join_all(open).await {
        assert_eq!(ended.unwrap().1.reason, "TOKEN_INVALID");
        let now = kith_client::now();
        assert!(now >= end, "not before its end");
        assert!(end.until(now) <= END_MAX, "{:?}", end.until(now));
    }
}

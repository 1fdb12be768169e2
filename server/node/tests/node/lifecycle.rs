//! Starting, stopping, restarting, and the two protocols on one port.

use crate::harness::{met, reason, start, start_in, with_token};
use kith_node::{Clock, Config, Node};
use kith_proto::v1::{self, ErrorReason};
use prost::Message;
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn what_was_recorded_is_there_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let node = start_in(data.path(), |_| {}).await;
    node.add_people(&["amina", "ben"]).await;
    node.append(vec![met(10, &["amina", "ben"])]).await.unwrap();
    let owner = node.owner.clone();
    node.stop().await;

    let node = start_in(data.path(), |_| {}).await;
    assert_eq!(node.owner, owner);
    let head = v1::HeadRequest { network: "default".into() };
    assert_eq!(node.log().head(node.by_owner(head)).await.unwrap().into_inner().position, 4);
    node.stop().await;
}

#[tokio::test]
async fn only_the_first_start_shows_the_owner_token() {
    let data = tempfile::tempdir().unwrap();
    let clock: Clock = Arc::new(|| crate::harness::NOW);
    let config = Config::new(data.path().to_owned());
    let node = Node::start(&config, clock.clone()).await.unwrap();
    assert_eq!(node.owner_token(), Some(data.path().join("owner.token").as_path()));
    drop(node);
    assert_eq!(Node::start(&config, clock).await.unwrap().owner_token(), None);
}

#[tokio::test]
async fn browsers_reach_the_same_port_by_grpc_web() {
    let (node, _data) = start().await;
    let message = v1::HeadRequest { network: "default".into() }.encode_to_vec();
    let mut body = vec![0];
    body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend(message);
    let head = format!(
        "POST /kith.v1.LogService/Head HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: \
         application/grpc-web+proto\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        node.address,
        node.owner,
        body.len()
    );
    let mut stream = TcpStream::connect(node.address).await.unwrap();
    stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("grpc-status:0"), "{answer}");
}

#[tokio::test]
async fn a_connection_that_does_not_greet_is_cut() {
    let data = tempfile::tempdir().unwrap();
    let node = start_in(data.path(), |config| config.limits.handshake_s = 1).await;
    for said in ["", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stream = TcpStream::connect(node.address).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Ends only because the server cuts it.
        drop(stream.read_to_end(&mut answer).await);
    }
    node.stop().await;
}

/// The first bytes of an HTTP/2 client: the preface, and unchanged settings.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[tokio::test]
async fn a_connection_without_a_login_is_cut_and_one_with_a_login_stays() {
    let data = tempfile::tempdir().unwrap();
    let node = start_in(data.path(), |config| config.limits.unauthenticated_s = 1).await;
    let request = v1::SubscribeRequest { network: "default".into(), ..Default::default() };
    let mut subscribed = node.log().subscribe(node.by_owner(request)).await.unwrap().into_inner();
    subscribed.message().await.unwrap().unwrap();
    let mut stranger = TcpStream::connect(node.address).await.unwrap();
    stranger.write_all(GREETING).await.unwrap();
    let mut half = TcpStream::connect(node.address).await.unwrap();
    half.write_all(b"GET /metrics HTTP/1.1\r\nhost: kith.example\r\n").await.unwrap();
    for mut stream in [stranger, half] {
        // Ends only because the server cuts it.
        drop(stream.read_to_end(&mut Vec::new()).await);
    }
    node.add_people(&["amina", "ben"]).await;
    assert!(!subscribed.message().await.unwrap().unwrap().entries.is_empty());
    node.stop().await;
}

#[tokio::test]
async fn a_connection_on_which_health_is_checked_stays() {
    let data = tempfile::tempdir().unwrap();
    let node = start_in(data.path(), |config| config.limits.unauthenticated_s = 1).await;
    let mut stream = TcpStream::connect(node.address).await.unwrap();
    let mut answer = [0; 64];
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let path = "/grpc.health.v1.Health/Check";
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: kith.example\r\ncontent-type: application/grpc-web\r\ncontent-length: 5\r\n\r\n"
        );
        stream.write_all(&[head.as_bytes(), &[0; 5]].concat()).await.unwrap();
        let read = stream.read(&mut answer).await.unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..read]));
        // The rest of the answer is of no interest.
        while let Ok(Ok(1..)) = tokio::time::timeout(Duration::from_millis(50), stream.read(&mut [0; 4_096])).await {}
    }
    node.stop().await;
}

#[tokio::test]
async fn tokens_that_do_not_hold_are_counted_and_soon_told_to_wait() {
    let data = tempfile::tempdir().unwrap();
    let node = start_in(data.path(), |config| config.limits.failed_logins_per_minute_max = 2).await;
    let head = || v1::HeadRequest { network: "default".into() };
    let mut refusals = Vec::new();
    for _ in 0..3 {
        let refused = node.log().head(with_token("kith_wrong", head())).await.unwrap_err();
        refusals.push(reason(&refused));
    }
    assert_eq!(refusals, [ErrorReason::TokenInvalid, ErrorReason::TokenInvalid, ErrorReason::RateLimited]);
    node.log().head(node.by_owner(head())).await.expect("others do not affect a valid token");
    node.stop().await;
}

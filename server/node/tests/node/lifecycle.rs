//! Starting, stopping, starting again, and the two protocols on one port.

use crate::harness::{met, start, start_in};
use kith_node::{Clock, Config, Node};
use kith_proto::v1;
use prost::Message;
use std::sync::Arc;
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

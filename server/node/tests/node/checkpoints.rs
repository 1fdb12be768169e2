//! Signed checkpoints over the wire, and a node on a log that is not the one that was signed.

use crate::harness::{Running, met, reason, start_in};
use kith_core::checkpoint::{SignedCheckpoint, VerifierKey};
use kith_proto::v1::{self, ErrorReason};
use std::fs;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

async fn checkpoint(node: &Running) -> Result<v1::GetCheckpointResponse, tonic::Status> {
    let request = v1::GetCheckpointRequest { network: "default".into() };
    Ok(node.audit().get_checkpoint(node.by_owner(request)).await?.into_inner())
}

async fn health(node: &Running) -> i32 {
    let request = HealthCheckRequest { service: String::new() };
    HealthClient::new(node.channel.clone()).check(request).await.unwrap().into_inner().status
}

#[tokio::test]
async fn checkpoints_are_signed_when_asked_for_and_the_file_is_where_it_was_configured() {
    let (data, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = disk.path().join("signed");
    let node = start_in(data.path(), |config| config.log.checkpoint = Some(path.clone())).await;
    node.add_people(&["amina", "ben"]).await;
    let answer = checkpoint(&node).await.unwrap();
    let key: VerifierKey = answer.key.parse().unwrap();
    let signed = SignedCheckpoint::parse(&answer.checkpoint).unwrap();
    assert_eq!((signed.verify(&key).unwrap().size, answer.size), (3, 3));
    let head = node.log().head(node.by_owner(v1::HeadRequest { network: "default".into() })).await.unwrap();
    assert_eq!(signed.unverified().root.as_bytes().as_slice(), head.into_inner().root);
    assert!(fs::read_to_string(&path).unwrap().contains(&answer.checkpoint), "it is in the file before it is returned");
    assert_eq!(checkpoint(&node).await.unwrap(), answer, "nothing moved, nothing is signed");
    assert_eq!(health(&node).await, i32::from(ServingStatus::Serving));
    node.stop().await;
}

#[tokio::test]
async fn a_node_on_an_older_log_is_not_ready_and_refuses_writes() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log.redb");
    start_in(data.path(), |_| {}).await.stop().await;
    let older = fs::read(&log).unwrap();
    let node = start_in(data.path(), |_| {}).await;
    node.add_people(&["amina", "ben"]).await;
    node.stop().await;
    fs::write(&log, older).unwrap();

    let node = start_in(data.path(), |config| config.demo = true).await;
    assert_eq!(health(&node).await, i32::from(ServingStatus::NotServing));
    let refused = node.append(vec![met(9, &["amina", "ben"])]).await.unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::LogRolledBack);
    assert_eq!(reason(&checkpoint(&node).await.unwrap_err()), ErrorReason::LogRolledBack);
    let read = v1::ReadRequest { network: "default".into(), ..v1::ReadRequest::default() };
    assert_eq!(node.log().read(node.by_owner(read)).await.unwrap().into_inner().head, 0);
    node.stop().await;
}

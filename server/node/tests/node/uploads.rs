//! Uploads of components: who may send them, and until when.

use crate::harness::{Running, reason, start, with_token};
use kith_proto::v1::{self, ErrorReason, Role};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

/// The first message of an upload, with the first piece.
fn first() -> v1::InstallPluginRequest {
    let plugin = v1::NewPlugin { network: "default".into(), name: "ties".into(), ..Default::default() };
    v1::InstallPluginRequest { plugin: Some(plugin), data: component().slice(..1_000) }
}

fn piece(data: bytes::Bytes) -> v1::InstallPluginRequest {
    v1::InstallPluginRequest { plugin: None, data }
}

/// A component that would be installed.
fn component() -> bytes::Bytes {
    let known = kith_bundle::BUILTINS.iter().find(|known| known.name == "strength").unwrap();
    bytes::Bytes::from_static(known.component)
}

/// Opens an upload: the sender of pieces, and the stream of answers.
async fn upload(
    node: &Running,
    secret: &str,
) -> (mpsc::Sender<v1::InstallPluginRequest>, Streaming<v1::InstallPluginResponse>) {
    let (pieces, sent) = mpsc::channel(1);
    let request = with_token(secret, ReceiverStream::new(sent));
    (pieces, node.plugins().install_plugin(request).await.unwrap().into_inner())
}

async fn end(mut answers: Streaming<v1::InstallPluginResponse>) -> Result<(), Status> {
    while answers.message().await?.is_some() {}
    Ok(())
}

async fn issue(node: &Running, role: Role) -> (v1::Token, String) {
    let request = v1::IssueTokenRequest { network: "default".into(), role: role.into(), ..Default::default() };
    node.issue(request).await
}

#[tokio::test]
async fn an_upload_ends_with_its_token_and_nothing_is_recorded() {
    let (node, _data) = start().await;
    let (token, secret) = issue(&node, Role::Analyst).await;
    let (pieces, answers) = upload(&node, &secret).await;
    pieces.send(first()).await.unwrap();
    let revoke = v1::RevokeTokenRequest { network: "default".into(), token: token.id };
    node.networks().revoke_token(node.by_owner(revoke)).await.unwrap();
    // The server may have ended the stream already.
    drop(pieces.send(piece(component().slice(1_000..))).await);
    drop(pieces);
    assert_eq!(reason(&end(answers).await.unwrap_err()), ErrorReason::TokenInvalid);
    let list = v1::ListPluginsRequest { network: "default".into(), ..Default::default() };
    let listed = node.plugins().list_plugins(node.by_owner(list)).await.unwrap().into_inner();
    assert_eq!(listed.plugins, []);
    let head = node.log().head(node.by_owner(v1::HeadRequest { network: "default".into() })).await.unwrap();
    assert_eq!(head.into_inner().position, 2, "the token was issued and revoked, and that is all");
}

#[tokio::test]
async fn a_component_of_somebody_who_may_not_install_is_not_taken_in() {
    let (node, _data) = start().await;
    let (_, secret) = issue(&node, Role::Reader).await;
    let (pieces, answers) = upload(&node, &secret).await;
    pieces.send(first()).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), end(answers)).await;
    assert_eq!(reason(&ended.unwrap().unwrap_err()), ErrorReason::PermissionDenied, "without the rest being sent");
    drop(pieces);
}

#[tokio::test]
async fn a_token_has_one_upload_at_a_time() {
    let (node, _data) = start().await;
    let (_, secret) = issue(&node, Role::Analyst).await;
    let (pieces, mut answers) = upload(&node, &secret).await;
    let one_mib = bytes::Bytes::from(vec![0; 1024 * 1024]);
    pieces.send(v1::InstallPluginRequest { data: one_mib, ..first() }).await.unwrap();
    assert_eq!(answers.message().await.unwrap().unwrap().received, 1024 * 1024, "the first one is under way");
    let (second, refused) = upload(&node, &secret).await;
    second.send(first()).await.unwrap();
    assert_eq!(reason(&end(refused).await.unwrap_err()), ErrorReason::RateLimited);
}

#[tokio::test]
async fn whoever_administers_the_server_sees_and_revokes_its_tokens() {
    let (node, _data) = start().await;
    let list = || v1::ListTokensRequest { network: "default".into(), ..Default::default() };
    let (_, secret) = issue(&node, Role::Owner).await;
    let seen = node.networks().list_tokens(with_token(&secret, list())).await.unwrap().into_inner().tokens;
    assert!(seen.iter().all(|token| !token.server), "an owner of one network sees only that network's");
    let seen = node.networks().list_tokens(node.by_owner(list())).await.unwrap().into_inner().tokens;
    assert_eq!((seen.len(), seen[1].id.as_str(), seen[1].server), (2, "owner", true));

    let revoke = || v1::RevokeTokenRequest { network: "default".into(), token: "owner".into() };
    let unknown = node.networks().revoke_token(with_token(&secret, revoke())).await.unwrap_err();
    assert_eq!(reason(&unknown), ErrorReason::TokenUnknown);
    node.networks().revoke_token(node.by_owner(revoke())).await.unwrap();
    let ended = node.networks().list_tokens(node.by_owner(list())).await.unwrap_err();
    assert_eq!(reason(&ended), ErrorReason::TokenInvalid);
}

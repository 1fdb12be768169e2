//! Tokens: who is admitted, and how others are refused.

use crate::harness::{met, reason, start, with_token};
use kith_proto::v1::{self, ErrorReason, Role};
use tonic::{Code, Request};

fn head(network: &str) -> v1::HeadRequest {
    v1::HeadRequest { network: network.into() }
}

fn token(role: Role) -> v1::IssueTokenRequest {
    v1::IssueTokenRequest { network: "default".into(), role: role.into(), ..v1::IssueTokenRequest::default() }
}

#[tokio::test]
async fn every_call_needs_a_valid_token() {
    let (node, _data) = start().await;
    let missing = node.log().head(Request::new(head("default"))).await.unwrap_err();
    let wrong = node.log().head(with_token("kith_wrong", head("default"))).await.unwrap_err();
    for status in [missing, wrong] {
        assert_eq!((status.code(), reason(&status)), (Code::Unauthenticated, ErrorReason::TokenInvalid));
    }
    assert_eq!(node.log().head(node.by_owner(head("default"))).await.unwrap().into_inner().position, 0);
}

#[tokio::test]
async fn health_needs_no_token() {
    let (node, _data) = start().await;
    let mut health = tonic_health::pb::health_client::HealthClient::new(node.channel.clone());
    for service in ["", "kith.v1.LogService"] {
        let asked = tonic_health::pb::HealthCheckRequest { service: service.into() };
        let status = health.check(asked).await.unwrap().into_inner().status;
        assert_eq!(status, i32::from(tonic_health::pb::health_check_response::ServingStatus::Serving));
    }
}

#[tokio::test]
async fn a_closed_network_looks_like_none() {
    let (node, _data) = start().await;
    let created = v1::CreateNetworkRequest { name: "north".into() };
    node.networks().create_network(node.by_owner(created.clone())).await.unwrap();
    let (_, secret) = node.issue(token(Role::Owner)).await;

    let closed = node.log().head(with_token(&secret, head("north"))).await.unwrap_err();
    let absent = node.log().head(with_token(&secret, head("south"))).await.unwrap_err();
    assert_eq!((closed.code(), reason(&closed)), (Code::NotFound, ErrorReason::NetworkUnknown));
    assert_eq!((closed.message(), closed.details()), (absent.message(), absent.details()));
    assert_eq!(node.log().head(node.by_owner(head("north"))).await.unwrap().into_inner().position, 0);

    let again = node.networks().create_network(node.by_owner(created.clone())).await.unwrap_err();
    assert_eq!(reason(&again), ErrorReason::AlreadyExists);
    let refused = node.networks().create_network(with_token(&secret, created)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::PermissionDenied, ErrorReason::PermissionDenied));

    let listed = node.networks().list_networks(with_token(&secret, v1::ListNetworksRequest::default())).await.unwrap();
    let names: Vec<_> = listed.into_inner().networks.into_iter().map(|network| network.name).collect();
    assert_eq!(names, ["default"]);
}

#[tokio::test]
async fn roles_limit_what_a_token_may_do() {
    let (node, _data) = start().await;
    node.add_people(&["amina", "ben"]).await;
    let (_, reader) = node.issue(token(Role::Reader)).await;
    let append =
        v1::AppendRequest { network: "default".into(), events: vec![met(10, &["amina", "ben"])], condition: None };
    let refused = node.log().append(with_token(&reader, append)).await.unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::PermissionDenied);
    let refused = node.networks().issue_token(with_token(&reader, token(Role::Owner))).await.unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::PermissionDenied);
}

#[tokio::test]
async fn tokens_are_checked_issued_listed_and_revoked() {
    let (node, _data) = start().await;
    let unknown = v1::IssueTokenRequest { person: "amina".into(), ..token(Role::Recorder) };
    let refused = node.networks().issue_token(node.by_owner(unknown)).await.unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::PersonUnknown);
    let expired = v1::IssueTokenRequest { expires_at: Some(prost_types::Timestamp::default()), ..token(Role::Reader) };
    let refused = node.networks().issue_token(node.by_owner(expired)).await.unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::RequestInvalid);

    let (issued, secret) = node.issue(token(Role::Reader)).await;
    let list = v1::ListTokensRequest { network: "default".into(), ..Default::default() };
    let tokens = node.networks().list_tokens(node.by_owner(list)).await.unwrap().into_inner().tokens;
    assert_eq!(tokens[0], issued);
    assert_eq!((tokens.len(), tokens[1].server), (2, true), "the owner of the server sees its tokens, too");

    node.log().head(with_token(&secret, head("default"))).await.unwrap();
    let revoke = |id: &str| v1::RevokeTokenRequest { network: "default".into(), token: id.into() };
    node.networks().revoke_token(node.by_owner(revoke(&issued.id))).await.unwrap();
    let refused = node.log().head(with_token(&secret, head("default"))).await.unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::TokenInvalid);
    let unknown = node.networks().revoke_token(node.by_owner(revoke("t-nobody"))).await.unwrap_err();
    assert_eq!(reason(&unknown), ErrorReason::TokenUnknown);
}

//! Tokens: issued by entries, revoked at once, invalid after they expire.

use crate::support::*;
use kith_core::{
    decide::{Command, Refusal},
    event::{AdministrationKind, Grant, Kind, Role},
    may::{Principal, Reach},
    position::Position,
    timestamp::Timestamp,
};
use kith_log::{AppendError, Log, Network, NewServerToken, NewToken, RevokeTokenError, new_secret};
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

fn token(role: Role) -> NewToken {
    NewToken { grant: Grant::Role(role), person: None, organisation: None, expires_at: None }
}

fn now() -> Timestamp {
    Timestamp::from_millis(START_MS + 1_000_000)
}

#[tokio::test]
async fn a_token_opens_its_network_until_it_is_revoked() {
    let place = Place::new();
    let (log, network) = place.network().await;
    three_join(&network).await;
    append(&network, vec![founds(4, "riverside"), moves(5, "amina", "riverside")]).await;
    let new = NewToken {
        person: Some(person("amina")),
        organisation: Some("riverside".parse().unwrap()),
        ..token(Role::Recorder)
    };
    let issued = network.issue_token(&owner(), new).await.unwrap();
    assert_eq!(issued.position, Position::new(6));
    let (_, header) = network.entry(&owner(), issued.position).unwrap().unwrap();
    assert_eq!(
        (header.kind, header.people),
        (Kind::Administration(AdministrationKind::TokenIssued), vec![person("amina")])
    );
    let principal = log.authenticate(&issued.secret, now()).unwrap().principal;
    assert_eq!(principal.id.as_str(), "person:amina");
    assert_eq!(principal.reach, Reach::Network("north".parse().unwrap()));
    assert_eq!((principal.role, principal.organisation.unwrap().as_str()), (Role::Recorder, "riverside"));
    assert!(log.authenticate(&format!("{}x", issued.secret), now()).is_none());

    let revoked = network.revoke_token(&owner(), &issued.token.id).await.unwrap();
    assert_eq!(revoked, Position::new(7));
    assert!(log.authenticate(&issued.secret, now()).is_none());
    assert_eq!(network.revoke_token(&owner(), &issued.token.id).await.unwrap(), revoked, "revoked once");
    assert_eq!(network.head(), revoked);
    assert!(network.tokens(&owner())[0].revoked_at.is_some());
    let unknown = network.revoke_token(&owner(), &"t-unknown".parse().unwrap()).await;
    assert!(matches!(unknown, Err(RevokeTokenError::Unknown)));
}

#[tokio::test]
async fn tokens_are_there_after_a_reopen_but_not_their_secrets() {
    let place = Place::new();
    let (log, network) = place.network().await;
    let kept = network.issue_token(&owner(), token(Role::Reader)).await.unwrap();
    let gone = network.issue_token(&owner(), token(Role::Analyst)).await.unwrap();
    network.revoke_token(&owner(), &gone.token.id).await.unwrap();
    let tokens = network.tokens(&owner());
    assert_eq!(
        tokens.iter().map(|token| token.grant).collect::<Vec<_>>(),
        [Role::Reader, Role::Analyst].map(Grant::Role)
    );
    drop((log, network));
    let bytes = fs::read(place.folder.path().join("log.redb")).unwrap();
    assert!(!bytes.windows(kept.secret.len()).any(|window| window == kept.secret.as_bytes()));

    let (log, network) = place.network().await;
    assert_eq!(network.tokens(&owner()), tokens);
    let principal = log.authenticate(&kept.secret, now()).unwrap().principal;
    assert_eq!(principal.id.as_str(), format!("token:{}", kept.token.id));
    assert!(log.authenticate(&gone.secret, now()).is_none());
}

#[tokio::test]
async fn a_token_ends_when_it_expires() {
    let place = Place::new();
    let (log, network) = place.network().await;
    let new = NewToken { expires_at: Some(now()), ..token(Role::Reader) };
    let issued = network.issue_token(&owner(), new).await.unwrap();
    assert!(log.authenticate(&issued.secret, Timestamp::from_millis(now().millis() - 1)).is_some());
    assert!(log.authenticate(&issued.secret, now()).is_none());
}

#[tokio::test]
async fn only_owners_issue_and_only_for_who_is_there() {
    let place = Place::new();
    let (log, network) = place.network().await;
    let issue = async |principal, new| match network.issue_token(&principal, new).await {
        Err(AppendError::Refused(refused)) => refused.why,
        other => panic!("{other:?}"),
    };
    let officer = principal(Role::RecordsOfficer, None);
    assert!(matches!(issue(officer, token(Role::Owner)).await, Refusal::PermissionDenied { .. }));
    let nobody = NewToken { person: Some(person("nobody")), ..token(Role::Reader) };
    assert!(matches!(issue(owner(), nobody).await, Refusal::PersonUnknown { .. }));
    let nowhere = NewToken { organisation: Some("nowhere".parse().unwrap()), ..token(Role::Reader) };
    assert!(matches!(issue(owner(), nowhere).await, Refusal::OrganisationUnknown { .. }));
    let never = NewToken { expires_at: Some(Timestamp::from_millis(i64::MAX)), ..token(Role::Reader) };
    assert!(matches!(issue(owner(), never).await, Refusal::Invalid(_)));
    assert!(network.tokens(&owner()).is_empty());
    assert_eq!(network.head(), Position::ZERO);
    let issued = network.issue_token(&owner(), token(Role::Reader)).await.unwrap();
    let refused = network.revoke_token(&principal(Role::Recorder, None), &issued.token.id).await;
    assert!(matches!(refused, Err(RevokeTokenError::Append(AppendError::Refused(_)))));
    assert!(log.authenticate(&issued.secret, now()).is_some());
}

#[tokio::test]
async fn tokens_of_the_server_reach_every_network() {
    let place = Place::new();
    let log = place.open();
    let put = |secret: &str| NewServerToken {
        id: "owner".parse().unwrap(),
        secret: secret.into(),
        role: Role::Owner,
        expires_at: None,
    };
    let (first, second) = (new_secret(), new_secret());
    log.put_server_token(put(&first)).await.unwrap();
    log.put_server_token(put(&second)).await.unwrap();
    assert!(log.authenticate(&first, now()).is_none(), "replaced");
    drop(log);
    let log = place.open();
    assert!(log.authenticate(&first, now()).is_none());
    let principal = log.authenticate(&second, now()).unwrap().principal;
    assert_eq!((principal.id.as_str(), principal.reach), ("token:owner", Reach::Server));
    assert_eq!(log.server_tokens().len(), 1);
    assert_eq!(log.server_tokens()[0].issued_at, Timestamp::from_millis(START_MS + 1));
}

/// Why a principal may no longer record anything.
async fn refused(network: &Network, principal: &Principal) -> Refusal {
    let command = Command { principal: principal.clone(), ..command(vec![joins(9, "dan")]) };
    match network.append(command).await {
        Err(AppendError::Refused(refused)) => refused.why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_principal_records_nothing_once_its_token_is_revoked_or_expired() {
    let place = Place::new();
    let time = Arc::new(AtomicI64::new(START_MS));
    let now = time.clone();
    let log = Log::open(&place.config, Arc::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst)))).unwrap();
    let network = north(&log).await;
    let revoked = network.issue_token(&owner(), token(Role::Owner)).await.unwrap();
    let end = Timestamp::from_millis(START_MS + 60);
    let expiring = NewToken { expires_at: Some(end), ..token(Role::Owner) };
    let expired = network.issue_token(&owner(), expiring).await.unwrap();
    let early = Timestamp::from_millis(START_MS);
    let let_in = |secret: &str| log.authenticate(secret, early).unwrap().principal;
    let (revoked_principal, expired_principal) = (let_in(&revoked.secret), let_in(&expired.secret));
    let first = Command { principal: expired_principal.clone(), ..command(vec![joins(1, "amina")]) };
    network.append(first).await.unwrap();

    network.revoke_token(&owner(), &revoked.token.id).await.unwrap();
    let head = network.head();
    assert_eq!(refused(&network, &revoked_principal).await, Refusal::TokenInvalid);
    let issued = network.issue_token(&revoked_principal, token(Role::Owner)).await;
    assert!(matches!(issued, Err(AppendError::Refused(refused)) if refused.why == Refusal::TokenInvalid));
    let each = network.append_each(revoked_principal, vec![joins(9, "dan")]).await;
    assert!(matches!(each, Err(AppendError::Refused(refused)) if refused.why == Refusal::TokenInvalid));
    time.store(end.millis(), Ordering::SeqCst);
    assert_eq!(refused(&network, &expired_principal).await, Refusal::TokenInvalid);
    assert_eq!(network.head(), head);
}

#[tokio::test]
async fn a_token_of_the_server_that_was_revoked_or_replaced_does_nothing() {
    let place = Place::new();
    let (log, network) = place.network().await;
    let secret = new_secret();
    let put = |secret: &str, role| NewServerToken {
        id: "owner".parse().unwrap(),
        secret: secret.into(),
        role,
        expires_at: None,
    };
    log.put_server_token(put(&secret, Role::Owner)).await.unwrap();
    let operator = log.authenticate(&secret, now()).unwrap().principal;
    log.create_network_for(&operator, &"south".parse().unwrap()).await.unwrap();
    let of_network = network.issue_token(&operator, token(Role::Owner)).await.unwrap();
    let insider = log.authenticate(&of_network.secret, now()).unwrap().principal;
    let id = "owner".parse().unwrap();
    let by_insider = log.revoke_server_token(&insider, &id).await;
    assert!(matches!(by_insider, Err(RevokeTokenError::Append(_))), "a network's owner does not own the server");

    log.revoke_server_token(&operator, &id).await.unwrap();
    assert!(log.authenticate(&secret, now()).is_none());
    assert!(log.server_tokens()[0].revoked_at.is_some());
    assert_eq!(refused(&network, &operator).await, Refusal::TokenInvalid);
    let made = log.create_network_for(&operator, &"west".parse().unwrap()).await;
    assert!(matches!(made, Err(kith_log::CreateNetworkError::TokenInvalid)));

    log.put_server_token(put(&new_secret(), Role::Reader)).await.unwrap();
    assert_eq!(refused(&network, &operator).await, Refusal::TokenInvalid, "the token of this id is another one now");
}

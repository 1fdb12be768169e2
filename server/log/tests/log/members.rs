//! Members: their tokens give what the membership gives at the time, and nothing once it ends.

use crate::support::*;
use kith_core::{
    authority::Lost,
    decide::{Command, Refusal},
    event::{Administration, Grant, Role, Scope},
    id::{CertificateUri, MemberId, OrganisationId},
    may::{Credential, Principal, Reach},
    position::Position,
    timestamp::Timestamp,
};
use kith_log::{AppendError, JoinError, Log, Network, NewToken, check};

fn now() -> Timestamp {
    Timestamp::from_millis(START_MS + 1_000_000)
}

fn riverside() -> OrganisationId {
    "riverside".parse().unwrap()
}

fn amina() -> MemberId {
    "person:amina".parse().unwrap()
}

/// A network in which Amina belongs to Riverside.
async fn filled(place: &Place) -> (Log, Network) {
    let (log, network) = place.network().await;
    three_join(&network).await;
    append(&network, vec![founds(4, "riverside"), moves(5, "amina", "riverside")]).await;
    (log, network)
}

async fn invite(network: &Network, role: Role, expires_at: Option<Timestamp>) -> kith_log::IssuedToken {
    let person = Some(person("amina"));
    let token = NewToken { grant: Grant::Invitation(role), person, organisation: Some(riverside()), expires_at };
    network.issue_token(&owner(), token).await.unwrap()
}

async fn change(network: &Network, role: Option<Role>, organisation: Option<OrganisationId>) -> Position {
    let fact = Administration::MemberChanged { member: amina(), role, organisation, identity: None };
    network.administer(&owner(), Scope::Network, vec![fact]).await.unwrap()
}

async fn refused(network: &Network, principal: &Principal, number: u64) -> Option<Refusal> {
    let command = Command { principal: principal.clone(), ..command(vec![joins(number, "zoe")]) };
    match network.append(command).await {
        Ok(_) => None,
        Err(AppendError::Refused(refused)) => Some(refused.why),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_invitation_makes_a_member_once_and_opens_nothing_else() {
    let place = Place::new();
    let (log, network) = filled(&place).await;
    let invitation = invite(&network, Role::Recorder, None).await;
    assert!(invitation.token.id.as_str().starts_with("invite-"), "{}", invitation.token.id);
    assert_eq!(log.authenticate(&invitation.secret, now()), None);
    let head = network.head();
    let joined = network.join(&invitation.secret, None).await.unwrap();
    assert_eq!(
        (joined.id, joined.member.role, joined.member.organisation),
        (amina(), Role::Recorder, Some(riverside()))
    );
    assert_eq!(network.head().get(), head.get() + 3, "the membership, the end of the invitation, the token");
    assert!(!format!("{:?}", network.join("kith_x", None).await).contains("kith_x"));

    let principal = log.authenticate(&joined.secret, now()).unwrap().principal;
    assert_eq!((principal.id.as_str(), principal.role), ("person:amina", Role::Recorder));
    assert_eq!(
        (principal.organisation, principal.credential),
        (Some(riverside()), Credential::Token(joined.token.clone()))
    );
    for used in [&invitation.secret, &joined.secret, "kith_x"] {
        assert!(matches!(network.join(used, None).await, Err(JoinError::InvitationInvalid)));
    }
    assert_eq!(network.head().get(), head.get() + 3);
    log.shutdown().await;
    drop((log, network));

    let (log, network) = place.network().await;
    assert_eq!(log.authenticate(&joined.secret, now()).unwrap().principal.role, Role::Recorder, "after a restart, too");
    assert_eq!(network.authority().members().count(), 1);
    log.shutdown().await;
    drop((log, network));
    let report = check(&place.config, |_| ()).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
}

#[tokio::test]
async fn an_invitation_that_was_revoked_or_has_expired_makes_nobody_a_member() {
    let place = Place::new();
    let (_log, network) = filled(&place).await;
    let revoked = invite(&network, Role::Recorder, None).await;
    network.revoke_token(&owner(), &revoked.token.id).await.unwrap();
    let expired = invite(&network, Role::Recorder, Some(Timestamp::from_millis(START_MS))).await;
    for invitation in [revoked, expired] {
        assert!(matches!(network.join(&invitation.secret, None).await, Err(JoinError::InvitationInvalid)));
    }
    let erased = invite(&network, Role::Recorder, None).await;
    let (reason, reference) = ("withdrawn".parse().unwrap(), None);
    let fact = Administration::PersonErased { person: person("amina"), reason, reference };
    network.administer(&owner(), Scope::Network, vec![fact]).await.unwrap();
    assert!(matches!(network.join(&erased.secret, None).await, Err(JoinError::InvitationInvalid)));
    assert_eq!(network.authority().members().count(), 0);
}

#[tokio::test]
async fn a_members_token_gives_what_the_membership_gives() {
    let place = Place::new();
    let (log, network) = filled(&place).await;
    let joined = network.join(&invite(&network, Role::Recorder, None).await.secret, None).await.unwrap();
    let principal = || log.authenticate(&joined.secret, now()).map(|standing| standing.principal);
    let before = principal().unwrap();
    assert_eq!(refused(&network, &before, 100).await, None);
    let mut elsewhere = log.watch_credentials(&Reach::Server);
    elsewhere.mark_unchanged();
    let mut changes = log.watch_credentials(&Reach::Network("north".parse().unwrap()));
    changes.mark_unchanged();

    change(&network, Some(Role::Reader), Some(riverside())).await;
    assert!(changes.has_changed().unwrap(), "whoever holds a stream looks again");
    assert!(!elsewhere.has_changed().unwrap(), "and nobody else");
    assert_eq!(principal().unwrap().role, Role::Reader);
    assert_eq!(refused(&network, &before, 101).await, Some(Refusal::RightsChanged));
    assert_eq!(log.lost(&joined.secret), None, "the token goes on");
    let hidden = network.tokens(&Principal { organisation: Some("hillside".parse().unwrap()), ..owner() });
    assert!(hidden.is_empty(), "{hidden:?}");
    let of_riverside = network.tokens(&Principal { organisation: Some(riverside()), ..owner() });
    assert!(of_riverside.iter().any(|token| token.id == joined.token), "its owner sees and ends them");

    let other =
        NewToken { grant: Grant::Membership, person: Some(person("amina")), organisation: None, expires_at: None };
    let other = network.issue_token(&owner(), other).await.unwrap();
    assert_eq!(log.authenticate(&other.secret, now()).unwrap().principal.role, Role::Reader);
    let end = change(&network, None, None).await;
    assert_eq!((principal(), log.authenticate(&other.secret, now())), (None, None));
    assert_eq!(refused(&network, &before, 101).await, Some(Refusal::TokenInvalid));
    assert_eq!((log.lost(&joined.secret), log.lost(&other.secret)), (Some(Lost::Network), Some(Lost::Network)));
    let tokens = network.tokens(&owner());
    assert!(tokens.iter().all(|token| token.revoked_at.is_some()), "{tokens:?}");
    assert_eq!(network.authority().token(&joined.token).unwrap().ended.unwrap().position, end);
    log.shutdown().await;
    drop((log, network));

    let (log, network) = place.network().await;
    assert_eq!((log.authenticate(&joined.secret, now()), log.lost(&joined.secret)), (None, Some(Lost::Network)));
    let before = network.authority_at(end.previous()).unwrap();
    assert_eq!((before.members().count(), network.authority().members().count()), (1, 0));
    log.shutdown().await;
    drop((log, network));
    let report = check(&place.config, |_| ()).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
}

#[tokio::test]
async fn a_service_is_who_its_certificate_says() {
    let place = Place::new();
    let (_log, network) = filled(&place).await;
    let uri = CertificateUri::parse_field("spiffe://example.org/feeds", "identity").unwrap();
    assert_eq!(network.service(&uri), None);
    let change = async |role: Option<Role>| {
        let (member, identity) = ("service:feeds".parse().unwrap(), Some(uri.clone()).filter(|_| role.is_some()));
        let organisation = Some(riverside()).filter(|_| role.is_some());
        let fact = Administration::MemberChanged { member, role, organisation, identity };
        network.administer(&owner(), Scope::Network, vec![fact]).await.unwrap();
    };
    change(Some(Role::Recorder)).await;
    let service = network.service(&uri).unwrap();
    assert_eq!((service.id.as_str(), service.role), ("service:feeds", Role::Recorder));
    assert_eq!((&service.organisation, &service.person), (&Some(riverside()), &None));
    assert_eq!(
        (&service.credential, &service.reach),
        (&Credential::Certificate(uri.clone()), &Reach::Network("north".parse().unwrap()))
    );
    assert_eq!(refused(&network, &service, 100).await, None);
    let (_, header) = network.entry(&owner(), network.head()).unwrap().unwrap();
    assert_eq!(header.recorded_by.as_str(), "service:feeds");
    change(Some(Role::Reader)).await;
    assert_eq!(refused(&network, &service, 101).await, Some(Refusal::RightsChanged));
    change(None).await;
    assert_eq!((network.service(&uri), refused(&network, &service, 101).await), (None, Some(Refusal::TokenInvalid)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_a_role_undoes_no_change_of_a_certificate() {
    let place = Place::new();
    let (_log, network) = filled(&place).await;
    let feeds: MemberId = "service:feeds".parse().unwrap();
    let uri = |number: u32| CertificateUri::parse_field(&format!("spiffe://x.example/{number}"), "identity").unwrap();
    let with = |number: u32| Administration::MemberChanged {
        member: feeds.clone(),
        role: Some(Role::Reader),
        organisation: None,
        identity: Some(uri(number)),
    };
    network.administer(&owner(), Scope::Network, vec![with(0)]).await.unwrap();
    let changing = {
        let (network, feeds) = (network.clone(), feeds.clone());
        tokio::spawn(async move {
            for role in [Role::Analyst, Role::Reader].into_iter().cycle().take(60) {
                assert!(network.change_member(&owner(), &feeds, role, None).await.unwrap().is_some());
            }
        })
    };
    for number in 1..60 {
        network.administer(&owner(), Scope::Network, vec![with(number)]).await.unwrap();
        let identity = network.authority().member(&feeds).unwrap().identity.clone();
        assert_eq!(identity, Some(uri(number)), "an older certificate came back");
    }
    changing.await.unwrap();
    let nobody: MemberId = "service:nobody".parse().unwrap();
    assert_eq!(network.change_member(&owner(), &nobody, Role::Reader, None).await.unwrap(), None);
}

#[tokio::test]
async fn an_invitation_of_before_an_organisation_had_an_owner_is_worth_nothing() {
    let place = Place::new();
    let (_log, network) = filled(&place).await;
    let early = invite(&network, Role::Reader, None).await;
    let owner_of_riverside =
        NewToken { grant: Grant::Role(Role::Owner), person: None, organisation: Some(riverside()), expires_at: None };
    network.issue_token(&owner(), owner_of_riverside).await.unwrap();
    assert!(matches!(network.join(&early.secret, None).await, Err(JoinError::InvitationInvalid)));
    let insider = Principal { organisation: Some(riverside()), ..owner() };
    let person = Some(person("amina"));
    let own =
        NewToken { grant: Grant::Invitation(Role::Reader), person, organisation: Some(riverside()), expires_at: None };
    let own = network.issue_token(&insider, own).await.unwrap();
    network.join(&own.secret, None).await.unwrap();
}

#[tokio::test]
async fn an_invitation_takes_nobody_out_of_another_organisation() {
    let place = Place::new();
    let (log, network) = filled(&place).await;
    let invitation = invite(&network, Role::Reader, None).await;
    change(&network, Some(Role::Owner), None).await;
    assert!(matches!(network.join(&invitation.secret, None).await, Err(JoinError::InvitationInvalid)));
    let south = log.create_network(&"south".parse().unwrap()).await.unwrap();
    assert!(matches!(south.join(&invitation.secret, None).await, Err(JoinError::InvitationInvalid)));
}

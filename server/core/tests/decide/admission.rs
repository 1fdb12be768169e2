//! Who lets whom in: the network's owners, until an organisation has an owner of its own.

use crate::world::*;
use kith_core::{
    authority::Lost,
    decide::{Outcome, Refusal, State},
    event::{Administration, Attribute, AttributeValue, Event, Fact, Grant, Policy, Role},
    id::{CertificateUri, MemberId},
    invalid::{Invalid, Problem},
    limits::{FEEDS_OPEN_MAX, WEBHOOKS_OPEN_MAX},
    may::{Credential, Principal},
    model::Model,
    position::Position,
};

/// Somebody with a token: what the program itself may do is another matter.
fn holder(name: &str, role: Role, organisation: Option<&str>) -> Principal {
    let credential = Credential::Token("t-9".parse().unwrap());
    Principal { credential, ..principal(name, role, organisation) }
}

fn network_owner() -> Principal {
    holder("eve", Role::Owner, None)
}

fn member(name: &str, role: Option<Role>, organisation: Option<&str>) -> Fact {
    let (member, organisation) = (format!("person:{name}").parse().unwrap(), organisation.map(organisation_id));
    Fact::Administration(Administration::MemberChanged { member, role, organisation, identity: None })
}

fn service(name: &str, uri: &str, role: Role, organisation: Option<&str>) -> Fact {
    Fact::Administration(Administration::MemberChanged {
        member: format!("service:{name}").parse().unwrap(),
        role: Some(role),
        organisation: organisation.map(organisation_id),
        identity: Some(CertificateUri::parse_field(uri, "identity").unwrap()),
    })
}

fn issued(token: &str, grant: Grant, person_: Option<&str>, organisation: Option<&str>) -> Fact {
    Fact::Administration(Administration::TokenIssued {
        token: token.parse().unwrap(),
        grant,
        person: person_.map(person),
        organisation: organisation.map(organisation_id),
        expires_at: None,
        secret_digest: None,
    })
}

fn revoked(token: &str) -> Fact {
    Fact::Administration(Administration::TokenRevoked { token: token.parse().unwrap() })
}

/// The server records a fact for a principal.
fn write(model: &mut Model, principal: Principal, fact: Fact) -> Result<Outcome, Refusal> {
    let number = FREE + model.head().get();
    let outcomes = run(model, server_command(principal, &[event(number, fact)])).map_err(|refused| refused.why)?;
    Ok(outcomes[0])
}

/// What was lost with a token.
fn lost(model: &Model, id: &str) -> Option<Lost> {
    model.authority().token(&id.parse().unwrap()).unwrap().ended?.lost
}

fn is_denied(result: &Result<Outcome, Refusal>) -> bool {
    matches!(result, Err(Refusal::PermissionDenied { .. }))
}

#[test]
fn an_organisation_is_closed_once_it_has_an_owner_of_its_own() {
    let first_owners: [fn(&mut Model); 2] = [
        |model| {
            write(model, network_owner(), member("chidi", Some(Role::Owner), Some("hillside"))).unwrap();
        },
        |model| {
            let token = issued("t-1", Grant::Role(Role::Owner), None, Some("hillside"));
            write(model, network_owner(), token).unwrap();
        },
    ];
    for appoint in first_owners {
        let mut model = world();
        let reader = || issued("t-2", Grant::Role(Role::Reader), None, Some("hillside"));
        let feeds = |role| service("feeds", "urn:feeds", role, Some("hillside"));
        write(&mut model, network_owner(), feeds(Role::Reader)).expect("nobody else is there to let anybody in");
        appoint(&mut model);
        let of_hillside = || holder("chidi", Role::Owner, Some("hillside"));
        for fact in [reader(), feeds(Role::Recorder), service("more", "urn:more", Role::Reader, Some("hillside"))] {
            assert!(is_denied(&write(&mut model, network_owner(), fact.clone())), "{fact:?}");
            write(&mut model, of_hillside(), fact).unwrap();
        }
        let ending = Fact::Administration(Administration::MemberChanged {
            member: "service:more".parse().unwrap(),
            role: None,
            organisation: None,
            identity: None,
        });
        write(&mut model, network_owner(), ending).expect("ending is for the network's owner, too");
        write(&mut model, network_owner(), revoked("t-2")).unwrap();
        assert!(is_denied(&write(&mut model, of_hillside(), member("amina", Some(Role::Reader), Some("riverside")))));
        assert!(is_denied(&write(&mut model, of_hillside(), member("eve", Some(Role::Reader), None))));
    }
}

#[test]
fn an_organisation_whose_last_owner_leaves_is_the_networks_to_open() {
    let mut model = world();
    let let_in = |model: &mut Model, number: u32| {
        let token = issued(&format!("t-{number}"), Grant::Role(Role::Reader), None, Some("hillside"));
        write(model, network_owner(), token)
    };
    write(&mut model, network_owner(), member("chidi", Some(Role::Owner), Some("hillside"))).unwrap();
    assert!(is_denied(&let_in(&mut model, 1)));
    write(&mut model, network_owner(), member("chidi", None, None)).unwrap();
    let_in(&mut model, 1).unwrap();
    write(&mut model, network_owner(), issued("t-2", Grant::Role(Role::Owner), None, Some("hillside"))).unwrap();
    assert!(is_denied(&let_in(&mut model, 3)));
    write(&mut model, network_owner(), revoked("t-2")).unwrap();
    let_in(&mut model, 3).unwrap();
    let expiring = Fact::Administration(Administration::TokenIssued {
        token: "t-4".parse().unwrap(),
        grant: Grant::Role(Role::Owner),
        person: None,
        organisation: Some(organisation_id("hillside")),
        expires_at: Some(NOW),
        secret_digest: None,
    });
    write(&mut model, network_owner(), expiring).unwrap();
    let_in(&mut model, 5).expect("that owner's token has expired");
}

#[test]
fn a_batch_counts_its_own_owners() {
    let model = world();
    let mut batch = kith_core::decide::Batch::new(&model, NOW, 0);
    let appoint = event(FREE, member("chidi", Some(Role::Owner), Some("hillside")));
    let sneak = event(FREE + 1, issued("t-1", Grant::Role(Role::Reader), None, Some("hillside")));
    batch.decide(server_command(network_owner(), &[appoint])).unwrap();
    assert!(batch.decide(server_command(network_owner(), std::slice::from_ref(&sneak))).is_err());
    assert!(batch.authority().has_owner(&organisation_id("hillside"), NOW));
    batch.decide(server_command(holder("chidi", Role::Owner, Some("hillside")), &[sneak])).unwrap();
}

#[test]
fn only_owners_let_anybody_in() {
    for role in Role::ALL {
        for organisation in [None, Some("hillside")] {
            let mut model = world();
            let who = || holder("ben", role, organisation);
            let is_owner = role == Role::Owner;
            let fact = service("feeds", "urn:feeds", Role::Reader, organisation);
            assert_eq!(write(&mut model, who(), fact).is_ok(), is_owner, "{role:?} {organisation:?}");
            let token = issued("t-1", Grant::Role(Role::Reader), None, organisation);
            assert_eq!(write(&mut model, who(), token).is_ok(), is_owner, "{role:?} {organisation:?}");
            let policy = Fact::Administration(Administration::PolicyChanged {
                policy: Policy { random_ids: true, ..Policy::default() },
            });
            let may_change = is_owner && organisation.is_none();
            assert_eq!(write(&mut model, who(), policy).is_ok(), may_change, "{role:?} {organisation:?}");
        }
    }
    let fact = member("chidi", Some(Role::Reader), Some("hillside"));
    assert!(append(&mut world(), network_owner(), event(FREE, fact)).is_err(), "clients record no such thing");
}

#[test]
fn people_are_members_of_their_own_organisation_or_of_none() {
    let rule = Problem::MustBe("somebody of that organisation");
    let refusal = Refusal::Invalid(Invalid::new("event.member_changed.principal", rule));
    let join =
        |name, organisation| write(&mut world(), network_owner(), member(name, Some(Role::Reader), organisation));
    assert_eq!(join("chidi", Some("riverside")), Err(refusal.clone()));
    assert_eq!(join("eve", Some("riverside")), Err(refusal));
    assert!(join("chidi", Some("hillside")).is_ok() && join("chidi", None).is_ok() && join("eve", None).is_ok());
    let unknown = join("nobody", None).unwrap_err();
    assert!(matches!(unknown, Refusal::PersonUnknown { field: "event.member_changed.principal", .. }), "{unknown}");
    let nowhere = join("chidi", Some("nowhere")).unwrap_err();
    assert!(matches!(nowhere, Refusal::OrganisationUnknown { .. }), "{nowhere}");
}

#[test]
fn a_certificate_is_one_members_alone() {
    let mut model = world();
    write(&mut model, network_owner(), service("feeds", "urn:feeds", Role::Reader, None)).unwrap();
    let taken = write(&mut model, network_owner(), service("other", "urn:feeds", Role::Reader, None)).unwrap_err();
    assert!(matches!(taken, Refusal::AlreadyExists { field: "event.member_changed.identity", .. }), "{taken}");
    write(&mut model, network_owner(), service("feeds", "urn:new", Role::Reader, None)).unwrap();
    write(&mut model, network_owner(), service("other", "urn:feeds", Role::Reader, None)).expect("it is free again");
    let uri = |text| CertificateUri::parse_field(text, "identity").unwrap();
    let of = |text| model.authority().service(&uri(text)).map(|(id, _)| id.to_string());
    assert_eq!((of("urn:feeds"), of("urn:new")), (Some("service:other".into()), Some("service:feeds".into())));
    assert_eq!(of("urn:none"), None);
}

#[test]
fn a_member_has_no_token_with_a_role_of_its_own() {
    let mut model = world();
    let own = || issued("t-1", Grant::Role(Role::Owner), Some("chidi"), Some("hillside"));
    let of_member = |token| issued(token, Grant::Membership, Some("chidi"), None);
    let no_member = write(&mut model, network_owner(), of_member("t-2")).unwrap_err();
    assert!(matches!(no_member, Refusal::MemberUnknown { field: "event.token_issued.person", .. }), "{no_member}");
    write(&mut model, network_owner(), own()).unwrap();
    let chidi = || holder("chidi", Role::Owner, Some("hillside"));
    let joined = write(&mut model, chidi(), member("chidi", Some(Role::Recorder), Some("hillside"))).unwrap();
    let Outcome::Accepted(joined) = joined else { panic!("it was new") };
    let ended = |model: &Model, id: &str| Some(model.authority().token(&id.parse().unwrap())?.ended?.position);
    assert_eq!(ended(&model, "t-1"), Some(joined));
    let refused = write(&mut model, network_owner(), own()).unwrap_err();
    assert!(matches!(&refused, Refusal::Invalid(why) if why.field == "event.token_issued.role"), "{refused}");
    write(&mut model, network_owner(), of_member("t-2")).unwrap();
    write(&mut model, network_owner(), member("chidi", Some(Role::Reader), Some("hillside"))).unwrap();
    assert_eq!(ended(&model, "t-2"), None, "it carries whatever the membership gives");
    write(&mut model, network_owner(), member("chidi", None, None)).unwrap();
    assert_eq!(ended(&model, "t-2"), Some(model.head()));
    assert_eq!((lost(&model, "t-1"), lost(&model, "t-2")), (None, Some(Lost::Network)));
}

#[test]
fn what_ends_with_an_organisations_token_is_what_only_it_may_see() {
    let mut model = world();
    for (token, organisation) in [("t-1", Some("hillside")), ("t-2", None)] {
        write(&mut model, network_owner(), issued(token, Grant::Role(Role::Reader), None, organisation)).unwrap();
    }
    assert_eq!((lost(&model, "t-1"), lost(&model, "t-2")), (None, None));
    for token in ["t-1", "t-2"] {
        write(&mut model, network_owner(), revoked(token)).unwrap();
    }
    assert_eq!((lost(&model, "t-1"), lost(&model, "t-2")), (Some(Lost::Organisation), None));
}

#[test]
fn an_erased_person_is_no_member_any_more() {
    let mut model = world();
    write(&mut model, network_owner(), member("chidi", Some(Role::Reader), Some("hillside"))).unwrap();
    write(&mut model, network_owner(), issued("t-1", Grant::Membership, Some("chidi"), None)).unwrap();
    write(&mut model, network_owner(), erased("chidi")).unwrap();
    assert_eq!(model.authority().members().count(), 0);
    assert_eq!(model.authority().token(&"t-1".parse().unwrap()).unwrap().ended.unwrap().position, model.head());
    let again = write(&mut model, network_owner(), member("chidi", Some(Role::Reader), Some("hillside"))).unwrap_err();
    assert!(matches!(again, Refusal::PersonErased { field: "event.member_changed.principal", .. }), "{again}");
}

#[test]
fn what_is_so_already_is_not_recorded_again() {
    let mut model = world();
    let join = || member("chidi", Some(Role::Reader), Some("hillside"));
    let Outcome::Accepted(first) = write(&mut model, network_owner(), join()).unwrap() else { panic!("it was new") };
    assert_eq!(write(&mut model, network_owner(), join()), Ok(Outcome::Duplicate(first)));
    let policy = |policy| Fact::Administration(Administration::PolicyChanged { policy });
    let none = write(&mut model, network_owner(), policy(Policy::default()));
    assert_eq!(none, Ok(Outcome::Duplicate(Position::ZERO)), "that is what a new network has");
    let strict = Policy { random_ids: true, token_attributes: true, replica_days: 90 };
    write(&mut model, network_owner(), policy(strict)).unwrap();
    assert_eq!((model.authority().policy(), model.authority().policy_at()), (strict, model.head()));
    assert_eq!(write(&mut model, network_owner(), policy(strict)), Ok(Outcome::Duplicate(model.head())));
    let gone = write(&mut model, network_owner(), member("ben", None, None)).unwrap_err();
    assert_eq!(gone.to_string(), "event.member_changed.principal: person:ben is no member");
    assert_eq!(model.authority().member(&"person:chidi".parse::<MemberId>().unwrap()).unwrap().position, first);
}

#[test]
fn a_policy_holds_for_what_comes_after_it() {
    let mut model = world();
    let with_attribute = |number, text: &str| {
        let attribute = Attribute { key: "place".into(), value: AttributeValue::Text(text.into()) };
        Event { attributes: vec![attribute], ..event(number, met(&["amina", "ben"])) }
    };
    let now = |model: &Model| FREE + 50 + model.head().get();
    let number = now(&model);
    append(&mut model, amina(), with_attribute(number, "Ward 7, with Zoe")).unwrap();
    let strict = Policy { random_ids: true, token_attributes: true, replica_days: 0 };
    write(&mut model, network_owner(), Fact::Administration(Administration::PolicyChanged { policy: strict })).unwrap();
    let field = |result: Result<Outcome, Refusal>| match result {
        Ok(_) => String::new(),
        Err(Refusal::Invalid(why)) => why.field,
        Err(other) => panic!("refused for another reason: {other}"),
    };
    for (text, is_token) in
        [("ward_7:b.1-c", true), ("", true), ("Ward", false), ("with zoe", false), (&"a".repeat(65), false)]
    {
        let number = now(&model);
        let found = field(append(&mut model, amina(), with_attribute(number, text)));
        assert_eq!(found, if is_token { "" } else { "event.attributes" }, "{text}");
    }
    for (id, is_random) in [
        ("p-abcdefg234", true),
        ("018f0000-0000-7000-8000-00000000abcd", true),
        ("zoe", false),
        ("p-zoe", false),
        ("p-abcdefg231", false),
        ("p-ABCDEFG234", false),
    ] {
        let number = now(&model);
        let found = field(append(&mut model, amina(), event(number, person_added(id, None))));
        assert_eq!(found, if is_random { "" } else { "event.person_added.person" }, "{id}");
    }
    let number = now(&model);
    append(&mut model, amina(), event(number, person_changed("ben", None))).expect("those who are there stay");
}

#[test]
fn a_token_does_not_follow_its_person_into_another_organisation() {
    for (before, after) in [(Some("hillside"), None), (None, Some("hillside"))] {
        let mut model = world();
        write(&mut model, network_owner(), member("chidi", Some(Role::Reader), before)).unwrap();
        write(&mut model, network_owner(), issued("t-1", Grant::Membership, Some("chidi"), None)).unwrap();
        write(&mut model, network_owner(), member("chidi", Some(Role::Owner), after)).unwrap();
        let token = model.authority().token(&"t-1".parse().unwrap()).unwrap();
        assert_eq!(token.ended.unwrap().position, model.head(), "{before:?}");
        assert_eq!(lost(&model, "t-1"), before.map(|_| Lost::Organisation), "{before:?}");
    }
}

#[test]
fn an_older_invitation_lifts_nobody_up_again() {
    let mut model = world();
    let invitation = issued("invite-1", Grant::Invitation(Role::Owner), Some("chidi"), Some("hillside"));
    write(&mut model, network_owner(), invitation).unwrap();
    write(&mut model, network_owner(), member("chidi", Some(Role::Reader), Some("hillside"))).unwrap();
    let ended = model.authority().token(&"invite-1".parse().unwrap()).unwrap().ended.unwrap();
    assert_eq!((ended.position, ended.lost), (model.head(), None));
}

#[test]
fn nobody_invites_away_who_is_a_member_or_has_tokens_elsewhere() {
    let of_hillside = || holder("chidi", Role::Owner, Some("hillside"));
    let invitation = || issued("invite-1", Grant::Invitation(Role::Reader), Some("chidi"), Some("hillside"));
    let mut model = world();
    write(&mut model, of_hillside(), invitation()).expect("he is nowhere else");
    for elsewhere in
        [member("chidi", Some(Role::Owner), None), issued("t-1", Grant::Role(Role::Reader), Some("chidi"), None)]
    {
        let mut model = world();
        write(&mut model, network_owner(), elsewhere.clone()).unwrap();
        assert!(is_denied(&write(&mut model, of_hillside(), invitation())), "{elsewhere:?}");
        write(&mut model, network_owner(), invitation()).expect("what he would lose is theirs to end");
    }
}

#[test]
fn a_member_who_was_moved_keeps_a_membership_that_can_be_changed() {
    let mut model = world();
    write(&mut model, network_owner(), member("chidi", Some(Role::Recorder), Some("hillside"))).unwrap();
    accept(&mut model, owner(), event(FREE + 50, person_changed("chidi", Some("riverside"))));
    write(&mut model, network_owner(), member("chidi", Some(Role::Reader), Some("hillside"))).expect("less is allowed");
    assert!(write(&mut model, network_owner(), member("chidi", Some(Role::Reader), Some("riverside"))).is_ok());
    assert!(write(&mut model, network_owner(), member("chidi", Some(Role::Reader), Some("hillside"))).is_err());
}

/// A reader's feed of a person of hillside.
fn feed(token: &str, of: Option<&str>) -> Fact {
    issued(token, Grant::Role(Role::Reader), of, Some("hillside"))
}

#[test]
fn whoever_speaks_for_a_person_issues_and_ends_that_persons_feeds() {
    let mut model = world();
    let chidi = || holder("chidi", Role::Reader, Some("hillside"));
    let at_home = || holder("chidi", Role::Reader, None);
    write(&mut model, network_owner(), feed("feed-1", Some("chidi"))).expect("an owner lets somebody in");
    write(&mut model, chidi(), feed("feed-2", Some("chidi"))).expect("it is their own");
    assert!(is_denied(&write(
        &mut model,
        chidi(),
        issued("t-1", Grant::Role(Role::Reader), Some("chidi"), Some("hillside"))
    )));
    assert!(is_denied(&write(&mut model, chidi(), feed("feed-3", Some("dana")))));
    assert!(
        is_denied(&write(&mut model, at_home(), feed("feed-3", Some("chidi")))),
        "it would show more than they see"
    );
    assert!(is_denied(&write(&mut model, holder("dana", Role::Recorder, Some("hillside")), revoked("feed-2"))));
    assert!(is_denied(&write(&mut model, at_home(), revoked("feed-2"))));
    write(&mut model, chidi(), revoked("feed-2")).unwrap();
    write(&mut model, chidi(), revoked("feed-1")).expect("it is theirs, whoever issued it");
}

#[test]
fn a_feed_is_a_readers_and_of_somebody() {
    let mut model = world();
    let field = |refused: Refusal| match refused {
        Refusal::Invalid(Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let owners = issued("feed-1", Grant::Role(Role::Owner), Some("chidi"), Some("hillside"));
    let refused = write(&mut model, network_owner(), owners).unwrap_err();
    assert_eq!(field(refused), "event.token_issued.role");
    let refused = write(&mut model, network_owner(), feed("feed-1", None)).unwrap_err();
    assert_eq!(field(refused), "event.token_issued.person");
}

#[test]
fn a_person_has_a_bounded_number_of_feeds_that_are_open() {
    let mut model = world();
    for number in 0..FEEDS_OPEN_MAX {
        write(&mut model, network_owner(), feed(&format!("feed-{number}"), Some("chidi"))).unwrap();
    }
    let refused = write(&mut model, network_owner(), feed("feed-x", Some("chidi"))).unwrap_err();
    assert!(matches!(refused, Refusal::Invalid(Invalid { problem: Problem::TooMany { .. }, .. })), "{refused:?}");
    write(&mut model, network_owner(), revoked("feed-0")).unwrap();
    write(&mut model, network_owner(), feed("feed-x", Some("chidi"))).unwrap();
}

/// A webhook of an organisation, or of none.
fn webhook(token: &str, organisation: Option<&str>) -> Fact {
    issued(token, Grant::Role(Role::Reader), None, organisation)
}

#[test]
fn a_webhook_is_a_readers_and_speaks_for_nobody() {
    let mut model = world();
    let field = |refused: Refusal| match refused {
        Refusal::Invalid(Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    write(&mut model, network_owner(), webhook("hook-1", None)).expect("an owner adds it");
    assert!(is_denied(&write(&mut model, holder("chidi", Role::Recorder, None), webhook("hook-2", None))));
    for (grant, person) in [(Grant::Role(Role::Owner), None), (Grant::Invitation(Role::Reader), Some("chidi"))] {
        let refused = write(&mut model, network_owner(), issued("hook-2", grant, person, None)).unwrap_err();
        assert_eq!(field(refused), "event.token_issued.role");
    }
    let of_somebody = issued("hook-2", Grant::Role(Role::Reader), Some("chidi"), Some("hillside"));
    assert_eq!(field(write(&mut model, network_owner(), of_somebody).unwrap_err()), "event.token_issued.person");
}

#[test]
fn a_network_has_a_bounded_number_of_webhooks_that_are_open() {
    let mut model = world();
    for number in 0..WEBHOOKS_OPEN_MAX {
        let organisation = (number % 2 == 0).then_some("hillside");
        write(&mut model, network_owner(), webhook(&format!("hook-{number}"), organisation)).unwrap();
    }
    let refused = write(&mut model, network_owner(), webhook("hook-x", None)).unwrap_err();
    assert!(matches!(refused, Refusal::Invalid(Invalid { problem: Problem::TooMany { .. }, .. })), "{refused:?}");
    write(&mut model, network_owner(), revoked("hook-0")).unwrap();
    write(&mut model, network_owner(), webhook("hook-x", None)).unwrap();
}

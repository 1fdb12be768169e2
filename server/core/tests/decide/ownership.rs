//! Who may change which part of the directory: an organisation its own people, the network the rest.

use crate::world::*;
use kith_core::{
    decide::{Batch, Outcome, Refusal, State},
    event::{Administration, Event, Fact, Grant, Role},
    invalid::{Invalid, Problem},
    may::Principal,
    model::Model,
};

fn officer(organisation: Option<&str>) -> Principal {
    principal("ben", Role::RecordsOfficer, organisation)
}

fn is_accepted(model: &mut Model, principal: Principal, fact: Fact) -> bool {
    let number = FREE + model.head().get();
    match append(model, principal, event(number, fact)) {
        Ok(_) => true,
        Err(Refusal::PermissionDenied { .. }) => false,
        Err(other) => panic!("refused for another reason: {other}"),
    }
}

/// Checks which of hillside's recorder, riverside's recorder, riverside's officer and the network's owner may record a
/// fact, each in a fresh network.
fn check(fact: &Fact, accepted: [bool; 4]) {
    let principals = [chidi(), amina(), officer(Some("riverside")), owner()];
    let found = principals.map(|principal| is_accepted(&mut world(), principal, fact.clone()));
    assert_eq!(found, accepted, "{fact:?}");
}

#[test]
fn people_are_changed_by_their_own_organisation_and_by_the_owner() {
    check(&person_changed("ben", Some("riverside")), [false, true, true, true]);
    check(&person_changed("ben", None), [false, true, true, true]);
    check(&person_changed("chidi", Some("hillside")), [true, false, false, true]);
    check(&person_changed("eve", None), [false, false, false, true]);
    check(&person_changed("eve", Some("riverside")), [false, false, false, true]);
}

#[test]
fn moves_are_the_owners() {
    check(&person_changed("ben", Some("hillside")), [false, false, false, true]);
    check(&person_changed("chidi", Some("riverside")), [false, false, false, true]);
    let refused = append(&mut world(), amina(), event(FREE, person_changed("chidi", Some("riverside"))));
    let told = refused.unwrap_err().to_string();
    let expected = "this token may not move people from one organisation to another: an owner of the network may";
    assert_eq!(told, expected);
}

#[test]
fn organisations_are_added_by_the_owner() {
    check(&organisation_added("ghost"), [false, false, false, true]);
    assert!(!is_accepted(&mut world(), principal("ben", Role::Owner, Some("riverside")), organisation_added("ghost")));
}

#[test]
fn people_join_the_recorders_organisation_or_none() {
    check(&person_added("zoe", None), [true; 4]);
    check(&person_added("zoe", Some("riverside")), [false, true, true, true]);
    assert!(is_accepted(&mut world(), principal("eve", Role::Recorder, None), person_added("zoe", Some("hillside"))));
}

#[test]
fn a_merge_is_both_organisations() {
    check(&merged("amina", "ben"), [false, true, true, true]);
    check(&merged("amina", "chidi"), [false, false, false, true]);
    check(&merged("amina", "eve"), [false, false, false, true]);
    check(&merged("eve", "amina"), [false, false, false, true]);
    assert!(is_accepted(&mut world(), officer(None), merged("eve", "amina")), "nobody's people are the network's");
}

#[test]
fn a_merge_into_an_id_is_one_into_whomever_that_id_means() {
    let mut model = world();
    accept(&mut model, owner(), event(FREE, merged("chidi", "ben")));
    assert!(!is_accepted(&mut model, amina(), merged("ben", "amina")), "ben means chidi, who is hillside's");
    assert!(is_accepted(&mut model, owner(), merged("ben", "amina")));
}

#[test]
fn whoever_may_not_merge_people_may_not_part_them() {
    let mut model = world();
    accept(&mut model, amina(), event(FREE, merged("amina", "ben")));
    let part = |model: &mut Model, principal, number| append(model, principal, event(number, retracted(FREE)));
    let denied = |refused: Result<Outcome, Refusal>| matches!(refused, Err(Refusal::PermissionDenied { .. }));
    assert!(denied(part(&mut model, chidi(), FREE + 1)));
    accept(&mut model, owner(), event(FREE + 2, person_changed("ben", Some("hillside"))));
    assert!(denied(part(&mut model, amina(), FREE + 3)), "she recorded it, and ben is hillside's by now");
    assert!(denied(part(&mut model, officer(Some("riverside")), FREE + 4)));
    assert!(part(&mut model, owner(), FREE + 5).is_ok());
    let mut model = world();
    accept(&mut model, amina(), event(FREE, merged("amina", "ben")));
    assert!(part(&mut model, officer(Some("riverside")), FREE + 1).is_ok());
}

#[test]
fn nobody_is_moved_first_and_erased_then() {
    let erased = erased("chidi");
    for taken in [person_changed("chidi", Some("riverside")), person_changed("chidi", None), merged("ben", "chidi")] {
        let model = world();
        let mut batch = Batch::new(&model, NOW, 0);
        let events = [event(FREE, taken), event(FREE + 1, person_changed("chidi", Some("riverside")))];
        assert!(batch.decide(command(officer(Some("riverside")), &events)).is_err());
        assert!(batch.decide(command(officer(Some("riverside")), &events[..1])).is_err());
        let erase = server_command(officer(Some("riverside")), &[event(FREE + 2, erased.clone())]);
        assert!(batch.decide(erase).is_err());
    }
}

#[test]
fn the_batchs_own_changes_count() {
    let model = world();
    let mut batch = Batch::new(&model, NOW, 0);
    let mut accepted = |principal, number, fact| batch.decide(command(principal, &[event(number, fact)])).is_ok();
    assert!(accepted(owner(), FREE, person_changed("eve", Some("riverside"))));
    assert!(accepted(amina(), FREE + 1, merged("amina", "eve")));
    assert!(accepted(owner(), FREE + 2, person_changed("ben", Some("hillside"))));
    assert!(!accepted(amina(), FREE + 3, person_changed("ben", None)));
    assert!(accepted(chidi(), FREE + 4, person_changed("ben", None)));
    assert!(!accepted(chidi(), FREE + 5, person_changed("ben", Some("hillside"))), "he is nobody's now");
}

fn issued(person_: Option<&str>, organisation: Option<&str>) -> Event {
    event(
        FREE,
        Fact::Administration(Administration::TokenIssued {
            token: "t-1".parse().unwrap(),
            grant: Grant::Role(Role::Owner),
            person: person_.map(person),
            organisation: organisation.map(organisation_id),
            expires_at: None,
            secret_digest: None,
        }),
    )
}

#[test]
fn an_owner_of_an_organisation_issues_its_tokens_alone() {
    let issue = |principal, organisation| run(&mut world(), server_command(principal, &[issued(None, organisation)]));
    let of_riverside = || principal("ben", Role::Owner, Some("riverside"));
    assert!(issue(owner(), Some("hillside")).is_ok() && issue(owner(), None).is_ok());
    assert!(issue(of_riverside(), Some("riverside")).is_ok());
    for organisation in [Some("hillside"), None] {
        let refused = issue(of_riverside(), organisation).unwrap_err();
        assert!(matches!(refused.why, Refusal::PermissionDenied { .. }), "{refused}");
    }
}

#[test]
fn a_token_speaks_for_somebody_of_its_own_organisation() {
    let issue = |person, organisation| run(&mut world(), server_command(owner(), &[issued(person, organisation)]));
    assert!(issue(Some("amina"), Some("riverside")).is_ok());
    assert!(issue(Some("amina"), None).is_ok());
    let rule = Problem::MustBe("somebody of that organisation");
    let refusal = Refusal::Invalid(Invalid::new("event.token_issued.person", rule));
    for stranger in ["chidi", "eve"] {
        assert_eq!(issue(Some(stranger), Some("riverside")).unwrap_err().why, refusal);
    }
}

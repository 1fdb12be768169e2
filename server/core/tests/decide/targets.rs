//! Events that name events: visibility, scope, kind, and who may withdraw what.

use crate::world::*;
use kith_core::{
    decide::Refusal,
    event::{Administration, Event, Fact, Role},
    invalid::{Invalid, Problem},
    may::Principal,
    model::Model,
};

/// Numbers of the events in [`network`].
const PUBLIC: u64 = FREE;
const HIDDEN: u64 = FREE + 1;
const REFERRAL: u64 = FREE + 2;
const RETRACTION: u64 = FREE + 3;
const MERGE: u64 = FREE + 4;
const ADDITION: u64 = 2;
const NEW: u64 = FREE + 10;
const ABSENT: u64 = FREE + 99;

/// Recorded by Amina of Riverside, except for the merge, which is the owner's.
fn network() -> Model {
    let mut model = world();
    accept(&mut model, amina(), event(PUBLIC, met(&["amina", "chidi"])));
    accept(&mut model, amina(), private(event(HIDDEN, referred("amina", "ben", "chidi"))));
    accept(&mut model, amina(), event(REFERRAL, referred("amina", "ben", "chidi")));
    accept(&mut model, owner(), event(MERGE, merged("dana", "eve")));
    accept(&mut model, amina(), event(RETRACTION, retracted(PUBLIC)));
    model
}

fn naming(target: u64) -> [(Fact, &'static str); 4] {
    [
        (followed_up("amina", "ben", Some(target)), "event.followed_up.about"),
        (helped("amina", "ben", Some(target)), "event.helped.about"),
        (answered(target), "event.answered.referral"),
        (retracted(target), "event.retracted.event"),
    ]
}

fn unknown(field: &'static str, target: u64) -> Refusal {
    Refusal::EventUnknown { field, id: id(target) }
}

fn must_be(field: &str, rule: &'static str) -> Refusal {
    Refusal::Invalid(Invalid::new(field, Problem::MustBe(rule)))
}

#[test]
fn an_event_that_is_hidden_is_refused_as_one_that_is_not_there() {
    for (target, kind) in [(ABSENT, "absent"), (HIDDEN, "hidden")] {
        for principal in [chidi(), owner(), principal("ben", Role::RecordsOfficer, Some("hillside"))] {
            for (fact, field) in naming(target) {
                let refused = append(&mut network(), principal.clone(), event(NEW, fact));
                assert_eq!(refused, Err(unknown(field, target)), "{kind}");
            }
        }
        for (fact, field) in naming(target) {
            let refused = append(&mut network(), chidi(), private(event(NEW, fact)));
            assert_eq!(refused, Err(unknown(field, target)), "{kind}");
        }
    }
}

#[test]
fn an_event_cannot_name_itself_or_a_later_one() {
    for (fact, field) in naming(NEW) {
        assert_eq!(append(&mut network(), amina(), event(NEW, fact)), Err(unknown(field, NEW)));
    }
    let events = [event(NEW, followed_up("amina", "ben", Some(NEW + 1))), event(NEW + 1, met(&["amina", "ben"]))];
    let refused = run(&mut network(), command(amina(), &events)).unwrap_err();
    assert_eq!((refused.event, refused.why), (0, unknown("event.followed_up.about", NEW + 1)));
}

#[test]
fn events_named_earlier_in_the_same_append_are_known() {
    let events = [event(NEW, referred("amina", "ben", "chidi")), event(NEW + 1, answered(NEW))];
    assert!(run(&mut network(), command(amina(), &events)).is_ok());
}

#[test]
fn an_event_takes_the_scope_of_the_one_it_names() {
    let mismatch = |field, target| Refusal::ScopeMismatch { field, id: id(target) };
    for (fact, field) in naming(REFERRAL) {
        let refused = append(&mut network(), amina(), private(event(NEW, fact)));
        assert_eq!(refused, Err(mismatch(field, REFERRAL)));
    }
    for (fact, field) in naming(HIDDEN) {
        assert_eq!(append(&mut network(), amina(), event(NEW, fact.clone())), Err(mismatch(field, HIDDEN)));
        assert!(append(&mut network(), amina(), private(event(NEW, fact))).is_ok());
    }
}

#[test]
fn only_introductions_are_answered() {
    for target in [PUBLIC, MERGE, RETRACTION, ADDITION] {
        let refused = append(&mut network(), amina(), event(NEW, answered(target)));
        assert_eq!(refused, Err(must_be("event.answered.referral", "a referred event")));
    }
    accept(&mut network(), chidi(), event(NEW, answered(REFERRAL)));
}

#[test]
fn only_habits_are_followed_up_or_helped_with() {
    for target in [MERGE, RETRACTION, ADDITION] {
        let refused = append(&mut network(), amina(), event(NEW, followed_up("amina", "ben", Some(target))));
        assert_eq!(refused, Err(must_be("event.followed_up.about", "an event of a habit")));
        let refused = append(&mut network(), amina(), event(NEW, helped("amina", "ben", Some(target))));
        assert_eq!(refused, Err(must_be("event.helped.about", "an event of a habit")));
    }
    accept(&mut network(), amina(), event(NEW, followed_up("amina", "ben", Some(PUBLIC))));
}

#[test]
fn retractions_directory_and_administration_stay() {
    let mut model = network();
    let paused = Fact::Administration(Administration::PluginPaused { name: "strength".into(), paused: true });
    run(&mut model, server_command(owner(), &[event(NEW, paused)])).unwrap();
    for target in [RETRACTION, ADDITION, NEW] {
        let refused = append(&mut model, owner(), event(NEW + 1, retracted(target)));
        assert_eq!(refused, Err(must_be("event.retracted.event", "an event that can be withdrawn")));
    }
}

#[test]
fn the_recorder_the_organisations_officer_and_owners_retract() {
    let retract = |principal: Principal, event: Event| append(&mut network(), principal, event);
    let denied = Err(Refusal::PermissionDenied { what: "retract this event" });
    let public = || event(NEW, retracted(PUBLIC));
    assert!(retract(amina(), public()).is_ok());
    assert!(retract(owner(), public()).is_ok());
    assert!(retract(principal("ben", Role::RecordsOfficer, Some("riverside")), public()).is_ok());
    assert_eq!(retract(principal("ben", Role::Recorder, Some("riverside")), public()), denied);
    assert_eq!(retract(chidi(), public()), denied);
    assert_eq!(retract(principal("dana", Role::RecordsOfficer, Some("hillside")), public()), denied);
    let hidden = || private(event(NEW, retracted(HIDDEN)));
    assert!(retract(amina(), hidden()).is_ok());
    assert_eq!(retract(principal("ben", Role::Recorder, Some("riverside")), hidden()), denied);
    let owner_there = principal("ben", Role::Owner, Some("riverside"));
    assert!(retract(owner_there, hidden()).is_ok());
}

#[test]
fn an_entry_counts_under_the_event_it_names() {
    let mut model = network();
    accept(&mut model, chidi(), event(NEW, answered(REFERRAL)));
    accept(&mut model, chidi(), event(NEW + 1, retracted(NEW)));
    let headers: Vec<_> = model.accepted().iter().rev().take(2).map(|accepted| &accepted.header).collect();
    let names = |items: Vec<String>| items.join(" ");
    let kinds = |at: usize| names(headers[at].kinds.iter().map(ToString::to_string).collect());
    let people = |at: usize| names(headers[at].people.iter().map(ToString::to_string).collect());
    assert_eq!((kinds(1), people(1)), ("answered referred".into(), "chidi amina ben".into()));
    assert_eq!((kinds(0), people(0)), ("retracted answered referred".into(), "chidi amina ben".into()));
}

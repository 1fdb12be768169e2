//! Events that are sent again: duplicates, ids that are taken, and what a principal may learn about them.

use crate::world::*;
use kith_core::{
    decide::{Command, Outcome, Refusal, State},
    detail::{Detail, DetailKind},
    event::{Event, Role},
    prepare::Prepared,
};

fn note(text: &str) -> Detail {
    Detail { kind: DetailKind::Note, subjects: vec![person("ben")], text: text.into(), salt: [4; 32] }
}

fn with_note(event: Event, text: &str) -> Command {
    let event = Event { details: vec![note(text).commitment()], ..event };
    let events = vec![Prepared::from_event(&event, &[note(text)]).unwrap()];
    Command { events, ..command(amina(), &[]) }
}

#[test]
fn the_same_event_is_recorded_once_whatever_its_salt_and_details() {
    let mut model = world();
    let first = event(FREE, met(&["amina", "ben"]));
    let position = accept(&mut model, amina(), first.clone());
    let duplicate = Ok(Outcome::Duplicate(position));
    assert_eq!(append(&mut model, amina(), first.clone()), duplicate);
    assert_eq!(append(&mut model, chidi(), Event { salt: [8; 16], ..first.clone() }), duplicate);
    let outcomes = run(&mut model, with_note(first, "words that come late")).unwrap();
    assert_eq!(outcomes, [Outcome::Duplicate(position)]);
    assert_eq!(model.head(), position);
    assert!(model.accepted().last().unwrap().details.is_empty(), "a duplicate writes no details");
}

#[test]
fn a_duplicate_needs_no_right_to_record_and_no_present() {
    let mut model = world();
    let first = event(FREE, met(&["amina", "ben"]));
    let position = accept(&mut model, amina(), first.clone());
    let reader = principal("dana", Role::Reader, None);
    assert_eq!(append(&mut model, reader, first), Ok(Outcome::Duplicate(position)));
    let added = event(3, person_added("ben", Some("riverside")));
    assert!(matches!(append(&mut model, amina(), added), Ok(Outcome::Duplicate(_))), "not refused as existing");
}

#[test]
fn an_id_with_other_content_is_taken() {
    let mut model = world();
    let first = event(FREE, met(&["amina", "ben"]));
    accept(&mut model, amina(), first.clone());
    let taken = Err(Refusal::EventIdReused { id: id(FREE) });
    let others = [
        event(FREE, met(&["ben", "amina"])),
        event(FREE, met(&["amina", "nobody"])),
        Event { caused_by: vec![id(1)], ..first.clone() },
        Event { occurred_at: kith_core::timestamp::Timestamp::from_millis(0), ..first.clone() },
        private(first),
    ];
    for other in others {
        assert_eq!(append(&mut model, amina(), other), taken);
    }
}

#[test]
fn the_id_of_a_hidden_event_is_just_taken() {
    let mut model = world();
    let hidden = private(event(FREE, met(&["amina", "ben"])));
    let position = accept(&mut model, amina(), hidden.clone());
    let taken = Err(Refusal::EventIdReused { id: id(FREE) });
    for principal in [chidi(), owner(), principal("amina", Role::Recorder, None)] {
        assert_eq!(append(&mut model, principal.clone(), hidden.clone()), taken);
        assert_eq!(append(&mut model, principal, event(FREE, met(&["amina", "dana"]))), taken);
    }
    let colleague = principal("ben", Role::Reader, Some("riverside"));
    assert_eq!(append(&mut model, colleague, hidden), Ok(Outcome::Duplicate(position)));
}

#[test]
fn one_append_may_hold_an_event_twice() {
    let mut model = world();
    let next = model.head().next();
    let first = event(FREE, met(&["amina", "ben"]));
    let events = [first.clone(), event(FREE + 1, met(&["amina", "eve"])), first.clone()];
    let outcomes = run(&mut model, command(amina(), &events)).unwrap();
    let expected = [Outcome::Accepted(next), Outcome::Accepted(next.next()), Outcome::Duplicate(next)];
    assert_eq!(outcomes, expected);
    let events = [event(FREE + 2, met(&["amina", "ben"])), event(FREE + 2, met(&["amina", "eve"]))];
    let refused = run(&mut model, command(amina(), &events)).unwrap_err();
    assert_eq!((refused.event, refused.why), (1, Refusal::EventIdReused { id: id(FREE + 2) }));
    assert_eq!(model.head(), next.next());
}

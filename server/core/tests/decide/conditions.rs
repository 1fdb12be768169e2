//! Conditions: checked against everything before the command, and not at all when all of it is recorded.

use crate::world::*;
use kith_core::{
    condition::Condition,
    decide::{Batch, Command, Outcome, Refusal, State, Undecided},
    event::{Event, HabitKind, Kind},
    filter::Filter,
    limits::FUTURE_MS_MAX_DEFAULT,
    may::Principal,
    model::Model,
    position::Position,
};

fn on(condition: Condition, principal: Principal, events: &[Event]) -> Command {
    Command { condition: Some(condition), ..command(principal, events) }
}

fn none_met(after: Position, name: &str) -> Condition {
    let filter = Filter { kinds: vec![Kind::Habit(HabitKind::Met)], people: vec![person(name)], ..Filter::default() };
    Condition::NoneMatch { after, filter }
}

fn failed(head: Position) -> Refusal {
    Refusal::ConditionFailed { head }
}

fn refusal(model: &mut Model, command: Command) -> Option<Refusal> {
    run(model, command).err().map(|refused| refused.why)
}

#[test]
fn the_head_must_be_the_expected_one() {
    let mut model = world();
    let head = model.head();
    let meeting = |number| [event(number, met(&["amina", "ben"]))];
    for wrong in [Position::ZERO, head.previous(), head.next()] {
        let refused = run(&mut model, on(Condition::ExpectedHead(wrong), amina(), &meeting(FREE))).unwrap_err();
        assert_eq!((refused.event, refused.why), (0, failed(head)));
    }
    assert_eq!(refusal(&mut model, on(Condition::ExpectedHead(head), amina(), &meeting(FREE))), None);
    let stale = on(Condition::ExpectedHead(head), amina(), &meeting(FREE + 1));
    assert_eq!(refusal(&mut model, stale), Some(failed(head.next())));
}

#[test]
fn nothing_after_the_position_may_match() {
    let mut model = world();
    let start = model.head();
    let met_at = accept(&mut model, amina(), event(FREE, met(&["amina", "ben"])));
    let fresh = [event(FREE + 1, met(&["amina", "ben"]))];
    assert_eq!(refusal(&mut model, on(none_met(start, "ben"), amina(), &fresh)), Some(failed(met_at)));
    assert_eq!(refusal(&mut model, on(none_met(start, "chidi"), amina(), &fresh)), None);
    let another = [event(FREE + 2, met(&["amina", "ben"]))];
    assert_eq!(refusal(&mut model, on(none_met(met_at.next(), "ben"), amina(), &another)), None);
}

#[test]
fn a_filter_for_habits_is_not_matched_by_the_directory() {
    let mut model = world();
    let fresh = [event(FREE, met(&["amina", "ben"]))];
    assert_eq!(refusal(&mut model, on(none_met(Position::ZERO, "ben"), amina(), &fresh)), None);
    let everything = Condition::NoneMatch { after: Position::ZERO, filter: Filter::default() };
    let another = [event(FREE + 1, met(&["amina", "ben"]))];
    let head = model.head();
    assert_eq!(refusal(&mut model, on(everything, amina(), &another)), Some(failed(head)));
}

#[test]
fn hidden_entries_match_no_condition() {
    let mut model = world();
    let start = model.head();
    let head = accept(&mut model, amina(), private(event(FREE, met(&["amina", "ben"]))));
    let fresh = [event(FREE + 1, met(&["ben", "chidi"]))];
    assert_eq!(refusal(&mut model, on(none_met(start, "ben"), amina(), &fresh)), Some(failed(head)));
    assert_eq!(refusal(&mut model, on(none_met(start, "ben"), chidi(), &fresh)), None);
}

#[test]
fn conditions_see_the_batch_so_far() {
    let model = world();
    let start = model.head();
    let mut batch = Batch::new(&model, NOW, FUTURE_MS_MAX_DEFAULT);
    batch.decide(command(amina(), &[event(FREE, met(&["amina", "ben"]))])).unwrap();
    batch.decide(command(amina(), &[private(event(FREE + 1, met(&["amina", "eve"])))])).unwrap();
    let head = start.plus(2);
    let mut check = |condition, principal, number, expected: Option<Refusal>| {
        let decided = batch.decide(on(condition, principal, &[event(number, met(&["dana", "chidi"]))]));
        let refusal = decided.err().map(|undecided| match undecided {
            Undecided::Refused(refused) => refused.why,
            Undecided::Unreadable(never) => match never {},
        });
        assert_eq!(refusal, expected);
    };
    check(none_met(start, "ben"), chidi(), FREE + 2, Some(failed(head)));
    check(none_met(start, "eve"), amina(), FREE + 2, Some(failed(head)));
    check(Condition::ExpectedHead(start), amina(), FREE + 2, Some(failed(head)));
    check(none_met(start, "eve"), chidi(), FREE + 2, None);
    check(none_met(start.next(), "ben"), amina(), FREE + 3, None);
    check(Condition::ExpectedHead(start.plus(4)), amina(), FREE + 4, None);
}

#[test]
fn a_command_that_is_all_recorded_needs_no_condition() {
    let mut model = world();
    let events = [event(FREE, met(&["amina", "ben"])), event(FREE + 1, met(&["amina", "eve"]))];
    let head = model.head();
    let first = on(Condition::ExpectedHead(head), amina(), &events);
    run(&mut model, first.clone()).unwrap();
    let outcomes = run(&mut model, first).unwrap();
    assert_eq!(outcomes, [Outcome::Duplicate(head.plus(1)), Outcome::Duplicate(head.plus(2))]);
    let partly = [events[0].clone(), event(FREE + 2, met(&["amina", "eve"]))];
    let refused = refusal(&mut model, on(Condition::ExpectedHead(head), amina(), &partly));
    assert_eq!(refused, Some(failed(head.plus(2))));
}

#[test]
fn an_event_does_not_match_the_condition_of_its_own_command() {
    let mut model = world();
    let start = model.head();
    let events = [event(FREE, met(&["amina", "ben"])), event(FREE + 1, met(&["amina", "ben"]))];
    assert_eq!(refusal(&mut model, on(none_met(start, "ben"), amina(), &events)), None);
}

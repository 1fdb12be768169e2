//! A plugin that fails on one entry harms only the key of that entry.

use super::harness::{HOSTILE, HOSTILE_TEXT, Lab, MemoryLog, View, at, component, person};
use crate::{Query, SandboxLimits, limits, view::follower::Step};
use kith_core::{
    event::{Attribute, AttributeValue, DirectoryFact, Fact, Habit, Met, PersonAdded, Scope},
    history::History,
    id::PersonId,
    position::Position,
};
use std::sync::Arc;
use wasmtime::ResourceLimiter;

/// Little fuel, so that endless loops end soon.
fn lab() -> Lab {
    Lab::open_with(SandboxLimits { call_fuel: 1_000_000, ..SandboxLimits::default() })
}

/// Two people meet in an event on which the plugin will fail.
fn poison(log: &MemoryLog, day: i32, people: [usize; 2]) -> u64 {
    let attributes = vec![Attribute { key: "poison".into(), value: AttributeValue::Flag(true) }];
    let people = people.map(person).into();
    log.append_event(at(day, 9), Fact::Habit(Habit::Met(Met { people })), Scope::Network, attributes)
}

/// Three entries of one key with a poisoned one in between, and other keys around them.
fn poisoned_log() -> (Arc<MemoryLog>, u64) {
    let log = MemoryLog::with_people();
    log.met(1, &[0, 1]);
    log.met(1, &[2, 3]);
    let poisoned = poison(&log, 2, [0, 1]);
    log.met(3, &[0, 1]);
    log.met(3, &[2, 3]);
    (log, poisoned)
}

fn quarantined(view: &View) -> Vec<(String, Option<u64>, String)> {
    let status = view.handle.status().unwrap();
    status
        .quarantined
        .into_iter()
        .map(|key| {
            let people: Vec<&str> = key.key.iter().map(PersonId::as_str).collect();
            (people.join("-"), key.position.map(Position::get), key.message)
        })
        .collect()
}

/// Checks a failure to fold: the key keeps its last good state, the others continue, and batching makes no difference.
fn check_stuck(settings: &str, message: &str) {
    let lab = lab();
    let (log, poisoned) = poisoned_log();
    for piece in [1, 2, 100] {
        log.read_in_pieces_of(piece);
        let mut view = lab.view(&HOSTILE, settings, &log);
        view.catch_up();
        let rows = view.rows(Query::default());
        assert_eq!(rows, ["ann-ben [Integer(1)] of 1", "cem-dia [Integer(2)] of 2"], "{settings}");
        let [(key, position, reason)] = &quarantined(&view)[..] else { panic!("one key is stuck") };
        assert_eq!((key.as_str(), *position), ("ann-ben", Some(poisoned)));
        assert!(reason.contains(message), "{settings}: {reason}");
    }
}

#[test]
fn a_trap_harms_one_key() {
    check_stuck("t", "unreachable");
}

#[test]
fn an_endless_loop_harms_one_key() {
    check_stuck("l", "fuel");
}

#[test]
fn taking_too_much_memory_harms_one_key() {
    check_stuck("g", "MiB of memory and may have 64");
}

#[test]
fn a_fault_harms_one_key() {
    check_stuck("f", "poisoned");
}

#[test]
fn a_state_that_is_too_large_harms_one_key() {
    check_stuck("s", "a state has 70000 bytes");
}

#[test]
fn lost_states_harm_one_key() {
    check_stuck("b", "fold returned 0 bytes");
}

#[test]
fn calling_itself_without_end_harms_one_key() {
    check_stuck("d", "call stack exhausted");
}

#[test]
fn huge_output_harms_one_key() {
    check_stuck("h", "out of bounds");
}

#[test]
fn output_outside_its_memory_harms_one_key() {
    check_stuck("o", "out of bounds");
}

/// Checks a failure to read: the key has no rows, and continues to be folded.
fn check_unread(settings: &str, message: &str) {
    let (log, _) = poisoned_log();
    let view = {
        let mut view = lab().view(&HOSTILE, settings, &log);
        view.catch_up();
        view
    };
    assert_eq!(view.rows(Query::default()), ["cem-dia [Integer(2)] of 2"]);
    let [(key, position, reason)] = &quarantined(&view)[..] else { panic!("one key cannot be read") };
    assert_eq!((key.as_str(), *position), ("ann-ben", None));
    assert!(reason.contains(message), "{settings}: {reason}");
    assert_eq!(view.handle.status().unwrap().keys, 2);
}

#[test]
fn a_trap_in_read_takes_the_rows_of_one_key() {
    check_unread("r", "unreachable");
}

#[test]
fn a_value_of_the_wrong_type_takes_the_rows_of_one_key() {
    check_unread("w", "type");
}

#[test]
fn a_hundred_million_rows_take_the_rows_of_one_key() {
    check_unread("m", "out of bounds");
}

#[test]
fn a_number_that_is_none_takes_the_rows_of_one_key() {
    let text = HOSTILE_TEXT
        .replacen("(i32.store (i32.const 120) (i32.const 1))", "(i32.store (i32.const 120) (i32.const 0))", 1)
        .replacen("(i32.store (local.get $value) (i32.const 2))", "(i32.store (local.get $value) (i32.const 1))", 1)
        .replacen(
            "(i64.extend_i32_u (i32.and (local.get $count) (i32.const 0x7fffffff)))",
            "(select (i64.const 0x7ff8000000000001) (i64.const 0) (i32.lt_s (local.get $count) (i32.const 0)))",
            1,
        );
    let (log, _) = poisoned_log();
    let lab = lab();
    let view = lab.level(&component(&text), &log);
    assert_eq!(view.rows(Query::default()), ["cem-dia [Number(0.0)] of 2"]);
    let [(key, None, reason)] = &quarantined(&view)[..] else { panic!("one key cannot be read") };
    assert_eq!((key.as_str(), reason.contains("a number that is not finite")), ("ann-ben", true), "{reason}");
}

#[test]
fn every_nan_in_a_state_has_the_same_bits() {
    let text = HOSTILE_TEXT.replacen(
        "(local.set $count (local.get $left))",
        "(local.set $count (i32.wrap_i64 (i64.shr_u
           (i64.reinterpret_f64 (f64.add
             (f64.div (f64.const -0) (f64.const 0))
             (f64.sqrt (f64.reinterpret_i64 (i64.const 0xfff4000000000123)))))
           (i64.const 32))))",
        1,
    );
    let log = MemoryLog::with_people();
    log.met(1, &[0, 1]);
    let lab = lab();
    let view = lab.level(&component(&text), &log);
    assert_eq!(view.rows(Query::default()), ["ann-ben [Integer(2146959360)] of 1"], "0x7ff80000");
}

#[test]
fn evidence_of_another_key_takes_the_rows_of_one_key() {
    check_unread("e", "entry 999");
}

#[test]
fn a_key_leaves_quarantine_when_its_entry_is_withdrawn() {
    for settings in ["t", "r"] {
        let (log, poisoned) = poisoned_log();
        let lab = lab();
        let mut view = lab.view(&HOSTILE, settings, &log);
        view.catch_up();
        log.retracted(poisoned);
        view.catch_up();
        assert_eq!(quarantined(&view), []);
        assert_eq!(view.rows(Query::default()), ["ann-ben [Integer(2)] of 2", "cem-dia [Integer(2)] of 2"]);
    }
}

#[test]
fn a_late_entry_before_the_poisoned_one_still_counts() {
    let (log, poisoned) = poisoned_log();
    let lab = lab();
    let mut view = lab.view(&HOSTILE, "t", &log);
    view.catch_up();
    log.met(0, &[0, 1]);
    view.catch_up();
    assert_eq!(view.rows(Query::default())[0], "ann-ben [Integer(2)] of 2");
    assert_eq!(quarantined(&view)[0].1, Some(poisoned));
}

#[test]
fn what_is_stuck_was_not_before() {
    let (log, poisoned) = poisoned_log();
    let mut view = lab().view(&HOSTILE, "t", &log);
    view.catch_up();
    for position in 1..=log.head().get() {
        let mut then = lab().view(&HOSTILE, "t", &log.prefix(position));
        then.catch_up();
        let as_of = Some(Position::new(position));
        assert_eq!(view.handle.digest(None, as_of).unwrap(), then.digest(), "{position} of {poisoned}");
    }
}

/// A log with this many people, `p0`, `p1` ...
pub(super) fn crowd(people: usize) -> Arc<MemoryLog> {
    let log = MemoryLog::empty();
    for number in 0..people {
        let person = member(number);
        log.append(
            0,
            Fact::Directory(DirectoryFact::PersonAdded(PersonAdded {
                person,
                organisation: None,
                role: String::new(),
            })),
        );
    }
    log
}

pub(super) fn member(number: usize) -> PersonId {
    format!("p{number}").parse().unwrap()
}

/// `p0` meets others, each in an event on which the plugin fails.
fn poison_crowd(log: &MemoryLog, others: usize) {
    for number in 1..=others {
        let attributes = vec![Attribute { key: "poison".into(), value: AttributeValue::Flag(true) }];
        let people = vec![member(0), member(number)];
        log.append_event(at(1, 9), Fact::Habit(Habit::Met(Met { people })), Scope::Network, attributes);
    }
}

#[test]
fn a_view_stops_when_too_many_keys_are_stuck() {
    let log = crowd(limits::QUARANTINED_KEYS_MAX + 1);
    poison_crowd(&log, limits::QUARANTINED_KEYS_MAX);
    let lab = lab();
    let mut view = lab.view(&HOSTILE, "t", &log);
    view.catch_up();
    assert_eq!(view.step(), Step::Spoilt);
    assert_eq!(quarantined(&view).len(), limits::QUARANTINED_KEYS_MAX);
    let (why, head) = (view.follower.why_spoilt(), log.head().get());
    let first = head - limits::QUARANTINED_KEYS_MAX as u64 + 1;
    let expected = format!("too many keys are in quarantine: 100 keys, such as p0, p1 at entry {first}: ");
    assert!(why.starts_with(&expected) && why.len() > expected.len(), "{why}");
    assert_eq!(view.handle.cursor().day, None, "whoever waits for it learns that it stopped, not that it is there");
}

#[test]
fn a_view_stops_when_one_key_in_a_hundred_is_stuck() {
    let log = crowd(46);
    let everyone = (0..46).map(member).collect();
    log.append(at(0, 9), Fact::Habit(Habit::Met(Met { people: everyone })));
    let lab = lab();
    let mut view = lab.view(&HOSTILE, "t", &log);
    poison_crowd(&log, 10);
    view.catch_up();
    assert_eq!((view.step(), quarantined(&view).len()), (Step::Level, 10), "of 1,035 keys");
    poison_crowd(&log, 11);
    view.catch_up();
    assert_eq!((view.step(), quarantined(&view).len()), (Step::Spoilt, 11));
}

#[test]
fn a_call_that_takes_too_long_pauses_the_view_and_loses_nothing() {
    let limits = SandboxLimits { call_fuel: u64::MAX, call_epochs: 1, ..SandboxLimits::default() };
    let (log, _) = poisoned_log();
    let lab = Lab::open_with(limits);
    let mut view = lab.view(&HOSTILE, "l", &log);
    let error = view.follower.step(log.head()).unwrap_err();
    assert!(error.to_string().contains("wall-clock"), "{error}");
    view.follower.reload().unwrap();
    assert_eq!(view.handle.status().unwrap().cursor.position, Position::ZERO);
    assert_eq!(quarantined(&view), []);
}

#[test]
fn a_view_without_a_place_waits_and_loses_nothing() {
    let log = crowd(3);
    log.append(at(0, 9), Fact::Habit(Habit::Met(Met { people: (0..3).map(member).collect() })));
    let lab = Lab::open();
    let places = lab.views.places();
    let taken: Vec<_> = std::iter::from_fn(|| places.following.lend(0).ok()).collect();
    assert_eq!(taken.len(), limits::FOLLOWING_INSTANCES_MAX);
    let mut view = lab.view(&HOSTILE, "t", &log);
    let error = view.follower.step(log.head()).unwrap_err();
    assert!(error.to_string().contains("no plugin instance is free"), "{error}");
    view.follower.reload().unwrap();
    assert_eq!((view.handle.status().unwrap().faults, quarantined(&view)), (0, vec![]));
    assert!(places.asking.lend(0).is_ok(), "questions have places of their own");
    drop(taken);
    view.catch_up();
    assert_eq!(view.handle.status().unwrap().rows, 3);
}

#[test]
fn want_of_memory_for_all_is_no_fault_of_a_plugin() {
    let log = crowd(3);
    log.append(at(0, 9), Fact::Habit(Habit::Met(Met { people: (0..3).map(member).collect() })));
    let lab = Lab::open();
    let places = lab.views.places();
    let mut other = places.following.lend(usize::MAX).unwrap();
    assert!(other.memory_growing(0, limits::FOLLOWING_BYTES_MAX, None).unwrap());
    let mut view = lab.view(&HOSTILE, "t", &log);
    let error = view.follower.step(log.head()).unwrap_err();
    assert!(error.to_string().contains("no plugin instance is free"), "{error}");
    view.follower.reload().unwrap();
    drop(other);
    view.catch_up();
    let status = view.handle.status().unwrap();
    assert_eq!((status.rows, status.faults), (3, 0));
}

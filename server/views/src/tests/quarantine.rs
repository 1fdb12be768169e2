//! A plugin that misbehaves over one entry harms the key of that entry and nothing else.

use super::harness::{HOSTILE, Lab, MemoryLog, View, at, person};
use crate::{Query, SandboxLimits, follower::Step, limits};
use kith_core::{
    event::{Attribute, AttributeValue, Fact, Met, PersonAdded, Scope},
    history::History,
    position::Position,
};
use std::sync::Arc;

/// Little fuel, so that endless loops end soon.
fn lab() -> Lab {
    Lab::open_with(SandboxLimits { call_fuel: 1_000_000, ..SandboxLimits::default() })
}

/// Two people meet, and the plugin will stumble over it.
fn poison(log: &MemoryLog, day: i32, people: [usize; 2]) -> u64 {
    let attributes = vec![Attribute { key: "poison".into(), value: AttributeValue::Flag(true) }];
    let people = people.map(person).into();
    log.append_event(at(day, 9), Fact::Met(Met { people }), Scope::Network, attributes)
}

/// Three entries of one key with a poisoned one between, and other keys around them.
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
            let people: Vec<&str> = key.key.iter().map(kith_core::id::PersonId::as_str).collect();
            (people.join("-"), key.position.map(Position::get), key.message)
        })
        .collect()
}

/// Stuck over an entry: the key keeps its last good state, the others go on, and batches make no difference.
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
    check_stuck("g", "memory");
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
    check_stuck("b", "fold gave 0 bytes");
}

/// Cannot be read: the key has no rows, and folds on.
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

#[test]
fn a_view_stops_when_too_many_keys_are_stuck() {
    let log = MemoryLog::with_people();
    let add = |name: &str| {
        let person = name.parse().unwrap();
        log.append(0, Fact::PersonAdded(PersonAdded { person, organisation: None, role: String::new() }));
    };
    let names: Vec<String> = (0..=limits::QUARANTINED_KEYS_MAX).map(|number| format!("p{number}")).collect();
    for name in &names {
        add(name);
    }
    for name in &names[1..] {
        let attributes = vec![Attribute { key: "poison".into(), value: AttributeValue::Flag(true) }];
        let people = vec![names[0].parse().unwrap(), name.parse().unwrap()];
        log.append_event(at(1, 9), Fact::Met(Met { people }), Scope::Network, attributes);
    }
    let lab = lab();
    let mut view = lab.view(&HOSTILE, "t", &log);
    view.catch_up();
    assert_eq!(view.step(), Step::Spoilt);
    assert_eq!(quarantined(&view).len(), limits::QUARANTINED_KEYS_MAX);
}

#[test]
fn a_call_that_takes_too_long_pauses_the_view_and_loses_nothing() {
    let limits = SandboxLimits { call_fuel: u64::MAX, call_epochs: 1, ..SandboxLimits::default() };
    let (log, _) = poisoned_log();
    let lab = Lab::open_with(limits);
    let mut view = lab.view(&HOSTILE, "l", &log);
    let error = view.follower.step(log.head().get()).unwrap_err();
    assert!(error.to_string().contains("wall-clock"), "{error}");
    view.follower.reload().unwrap();
    assert_eq!(view.handle.status().unwrap().cursor.position, Position::ZERO);
    assert_eq!(quarantined(&view), []);
}

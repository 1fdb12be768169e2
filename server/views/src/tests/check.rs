//! What a check of a plugin finds: nothing in honest plugins, and in others dependence on more than their arguments.

use super::harness::{HOSTILE_TEXT, Lab, MemoryLog, TODAY, at, component, person};
use crate::{CheckReport, Checking, Differs, Growth, Trial, limits};
use bytes::Bytes;
use kith_core::{
    day::Day,
    event::{Asked, Attribute, AttributeValue, Fact, Habit, Helped, Met, Scope},
    history::History,
};
use std::{collections::BTreeSet, sync::Arc};

fn log() -> Arc<MemoryLog> {
    let log = MemoryLog::with_people();
    for day in 0..40 {
        let number = usize::try_from(day).unwrap();
        log.met(day, &[number % 5, 5]);
        log.met(day / 2, &[number % 3, 3, 4]);
        log.referred(day, 5, number % 2, 2 + number % 3);
        let (ann, other) = (person(0), person(1 + number % 5));
        if day % 2 == 0 {
            let category = "beds".parse().unwrap();
            log.append(at(day, 10), Fact::Habit(Habit::Asked(Asked { by: ann, of: vec![other], category })));
        } else {
            log.append(
                at(day, 10),
                Fact::Habit(Habit::Helped(Helped { helper: other, helped: ann, category: None, about: None })),
            );
        }
    }
    let late = log.met(3, &[0, 1]);
    log.met(2, &[0, 1]);
    log.retracted(late);
    log.merged(0, 5);
    log
}

fn check_on(log: &Arc<MemoryLog>, component: &[u8], settings: &str) -> CheckReport {
    let checking = Checking {
        component: Bytes::copy_from_slice(component),
        settings: settings.to_owned(),
        sample: Arc::clone(log) as Arc<dyn History>,
        day: Day::new(TODAY),
    };
    Lab::open().views.check(&checking).unwrap()
}

fn differences(old: &str, new: &str) -> BTreeSet<String> {
    assert!(HOSTILE_TEXT.contains(old), "{old}");
    let report = check_on(&log(), &component(&HOSTILE_TEXT.replacen(old, new, 1)), "{}");
    assert_eq!(report.faults, []);
    assert!(report.difference_count >= report.differences.len() as u64);
    report.differences.iter().map(|difference| format!("{:?}", difference.trial)).collect()
}

#[test]
fn honest_plugins_differ_in_nothing_and_their_cost_is_told() {
    for builtin in kith_bundle::views() {
        let (name, report) = (builtin.name, check_on(&log(), builtin.component, "{}"));
        assert_eq!((report.manifest.name.as_str(), report.differences.len(), report.difference_count), (name, 0, 0));
        assert_eq!(report.faults, []);
        let (sample, cost) = (report.sample, report.cost);
        assert_eq!(sample.entries, 6 + 4 * 40 + 4);
        assert!(sample.keys > 3 && sample.rows > 0 && sample.state_bytes_max > 0, "{name}: {sample:?}");
        assert!(sample.events >= sample.keys && sample.state_bytes >= sample.state_bytes_max, "{sample:?}");
        assert!((10..100_000).contains(&cost.fuel_per_event), "{cost:?}");
        assert!(cost.fuel_call_max < cost.fuel_call_limit && cost.fuel_call_max >= cost.fuel_per_event, "{cost:?}");
    }
}

#[test]
fn what_is_left_in_memory_is_found() {
    let found = differences(
        "(local.set $count (local.get $left))",
        "(global.set $mode (i32.add (global.get $mode) (i32.const 256)))
         (local.set $count (i32.add (local.get $left) (global.get $mode)))",
    );
    assert!(found.contains("UsedInstance"), "{found:?}");
}

#[test]
fn dependence_on_the_place_among_others_is_found() {
    let found = differences(
        "(local.set $count (local.get $left))",
        "(local.set $count (i32.add (local.get $left) (local.get $slot)))",
    );
    assert!(found.contains("Shuffled") && found.contains("Alone"), "{found:?}");
    assert!(!found.contains("FreshInstances") && !found.contains("UsedInstance"), "{found:?}");
}

#[test]
fn dependence_on_the_size_of_batches_is_found() {
    let found = differences(
        "(local.set $count (local.get $left))",
        "(local.set $count (i32.mul (local.get $left) (local.get $left)))",
    );
    assert_eq!(found, BTreeSet::from(["Split".to_owned()]));
}

#[test]
fn rows_that_depend_on_the_company_are_found() {
    let old = "(i64.extend_i32_u (i32.and (local.get $count) (i32.const 0x7fffffff)))";
    let new = "(i64.extend_i32_u (local.get $number))";
    let report = check_on(&log(), &component(&HOSTILE_TEXT.replacen(old, new, 1)), "{}");
    assert!(report.differences.iter().all(|difference| difference.differs == Differs::Rows));
    assert!(report.differences.iter().any(|difference| difference.trial == Trial::Shuffled));
}

#[test]
fn keys_that_fail_are_named_and_fail_in_every_way() {
    let log = log();
    let people = ["ann", "ben"].map(|id| id.parse().unwrap());
    let poison = vec![Attribute { key: "poison".into(), value: AttributeValue::Flag(true) }];
    log.append_event(0, Fact::Habit(Habit::Met(Met { people: people.to_vec() })), Scope::Network, poison);
    for mode in ["trap", "fault", "read"] {
        let report = check_on(&log, &component(HOSTILE_TEXT), mode);
        let position = (mode != "read").then(|| log.head());
        assert_eq!(report.faults.len(), 1, "{mode}");
        assert_eq!((&report.faults[0].key[..], report.faults[0].position), (&people[..], position), "{mode}");
        assert_eq!((report.difference_count, report.gave_up), (0, false), "{mode}");
    }
}

#[test]
fn a_check_stops_when_many_keys_fail() {
    let log = log();
    let poison = vec![Attribute { key: "poison".into(), value: AttributeValue::Flag(true) }];
    let people = (0..6).map(person).collect();
    log.append_event(0, Fact::Habit(Habit::Met(Met { people })), Scope::Network, poison);
    for mode in ["trap", "loop", "read"] {
        let report = check_on(&log, &component(HOSTILE_TEXT), mode);
        assert_eq!((report.faults.len(), report.gave_up), (limits::CHECK_FAILING_KEYS_MAX, true), "{mode}");
        assert_eq!((report.difference_count, report.growth), (0, None), "{mode}: nothing else was looked at");
    }
}

#[test]
fn the_growth_of_a_state_is_continued_to_its_limit() {
    let grown = |half: usize, whole: usize| Growth::of(Vec::new(), 18, half, whole);
    assert_eq!((grown(50, 50).full_at_events, grown(50, 40).full_at_events), (None, None), "it does not grow");
    let (list, sums) = (grown(4_037, 8_074), grown(50, 52));
    assert_eq!((list.full_at_events, list.is_too_fast()), (Some(18 + 57_462 * 9 / 4_037), true));
    assert!(!sums.is_too_fast(), "{sums:?}");
    for builtin in kith_bundle::views() {
        let growth = check_on(&log(), builtin.component, "{}").growth.unwrap();
        assert!(!growth.is_too_fast(), "{}: {growth:?}", builtin.name);
    }
}

#[test]
fn keys_without_state_and_without_rows_are_counted() {
    let honest = check_on(&log(), &component(HOSTILE_TEXT), "{}").sample;
    assert!(honest.keys > 0 && honest.states == honest.keys && honest.rows == honest.keys, "{honest:?}");
    let (size, length) =
        ("(i32.mul (local.get $slots) (i32.const 8))", "(i32.mul (local.get $slot) (i32.const 4))) (i32.const 4)");
    assert!(HOSTILE_TEXT.contains(size) && HOSTILE_TEXT.contains(length));
    let without_state = HOSTILE_TEXT.replacen(size, &size.replace('8', "4"), 1);
    let without_state = without_state.replacen(length, "(i32.mul (local.get $slot) (i32.const 4))) (i32.const 0)", 1);
    let forgotten = check_on(&log(), &component(&without_state), "{}");
    assert_eq!((forgotten.sample.states, forgotten.sample.rows, &forgotten.faults[..]), (0, 0, &[][..]));
    assert_eq!(forgotten.sample.keys, honest.keys);
}

#[test]
fn what_a_plugin_left_before_it_trapped_and_which_field_is_wrong_are_said() {
    let log = log();
    let poison = vec![Attribute { key: "poison".into(), value: AttributeValue::Flag(true) }];
    let people = vec![person(0), person(1)];
    log.append_event(0, Fact::Habit(Habit::Met(Met { people })), Scope::Network, poison);
    let words = r#"(data (i32.const 72) "poisoned") (data (i32.const 126976) "kith: last words\04\00oops")"#;
    let panicking = component(&HOSTILE_TEXT.replacen(r#"(data (i32.const 72) "poisoned")"#, words, 1));
    for (mode, said) in [
        ("trap", "oops"),
        ("loop", "wasm trap: all fuel consumed by WebAssembly"),
        ("wrong type", "`count` is of type integer, and a row has a flag for it"),
    ] {
        assert_eq!(check_on(&log, &panicking, mode).faults[0].message, said, "{mode}");
    }
}

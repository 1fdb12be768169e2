//! The rules as short stories, and the view compared with a plain search.

use std::collections::BTreeSet;

use kith_plugin_sdk::testing::Harness;
use kith_plugin_sdk::{StateBytes, Unpacker};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;

const FIRST_DAY: i32 = 20_000;

/// (kind, hours since the first day)
type Step = (&'static str, i64);

fn harness() -> Harness<FollowUps> {
    Harness::new("{}").expect("the settings are good")
}

fn key() -> Key {
    Key::pair(1, 2)
}

/// Events at these hours; positions count from 1.
fn events(harness: &Harness<FollowUps>, steps: &[Step]) -> Vec<Event<'static>> {
    let at = |hour: i64| i64::from(FIRST_DAY) * 86_400_000 + hour * 3_600_000;
    (1..)
        .zip(steps)
        .map(|(position, (kind, hour))| Event { at: at(*hour), ..harness.event(kind, position, Day(0)) })
        .collect()
}

/// "item: state, due on, days late, latency, evidence" of each row, days counted from the first.
fn rows(settings: &str, steps: &[Step], as_of: i32) -> Vec<String> {
    let harness = Harness::<FollowUps>::new(settings).unwrap();
    let state = harness.fold(key(), &[], &events(&harness, steps)).unwrap();
    let rows = harness.rows(key(), &state, Day(FIRST_DAY + as_of)).unwrap();
    rows.iter()
        .map(|row| {
            let [Value::Day(due), late, Value::Text(state), latency, Value::Day(met)] = &row.values[..] else {
                panic!("{row:?}")
            };
            let number = |value: &Value| match value {
                Value::Integer(number) => number.to_string(),
                _ => "-".to_owned(),
            };
            let evidence: Vec<u64> = row.evidence.iter().map(|position| position.0).collect();
            let (due, met) = (due.0 - FIRST_DAY, met.0 - FIRST_DAY);
            let (late, latency) = (number(late), number(latency));
            format!("{}: {state} met {met} due {due} late {late} after {latency} by {evidence:?}", row.item.unwrap().0)
        })
        .collect()
}

#[test]
fn a_meeting_is_open_until_its_due_day_is_over_and_then_late() {
    let met = [("met", 23)];
    assert_eq!(rows("{}", &met, 0), ["1: open met 0 due 7 late 0 after - by [1]"]);
    assert_eq!(rows("{}", &met, 7), ["1: open met 0 due 7 late 0 after - by [1]"]);
    assert_eq!(rows("{}", &met, 8), ["1: late met 0 due 7 late 1 after - by [1]"]);
    assert_eq!(rows(r#"{"due_days":2}"#, &met, 30), ["1: late met 0 due 2 late 28 after - by [1]"]);
}

#[test]
fn the_first_later_contact_is_the_follow_up() {
    for kind in ["followed_up", "helped", "referred"] {
        let steps = [("met", 9), (kind, 24 * 3), (kind, 24 * 4)];
        assert_eq!(rows("{}", &steps, 50), ["1: done met 0 due 7 late - after 3 by [1, 2]"], "{kind}");
    }
    assert_eq!(rows("{}", &[("met", 9), ("helped", 10)], 0), ["1: done met 0 due 7 late - after 0 by [1, 2]"]);
    assert_eq!(rows("{}", &[("met", 9), ("helped", 24 * 20)], 20), ["1: done met 0 due 7 late - after 20 by [1, 2]"]);
    assert_eq!(rows("{}", &[("helped", 9), ("followed_up", 10)], 3), Vec::<String>::new());
}

#[test]
fn a_meeting_follows_up_the_one_before_and_has_a_row_of_its_own() {
    let expected = ["1: done met 0 due 7 late - after 2 by [1, 2]", "2: late met 2 due 9 late 1 after - by [2]"];
    assert_eq!(rows("{}", &[("met", 9), ("met", 24 * 2)], 10), expected);
}

#[test]
fn what_happens_at_the_same_time_follows_up_nothing() {
    let steps = [("met", 9), ("helped", 9), ("met", 9), ("helped", 10)];
    let expected = ["1: done met 0 due 7 late - after 0 by [1, 4]", "3: done met 0 due 7 late - after 0 by [3, 4]"];
    assert_eq!(rows("{}", &steps, 1), expected);
}

#[test]
fn the_newest_thousand_meetings_are_kept() {
    let steps: Vec<Step> = (0..1003).map(|day| ("met", day * 24)).collect();
    let found = rows("{}", &steps, 2000);
    assert_eq!(found.len(), state::KEPT_MAX);
    assert!(found[0].starts_with("4: done") && found[999].starts_with("1003: late"), "{} {}", found[0], found[999]);
}

#[test]
fn settings_out_of_bounds_are_refused() {
    for refused in [r#"{"due_days":0}"#, r#"{"due_days":366}"#, r#"{"due":1}"#] {
        assert!(Harness::<FollowUps>::new(refused).is_err(), "{refused}");
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop::sample::select(vec!["met", "met", "followed_up", "helped", "referred"]);
    vec((kind, 0..60_i64), 1..40).prop_map(|raw| {
        let mut hour = 0;
        raw.into_iter()
            .map(|(kind, gap)| {
                hour += (gap - 10).max(0);
                (kind, hour)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn every_meeting_has_the_follow_up_that_a_plain_search_finds(steps in steps(), as_of in 0..100_i32) {
        let known: Vec<Step> = steps.into_iter().filter(|(_, hour)| *hour < i64::from(as_of + 1) * 24).collect();
        let expected: Vec<String> = known.iter().enumerate().filter(|(_, (kind, _))| *kind == "met").map(|(place, (_, at))| {
            let (met, item) = (at / 24, place + 1);
            let (due, found) = (met + 7, known.iter().position(|(_, hour)| hour > at));
            if let Some(next) = found {
                let after = known[next].1 / 24 - met;
                return format!("{item}: done met {met} due {due} late - after {after} by [{item}, {}]", next + 1);
            }
            let late = (i64::from(as_of) - due).max(0);
            let state = if late > 0 { "late" } else { "open" };
            format!("{item}: {state} met {met} due {due} late {late} after - by [{item}]")
        }).collect();
        prop_assert_eq!(rows("{}", &known, as_of), expected);
    }

    #[test]
    fn pieces_give_the_same_bytes(steps in steps(), cuts in btree_set(0..40_usize, 0..6)) {
        let harness = harness();
        let events = events(&harness, &steps);
        let whole = harness.fold(key(), &[], &events).unwrap();
        prop_assert_eq!(harness.fold_in_pieces(key(), &events, &cuts).unwrap(), whole.clone());
        let each: BTreeSet<usize> = (0..events.len()).collect();
        prop_assert_eq!(harness.fold_in_pieces(key(), &events, &each).unwrap(), whole);
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 1..40)) {
        if let Ok(meetings) = Meetings::unpack(&mut Unpacker::new(&bytes)) {
            prop_assert!(harness().view().rows(key(), &meetings, Day(FIRST_DAY)).is_ok());
        }
    }
}

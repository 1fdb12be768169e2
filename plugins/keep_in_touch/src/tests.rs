//! Rows computed by hand, the view compared with a plain median, and the laws of folding.

use std::collections::BTreeSet;

use kith_plugin_sdk::testing::Harness;
use kith_plugin_sdk::{StateBytes, Unpacker};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;

const FIRST_DAY: i32 = 20_000;

fn harness(settings: &str) -> Harness<KeepInTouch> {
    Harness::new(settings).expect("the settings are good")
}

fn key() -> Key {
    Key::pair(1, 2)
}

/// A contact on each of the days, with the kinds in turn.
fn events(harness: &Harness<KeepInTouch>, days: &[i32]) -> Vec<Event<'static>> {
    let routes = KeepInTouch::MANIFEST.routes.iter().cycle();
    let placed = (1..).zip(days).zip(routes);
    placed.map(|((position, day), route)| harness.event(route.kind, position, Day(FIRST_DAY + day))).collect()
}

/// "rhythm silence ratio state due last", days counted from the first.
fn row(settings: &str, days: &[i32], as_of: i32) -> Option<String> {
    let harness = harness(settings);
    let state = harness.fold(key(), &[], &events(&harness, days)).unwrap();
    let row = harness.rows(key(), &state, Day(FIRST_DAY + as_of)).unwrap().pop()?;
    let [
        Value::Number(ratio),
        Value::Text(state),
        Value::Number(rhythm),
        Value::Integer(silence),
        Value::Day(due),
        Value::Day(last),
    ] = &row.values[..]
    else {
        panic!("{row:?}")
    };
    Some(format!("{rhythm} {silence} {ratio} {state} {} {}", due.0 - FIRST_DAY, last.0 - FIRST_DAY))
}

fn check(days: &[i32], as_of: i32, expected: &str) {
    assert_eq!(row("{}", days, as_of).as_deref(), Some(expected), "{days:?}");
}

#[test]
fn the_rhythm_is_the_median_gap_and_needs_three_days() {
    assert_eq!([row("{}", &[0], 9), row("{}", &[0, 5], 9), row("{}", &[0, 0, 5, 5], 9)], [None, None, None]);
    check(&[0, 4, 10], 10, "5 0 0 fine 15 10");
    check(&[0, 4, 9], 9, "4.5 0 0 fine 14 9");
    check(&[0, 1, 11, 111], 111, "10 0 0 fine 121 111");
    check(&[0, 0, 1, 1, 11, 11, 111], 111, "10 0 0 fine 121 111");
    assert_eq!(row(r#"{"days_min":2}"#, &[0, 5], 9).as_deref(), Some("5 4 0.8 fine 10 5"));
}

#[test]
fn silence_cools_a_tie_from_four_gaps_and_ends_it_from_thirty_two() {
    let days = [0, 10, 20];
    check(&days, 59, "10 39 3.9 fine 30 20");
    check(&days, 60, "10 40 4 cooling 30 20");
    check(&days, 339, "10 319 31.9 cooling 30 20");
    check(&days, 340, "10 320 32 silent 30 20");
    let settings = r#"{"cooling_ratio":1,"silent_ratio":2}"#;
    assert_eq!(row(settings, &days, 30).as_deref(), Some("10 10 1 cooling 30 20"));
    assert_eq!(row(settings, &days, 40).as_deref(), Some("10 20 2 silent 30 20"));
}

#[test]
fn any_contact_ends_the_silence() {
    for route in KeepInTouch::MANIFEST.routes {
        let harness = harness("{}");
        let mut events = events(&harness, &[0, 10, 20]);
        events.push(harness.event(route.kind, 9, Day(FIRST_DAY + 300)));
        let state = harness.fold(key(), &[], &events).unwrap();
        let row = harness.rows(key(), &state, Day(FIRST_DAY + 301)).unwrap().remove(0);
        assert_eq!((&row.values[1], &row.values[3]), (&Value::Text("fine".into()), &Value::Integer(1)), "{route:?}");
    }
}

#[test]
fn settings_out_of_bounds_are_refused() {
    for refused in [
        r#"{"days_min":1}"#,
        r#"{"cooling_ratio":0}"#,
        r#"{"cooling_ratio":32}"#,
        r#"{"silent_ratio":10001}"#,
        r#"{"days":3}"#,
    ] {
        assert!(Harness::<KeepInTouch>::new(refused).is_err(), "{refused}");
    }
}

#[test]
fn gaps_of_every_length_up_to_a_thousand_fit() {
    let days: Vec<i32> = (0..1000)
        .scan(0, |day, gap| {
            *day += gap;
            Some(*day)
        })
        .collect();
    let harness = harness("{}");
    let state = harness.fold(key(), &[], &events(&harness, &days)).unwrap();
    assert!(state.len() < 4096, "{} bytes", state.len());
}

fn days() -> impl Strategy<Value = Vec<i32>> {
    vec(0..400_i32, 1..40).prop_map(|mut days| {
        days.sort_unstable();
        days
    })
}

proptest! {
    #[test]
    fn the_row_is_that_of_a_plain_median(days in days(), later in 0..2000_i32) {
        let distinct = Vec::from_iter(days.iter().copied().collect::<BTreeSet<_>>());
        let last = days[days.len() - 1];
        let mut gaps: Vec<f64> = distinct.windows(2).map(|two| f64::from(two[1] - two[0])).collect();
        gaps.sort_by(f64::total_cmp);
        let found = row("{}", &days, last + later);
        prop_assert_eq!(found.is_some(), distinct.len() >= 3);
        if let Some(found) = found {
            let median = f64::midpoint(gaps[(gaps.len() - 1) / 2], gaps[gaps.len() / 2]);
            let ratio = f64::from(later) / median;
            let state = if ratio >= 32.0 { "silent" } else if ratio >= 4.0 { "cooling" } else { "fine" };
            let due = f64::from(last) + median.ceil();
            prop_assert_eq!(found, format!("{median} {later} {ratio} {state} {due} {last}"));
        }
    }

    #[test]
    fn pieces_give_the_same_bytes(days in days(), cuts in btree_set(0..40_usize, 0..6)) {
        let harness = harness("{}");
        let events = events(&harness, &days);
        let whole = harness.fold(key(), &[], &events).unwrap();
        prop_assert_eq!(harness.fold_in_pieces(key(), &events, &cuts).unwrap(), whole.clone());
        let each: BTreeSet<usize> = (0..events.len()).collect();
        prop_assert_eq!(harness.fold_in_pieces(key(), &events, &each).unwrap(), whole);
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 1..40)) {
        if let Ok(rhythm) = Rhythm::unpack(&mut Unpacker::new(&bytes)) {
            let rows = harness(r#"{"days_min":2}"#).view().rows(key(), &rhythm, Day(FIRST_DAY));
            prop_assert!(rows.is_ok());
        }
    }
}

//! Rows computed by hand, the view compared with the plain formula, and the laws of folding.

use std::collections::BTreeSet;

use kith_plugin_sdk::testing::Harness;
use kith_plugin_sdk::{Position, StateBytes, Unpacker};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;

const FIRST_DAY: i32 = 20_000;

/// (kind, who acts, day after the first)
type Step = (&'static str, u32, i32);

fn harness() -> Harness<Help> {
    Harness::new("{}").expect("the settings are good")
}

fn key() -> Key {
    Key::pair(1, 2)
}

fn events(harness: &Harness<Help>, steps: &[Step]) -> Vec<Event<'static>> {
    (1..)
        .zip(steps)
        .map(|(position, (kind, actor, day))| Event {
            actor: Person(*actor),
            subject: Person(3 - actor),
            ..harness.event(kind, position, Day(FIRST_DAY + day))
        })
        .collect()
}

/// A row's person, item, given, received, balance and open asks.
type Plain = (u32, Option<u64>, f64, f64, Option<f64>, i64);

fn rows(steps: &[Step], as_of: i32) -> Vec<Plain> {
    let harness = harness();
    let state = harness.fold(key(), &[], &events(&harness, steps)).unwrap();
    let rows = harness.rows(key(), &state, Day(FIRST_DAY + as_of)).unwrap();
    rows.iter()
        .map(|row| {
            let [Value::Number(given), Value::Number(received), balance, Value::Integer(asks), Value::Person(person)] =
                &row.values[..]
            else {
                panic!("{row:?}")
            };
            let balance = match balance {
                Value::Number(balance) => Some(*balance),
                _ => None,
            };
            (person.0, row.item.map(|item| item.0), *given, *received, balance, *asks)
        })
        .collect()
}

#[test]
fn help_counts_one_and_halves_every_sixty_days() {
    let one_way = [("helped", 2, 0)];
    assert_eq!(rows(&one_way, 0), [(1, None, 0.0, 1.0, Some(0.0), 0), (2, Some(1), 1.0, 0.0, Some(0.0), 0)]);
    assert_eq!(rows(&one_way, 60)[1], (2, Some(1), 0.5, 0.0, Some(0.0), 0));
    assert_eq!(rows(&one_way, 120)[1], (2, Some(1), 0.25, 0.0, Some(0.0), 0));
    assert_eq!(rows(&one_way, 60 * 33)[1], (2, Some(1), 0.0, 0.0, None, 0));
    let every_help = rows(&[("helped", 1, 0), ("helped", 1, 0), ("helped", 1, 60)], 60);
    assert_eq!(every_help[0], (1, Some(1), 2.0, 0.0, Some(0.0), 0), "every help counts");
}

#[test]
fn balance_is_twice_the_smaller_share() {
    let both = [("helped", 1, 0), ("helped", 2, 60)];
    // 0.5 and 1 on day 60: 2 * 0.5 / 1.5
    let even = Some(2.0 * 0.5 / 1.5);
    assert_eq!(rows(&both, 60), [(1, Some(1), 0.5, 1.0, even, 0), (2, Some(2), 1.0, 0.5, even, 0)]);
    assert_eq!(rows(&[("helped", 1, 0), ("helped", 2, 0)], 90)[0].4, Some(1.0));
}

#[test]
fn an_ask_is_open_until_the_one_who_was_asked_helps() {
    let open = |steps: &[Step]| rows(steps, 30).into_iter().map(|row| row.5).collect::<Vec<_>>();
    assert_eq!(rows(&[("asked", 1, 0)], 5), [(1, Some(1), 0.0, 0.0, None, 0), (2, None, 0.0, 0.0, None, 1)]);
    assert_eq!(open(&[("asked", 1, 0), ("asked", 1, 1), ("asked", 2, 2)]), [1, 2]);
    assert_eq!(open(&[("asked", 1, 0), ("asked", 1, 1), ("helped", 2, 2)]), [0, 0]);
    assert_eq!(open(&[("asked", 1, 0), ("helped", 1, 2)]), [0, 1], "help the other way answers nothing");
    assert_eq!(open(&[("helped", 2, 0), ("asked", 1, 1)]), [0, 1], "help before the ask answers nothing");
}

#[test]
fn who_is_not_of_the_pair_is_a_fault() {
    let harness = harness();
    let stranger = Event { actor: Person(9), ..harness.event("helped", 5, Day(FIRST_DAY)) };
    assert!(harness.fold(key(), &[], &[stranger]).is_err());
}

#[test]
fn settings_change_the_half_life() {
    let harness = Harness::<Help>::new(r#"{"half_life_days":10}"#).unwrap();
    let state = harness.fold(key(), &[], &events(&harness, &[("helped", 1, 0)])).unwrap();
    let rows = harness.rows(key(), &state, Day(FIRST_DAY + 20)).unwrap();
    assert_eq!((&rows[0].values[0], rows[0].item), (&Value::Number(0.25), Some(Position(1))));
    for refused in [r#"{"half_life_days":0}"#, r#"{"half_life_days":366}"#, r#"{"half":1}"#] {
        assert!(Harness::<Help>::new(refused).is_err(), "{refused}");
    }
}

#[test]
fn a_lifetime_of_daily_help_fits() {
    let harness = Harness::<Help>::new(r#"{"half_life_days":365}"#).unwrap();
    let steps: Vec<Step> = (0..12_000).flat_map(|day| [("helped", 1, day), ("helped", 2, day)]).collect();
    let state = harness.fold(key(), &[], &events(&harness, &steps)).unwrap();
    assert!(state.len() < 48 * 1024, "{} bytes", state.len());
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop::sample::select(vec!["helped", "helped", "asked"]);
    vec((kind, 1..=2_u32, 0..40_i32), 1..40).prop_map(|raw| {
        let mut day = 0;
        raw.into_iter()
            .map(|(kind, actor, gap)| {
                day += (gap - 20).max(0);
                (kind, actor, day)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn the_rows_are_those_of_the_formula(steps in steps(), later in 0..400_i32) {
        let as_of = steps.last().map_or(0, |step| step.2) + later;
        let sum = |person| {
            let helps = steps.iter().filter(|(kind, actor, _)| *kind == "helped" && *actor == person);
            helps.map(|(_, _, day)| (-f64::from(as_of - day) / 60.0).exp2()).sum::<f64>()
        };
        let asks = |person| {
            let last = steps.iter().rposition(|(kind, actor, _)| *kind == "helped" && *actor == person);
            let open = &steps[last.map_or(0, |last| last + 1)..];
            open.iter().filter(|(kind, actor, _)| *kind == "asked" && *actor != person).count()
        };
        for (person, item, given, received, balance, open_asks) in rows(&steps, as_of) {
            let (gives, gets) = (sum(person), sum(3 - person));
            prop_assert!((given - gives).abs() < 1e-6 && (received - gets).abs() < 1e-6);
            let even = if gives + gets > 0.0 { Some(2.0 * gives.min(gets) / (gives + gets)) } else { None };
            prop_assert_eq!(balance.is_some(), even.is_some());
            prop_assert!((balance.unwrap_or_default() - even.unwrap_or_default()).abs() < 1e-5);
            prop_assert_eq!(usize::try_from(open_asks).unwrap(), asks(person));
            let first = steps.iter().position(|(_, actor, _)| *actor == person).map(|place| place as u64 + 1);
            prop_assert_eq!(item, first);
        }
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
        if let Ok(exchange) = Exchange::unpack(&mut Unpacker::new(&bytes)) {
            let _ = harness().view().rows(key(), &exchange, Day(FIRST_DAY));
        }
    }
}

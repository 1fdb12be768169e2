//! The view compared with the plain formula in floating point, and the laws of folding.

use std::collections::{BTreeMap, BTreeSet};

use kith_plugin_sdk::testing::Harness;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;

const KINDS: [&str; 4] = ["met", "followed_up", "helped", "referred"];

/// (kind, day, others)
type Plain = (usize, i32, u32);

fn harness(settings: &str) -> Harness<Strength> {
    Harness::new(settings).expect("the settings are good")
}

fn key() -> Key {
    Key::pair(1, 2)
}

/// Events in the order of time, at consecutive positions.
fn events(harness: &Harness<Strength>, plain: &[Plain]) -> Vec<Event<'static>> {
    let mut sorted = plain.to_vec();
    sorted.sort_by_key(|(_, day, _)| *day);
    (1..)
        .zip(sorted)
        .map(|(position, (kind, day, others))| Event { others, ..harness.event(KINDS[kind], position, Day(day)) })
        .collect()
}

fn row(harness: &Harness<Strength>, plain: &[Plain], as_of: i32) -> Option<Vec<Value>> {
    let state = harness.fold(key(), &[], &events(harness, plain)).unwrap();
    harness.rows(key(), &state, Day(as_of)).unwrap().pop().map(|row| row.values)
}

fn score(harness: &Harness<Strength>, plain: &[Plain], as_of: i32) -> f64 {
    match row(harness, plain, as_of).as_deref() {
        Some([Value::Number(score), ..]) => *score,
        other => panic!("no score in {other:?}"),
    }
}

/// What silence leaves, as it is written, in floating point; `days` are those in contact.
fn left_by_silence(settings: &Settings, days: &[i32], as_of: i32) -> f64 {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return 1.0 };
    let gaps = f64::from(u32::try_from(days.len()).unwrap() - 1);
    let usual = if gaps > 0.0 { f64::from(last - first) / gaps } else { 0.0 };
    let long = f64::from(settings.pace) * usual.max(f64::from(settings.gap_min_days));
    if settings.pace == 0 { 1.0 } else { long / (long + f64::from(as_of - last)) }
}

/// The sum and the score as they are written, in floating point.
fn formula(settings: &Settings, plain: &[Plain], as_of: i32) -> (f64, f64) {
    let Weights { met, followed_up, helped, referred } = settings.weights;
    let weights = [met, followed_up, helped, referred];
    let h = f64::from(settings.half_life_days);
    let mut days = BTreeMap::<i32, f64>::new();
    for (kind, day, others) in plain.iter().filter(|(_, day, _)| *day <= as_of) {
        let k = if settings.divide { f64::from(*others) } else { 1.0 };
        let unit = days.entry(*day).or_default();
        *unit = unit.max(weights[*kind] / k);
    }
    let sum: f64 = days.iter().map(|(day, unit)| unit * (-f64::from(as_of - day) / h).exp2()).sum();
    let best = weights.into_iter().fold(0.0, f64::max);
    let most = best / (1.0 - (-1.0 / h).exp2());
    let paced = sum * left_by_silence(settings, &days.into_keys().collect::<Vec<_>>(), as_of);
    (sum, 100.0 * (1.0 + paced).ln() / (1.0 + most).ln())
}

fn plain_events() -> impl Strategy<Value = Vec<Plain>> {
    vec((0..4_usize, 19_000..21_500_i32, 1..64_u32), 1..60)
}

fn settings() -> impl Strategy<Value = (String, Settings)> {
    let weight = || (0..=100_u32).prop_map(|tenths| f64::from(tenths) / 10.0);
    let pace = (0..=64_u32, 1..=365_u32);
    (weight(), weight(), weight(), 0.1..10.0, 1..=365_u32, any::<bool>(), pace).prop_map(
        |(met, followed_up, helped, referred, half_life_days, divide, (pace, gap_min_days))| {
            let weights = Weights { met, followed_up, helped, referred };
            let json = format!(
                r#"{{"weights":{{"met":{met},"followed_up":{followed_up},"helped":{helped},"referred":{referred}}},
                "half_life_days":{half_life_days},"divide":{divide},"pace":{pace},"gap_min_days":{gap_min_days}}}"#
            );
            (json, Settings { weights, half_life_days, divide, pace, gap_min_days })
        },
    )
}

proptest! {
    #[test]
    fn the_score_is_the_formula((json, settings) in settings(), plain in plain_events(), later in 0..3000_i32) {
        let newest = plain.iter().map(|(_, day, _)| *day).max().unwrap();
        let values = row(&harness(&json), &plain, newest + later).unwrap();
        let (Value::Number(found), Value::Number(days)) = (&values[0], &values[7]) else { panic!("{values:?}") };
        let (sum, expected) = formula(&settings, &plain, newest + later);
        prop_assert!((found - expected).abs() < 0.01, "{found} is not {expected}");
        prop_assert!((0.0..=100.0).contains(found));
        prop_assert!((days - sum).abs() < 1e-5, "{days} days are not {sum}");
    }

    #[test]
    fn an_earlier_day_sees_the_days_up_to_it(plain in plain_events(), back in 0..2_600_i32, half_life in 1..=365_u32) {
        let newest = plain.iter().map(|(_, day, _)| *day).max().unwrap();
        let known: Vec<_> = plain.iter().copied().filter(|(_, day, _)| *day <= newest - back).collect();
        let harness = harness(&format!(r#"{{"half_life_days":{half_life}}}"#));
        let of_days = |values: Vec<Value>| [&values[..3], &values[7..]].concat();
        let found = row(&harness, &plain, newest - back).map(of_days);
        let expected = row(&harness, &known, newest - back).map(of_days);
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn pieces_give_the_same_bytes(plain in plain_events(), cuts in btree_set(0..60_usize, 0..6), half_life in 1..100_u32) {
        let harness = harness(&format!(r#"{{"half_life_days":{half_life}}}"#));
        let events = events(&harness, &plain);
        let whole = harness.fold(key(), &[], &events).unwrap();
        prop_assert_eq!(harness.fold_in_pieces(key(), &events, &cuts).unwrap(), whole.clone());
        let each = (0..events.len()).collect();
        prop_assert_eq!(harness.fold_in_pieces(key(), &events, &each).unwrap(), whole);
    }

    #[test]
    fn the_order_within_a_day_does_not_matter(mut plain in plain_events()) {
        let harness = harness("{}");
        for event in &mut plain {
            event.1 = 19_000 + event.1 % 3;
        }
        let one = harness.fold(key(), &[], &events(&harness, &plain)).unwrap();
        plain.reverse();
        prop_assert_eq!(harness.fold(key(), &[], &events(&harness, &plain)).unwrap(), one);
    }

    #[test]
    fn states_come_back_and_no_bytes_panic(plain in plain_events(), at in any::<prop::sample::Index>(), byte: u8) {
        let harness = harness("{}");
        let mut state = harness.fold(key(), &[], &events(&harness, &plain)).unwrap();
        prop_assert_eq!(harness.fold(key(), &state, &[]).unwrap(), state.clone());
        let at = at.index(state.len());
        state[at] = byte;
        let _ = harness.rows(key(), &state, Day(20_000));
    }

    #[test]
    fn all_days_in_contact_are_counted(plain in plain_events()) {
        let days: BTreeSet<_> = plain.iter().map(|(_, day, _)| *day).collect();
        let values = row(&harness(r#"{"half_life_days":1}"#), &plain, 30_000).unwrap();
        prop_assert_eq!(&values[1], &Value::Integer(i64::try_from(days.len()).unwrap()));
        prop_assert_eq!(&values[2], &Value::Day(Day(*days.last().unwrap())));
        for (kind, value) in values[3..7].iter().enumerate() {
            let count = plain.iter().filter(|event| event.0 == kind).count();
            prop_assert_eq!(value, &Value::Integer(i64::try_from(count).unwrap()));
        }
    }
}

#[test]
fn one_meeting_of_two() {
    let values = row(&harness("{}"), &[(0, 20_000, 1)], 20_000).unwrap();
    let Value::Number(score) = values[0] else { panic!("{values:?}") };
    // 100 ln 2 / ln(1 + 1.5 / (1 - 2^(-1/60)))
    assert!((score - 14.2046).abs() < 0.0001, "{score}");
    let rest = [1, 1, 0, 0, 0].map(Value::Integer);
    assert_eq!([&values[1], &values[3], &values[4], &values[5], &values[6]], rest.each_ref());
    assert_eq!(values[2], Value::Day(Day(20_000)));
    assert_eq!(values[7], Value::Number(1.0));
}

#[test]
fn help_every_day_is_a_hundred() {
    let every_day: Vec<Plain> = (18_000..20_000).map(|day| (2, day, 1)).collect();
    assert_eq!(score(&harness("{}"), &every_day, 19_999).to_bits(), 100_f64.to_bits());
}

#[test]
fn a_contact_every_day_for_decades_fits_a_state() {
    let every_day: Vec<Plain> = (1_000..14_000).map(|day| (2, day, 1)).collect();
    let harness = harness(r#"{"half_life_days":365,"weights":{"helped":10}}"#);
    let state = harness.fold(key(), &[], &events(&harness, &every_day)).unwrap();
    assert!(state.len() > 11_680 * 5, "the harness checks the upper bound");
}

#[test]
fn of_more_days_than_a_state_holds_the_first_and_their_number_stay() {
    let every_day: Vec<Plain> = (1_000..14_000).map(|day| (0, day, 1)).collect();
    let values = row(&harness(r#"{"half_life_days":1}"#), &every_day, 14_000).unwrap();
    assert_eq!(values[1], Value::Integer(13_000));
    let Value::Number(score) = values[0] else { panic!("{values:?}") };
    let settings = Settings { half_life_days: 1, ..Settings::default() };
    let (_, expected) = formula(&settings, &every_day, 14_000);
    assert!((score - expected).abs() < 0.01, "{score} is not {expected}");
}

#[test]
fn half_is_left_after_eight_usual_gaps_of_silence() {
    let left =
        |settings: &str, gaps, days, silence| harness(settings).view().paced(840, Rhythm { gaps, days, silence });
    let weekly = [0, 56, 112].map(|silence| left("{}", 9, 63, silence));
    assert_eq!(weekly, [840, 420, 280]);
    let once = [0, 24, 48].map(|silence| left("{}", 0, 0, silence));
    assert_eq!(once, [840, 420, 280], "one day counts as a gap of three");
    assert_eq!(left("{}", 9, 9, 24), 420, "no gap is taken to be less than three");
    assert_eq!(left("{}", 2, 15, 60), 420, "a gap of 7.5 days is not rounded");
    assert_eq!(left(r#"{"pace":0}"#, 9, 63, 1_000), 840);
    assert_eq!(left(r#"{"pace":1,"gap_min_days":30}"#, 9, 63, 30), 420);
}

/// An old day adds next to nothing to the sum, but without it the usual gap is twice as long, and the silence counts for
/// less.
#[test]
fn a_day_in_contact_may_lower_a_score() {
    let harness = harness("{}");
    let met = |days: &[i32]| days.iter().map(|day| (0, *day, 1)).collect::<Vec<Plain>>();
    let (with, without) = (met(&[19_723, 19_754, 20_454]), met(&[19_723, 20_454]));
    let scores = [&with, &without].map(|plain| score(&harness, plain, 20_574));
    assert!((scores[1] - scores[0] - 0.0784).abs() < 0.0001, "{scores:?}");
}

#[test]
fn before_the_first_contact_there_is_no_row() {
    assert_eq!(row(&harness("{}"), &[(0, 20_000, 1)], 19_999), None);
    assert_eq!(harness("{}").fold(key(), &[], &[]), Ok(Vec::new()));
}

#[test]
fn bad_settings_are_refused() {
    let refused = [
        r#"{"half_life":3}"#,
        r#"{"half_life_days":0}"#,
        r#"{"half_life_days":366}"#,
        r#"{"pace":65}"#,
        r#"{"pace":-1}"#,
        r#"{"gap_min_days":0}"#,
        r#"{"gap_min_days":366}"#,
        r#"{"weights":{"met":-1}}"#,
        r#"{"weights":{"met":10.5}}"#,
        r#"{"weights":{"met":0,"followed_up":0,"helped":0,"referred":0.05}}"#,
        "",
    ];
    for settings in refused {
        assert!(Harness::<Strength>::new(settings).is_err(), "{settings}");
    }
}

#[test]
fn an_event_before_the_last_is_a_fault_of_that_event() {
    let harness = harness("{}");
    let events = [harness.event("met", 1, Day(20_000)), harness.event("met", 2, Day(19_000))];
    let fault = harness.fold(key(), &[], &events).unwrap_err();
    assert_eq!((fault.slot, fault.event.map(|at| at.0)), (Some(0), Some(2)));
}

//! The report on small networks, and what holds for every network.

use super::*;
use kith_report_sdk::Table;
use proptest::prelude::*;

const STATES: [&str; 5] = ["unanswered", "accepted", "declined", "met", "became_tie"];

/// (place in `STATES`, age in days, referrer)
type Plain = (usize, u32, u32);

fn input(introductions: &[Plain]) -> Input {
    let rows = (1_u64..).zip(introductions).map(|(item, (state, age, referrer))| {
        #[allow(clippy::cast_precision_loss, reason = "five states")]
        let values = [*state as f64, f64::from(*age), f64::from(*referrer)];
        (1, 2, item, values)
    });
    let tables = vec![Table::of(rows)];
    Input { tables, texts: STATES.map(str::to_owned).to_vec(), ..Input::default() }
}

fn output(settings: &str, introductions: &[Plain]) -> Output {
    let report: Referrers = kith_report_sdk::configure(settings).unwrap();
    report.compute(Day(20_000), &input(introductions)).unwrap()
}

fn rows(settings: &str, introductions: &[Plain]) -> Vec<Row> {
    output(settings, introductions).rows
}

#[test]
fn young_introductions_are_counted_and_not_judged() {
    let introductions = [(3, 40, 7), (0, 30, 7), (4, 200, 7), (3, 29, 7), (0, 2, 7), (2, 90, 7), (1, 5, 9)];
    let found = rows("{}", &introductions);
    assert_eq!(found.iter().map(|row| (row.a, row.b)).collect::<Vec<_>>(), [(7, 0), (9, 0)]);
    assert_eq!(found[0].values[1], Value::Number(0.5), "of the four that are 30 days old two met");
    assert_eq!(found[0].values[3..], [6, 4, 2, 1, 1, 2].map(Value::Integer));
    assert_eq!(found[0].evidence, [5, 4, 3, 2, 1, 0].map(|number| (0, number)), "the newest first");
    assert_eq!(found[1].values[..3], [Value::None, Value::None, Value::None], "nothing to judge yet");
    assert_eq!(found[1].values[3..], [1, 0, 0, 0, 0, 0].map(Value::Integer));
    let remarks = |settings| output(settings, &introductions).remarks;
    assert_eq!(remarks("{}"), ["introductions younger than 30 days, in no yield: 3"]);
    assert!(remarks(r#"{"settled_days":0}"#).is_empty());
}

#[test]
fn the_goal_and_the_age_can_be_set() {
    let introductions = [(3, 40, 7), (4, 20, 7)];
    let reached = |settings: &str| rows(settings, &introductions)[0].values[4..6].to_vec();
    assert_eq!(reached("{}"), [1, 1].map(Value::Integer));
    assert_eq!(reached(r#"{"settled_days":0}"#), [2, 2].map(Value::Integer));
    assert_eq!(reached(r#"{"settled_days":0,"goal":"became_tie"}"#), [2, 1].map(Value::Integer));
    for wrong in [r#"{"settled_days":3651}"#, r#"{"goal":"won"}"#, r#"{"days":1}"#] {
        assert!(kith_report_sdk::configure::<Referrers>(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_and_the_order_does_not_matter(
        introductions in prop::collection::vec((0..5_usize, 0..100_u32, 1..4_u32), 0..30),
    ) {
        let found = rows("{}", &introductions);
        let sum: i64 = found.iter().map(|row| if let Value::Integer(count) = row.values[3] { count } else { 0 }).sum();
        prop_assert_eq!(usize::try_from(sum).unwrap(), introductions.len());
        let mut turned = introductions.clone();
        turned.reverse();
        let values = |rows: Vec<Row>| rows.into_iter().map(|row| (row.a, row.values)).collect::<Vec<_>>();
        prop_assert_eq!(values(found), values(rows("{}", &turned)));
    }
}

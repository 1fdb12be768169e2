//! The report on small networks, compared with the formula as written, and what holds for every network.

use super::*;
use kith_report_sdk::Member;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// (first person, second person, decayed days)
type Plain = (u32, u32, f64);

fn input(people: &[u32], ties: &[Plain]) -> Input {
    let mut ties = ties.to_vec();
    ties.sort_by_key(|(a, b, _)| (*a, *b));
    let row = |(a, b, days): &Plain| (*a, *b, 0, [*days, f64::from(100 * a + b)]);
    let tables = vec![Table::of(ties.iter().map(row))];
    let people = people.iter().map(|organisation| Member { organisation: *organisation, merged: false }).collect();
    Input { people, organisations: 2, tables, texts: Vec::new() }
}

fn output(settings: &str, people: &[u32], ties: &[Plain]) -> Output {
    let report: WhoShouldMeet = kith_report_sdk::configure(settings).unwrap();
    report.compute(Day(20_000), &input(people, ties)).unwrap()
}

fn rows(settings: &str, people: &[u32], ties: &[Plain]) -> Vec<Row> {
    output(settings, people, ties).rows
}

fn score(row: &Row) -> f64 {
    match row.values[0] {
        Value::Number(score) => score,
        ref other => panic!("no score: {other:?}"),
    }
}

fn keys(rows: &[Row]) -> Vec<(u32, u32)> {
    rows.iter().map(|row| (row.a, row.b)).collect()
}

#[test]
fn who_shares_good_contacts_should_meet() {
    // 1 and 2 share 3 and 4; 4 also knows 5, whom 1 and 2 reach only through 4.
    let ties = [(1, 3, 5.0), (2, 3, 5.0), (1, 4, 1.0), (2, 4, 1.0), (4, 5, 1.0)];
    let found = rows("{}", &[1, 2, 1, 1, 2], &ties);
    assert_eq!(keys(&found), [(1, 2), (3, 4), (1, 5), (2, 5)], "3 and 4 share both, and weaker ones");
    let p = |days: f64| 1.0 - (-days / 3.4).exp();
    let expected = p(5.0) * p(5.0) / (2.0 * p(5.0)) + p(1.0) * p(1.0) / (3.0 * p(1.0));
    assert!((score(&found[0]) - expected).abs() < 1e-12);
    assert_eq!(
        found[0].values[1..],
        [Value::Person(Person(3)), Value::Day(Day(103)), Value::Day(Day(203)), Value::Integer(2)]
    );
    assert_eq!(found[0].evidence, [(0, 0), (0, 2), (0, 1), (0, 3)], "the ties of the best path first");
    assert_eq!(
        found[2].values[1..],
        [Value::Person(Person(4)), Value::Day(Day(104)), Value::Day(Day(405)), Value::Integer(1)]
    );
}

#[test]
fn suggestions_can_be_kept_to_the_best_and_to_other_organisations() {
    let ties = [(1, 3, 5.0), (2, 3, 5.0), (3, 4, 1.0), (3, 5, 2.0)];
    let people = [1, 1, 1, 2, 2];
    assert_eq!(keys(&rows("{}", &people, &ties)).len(), 6, "everybody over 3");
    assert_eq!(keys(&rows(r#"{"per_person":1}"#, &people, &ties)), [(1, 2), (1, 5), (1, 4)]);
    let across = rows(r#"{"across_organisations":true}"#, &people, &ties);
    assert_eq!(keys(&across), [(1, 5), (2, 5), (1, 4), (2, 4)]);
    let remarks = |settings| output(settings, &people, &ties).remarks;
    assert!(remarks("{}").is_empty(), "nothing is left out");
    assert_eq!(remarks(r#"{"per_person":1}"#), ["pairs beyond the best 1 of each person, in no row: 3"]);
    assert_eq!(
        remarks(r#"{"per_person":1,"across_organisations":true}"#),
        ["pairs beyond the best 1 of each person, in no row: 1", "pairs inside one organisation, in no row: 2"]
    );
    for wrong in [r#"{"per_person":0}"#, r#"{"saturation_days":0}"#, r#"{"people":1}"#] {
        assert!(kith_report_sdk::configure::<WhoShouldMeet>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn where_there_are_many_rows_each_names_fewer_paths() {
    // Everybody of the first 700 knows all of the last 300, whom they share with each other.
    let ties: Vec<Plain> = (1..=700).flat_map(|a| (701..=1_000).map(move |b| (a, b, 1.0))).collect();
    let found = rows(r#"{"per_person":2}"#, &[1; 1_000], &ties);
    assert!(found.len() > 700, "{}", found.len());
    let paths = 200_000 / found.len();
    assert!(found.iter().all(|row| row.evidence.len() == 2 * paths.min(300)), "the best paths of each");
    assert_eq!(found[0].values[4], Value::Integer(700), "all are counted");
}

#[test]
fn a_tie_that_faded_to_nothing_leads_nowhere_and_still_is_no_news() {
    assert!(rows("{}", &[1, 1, 1], &[(1, 3, 0.0), (2, 3, 5.0)]).is_empty());
    assert!(rows("{}", &[1, 1, 1], &[(1, 3, 5.0), (2, 3, 5.0), (1, 2, 0.0)]).is_empty(), "they have met");
    assert!(rows("{}", &[], &[]).is_empty());
}

/// The sum as written, for every pair that was never in contact.
fn formula(people: u32, ties: &BTreeMap<(u32, u32), f64>) -> BTreeMap<(u32, u32), f64> {
    let p = |i: u32, j: u32| ties.get(&(i.min(j), i.max(j))).map_or(0.0, |days| 1.0 - (-days / 3.4).exp());
    let mut scores = BTreeMap::new();
    for (a, b) in (1..=people).flat_map(|a| (a + 1..=people).map(move |b| (a, b))) {
        let all = |v: u32| (1..=people).map(|x| p(v, x)).sum::<f64>();
        let shared = (1..=people).filter(|&v| p(a, v) * p(v, b) > 0.0);
        let score: f64 = shared.map(|v| p(a, v) * p(v, b) / all(v)).sum();
        if score > 0.0 && !ties.contains_key(&(a, b)) {
            scores.insert((a, b), score);
        }
    }
    scores
}

proptest! {
    #[test]
    fn scores_are_those_of_the_formula(
        ties in prop::collection::btree_map((1..9_u32, 1..9_u32), 0.1..20.0_f64, 0..20),
    ) {
        let ties: BTreeMap<_, _> = ties.into_iter().filter(|((a, b), _)| a < b).collect();
        let plain: Vec<_> = ties.iter().map(|((a, b), days)| (*a, *b, *days)).collect();
        let found = rows(r#"{"per_person":100}"#, &[1; 8], &plain);
        let expected = formula(8, &ties);
        prop_assert_eq!(found.len(), expected.len());
        prop_assert!(found.windows(2).all(|two| score(&two[0]) >= score(&two[1])), "the best first");
        for row in &found {
            prop_assert!((score(row) - expected[&(row.a, row.b)]).abs() < 1e-12);
        }
    }

    #[test]
    fn everybody_has_their_best_suggestions(
        ties in prop::collection::btree_map((1..12_u32, 1..12_u32), 1..5_u32, 0..30),
        per_person in 1..4_usize,
    ) {
        let plain: Vec<_> = ties.iter().filter(|((a, b), _)| a < b).map(|((a, b), days)| (*a, *b, f64::from(*days))).collect();
        let all = rows(r#"{"per_person":100}"#, &[1; 11], &plain);
        let output = output(&format!(r#"{{"per_person":{per_person}}}"#), &[1; 11], &plain);
        let (some, beyond) = (output.rows, all.len());
        let beyond = (beyond > some.len()).then(|| {
            format!("pairs beyond the best {per_person} of each person, in no row: {}", beyond - some.len())
        });
        prop_assert_eq!(output.remarks, Vec::from_iter(beyond));
        for person in 1..12 {
            let of = |rows: &[Row]| -> Vec<f64> {
                rows.iter().filter(|row| row.a == person || row.b == person).map(score).take(per_person).collect()
            };
            prop_assert_eq!(of(&all), of(&some));
        }
    }
}

//! The report on small networks, and what holds for every network.

use super::*;
use kith_report_sdk::Member;
use proptest::prelude::*;

/// People by organisation, and ties with their scores.
fn input(organisations: u32, people: &[u32], ties: &[(u32, u32, f64)]) -> Input {
    let strength = Table::of(ties.iter().map(|(a, b, score)| (*a, *b, 0, [*score])));
    let people = people.iter().map(|organisation| Member { organisation: *organisation, merged: false }).collect();
    Input { people, organisations, tables: vec![strength, Table::default()], texts: Vec::new() }
}

/// The two rows of a pair in `help`.
fn help(a: u32, b: u32, given: f64, received: f64) -> [(u32, u32, u64, [f64; 2]); 2] {
    [(a, b, 1, [given, received]), (a, b, 2, [received, given])]
}

fn output(input: &Input, score_min: f64) -> Output {
    Bridges::configure(Settings { score_min }).unwrap().compute(Day(20_000), input).unwrap()
}

fn rows(input: &Input, score_min: f64) -> Vec<Row> {
    output(input, score_min).rows
}

fn row(rows: &[Row], a: u32, b: u32) -> &Row {
    rows.iter().find(|row| (row.a, row.b) == (a, b)).unwrap()
}

#[test]
fn a_bridge_that_hangs_on_one_person_is_seen() {
    // Organisation 1 has people 1 to 3, organisation 2 people 4 and 5; all ties across are person 1's.
    let input = input(2, &[1, 1, 1, 2, 2], &[(1, 4, 9.0), (1, 5, 3.0), (2, 3, 5.0)]);
    let found = rows(&input, 0.0);
    let across = row(&found, 1, 2);
    assert_eq!(across.values[0], Value::Number(2.0 / 6.0));
    assert_eq!(across.values[1..3], [Value::Integer(2), Value::Integer(1)]);
    assert_eq!(across.values[3], Value::Number(1.0 / 3.0), "two across, one inside");
    assert_eq!(across.values[4..8], [3, 2, 1, 2].map(Value::Integer));
    assert_eq!(across.values[8], Value::None, "nobody helped");
    assert_eq!(across.evidence, [(0, 0), (0, 1)], "the strongest first");
    let inside = row(&found, 1, 1);
    assert_eq!(inside.values[..3], [Value::Number(1.0 / 3.0), Value::Integer(1), Value::None]);
    assert_eq!(inside.values[3], Value::Number(1.0 / 3.0));
    let silent = row(&found, 2, 2);
    assert_eq!(silent.values[..2], [Value::Number(0.0), Value::Integer(0)]);
    assert_eq!(row(&rows(&input, 4.0), 1, 2).values[1], Value::Integer(1), "weak ties do not count");
}

#[test]
fn remarks_have_the_index_over_all_organisations_and_what_no_row_counts() {
    // 4 and 5 have no organisation; 6 has one for itself.
    let people = [1, 1, 2, 0, 0, 3];
    let ties = [(1, 2, 9.0), (1, 3, 5.0), (1, 4, 8.0), (1, 6, 6.0), (2, 3, 1.0), (2, 6, 0.0)];
    let remarks = |score_min| output(&input(3, &people, &ties), score_min).remarks;
    let index = |index, across| format!("E-I index over all organisations: {index} ({across} ties across, 1 inside)");
    let unplaced =
        ["ties of people without an organisation, in no row: 1", "people without an organisation, in no row: 2"];
    assert_eq!(remarks(0.0), [&[index("0.500", 3)][..], &unplaced.map(str::to_owned)].concat());
    assert_eq!(remarks(2.0)[..2], [index("0.333", 2), "ties with a score below 2, in no row: 1".to_owned()]);
    assert_eq!(output(&input(1, &[1, 1], &[]), 0.0).remarks, Vec::<String>::new(), "nothing to say");
}

#[test]
fn among_many_organisations_pairs_without_ties_are_counted_in_a_remark() {
    let people: Vec<u32> = (1..=301).collect();
    let found = output(&input(301, &people, &[(1, 2, 1.0)]), 0.0);
    assert_eq!(found.rows.len(), 1);
    assert_eq!(found.remarks[1..], [format!("pairs of organisations without ties, in no row: {}", 301 * 302 / 2 - 1)]);
}

#[test]
fn a_tie_of_which_nothing_is_left_does_not_count() {
    let found = rows(&input(2, &[1, 2, 2], &[(1, 2, 0.0), (1, 3, 0.001)]), 0.0);
    assert_eq!(row(&found, 1, 2).values[1], Value::Integer(1));
}

#[test]
fn help_is_reciprocal_as_far_as_it_is_returned_by_whom_it_was_given_to() {
    let mut input = input(2, &[1, 1, 2, 2, 0], &[]);
    // 1 and 3 help each other alike, 2 gives 4 and gets nothing; help to 5, who has no organisation, counts nowhere.
    input.tables[1] =
        Table::of([help(1, 3, 1.0, 1.0), help(2, 4, 4.0, 0.0), help(1, 2, 1.0, 3.0), help(1, 5, 9.0, 0.0)].concat());
    let found = rows(&input, 0.0);
    assert_eq!(row(&found, 1, 2).values[8], Value::Number(2.0 / 6.0));
    assert_eq!(row(&found, 1, 1).values[8], Value::Number(0.5));
    assert_eq!(row(&found, 2, 2).values[8], Value::None);
}

#[test]
fn organisations_that_do_not_talk_have_a_row_and_people_without_one_have_none() {
    let found = rows(&input(3, &[1, 2, 0], &[(1, 3, 1.0)]), 0.0);
    assert_eq!(found.iter().map(|row| (row.a, row.b)).collect::<Vec<_>>(), [(1, 1), (1, 2), (2, 2)]);
    let silent = row(&found, 1, 2);
    assert_eq!(silent.values[..4], [Value::Number(0.0), Value::Integer(0), Value::Integer(0), Value::None]);
    assert!(silent.evidence.is_empty());
    assert_eq!(row(&found, 1, 1).values[0], Value::None, "one person alone has nobody to talk to");
}

#[test]
fn settings_out_of_range_are_refused() {
    assert!(Bridges::configure(Settings { score_min: -1.0 }).is_err());
    assert!(kith_report_sdk::configure::<Bridges>(r#"{"score":1}"#).is_err());
}

/// The size by trying every subset of edges.
fn matching_by_trial(edges: &[(u32, u32)]) -> usize {
    let is_matching = |subset: &u32| {
        let chosen: Vec<_> = (0..edges.len()).filter(|edge| subset >> edge & 1 == 1).map(|edge| edges[edge]).collect();
        let shares = |one: usize, other: usize| chosen[one].0 == chosen[other].0 || chosen[one].1 == chosen[other].1;
        !(0..chosen.len()).any(|one| (0..one).any(|other| shares(one, other)))
    };
    (0..1_u32 << edges.len()).filter(is_matching).map(|subset| subset.count_ones() as usize).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn matchings_are_as_large_as_they_can_be(edges in prop::collection::vec((0..5_u32, 0..5_u32), 0..10)) {
        prop_assert_eq!(maximum_matching(&edges), matching_by_trial(&edges));
    }

    #[test]
    fn the_order_of_ties_changes_nothing_but_their_numbers(
        ties in prop::collection::btree_map((1..7_u32, 1..7_u32), 1..50_u32, 0..12),
    ) {
        let ties: Vec<_> =
            ties.into_iter().filter(|((a, b), _)| a < b).map(|((a, b), score)| (a, b, f64::from(score))).collect();
        let people = [1, 1, 2, 2, 3, 0];
        let mut turned = ties.clone();
        turned.reverse();
        let values = |ties: &[_]| {
            let rows = rows(&input(3, &people, ties), 0.0);
            rows.into_iter().map(|row| (row.a, row.b, row.values)).collect::<Vec<_>>()
        };
        prop_assert_eq!(values(&ties), values(&turned));
    }

    #[test]
    fn renaming_organisations_renames_rows_and_nothing_else(
        ties in prop::collection::btree_set((1..7_u32, 1..7_u32), 0..12),
    ) {
        let ties: Vec<_> = ties.into_iter().filter(|(a, b)| a < b).map(|(a, b)| (a, b, 1.0)).collect();
        let densities = |people: &[u32]| {
            let rows = rows(&input(2, people, &ties), 0.0);
            (row(&rows, 1, 2).values[..4].to_vec(), row(&rows, 1, 1).values[0].clone(), row(&rows, 2, 2).values[0].clone())
        };
        let (across, ones, twos) = densities(&[1, 1, 1, 2, 2, 2]);
        let (again, then_ones, then_twos) = densities(&[2, 2, 2, 1, 1, 1]);
        prop_assert_eq!((across, ones, twos), (again, then_twos, then_ones));
    }
}

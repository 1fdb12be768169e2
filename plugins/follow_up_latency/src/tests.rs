//! The medians compared with those in the literature, the report on small networks, and what holds for every network.

use super::*;
use kith_report_sdk::{Member, Table};
use proptest::prelude::*;

const TODAY: i32 = 20_000;
const STATES: [&str; 3] = ["open", "late", "done"];

fn outcomes(days: &[u32], open: &[u32]) -> Vec<Outcome> {
    let of = |days: &[u32], is_over| days.iter().map(move |&days| Outcome { days, is_over }).collect::<Vec<_>>();
    [of(days, true), of(open, false)].concat()
}

/// Remission of leukaemia in weeks: Freireich et al. (1963) with and without treatment, and Miller (1997) maintained or
/// not. The medians are those in every textbook; the intervals are as lifelines 0.30 computes them.
#[test]
fn medians_and_intervals_are_those_of_known_studies() {
    let treated = outcomes(&[6, 6, 6, 7, 10, 13, 16, 22, 23], &[6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]);
    let placebo = outcomes(&[1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], &[]);
    let maintained = outcomes(&[9, 13, 18, 23, 31, 34, 48], &[13, 28, 45, 161]);
    let not = outcomes(&[5, 5, 8, 8, 12, 23, 27, 30, 33, 43, 45], &[16]);
    let known = [
        (treated, (23, 13, None)),
        (placebo, (8, 4, Some(11))),
        (maintained, (31, 13, None)),
        (not, (23, 5, Some(33))),
    ];
    for (mut outcomes, (days, low, high)) in known {
        assert_eq!(median(&mut outcomes), Median { days: Some(days), low: Some(low), high });
    }
}

#[test]
fn a_median_that_is_not_reached_is_not_known() {
    assert_eq!(median(&mut []), Median::default());
    assert_eq!(median(&mut outcomes(&[], &[1, 2, 3])), Median::default());
    assert_eq!(median(&mut outcomes(&[1], &[2, 3, 4])).days, None);
    let exactly_half = (1..=10).collect::<Vec<_>>();
    assert_eq!(median(&mut outcomes(&exactly_half, &[])).days, Some(5), "rounding does not put it off");
}

/// (first person, second person, days ago, days until it was followed up)
type Plain = (u32, u32, i32, Option<i32>);

fn input(people: &[u32], meetings: &[Plain]) -> Input {
    let row = |(item, (a, b, ago, latency)): (u64, &Plain)| {
        let state = if latency.is_some() {
            2.0
        } else if *ago > 7 {
            1.0
        } else {
            0.0
        };
        (*a, *b, item, [f64::from(TODAY - ago), latency.map_or(f64::NAN, f64::from), state])
    };
    let tables = vec![Table::of((1..).zip(meetings).map(row))];
    let people = people.iter().map(|organisation| Member { organisation: *organisation, merged: false }).collect();
    Input { people, organisations: 3, tables, texts: STATES.map(str::to_owned).to_vec() }
}

fn output(settings: &str, people: &[u32], meetings: &[Plain]) -> Output {
    let report: FollowUpLatency = kith_report_sdk::configure(settings).unwrap();
    report.compute(Day(TODAY), &input(people, meetings)).unwrap()
}

fn rows(settings: &str, people: &[u32], meetings: &[Plain]) -> Vec<Row> {
    output(settings, people, meetings).rows
}

#[test]
fn open_meetings_count_as_long_as_they_wait() {
    // Persons 1 and 2 belong to organisation 1, person 3 to organisation 2, person 4 to none.
    let people = [1, 1, 2, 0];
    let meetings = [(1, 2, 100, Some(3)), (1, 3, 50, Some(5)), (1, 3, 20, None), (3, 4, 2, None), (2, 4, 400, Some(1))];
    let found = rows("{}", &people, &meetings);
    assert_eq!(found.iter().map(|row| (row.a, row.b)).collect::<Vec<_>>(), [(1, 0), (2, 0)]);
    assert_eq!(found[0].values[0], Value::Integer(5), "two of three within 5 days");
    assert_eq!(found[0].values[3..], [3, 2, 1].map(Value::Integer), "the one of 400 days ago is out of the window");
    assert_eq!(found[0].evidence, [(0, 2), (0, 1), (0, 0)], "what waits for longest first");
    assert_eq!(found[1].values[3..], [3, 1, 1].map(Value::Integer));
    assert_eq!(found[1].values[0], Value::Integer(5), "the one of 2 days ago is no longer at risk on day 5");
    assert_eq!(rows(r#"{"window_days":1000}"#, &people, &meetings)[0].values[3], Value::Integer(4));
}

#[test]
fn remarks_say_which_meetings_are_in_no_row() {
    let meetings = [(1, 2, 400, None), (3, 4, 400, None), (3, 4, 2, None), (2, 3, 2, None)];
    let found = output("{}", &[1, 1, 0, 0], &meetings);
    assert_eq!(
        found.remarks,
        ["meetings more than 365 days ago, in no row: 2", "meetings of people without an organisation, in no row: 1"]
    );
    assert!(output("{}", &[1, 1], &[(1, 2, 3, None)]).remarks.is_empty());
}

#[test]
fn settings_out_of_range_are_refused() {
    for wrong in [r#"{"window_days":0}"#, r#"{"window_days":36501}"#, r#"{"days":1}"#] {
        assert!(kith_report_sdk::configure::<FollowUpLatency>(wrong).is_err(), "{wrong}");
    }
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    (0..40_u32, any::<bool>()).prop_map(|(days, is_over)| Outcome { days, is_over })
}

proptest! {
    #[test]
    fn without_open_ones_the_median_is_the_plain_one(days in prop::collection::vec(0..40_u32, 1..30)) {
        let mut sorted = days.clone();
        sorted.sort_unstable();
        let found = median(&mut outcomes(&days, &[]));
        prop_assert_eq!(found.days, Some(sorted[(days.len() - 1) / 2]));
    }

    #[test]
    fn the_interval_holds_the_median_and_nothing_depends_on_the_order(
        outcomes in prop::collection::vec(any_outcome(), 0..40),
    ) {
        let found = median(&mut outcomes.clone());
        let mut turned = outcomes;
        turned.reverse();
        prop_assert_eq!(median(&mut turned), found);
        prop_assert!(found.low.unwrap_or(u32::MAX) <= found.days.unwrap_or(u32::MAX));
        prop_assert!(found.days.unwrap_or(u32::MAX) <= found.high.unwrap_or(u32::MAX));
    }

    #[test]
    fn a_meeting_counts_once_for_each_organisation(
        meetings in prop::collection::vec((1..5_u32, 1..5_u32, 0..300_i32, prop::option::of(0..30_i32)), 0..20),
    ) {
        let meetings: Vec<Plain> = meetings.into_iter().filter(|(a, b, ..)| a < b).collect();
        let organisations = [1, 1, 2, 0];
        for row in rows("{}", &organisations, &meetings) {
            let is_of = |person: &u32| organisations[*person as usize - 1] == row.a;
            let count = meetings.iter().filter(|(a, b, ..)| is_of(a) || is_of(b)).count();
            prop_assert_eq!(&row.values[3], &Value::Integer(i64::try_from(count).unwrap()));
            prop_assert_eq!(row.evidence.len(), count);
        }
    }
}

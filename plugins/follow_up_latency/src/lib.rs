//! The built-in report `follow_up_latency`: a row for each organisation, with the days until its people's meetings are
//! followed up.
//!
//! A meeting counts for the organisation of either person, once if both belong to the same. Meetings without a
//! follow-up are not left out, which would flatter those who never follow up: they count as still open after their
//! number of days, and the median is that of Kaplan and Meier. A median that is not reached is unknown.
//!
//! Invariant: rows are folded in the order of days, so they do not depend on the order of the input.

mod survival;

use kith_report_sdk::{
    Day, Field, FieldType, Input, InputNeeded, InputRow, KeyBy, Manifest, Output, Report, Row, Value,
};
use serde::Deserialize;
use std::collections::BTreeMap;

pub use crate::survival::{Median, Outcome, median};

/// The most rows of `follow_ups` that are named as evidence.
const EVIDENCE_MAX: usize = 1_000;

/// The settings of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Days before the requested day whose meetings count: 1 to 36,500.
    pub window_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window_days: 365 }
    }
}

/// The report, configured.
#[derive(Clone, Copy, Debug)]
pub struct FollowUpLatency {
    window_days: u32,
}

kith_report_sdk::export!(FollowUpLatency);

impl Report for FollowUpLatency {
    type Settings = Settings;

    const MANIFEST: Manifest = Manifest {
        name: "follow_up_latency",
        version: "1.1.0",
        key_by: KeyBy::Organisation,
        inputs: &[InputNeeded::of("follow_ups", &["met_on", "latency", "state"])],
        fields: &[
            column("median_days", FieldType::Integer, "days until half of the meetings are followed up"),
            column("median_low", FieldType::Integer, "lower end of the 95 % interval of the median"),
            column("median_high", FieldType::Integer, "upper end of the 95 % interval of the median"),
            column("meetings", FieldType::Integer, "meetings of two people, at least one of them of the organisation"),
            column("followed_up", FieldType::Integer, "meetings that were followed up"),
            column("late", FieldType::Integer, "meetings not followed up that are past due"),
        ],
        settings: include_str!("../settings.schema.json"),
    };

    fn configure(settings: Settings) -> Result<Self, String> {
        if (1..=36_500).contains(&settings.window_days) {
            Ok(Self { window_days: settings.window_days })
        } else {
            Err("window_days is from 1 to 36500".into())
        }
    }

    fn compute(&self, as_of: Day, input: &Input) -> Result<Output, String> {
        let follow_ups = input.tables.first().ok_or("the rows of follow_ups are missing")?;
        let (window_days, mut old, mut unplaced) = (self.window_days, 0, 0);
        let mut found = BTreeMap::<u32, Meetings>::new();
        for (number, row) in follow_ups.rows() {
            let meeting = Meeting::of(number, &row, input, as_of)?;
            if meeting.days_ago > window_days {
                old += 1;
                continue;
            }
            let (one, other) = (input.member(row.a).organisation, input.member(row.b).organisation);
            unplaced += usize::from(one == 0 && other == 0);
            for organisation in [Some(one), (other != one).then_some(other)].into_iter().flatten() {
                if organisation != 0 {
                    found.entry(organisation).or_default().0.push(meeting);
                }
            }
        }
        let rows: Vec<Row> = found.into_iter().map(|(organisation, meetings)| meetings.row(organisation)).collect();
        let mut output = Output::from(rows);
        output.count(format_args!("meetings more than {window_days} days ago, in no row"), old);
        output.count("meetings of people without an organisation, in no row", unplaced);
        Ok(output)
    }
}

const fn column(name: &'static str, of: FieldType, about: &'static str) -> Field {
    Field { name, of, about }
}

/// A meeting of two people.
#[derive(Clone, Copy)]
struct Meeting {
    /// The number of its row.
    number: u32,
    days_ago: u32,
    outcome: Outcome,
    is_late: bool,
}

impl Meeting {
    fn of(number: u32, row: &InputRow<'_>, input: &Input, as_of: Day) -> Result<Self, String> {
        let [met_on, latency, state] = row.values()?;
        // Rows only have meetings up to the day.
        let days_ago = days(f64::from(as_of.0) - met_on);
        let outcome = if latency.is_nan() {
            Outcome { days: days_ago, is_over: false }
        } else {
            Outcome { days: days(latency), is_over: true }
        };
        Ok(Self { number, days_ago, outcome, is_late: input.text(state) == Some("late") })
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "days are whole, and casts saturate")]
fn days(number: f64) -> u32 {
    number as u32
}

/// Meetings of an organisation.
#[derive(Default)]
struct Meetings(Vec<Meeting>);

impl Meetings {
    fn row(self, organisation: u32) -> Row {
        let mut outcomes: Vec<Outcome> = self.0.iter().map(|meeting| meeting.outcome).collect();
        let Median { days, low, high } = median(&mut outcomes);
        let count = |is_it: fn(&Meeting) -> bool| self.0.iter().filter(|meeting| is_it(meeting)).count() as u64;
        let counts =
            [count(|_| true), count(|meeting| meeting.outcome.is_over), count(|meeting| meeting.is_late)].map(integer);
        let medians = [days, low, high].map(|days| days.map_or(Value::None, |days| integer(days.into())));
        let values = medians.into_iter().chain(counts).collect();
        Row { a: organisation, b: 0, values, evidence: self.slowest() }
    }

    /// The meetings that took longest, or have been open for longest.
    fn slowest(mut self) -> Vec<(u32, u32)> {
        self.0.sort_by(|one, other| other.outcome.days.cmp(&one.outcome.days).then(one.number.cmp(&other.number)));
        self.0.into_iter().take(EVIDENCE_MAX).map(|meeting| (0, meeting.number)).collect()
    }
}

fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;

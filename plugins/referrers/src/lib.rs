//! The built-in report `referrers`: a row for each person who introduced others, with the outcomes.
//!
//! ```text
//! yield      = introductions that led to contact / introductions that are `settled_days` old
//! yield_low  = lower end of the 95 % interval of the yield     a referrer with three of three does not
//! yield_high = upper end                                       lead one with thirty of thirty-three
//! ```
//!
//! The interval is that of Wilson (1927). Young introductions count in no yield, whatever their outcome: those that
//! succeed at once would otherwise be judged before those that take time.
//!
//! Invariant: whole numbers, then the same few operations of IEEE 754, so rows agree on every machine.

mod wilson;

use kith_report_sdk::{
    Day, Field, FieldType, Input, InputNeeded, InputRow, KeyBy, Manifest, Output, Report, Row, Value,
};
use serde::Deserialize;
use std::collections::BTreeMap;

use crate::wilson::interval;

/// The most rows of `introductions` that are named as evidence.
const EVIDENCE_MAX: usize = 1_000;

/// The settings of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Days after which an introduction is judged: 0 to 3,650.
    pub settled_days: u16,
    /// What an introduction is for.
    pub goal: Goal,
}

/// What an introduction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Any contact of the two after it.
    Met,
    /// A lasting contact, as defined by `introductions`.
    BecameTie,
}

impl Default for Settings {
    fn default() -> Self {
        Self { settled_days: 30, goal: Goal::Met }
    }
}

/// The report, configured.
#[derive(Clone, Copy, Debug)]
pub struct Referrers {
    settings: Settings,
}

kith_report_sdk::export!(Referrers);

impl Report for Referrers {
    type Settings = Settings;

    const MANIFEST: Manifest = Manifest {
        name: "referrers",
        version: "1.1.0",
        key_by: KeyBy::Person,
        inputs: &[InputNeeded::of("introductions", &["state", "age", "referrer"])],
        fields: &[
            column("yield_low", FieldType::Number, "lower end of the 95 % interval of the yield, 0 to 1"),
            column("yield", FieldType::Number, "share of the settled introductions that reached their goal, 0 to 1"),
            column("yield_high", FieldType::Number, "upper end of the 95 % interval of the yield, 0 to 1"),
            column("introductions", FieldType::Integer, "introductions so far"),
            column("settled", FieldType::Integer, "introductions old enough to be judged"),
            column("reached", FieldType::Integer, "settled introductions that reached their goal"),
            column("ties", FieldType::Integer, "introductions that became a tie, settled or not"),
            column("declined", FieldType::Integer, "introductions that were declined, settled or not"),
            column("unanswered", FieldType::Integer, "introductions that nobody answered yet"),
        ],
        settings: include_str!("../settings.schema.json"),
    };

    fn configure(settings: Settings) -> Result<Self, String> {
        if settings.settled_days <= 3650 { Ok(Self { settings }) } else { Err("settled_days is from 0 to 3650".into()) }
    }

    fn compute(&self, _: Day, input: &Input) -> Result<Output, String> {
        let introductions = input.tables.first().ok_or("the rows of introductions are missing")?;
        let (settled_days, mut young) = (self.settings.settled_days, 0);
        let mut records = BTreeMap::<u32, Record>::new();
        for (number, row) in introductions.rows() {
            let Introduction { state, age, referrer } = Introduction::of(&row, input)?;
            let record = records.entry(referrer).or_default();
            let is_settled = age >= f64::from(settled_days);
            young += usize::from(!is_settled);
            record.add(state, is_settled, self.settings.goal);
            record.rows.push((row.item, number));
        }
        let rows: Vec<Row> = records.into_iter().map(|(referrer, record)| record.row(referrer)).collect();
        let mut output = Output::from(rows);
        output.count(format_args!("introductions younger than {settled_days} days, in no yield"), young);
        Ok(output)
    }
}

const fn column(name: &'static str, of: FieldType, about: &'static str) -> Field {
    Field { name, of, about }
}

/// What the report reads from a row of `introductions`.
struct Introduction<'a> {
    state: &'a str,
    age: f64,
    referrer: u32,
}

impl<'a> Introduction<'a> {
    fn of(row: &InputRow<'_>, input: &'a Input) -> Result<Self, String> {
        let [state, age, referrer] = row.values()?;
        let state = input.text(state).ok_or("a row of introductions has no state")?;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "handles are whole numbers of 32 bits"
        )]
        let referrer = referrer as u32;
        Ok(Self { state, age, referrer })
    }
}

/// The outcomes of a person's introductions.
#[derive(Default)]
struct Record {
    introductions: u64,
    settled: u64,
    reached: u64,
    ties: u64,
    declined: u64,
    unanswered: u64,
    /// Position of each referral, and the number of its row.
    rows: Vec<(u64, u32)>,
}

impl Record {
    fn add(&mut self, state: &str, is_settled: bool, goal: Goal) {
        let (met, tie) = (state == "met" || state == "became_tie", state == "became_tie");
        let reached = match goal {
            Goal::Met => met,
            Goal::BecameTie => tie,
        };
        self.introductions += 1;
        self.settled += u64::from(is_settled);
        self.reached += u64::from(is_settled && reached);
        self.ties += u64::from(tie);
        self.declined += u64::from(state == "declined");
        self.unanswered += u64::from(state == "unanswered");
    }

    fn row(self, referrer: u32) -> Row {
        let (low, point, high) = match interval(self.reached, self.settled) {
            Some(found) => (Value::Number(found.low), Value::Number(found.point), Value::Number(found.high)),
            None => (Value::None, Value::None, Value::None),
        };
        let counts =
            [self.introductions, self.settled, self.reached, self.ties, self.declined, self.unanswered].map(integer);
        let values = [low, point, high].into_iter().chain(counts).collect();
        Row { a: referrer, b: 0, values, evidence: newest(self.rows) }
    }
}

/// The newest introductions.
fn newest(mut rows: Vec<(u64, u32)>) -> Vec<(u32, u32)> {
    rows.sort_unstable_by(|one, other| other.cmp(one));
    rows.into_iter().take(EVIDENCE_MAX).map(|(_, number)| (0, number)).collect()
}

fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;

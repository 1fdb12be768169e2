//! The report `contacts`: a row for each person who is tied to others, and how many of those work elsewhere.
//!
//! A tie is a row of the view `strength` with a score of `score_min` or more. A person without an organisation counts
//! as working elsewhere for everybody. A remark says how many rows of `strength` are below that.

use kith_report_sdk::{Day, Field, FieldType, Input, InputNeeded, KeyBy, Manifest, Output, Report, Row, Value};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The most rows that may be named as evidence.
const EVIDENCE_MAX: usize = 1_000;

/// The settings of the report.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The score from which two people count as tied: 0 to 100.
    pub score_min: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self { score_min: 1 }
    }
}

/// The report, configured.
#[derive(Clone, Copy, Debug)]
pub struct Contacts {
    settings: Settings,
}

kith_report_sdk::export!(Contacts);

impl Report for Contacts {
    type Settings = Settings;

    const MANIFEST: Manifest = Manifest {
        name: "contacts",
        version: "1.0.0",
        key_by: KeyBy::Person,
        inputs: &[InputNeeded::of("strength", &["score"])],
        fields: &[
            Field { name: "ties", of: FieldType::Integer, about: "people they are tied to" },
            Field { name: "elsewhere", of: FieldType::Integer, about: "of these, people of other organisations or none" },
        ],
        settings: include_str!("../settings.schema.json"),
    };

    fn configure(settings: Settings) -> Result<Self, String> {
        if settings.score_min <= 100 { Ok(Self { settings }) } else { Err("score_min is from 0 to 100".into()) }
    }

    fn compute(&self, _: Day, input: &Input) -> Result<Output, String> {
        let strength = input.tables.first().ok_or("the rows of strength are missing")?;
        let (mut people, mut weak) = (BTreeMap::<u32, Ties>::new(), 0);
        for (number, row) in strength.rows() {
            let [score] = row.values()?;
            if score >= f64::from(self.settings.score_min) {
                let (a, b) = (input.member(row.a).organisation, input.member(row.b).organisation);
                let is_elsewhere = a != b || a == 0;
                for person in [row.a, row.b] {
                    people.entry(person).or_default().add(is_elsewhere, number);
                }
            } else {
                weak += 1;
            }
        }
        let rows: Vec<Row> = people.into_iter().map(|(person, ties)| ties.row(person)).collect();
        let mut output = Output::from(rows);
        output.count(format_args!("pairs with a score below {}, in no row", self.settings.score_min), weak);
        Ok(output)
    }
}

/// The ties of one person.
#[derive(Default)]
struct Ties {
    all: i64,
    elsewhere: i64,
    rows: Vec<u32>,
}

impl Ties {
    fn add(&mut self, is_elsewhere: bool, row: u32) {
        self.all += 1;
        self.elsewhere += i64::from(is_elsewhere);
        self.rows.push(row);
    }

    fn row(self, person: u32) -> Row {
        let values = vec![Value::Integer(self.all), Value::Integer(self.elsewhere)];
        // The first input of the manifest is number 0.
        let evidence = self.rows.into_iter().take(EVIDENCE_MAX).map(|row| (0, row)).collect();
        Row { a: person, b: 0, values, evidence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_report_sdk::{Member, Table, configure};

    /// Three people, the first two of one organisation; 1 and 2 are tied, 1 and 3 closely.
    fn input() -> Input {
        let people = [1, 1, 2].map(|organisation| Member { organisation, merged: false }).to_vec();
        let tables = vec![Table::of([(1, 2, 0, [5.0]), (1, 3, 0, [50.0])])];
        Input { people, organisations: 2, tables, ..Input::default() }
    }

    fn output(settings: &str) -> Output {
        let report: Contacts = configure(settings).expect("the settings are good");
        report.compute(Day(0), &input()).expect("the input is good")
    }

    fn rows(settings: &str) -> Vec<(u32, Vec<Value>, usize)> {
        output(settings).rows.into_iter().map(|row| (row.a, row.values, row.evidence.len())).collect()
    }

    fn counts(ties: i64, elsewhere: i64) -> Vec<Value> {
        vec![Value::Integer(ties), Value::Integer(elsewhere)]
    }

    #[test]
    fn ties_are_counted_on_both_sides() {
        assert_eq!(rows("{}"), [(1, counts(2, 1), 2), (2, counts(1, 0), 1), (3, counts(1, 1), 1)]);
    }

    #[test]
    fn weak_ties_do_not_count() {
        assert_eq!(rows(r#"{"score_min":10}"#), [(1, counts(1, 1), 1), (3, counts(1, 1), 1)]);
        assert_eq!(output(r#"{"score_min":10}"#).remarks, ["pairs with a score below 10, in no row: 1"]);
        assert!(output("{}").remarks.is_empty());
    }

    #[test]
    fn bad_settings_are_refused() {
        assert!(configure::<Contacts>(r#"{"score_min":101}"#).is_err());
        assert!(configure::<Contacts>(r#"{"score":1}"#).is_err());
    }
}

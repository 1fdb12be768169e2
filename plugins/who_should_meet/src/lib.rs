//! The built-in report `who_should_meet`: pairs of people never in contact who share people that know both well.
//!
//! ```text
//! p(i,v)     = 1 - exp(-S(i,v) / saturation_days)         S: `decayed_days` of `strength`
//! score(i,j) = sum over shared v of p(i,v) * p(v,j) / sum over x of p(v,x)
//! ```
//!
//! Weighted resource allocation, after Zhou, Lü and Zhang, "Predicting missing links via local information", European
//! Physical Journal B 71 (2009): people with few ties give more to each. `via` is the shared person who adds most.
//!
//! Everybody's `per_person` best pairs have a row; remarks say how many pairs with a score have none.
//!
//! Invariant: sums run in the order of handles and logarithms are libm's, so rows agree on every machine.

mod network;

use kith_report_sdk::{
    Day, Field, FieldType, Input, InputNeeded, InputRow, KeyBy, Manifest, Output, Person, Report, Row, Value,
};
use serde::Deserialize;
use std::collections::BTreeSet;

pub use crate::network::{Network, Path, Tie};

/// The most rows that a report may have.
const ROWS_MAX: usize = 100_000;
/// The most paths whose ties are named as evidence.
const EVIDENCE_PATHS_MAX: usize = 500;

/// The settings of the report.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The number of best suggestions for each person: 1 to 100.
    pub per_person: usize,
    /// Whether to suggest only people of two different organisations.
    pub across_organisations: bool,
    /// Decayed days in contact from which a tie is strong: 0.1 to 1,000.
    pub saturation_days: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { per_person: 10, across_organisations: false, saturation_days: 3.4 }
    }
}

/// The report, configured.
#[derive(Clone, Copy, Debug)]
pub struct WhoShouldMeet {
    settings: Settings,
}

kith_report_sdk::export!(WhoShouldMeet);

impl Report for WhoShouldMeet {
    type Settings = Settings;

    const MANIFEST: Manifest = Manifest {
        name: "who_should_meet",
        version: "1.1.0",
        key_by: KeyBy::Pair,
        inputs: &[InputNeeded { view: "strength", fields: &["decayed_days", "last_contact"] }],
        fields: &[
            column(
                "score",
                FieldType::Number,
                "how much good contacts of both connect the two; only the order means much",
            ),
            column("via", FieldType::Person, "the shared contact who connects them best"),
            column("contact_a", FieldType::Day, "last contact of the first person with that one"),
            column("contact_b", FieldType::Day, "last contact of the second person with that one"),
            column("shared", FieldType::Integer, "people in contact with both"),
        ],
        settings: include_str!("../settings.schema.json"),
    };

    fn configure(settings: Settings) -> Result<Self, String> {
        if !(1..=100).contains(&settings.per_person) {
            return Err("per_person is from 1 to 100".into());
        }
        if !(0.1..=1000.0).contains(&settings.saturation_days) {
            return Err("saturation_days is from 0.1 to 1000".into());
        }
        Ok(Self { settings })
    }

    fn compute(&self, _: Day, input: &Input) -> Result<Output, String> {
        let strength = input.tables.first().ok_or("the rows of strength are missing")?;
        let mut network = Network::new(input.people.len());
        for (number, row) in (0_u32..).zip(&strength.rows) {
            network.add(row.a, row.b, self.tie(number, row)?);
        }
        let (mut found, with_score) = self.suggestions(input, &network);
        found.truncate(ROWS_MAX);
        let rows: Vec<Row> = found.into_iter().map(|found| found.row(&network)).collect();
        let beyond = with_score.asked_for.saturating_sub(rows.len());
        let mut output = Output::from(rows);
        let per_person = self.settings.per_person;
        output.count(format_args!("pairs beyond the best {per_person} of each person, in no row"), beyond);
        output.count("pairs inside one organisation, in no row", with_score.inside);
        Ok(output)
    }
}

const fn column(name: &'static str, of: FieldType, about: &'static str) -> Field {
    Field { name, of, about }
}

/// Two people who should meet.
struct Suggestion {
    a: u32,
    b: u32,
    score: f64,
}

/// Numbers of pairs with a score.
#[derive(Default)]
struct WithScore {
    /// That the settings ask for.
    asked_for: usize,
    /// That are inside one organisation, if only others are asked for.
    inside: usize,
}

impl WhoShouldMeet {
    fn tie(self, number: u32, row: &InputRow) -> Result<Tie, String> {
        let [decayed_days, last_contact] = row.values[..] else {
            return Err("a row of strength has not the columns asked for".into());
        };
        #[allow(clippy::cast_possible_truncation, reason = "days are whole numbers of 32 bits")]
        let last_contact = Day(last_contact as i32);
        let weight = -libm::expm1(-decayed_days / self.settings.saturation_days);
        Ok(Tie { weight, last_contact, row: number })
    }

    /// The best suggestions of each person, each pair once, the best pairs first.
    fn suggestions(self, input: &Input, network: &Network) -> (Vec<Suggestion>, WithScore) {
        let (mut pairs, mut with_score) = (BTreeSet::new(), WithScore::default());
        let mut found = Vec::new();
        let mut scores = network.scores();
        for person in network.people() {
            let mut others = scores.of(person);
            let own = input.member(person).organisation;
            let all = others.len();
            if self.settings.across_organisations {
                others.retain(|(other, _)| input.member(*other).organisation != own);
            }
            with_score.asked_for += others.len();
            with_score.inside += all - others.len();
            others.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
            for (other, score) in others.into_iter().take(self.settings.per_person) {
                let (a, b) = (person.min(other), person.max(other));
                if pairs.insert((a, b)) {
                    found.push(Suggestion { a, b, score });
                }
            }
        }
        found.sort_by(|one, other| other.score.total_cmp(&one.score).then((one.a, one.b).cmp(&(other.a, other.b))));
        // Each pair was counted from both of its ends.
        (found, WithScore { asked_for: with_score.asked_for / 2, inside: with_score.inside / 2 })
    }
}

impl Suggestion {
    fn row(&self, network: &Network) -> Row {
        let mut paths = network.paths(self.a, self.b);
        paths.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.via.cmp(&other.via)));
        let best = paths.first().expect("a pair with a score shares somebody");
        let values = vec![
            Value::Number(self.score),
            Value::Person(Person(best.via)),
            Value::Day(best.from.last_contact),
            Value::Day(best.to.last_contact),
            Value::Integer(i64::try_from(paths.len()).unwrap_or(i64::MAX)),
        ];
        let evidence = paths.iter().take(EVIDENCE_PATHS_MAX).flat_map(|path| [(0, path.from.row), (0, path.to.row)]);
        Row { a: self.a, b: self.b, values, evidence: evidence.collect() }
    }
}

#[cfg(test)]
mod tests;

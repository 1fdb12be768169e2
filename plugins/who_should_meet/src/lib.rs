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
//! Everybody's `per_person` best pairs have a row, or the best of these where they are too many; remarks say how many
//! pairs with a score have none.
//!
//! Invariant: sums run in the order of handles and logarithms are libm's, so rows agree on every machine.

mod network;

use kith_report_sdk::{
    Day, Field, FieldType, Input, InputNeeded, InputRow, KeyBy, Manifest, Output, Person, Report, Row, Table, Value,
};
use serde::Deserialize;
use std::{cmp::Ordering, collections::BinaryHeap};

pub use crate::network::{Network, Path};

/// The most rows that a report may have.
const ROWS_MAX: usize = 100_000;
/// The most paths of one row whose ties are named as evidence.
const EVIDENCE_PATHS_MAX: usize = 500;
/// The paths of all rows together whose ties are named: fewer of each where there are many rows, the best at least.
const EVIDENCE_PATHS_TOTAL: usize = 200_000;

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
        version: "1.2.0",
        key_by: KeyBy::Pair,
        inputs: &[InputNeeded::of("strength", &["decayed_days", "last_contact"])],
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
        let network = self.network(input.people.len(), strength)?;
        let (found, with_score) = self.suggestions(input, &network);
        let paths_max = (EVIDENCE_PATHS_TOTAL / found.len().max(1)).clamp(1, EVIDENCE_PATHS_MAX);
        let rows: Result<Vec<Row>, String> =
            found.into_iter().map(|found| found.row(&network, strength, paths_max)).collect();
        let rows = rows?;
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
#[derive(Debug, Clone, Copy)]
struct Suggestion {
    a: u32,
    b: u32,
    score: f64,
}

/// The better comes first.
impl Ord for Suggestion {
    fn cmp(&self, other: &Self) -> Ordering {
        other.score.total_cmp(&self.score).then((self.a, self.b).cmp(&(other.a, other.b)))
    }
}

impl PartialOrd for Suggestion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Suggestion {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Suggestion {}

/// The best suggestions of one person, the best first.
#[derive(Clone, Default)]
struct Best(Vec<(u32, f64)>);

impl Best {
    /// Adds a suggestion if it is among so many of the best.
    fn add(&mut self, other: u32, score: f64, most: usize) {
        let is_better = |known: &(u32, f64)| known.1.total_cmp(&score).then(other.cmp(&known.0)).is_gt();
        let is_full = self.0.len() == most;
        if is_full && self.0.last().is_some_and(is_better) {
            return;
        }
        if is_full {
            self.0.pop();
        }
        let place = self.0.partition_point(is_better);
        self.0.insert(place, (other, score));
    }
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
    fn network(self, people: usize, strength: &Table) -> Result<Network, String> {
        let weight = |(_, row): (u32, InputRow<'_>)| {
            let [decayed_days, _] = columns(&row)?;
            Ok(-libm::expm1(-decayed_days / self.settings.saturation_days))
        };
        let weights: Result<Vec<f64>, String> = strength.rows().map(weight).collect();
        Ok(Network::new(people, strength.rows().map(|(_, row)| (row.a, row.b)), weights?))
    }

    /// The best suggestions of each person, each pair once, the best pairs first.
    fn suggestions(self, input: &Input, network: &Network) -> (Vec<Suggestion>, WithScore) {
        let mut of_people = vec![Best::default(); input.people.len() + 1];
        let (mut scores, mut with_score) = (network.scores(), WithScore::default());
        for person in network.people() {
            let own = input.member(person).organisation;
            scores.of(person, |other, score| {
                if self.settings.across_organisations && input.member(other).organisation == own {
                    with_score.inside += 1;
                } else {
                    with_score.asked_for += 1;
                    of_people[person as usize].add(other, score, self.settings.per_person);
                    of_people[other as usize].add(person, score, self.settings.per_person);
                }
            });
        }
        let mut best = BinaryHeap::new();
        for (person, of_person) in (0_u32..).zip(of_people) {
            for (other, score) in of_person.0 {
                best.push(Suggestion { a: person.min(other), b: person.max(other), score });
                // Each pair is suggested at most twice, by its two people.
                if best.len() > 2 * ROWS_MAX {
                    best.pop();
                }
            }
        }
        let mut found = best.into_sorted_vec();
        found.dedup();
        found.truncate(ROWS_MAX);
        (found, with_score)
    }
}

/// A row's `decayed_days` and `last_contact`.
fn columns(row: &InputRow<'_>) -> Result<[f64; 2], String> {
    row.values()
}

impl Suggestion {
    fn row(self, network: &Network, strength: &Table, paths_max: usize) -> Result<Row, String> {
        let mut paths = network.paths(self.a, self.b);
        paths.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.via.cmp(&other.via)));
        let best = paths.first().ok_or("a pair with a score shares nobody")?;
        let last_contact = |row: u32| {
            let [_, day] = columns(&strength.row(row as usize))?;
            #[allow(clippy::cast_possible_truncation, reason = "days are whole numbers of 32 bits")]
            Ok::<_, String>(Value::Day(Day(day as i32)))
        };
        let values = vec![
            Value::Number(self.score),
            Value::Person(Person(best.via)),
            last_contact(best.from)?,
            last_contact(best.to)?,
            Value::Integer(i64::try_from(paths.len()).unwrap_or(i64::MAX)),
        ];
        let evidence = paths.iter().take(paths_max).flat_map(|path| [(0, path.from), (0, path.to)]);
        Ok(Row { a: self.a, b: self.b, values, evidence: evidence.collect() })
    }
}

#[cfg(test)]
mod tests;

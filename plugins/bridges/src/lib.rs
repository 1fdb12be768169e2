//! The built-in report `bridges`: a row for every two organisations, and one for each with itself.
//!
//! ```text
//! tied        = two people with a score of `strength` above 0 and of at least `score_min`
//! density     = tied pairs / possible pairs                   between the two, or inside the one
//! e_i         = (external - internal) / (external + internal) external: ties across; internal: ties inside either
//! redundancy  = size of a maximum matching of the ties across = people to lose until nobody is tied (König 1931)
//! reciprocity = sum of 2 min(G(i,j), G(j,i)) / sum of G(i,j) + G(j,i)      over the same pairs; G: `given` of `help`
//! ```
//!
//! The E-I index is that of Krackhardt and Stern (1988). The external ties of one organisation are those with any
//! other; a remark has the index over all organisations, and others say what no row counts. People without events count: a silent colleague is a possible tie. The reciprocity is that of Squartini,
//! Picciolo, Ruzzenenti and Garlaschelli, "Reciprocity of weighted networks" (2013).
//!
//! Invariant: sums run in the order of rows, so rows agree on every machine.

mod matching;

use kith_report_sdk::{
    Day, Field, FieldType, Input, InputNeeded, InputRow, KeyBy, Manifest, Output, Report, Row, Table, Value,
};
use serde::Deserialize;
use std::collections::BTreeMap;

pub use matching::maximum_matching;

/// Up to this many organisations, pairs without any tie have a row, too: they are the ones that do not talk.
const SILENT_PAIRS_ORGANISATIONS_MAX: u32 = 300;
/// Any score above 0.
const SCORE_LEAST: f64 = f64::MIN_POSITIVE;
/// The most rows of `strength` that are named as evidence.
const EVIDENCE_MAX: usize = 1_000;

/// The settings of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The score from which two people count as tied: 0 to 100.
    pub score_min: f64,
}

/// The report, configured.
#[derive(Clone, Copy, Debug)]
pub struct Bridges {
    settings: Settings,
}

kith_report_sdk::export!(Bridges);

impl Report for Bridges {
    type Settings = Settings;

    const MANIFEST: Manifest = Manifest {
        name: "bridges",
        version: "1.3.0",
        key_by: KeyBy::OrganisationPair,
        inputs: &[
            InputNeeded::of("strength", &["score"]).at_least("score", SCORE_LEAST),
            InputNeeded::of("help", &["given", "received"]),
        ],
        fields: &[
            column("density", FieldType::Number, "tied pairs of all possible pairs, 0 to 1"),
            column("ties", FieldType::Integer, "tied pairs of people"),
            column(
                "redundancy",
                FieldType::Integer,
                "people to lose until nobody across is tied; 1 hangs on one person",
            ),
            column("e_i", FieldType::Number, "external less internal ties, of all: -1 only inside, 1 only across"),
            column("people_a", FieldType::Integer, "people of the first organisation"),
            column("people_b", FieldType::Integer, "people of the second organisation"),
            column("tied_a", FieldType::Integer, "people of the first one with a tie to the second"),
            column("tied_b", FieldType::Integer, "people of the second one with a tie to the first"),
            column(
                "reciprocity",
                FieldType::Number,
                "help that is returned, of all help between people of the two: 0 one side gives, 1 both alike",
            ),
        ],
        settings: include_str!("../settings.schema.json"),
    };

    fn configure(settings: Settings) -> Result<Self, String> {
        if (0.0..=100.0).contains(&settings.score_min) {
            Ok(Self { settings })
        } else {
            Err("score_min is from 0 to 100".into())
        }
    }

    fn compute(&self, _: Day, input: &Input) -> Result<Output, String> {
        let [strength, help] = &input.tables[..] else {
            return Err("the rows of strength and help are needed".into());
        };
        let sizes = input.sizes();
        let (bridges, left_out) = self.bridges(input, strength)?;
        let help = help_between(input, help)?;
        let inside = |organisation: u32| bridges.get(&(organisation, organisation)).map_or(0, |found| found.ties.len());
        let outside = external(&bridges, input.organisations);
        let mut rows = Vec::new();
        for (a, b) in keys(&bridges, &sizes, input.organisations) {
            let none = Bridge::default();
            let bridge = bridges.get(&(a, b)).unwrap_or(&none);
            let (external, internal) =
                if a == b { (outside[a as usize], inside(a)) } else { (bridge.ties.len(), inside(a) + inside(b)) };
            let sizes = (sizes[a as usize], sizes[b as usize]);
            let mut row = bridge.row((a, b), sizes, (external, internal));
            row.values.push(help.get(&(a, b)).map_or(Value::None, Help::reciprocity));
            rows.push(row);
        }
        let (across, inside) = (outside.iter().sum::<usize>() / 2, (1..=input.organisations).map(inside).sum());
        let remarks = index_over_all(across, inside).into_iter().collect();
        let mut output = Output { rows, remarks };
        let score_min = self.settings.score_min;
        output.count(format_args!("ties with a score below {score_min}, in no row"), left_out.weak);
        output.count("ties of people without an organisation, in no row", left_out.unplaced);
        output.count("people without an organisation, in no row", usize::try_from(sizes[0]).unwrap_or(usize::MAX));
        let peopled = (1..=input.organisations).filter(|organisation| sizes[*organisation as usize] > 0).count();
        let pairs = peopled * (peopled + 1) / 2;
        output.count("pairs of organisations without ties, in no row", pairs.saturating_sub(output.rows.len()));
        Ok(output)
    }
}

const fn column(name: &'static str, of: FieldType, about: &'static str) -> Field {
    Field { name, of, about }
}

/// The ties between two organisations, or inside one.
#[derive(Default)]
struct Bridge {
    ties: Vec<Tie>,
}

/// People of the first and of the second organisation, the row of `strength` and its score.
struct Tie {
    people: (u32, u32),
    row: u32,
    score: f64,
}

type Found = BTreeMap<(u32, u32), Bridge>;

/// Ties that no row counts.
#[derive(Default)]
struct LeftOut {
    /// With a score above 0 and below the least that counts.
    weak: usize,
    /// Of people without an organisation.
    unplaced: usize,
}

impl Bridges {
    fn bridges(self, input: &Input, strength: &Table) -> Result<(Found, LeftOut), String> {
        let (mut bridges, mut left_out) = (Found::new(), LeftOut::default());
        for (number, row) in strength.rows() {
            let [score] = row.values()?;
            // Nothing is left of a tie with a score of 0: it is no tie.
            if score <= 0.0 {
                continue;
            }
            match sides(input, &row) {
                None => left_out.unplaced += 1,
                Some(_) if score < self.settings.score_min => left_out.weak += 1,
                Some((first, second)) => {
                    let people = (first.1, second.1);
                    bridges.entry((first.0, second.0)).or_default().ties.push(Tie { people, row: number, score });
                }
            }
        }
        Ok((bridges, left_out))
    }
}

/// The E-I index over all organisations, in words; `None` without ties.
fn index_over_all(across: usize, inside: usize) -> Option<String> {
    let Value::Number(index) = e_i(across, inside) else { return None };
    Some(format!("E-I index over all organisations: {index:.3} ({across} ties across, {inside} inside)"))
}

/// The organisations and people of a row, the smaller organisation first, if both people have one.
fn sides(input: &Input, row: &InputRow<'_>) -> Option<((u32, u32), (u32, u32))> {
    let of = |person: u32| (input.member(person).organisation, person);
    let (one, other) = (of(row.a), of(row.b));
    let sides = if one.0 <= other.0 { (one, other) } else { (other, one) };
    (sides.0.0 > 0).then_some(sides)
}

/// Help between the people of two organisations.
#[derive(Default)]
struct Help {
    /// Twice the smaller direction of each pair.
    returned: f64,
    /// Both directions.
    all: f64,
}

impl Help {
    fn reciprocity(&self) -> Value {
        if self.all > 0.0 { Value::Number(self.returned / self.all) } else { Value::None }
    }
}

/// Help by organisations. Each pair of people has a row each way, which say the same: the share stays what it is.
fn help_between(input: &Input, help: &Table) -> Result<BTreeMap<(u32, u32), Help>, String> {
    let mut between = BTreeMap::<_, Help>::new();
    for (_, row) in help.rows() {
        let [given, received] = row.values()?;
        if let Some((first, second)) = sides(input, &row) {
            let of = between.entry((first.0, second.0)).or_default();
            of.returned += 2.0 * given.min(received);
            of.all += given + received;
        }
    }
    Ok(between)
}

/// Number of ties of each organisation with all others, by ordinal.
fn external(bridges: &Found, organisations: u32) -> Vec<usize> {
    let mut external = vec![0; organisations as usize + 1];
    for ((a, b), bridge) in bridges.iter().filter(|((a, b), _)| a != b) {
        external[*a as usize] += bridge.ties.len();
        external[*b as usize] += bridge.ties.len();
    }
    external
}

/// The pairs that have a row: those with a tie and, if there are few organisations, every other pair of them that
/// has people.
fn keys(bridges: &Found, sizes: &[u64], organisations: u32) -> Vec<(u32, u32)> {
    if organisations > SILENT_PAIRS_ORGANISATIONS_MAX {
        return bridges.keys().copied().collect();
    }
    let peopled = |organisation: &u32| sizes[*organisation as usize] > 0;
    let of = |a: u32| (a..=organisations).filter(peopled).map(move |b| (a, b));
    (1..=organisations).filter(peopled).flat_map(of).collect()
}

impl Bridge {
    fn row(&self, (a, b): (u32, u32), (people_a, people_b): (u64, u64), (external, internal): (usize, usize)) -> Row {
        let possible = if a == b { people_a * people_a.saturating_sub(1) / 2 } else { people_a * people_b };
        let ties = self.ties.len() as u64;
        let redundancy = if a == b { Value::None } else { integer(maximum_matching(&self.pairs()) as u64) };
        let (tied_a, tied_b) = self.tied(a == b);
        let values = vec![
            share(ties, possible),
            integer(ties),
            redundancy,
            e_i(external, internal),
            integer(people_a),
            integer(people_b),
            integer(tied_a),
            integer(tied_b),
        ];
        Row { a, b, values, evidence: self.evidence() }
    }

    fn pairs(&self) -> Vec<(u32, u32)> {
        self.ties.iter().map(|tie| tie.people).collect()
    }

    /// Number of people with a tie on each side; inside one organisation both sides are everybody with a tie.
    fn tied(&self, inside: bool) -> (u64, u64) {
        let count = |mut people: Vec<u32>| {
            people.sort_unstable();
            people.dedup();
            people.len() as u64
        };
        let (firsts, seconds) = self.ties.iter().map(|tie| tie.people).unzip::<_, _, Vec<_>, Vec<_>>();
        if inside {
            let all = count([firsts, seconds].concat());
            return (all, all);
        }
        (count(firsts), count(seconds))
    }

    /// The strongest ties.
    fn evidence(&self) -> Vec<(u32, u32)> {
        let stronger = |one: &&Tie, other: &&Tie| other.score.total_cmp(&one.score).then(one.row.cmp(&other.row));
        let mut ties: Vec<&Tie> = self.ties.iter().collect();
        if ties.len() > EVIDENCE_MAX {
            ties.select_nth_unstable_by(EVIDENCE_MAX, stronger);
            ties.truncate(EVIDENCE_MAX);
        }
        ties.sort_unstable_by(stronger);
        ties.into_iter().map(|tie| (0, tie.row)).collect()
    }
}

fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

#[allow(clippy::cast_precision_loss, reason = "numbers of people are far below 2^53")]
fn share(part: u64, whole: u64) -> Value {
    if whole == 0 { Value::None } else { Value::Number(part as f64 / whole as f64) }
}

#[allow(clippy::cast_precision_loss, reason = "numbers of ties are far below 2^53")]
fn e_i(external: usize, internal: usize) -> Value {
    let all = external + internal;
    if all == 0 { Value::None } else { Value::Number((external as f64 - internal as f64) / all as f64) }
}

#[cfg(test)]
mod tests;

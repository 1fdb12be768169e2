//! Measures how well a ranking puts those first who will be in contact. Equal scores share a rank.
//!
//! AUC is the probability that a pair in contact ranks before one that is not (Mann and Whitney 1947, ties count
//! half). Average precision is the sum over distinct scores of the gain in recall times the precision down to there.
//! The mean average precision is the mean over people of the average precision of their own pairs.

use super::contacts::Pair;
use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasher,
};

/// A pair that may be in contact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The two people.
    pub pair: Pair,
    /// Whether they are in contact within the window.
    pub in_contact: bool,
}

/// The quality of a ranking.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measures {
    /// Area under the curve of hits over false alarms, 0 to 1; a coin toss has 0.5.
    pub auc: f64,
    /// Average precision, 0 to 1.
    pub average_precision: f64,
    /// Mean over people of the average precision of their pairs.
    pub mean_average_precision: f64,
}

/// Measures scores, one for each candidate; candidates with higher scores rank first.
pub fn measure(candidates: &[Candidate], scores: &[f64]) -> Measures {
    let ranked = candidates.iter().zip(scores).map(|(candidate, score)| (*score, candidate.in_contact)).collect();
    let (auc, average_precision) = curve(ranked);
    let mut by_person: BTreeMap<u32, Vec<(f64, bool)>> = BTreeMap::new();
    for (candidate, score) in candidates.iter().zip(scores) {
        for person in [candidate.pair.0, candidate.pair.1] {
            by_person.entry(person).or_default().push((*score, candidate.in_contact));
        }
    }
    // People who are in contact with nobody say nothing about the order.
    let each =
        by_person.into_values().filter(|own| own.iter().any(|(_, in_contact)| *in_contact)).map(|own| curve(own).1);
    Measures { auc, average_precision, mean_average_precision: mean(each) }
}

/// The mean of measures over cuts.
pub fn mean_of(measures: &[Measures]) -> Measures {
    Measures {
        auc: mean(measures.iter().map(|one| one.auc)),
        average_precision: mean(measures.iter().map(|one| one.average_precision)),
        mean_average_precision: mean(measures.iter().map(|one| one.mean_average_precision)),
    }
}

fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), number| (sum + number, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// AUC and average precision.
#[allow(clippy::cast_precision_loss, reason = "numbers of pairs are far below 2^53")]
fn curve(mut ranked: Vec<(f64, bool)>) -> (f64, f64) {
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
    let positives = ranked.iter().filter(|(_, in_contact)| *in_contact).count() as f64;
    let negatives = ranked.len() as f64 - positives;
    let (mut hits, mut misses, mut area, mut precision) = (0.0, 0.0, 0.0, 0.0);
    for equal in ranked.chunk_by(|one, other| one.0.total_cmp(&other.0).is_eq()) {
        let gained = equal.iter().filter(|(_, in_contact)| *in_contact).count() as f64;
        let alarms = equal.len() as f64 - gained;
        area += alarms * (hits + gained / 2.0);
        hits += gained;
        misses += alarms;
        precision += gained * hits / (hits + misses);
    }
    let auc = if positives > 0.0 && negatives > 0.0 { area / (positives * negatives) } else { 0.5 };
    (auc, if positives > 0.0 { precision / positives } else { 0.0 })
}

/// Scores of candidates from a table; those that are not in it come last.
pub fn scores_of(candidates: &[Candidate], table: &HashMap<Pair, f64, impl BuildHasher>) -> Vec<f64> {
    candidates.iter().map(|candidate| table.get(&candidate.pair).copied().unwrap_or(f64::NEG_INFINITY)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(a: u32, b: u32, in_contact: bool) -> Candidate {
        Candidate { pair: (a, b), in_contact }
    }

    fn is(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 1e-12
    }

    #[test]
    fn a_perfect_order_has_one_and_its_reverse_the_least() {
        let candidates = [candidate(1, 2, true), candidate(1, 3, true), candidate(2, 3, false), candidate(1, 4, false)];
        let best = measure(&candidates, &[4.0, 3.0, 2.0, 1.0]);
        assert_eq!(best, Measures { auc: 1.0, average_precision: 1.0, mean_average_precision: 1.0 });
        let worst = measure(&candidates, &[1.0, 2.0, 3.0, 4.0]);
        assert!(is(worst.auc, 0.0) && is(worst.average_precision, f64::midpoint(1.0 / 3.0, 2.0 / 4.0)), "{worst:?}");
    }

    #[test]
    fn equal_scores_share_a_rank() {
        let candidates = [candidate(1, 2, true), candidate(1, 3, false), candidate(2, 3, false), candidate(3, 4, true)];
        let level = measure(&candidates, &[1.0; 4]);
        assert!(is(level.auc, 0.5) && is(level.average_precision, 0.5), "{level:?}");
        // Persons 1 to 4 have one again of two, of two, of three, of one.
        assert!(is(level.mean_average_precision, (0.5 + 0.5 + 1.0 / 3.0 + 1.0) / 4.0), "{level:?}");
    }

    #[test]
    fn whoever_has_no_score_comes_last() {
        let candidates = [candidate(1, 2, true), candidate(1, 3, false)];
        let scores = scores_of(&candidates, &HashMap::from([((1, 2), -5.0)]));
        assert!(is(measure(&candidates, &scores).auc, 1.0));
    }
}

//! Suggestions of who should meet, judged on real e-mails: every figure is computed a second time, from the mails alone.

use super::{FIRST_DAY, HALF_LIFE, Mail};
use kith_tests::{cli::Cli, programs::root};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
};

/// The most rows of a person that the report gives, for which it is asked here.
const PER_PERSON: usize = 100;
/// Decayed days at which a tie is strong, and what a follow-up with one person is worth.
const SATURATION: f64 = 3.4;
const WEIGHT: f64 = 0.5;
const DAY: i64 = 86_400;
const WINDOW_DAYS: i64 = 30;
const CUTS: usize = 6;
/// How the report is called in the documents, and the guesses that it is compared with.
const NAMES: [&str; 4] = ["who_should_meet", "shared contacts", "Adamic-Adar", "resource allocation"];
const MEASURES: [&str; 3] = ["average_precision", "auc", "mean_average_precision"];

/// What is computed at a cut.
struct Cut {
    candidates: usize,
    in_contact: usize,
    scored: usize,
    /// By ranking, then by measure.
    figures: [[f64; 3]; 4],
}

/// `kith evaluate` prints, cut by cut, what follows from the mails; the documents show it.
pub(super) fn check(cli: &Cli, mails: &[Mail]) {
    let evaluated = cli.json(&["evaluate", NAMES[0], "--window", "30d", "--cuts", &CUTS.to_string()]);
    let found = evaluated["cuts"].as_array().unwrap();
    assert_eq!(found.len(), CUTS);
    let seconds: Vec<i64> = mails.iter().flat_map(|mail| mail.with.iter().map(|_| mail.second)).collect();
    let mut sums = [[0.0; 3]; 4];
    for (tenths, found) in (3..).zip(found) {
        let cut = seconds[(seconds.len() - 1) * tenths / 10];
        let cut = computed(mails, (cut.div_euclid(DAY) + 1) * DAY - 1);
        let counts = (&found["candidates"], &found["in_contact"]);
        assert_eq!(counts, (&cut.candidates.into(), &cut.in_contact.into()), "{found}");
        // Equal scores at the end of somebody's best are told apart by the order in which people were added.
        assert!(found["scored"].as_u64().unwrap().abs_diff(cut.scored as u64) < 20, "{}: {found}", cut.scored);
        compare(found, &cut.figures);
        for (sum, figure) in sums.iter_mut().flatten().zip(cut.figures.iter().flatten()) {
            *sum += figure / f64::from(u32::try_from(CUTS).unwrap());
        }
    }
    compare(&evaluated, &sums);
    check_document(&sums);
}

fn compare(evaluated: &Value, expected: &[[f64; 3]; 4]) {
    let rankings = evaluated["rankings"].as_array().unwrap();
    for (name, expected) in NAMES.iter().zip(expected) {
        let found = rankings.iter().find(|ranking| ranking["name"] == *name).unwrap();
        for (measure, expected) in MEASURES.iter().zip(expected) {
            let found = found[measure].as_f64().unwrap();
            assert!((found - expected).abs() < 1e-4, "{name} {measure}: {found} is not about {expected}");
        }
    }
}

fn check_document(means: &[[f64; 3]; 4]) {
    let document = fs::read_to_string(root().join("plugins/README.md")).unwrap();
    let shown = |number: f64| format!("{number:.4}").trim_start_matches('0').to_owned();
    for (name, [precision, auc, of_person]) in NAMES.iter().zip(means) {
        let line = format!("| {name} | {} | {} | {} |", shown(*precision), shown(*auc), shown(*of_person));
        assert!(document.contains(&line), "plugins/README.md lacks {line}");
    }
}

/// Numbers of people who were in contact up to a second, and of those who are within the window after it.
fn computed(mails: &[Mail], moment: i64) -> Cut {
    let mut numbers = HashMap::<&str, usize>::new();
    for name in mails.iter().flat_map(|mail| [&mail.by].into_iter().chain(&mail.with)) {
        let next = numbers.len();
        numbers.entry(name).or_insert(next);
    }
    let pairs = |mail: &Mail| {
        let by = numbers[mail.by.as_str()];
        let pair = |with: &String| (by.min(numbers[with.as_str()]), by.max(numbers[with.as_str()]));
        mail.with.iter().map(pair).collect::<Vec<_>>()
    };
    let (known, later) = mails.split_at(mails.partition_point(|mail| mail.second <= moment));
    let soon = later.iter().take_while(|mail| mail.second <= moment + WINDOW_DAYS * DAY);
    let soon: BTreeSet<_> = soon.flat_map(pairs).collect();
    let mut ties = BTreeMap::<_, BTreeMap<i64, f64>>::new();
    for mail in known {
        let unit = WEIGHT / number(mail.with.len());
        for pair in pairs(mail) {
            let of_day = ties.entry(pair).or_default().entry(mail.day()).or_default();
            *of_day = of_day.max(unit);
        }
    }
    let ranked = strangers(numbers.len(), &ties, FIRST_DAY + moment.div_euclid(DAY));
    let hits: Vec<bool> = ranked.iter().map(|(pair, _)| soon.contains(pair)).collect();
    let figures = [0, 1, 2, 3].map(|place| {
        let of_pair = |((pair, scores), hit): (&Stranger, &bool)| (*pair, scores[place], *hit);
        measures(numbers.len(), &ranked.iter().zip(&hits).map(of_pair).collect::<Vec<_>>())
    });
    Cut {
        candidates: ranked.len(),
        in_contact: hits.iter().filter(|hit| **hit).count(),
        scored: ranked.iter().filter(|(_, scores)| scores[0] > f64::NEG_INFINITY).count(),
        figures,
    }
}

/// Two people who share contacts and were never in contact, with a score of each ranking.
type Stranger = ((usize, usize), [f64; 4]);

/// All of them. What is not among the best of either has no score of the report.
fn strangers(people: usize, ties: &BTreeMap<(usize, usize), BTreeMap<i64, f64>>, today: i64) -> Vec<Stranger> {
    let mut contacts = vec![Vec::new(); people];
    for ((one, other), days) in ties {
        let age = |day: i64| f64::from(i32::try_from(today - day).unwrap());
        let sum: f64 = days.iter().map(|(day, unit)| unit * (-age(*day) / HALF_LIFE).exp2()).sum();
        let weight = 1.0 - (-sum / SATURATION).exp();
        contacts[*one].push((*other, weight));
        contacts[*other].push((*one, weight));
    }
    let mut sums = vec![[0.0; 4]; people * people];
    for of_via in &contacts {
        let (all, degree): (f64, _) = (of_via.iter().map(|(_, weight)| weight).sum(), number(of_via.len()));
        for (one, to_one) in of_via {
            for (other, to_other) in of_via.iter().filter(|(other, _)| one < other) {
                let gains = [to_one * to_other / all, 1.0, 1.0 / degree.ln(), 1.0 / degree];
                for (sum, gain) in sums[one * people + other].iter_mut().zip(gains) {
                    *sum += gain;
                }
            }
        }
    }
    let places = (0..people).flat_map(|one| (one + 1..people).map(move |other| (one, other)));
    let is_stranger = |pair: &(usize, usize)| !ties.contains_key(pair) && sums[pair.0 * people + pair.1][1] > 0.0;
    // So that what is equal stays equal, in whatever order it was added up.
    let rounded = |pair: (usize, usize)| sums[pair.0 * people + pair.1].map(|score| (score * 1e12).round());
    let mut found: Vec<Stranger> = places.filter(is_stranger).map(|pair| (pair, rounded(pair))).collect();
    cut_to_best(people, &mut found);
    found
}

/// Takes the score of the report from whoever is not among the best of one of the two.
fn cut_to_best(people: usize, found: &mut [Stranger]) {
    let mut own = vec![Vec::new(); people];
    for (place, ((one, other), scores)) in found.iter().enumerate() {
        own[*one].push((scores[0], *other, place));
        own[*other].push((scores[0], *one, place));
    }
    let mut best = BTreeSet::new();
    for own in &mut own {
        own.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        best.extend(own.iter().take(PER_PERSON).map(|(_, _, place)| *place));
    }
    for (place, (_, scores)) in found.iter_mut().enumerate() {
        if !best.contains(&place) {
            scores[0] = f64::NEG_INFINITY;
        }
    }
}

/// Average precision, area under the curve, and mean over people of the average precision of their own pairs.
fn measures(people: usize, ranked: &[((usize, usize), f64, bool)]) -> [f64; 3] {
    let mut own = vec![Vec::new(); people];
    for ((one, other), score, hit) in ranked {
        own[*one].push((*score, *hit));
        own[*other].push((*score, *hit));
    }
    let has_hits = |own: &Vec<(f64, bool)>| own.iter().any(|(_, hit)| *hit);
    let each: Vec<f64> = own.into_iter().filter(has_hits).map(|own| curve(own)[0]).collect();
    let [precision, auc] = curve(ranked.iter().map(|(_, score, hit)| (*score, *hit)).collect());
    [precision, auc, each.iter().sum::<f64>() / number(each.len())]
}

/// Average precision: over the hits, the share of hits among those at least as high. Area under the curve: over hits and
/// misses, how often the hit is higher, and half of how often they are equal.
fn curve(mut ranked: Vec<(f64, bool)>) -> [f64; 2] {
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
    let all_hits = number(ranked.iter().filter(|(_, hit)| *hit).count());
    let all_misses = number(ranked.len()) - all_hits;
    let (mut hits, mut above, mut precision, mut wins) = (0.0, 0.0, 0.0, 0.0);
    for equal in ranked.chunk_by(|one, other| one.0.total_cmp(&other.0).is_eq()) {
        let gained = number(equal.iter().filter(|(_, hit)| *hit).count());
        wins += (number(equal.len()) - gained) * (hits + gained / 2.0);
        (hits, above) = (hits + gained, above + number(equal.len()));
        precision += gained * hits / above;
    }
    [precision / all_hits, wins / (all_hits * all_misses)]
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

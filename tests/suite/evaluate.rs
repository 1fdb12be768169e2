//! `kith evaluate`: its figures are of the contacts, whatever else the log says and in whatever order they came.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers are small"
)]

use kith_core::{
    entry::Entry,
    event::{DirectoryFact, Event, Fact, Habit},
    id::PersonId,
};
use kith_tests::{cli::Cli, random::Random, raw::Raw, server::Server};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

const PEOPLE: usize = 14;
const DAYS: usize = 240;

/// Contacts of pairs that keep a pace of their own, for as long as they last: `day,person,person`.
fn contacts() -> Vec<String> {
    let mut random = Random::new(7);
    let mut contacts = Vec::new();
    for one in 0..PEOPLE {
        for other in 0..one {
            let (gap, first) = (1 + random.below(40), random.below(DAYS));
            let last = first + random.below(DAYS);
            let mut day = first;
            while day < last.min(DAYS) {
                contacts.push((day, format!("{day},p{one},p{other}")));
                day += 1 + random.below(2 * gap);
            }
        }
    }
    contacts.sort();
    contacts.into_iter().map(|(_, line)| line).collect()
}

/// A network with contacts imported file by file.
fn network(server: &Server, name: &str, files: &[&[String]]) -> Cli {
    server.cli().run(&["network", "add", name]).ok();
    let cli = server.cli().network(name);
    let folder = tempfile::tempdir().unwrap();
    for (number, lines) in files.iter().enumerate() {
        import(&cli, &write(folder.path(), number, lines));
    }
    cli
}

fn write(folder: &Path, number: usize, lines: &[String]) -> PathBuf {
    let path = folder.join(format!("{number}.csv"));
    let mut text = String::new();
    for line in lines {
        writeln!(text, "{line}").unwrap();
    }
    fs::write(&path, text).unwrap();
    path
}

fn import(cli: &Cli, path: &Path) {
    let columns = ["--columns", "time,from,to", "--epoch", "2024-01-01", "--unit", "d", "--as", "met"];
    cli.run(&[&["import", "edges", path.to_str().unwrap()], &columns[..]].concat()).ok();
}

/// The figures to nine digits, as the order of people decides that of adding; without the random ranking, which depends
/// on it.
fn evaluated(cli: &Cli, view: &str) -> Value {
    let mut evaluated = cli.json(&["evaluate", view, "--cuts", "5"]);
    let but_random = |of: &mut Value| {
        let rankings = of["rankings"].as_array_mut().unwrap();
        rankings.retain(|ranking| ranking["name"] != "random");
        for measure in rankings.iter_mut().flat_map(|ranking| ranking.as_object_mut().unwrap().values_mut()) {
            if let Some(number) = measure.as_f64() {
                *measure = format!("{number:.9}").into();
            }
        }
    };
    but_random(&mut evaluated);
    evaluated["cuts"].as_array_mut().unwrap().iter_mut().for_each(but_random);
    evaluated
}

#[test]
fn figures_do_not_depend_on_what_is_recorded_after_the_contacts_or_on_their_order() {
    let server = Server::start();
    let contacts = contacts();
    let cli = network(&server, "in-order", &[&contacts]);
    let figures = evaluated(&cli, "strength");
    assert!(figures["rankings"][0]["average_precision"].as_str() > Some("0.5"), "{figures}");

    cli.run(&["person", "add", "Somebody New", "--id", "newcomer"]).ok();
    assert_eq!(evaluated(&cli, "strength"), figures, "a person who was added");
    let settings = r#"{"half_life_days":30}"#;
    cli.run(&["plugin", "install", "--builtin", "strength", "--name", "strength_30", "--settings", settings]).ok();
    assert_eq!(evaluated(&cli, "strength"), figures, "a plugin that was installed");

    let (early, late) = contacts.split_at(contacts.len() / 2);
    let cli = network(&server, "late-first", &[late, early]);
    assert_eq!(evaluated(&cli, "strength"), figures, "an import of earlier contacts after later ones");
}

/// A contact of two people: when, who, and what it is worth by the default settings.
struct Contact {
    at: i64,
    pair: (PersonId, PersonId),
    unit: f64,
}

/// Every contact that the events of a log say, withdrawn ones left out and merged people as one, by time.
fn contacts_of(events: &[Event]) -> Vec<Contact> {
    let retracted = |event: &Event| match &event.fact {
        Fact::Retracted(retracted) => Some(retracted.event),
        _ => None,
    };
    let withdrawn: HashSet<_> = events.iter().filter_map(retracted).collect();
    let mut kept = HashMap::new();
    let mut found = Vec::new();
    for event in events.iter().filter(|event| !withdrawn.contains(&event.id)) {
        let (one, others, weight): (_, Vec<PersonId>, _) = match &event.fact {
            Fact::Directory(DirectoryFact::PeopleMerged(merged)) => {
                kept.insert(merged.merged.clone(), merged.kept.clone());
                continue;
            }
            Fact::Habit(Habit::Met(met)) => {
                for (place, one) in met.people.iter().enumerate() {
                    for other in &met.people[place + 1..] {
                        let unit = 1.0 / (met.people.len() - 1) as f64;
                        found.push((event.occurred_at.millis(), one.clone(), other.clone(), unit));
                    }
                }
                continue;
            }
            Fact::Habit(Habit::FollowedUp(said)) => (said.by.clone(), said.with.clone(), 0.5),
            Fact::Habit(Habit::Helped(said)) => (said.helper.clone(), vec![said.helped.clone()], 1.5),
            Fact::Habit(Habit::Referred(said)) => {
                (said.referrer.clone(), vec![said.person.clone(), said.to.clone()], 1.5)
            }
            Fact::Habit(Habit::Asked(said)) => (said.by.clone(), said.of.clone(), 0.0),
            _ => continue,
        };
        let unit = weight / others.len() as f64;
        found.extend(others.into_iter().map(|other| (event.occurred_at.millis(), one.clone(), other, unit)));
    }
    let meant = |id: &PersonId| {
        let mut id = id;
        while let Some(other) = kept.get(id) {
            id = other;
        }
        id.clone()
    };
    let mut contacts: Vec<Contact> = found
        .into_iter()
        .map(|(at, one, other, unit)| {
            let (one, other) = (meant(&one), meant(&other));
            Contact { at, pair: if one < other { (one, other) } else { (other, one) }, unit }
        })
        .filter(|contact| contact.pair.0 != contact.pair.1)
        .collect();
    contacts.sort_by_key(|contact| contact.at);
    contacts
}

const DAY_MS: i64 = 86_400_000;

/// The score as it is written, of one pair's days with what each is worth.
fn strength(days: &BTreeMap<i64, f64>, today: i64) -> f64 {
    let counted: Vec<_> = days.iter().filter(|(_, unit)| **unit > 0.0).collect();
    let (Some((first, _)), Some((last, _))) = (counted.first(), counted.last()) else { return f64::NEG_INFINITY };
    let halved = |age: i64| (-(age as f64) / 60.0).exp2();
    let sum: f64 = counted.iter().map(|(day, unit)| **unit * halved(today - **day)).sum();
    let gaps = (counted.len() - 1) as f64;
    let usual = if gaps > 0.0 { ((**last - **first) as f64 / gaps).max(3.0) } else { 3.0 };
    let paced = sum * 8.0 * usual / (8.0 * usual + (today - **last) as f64);
    let best = 1.5 / (1.0 - halved(1));
    (100.0 * paced.ln_1p() / best.ln_1p() * 1e6).round()
}

/// Average precision, area under the curve and mean average precision per person, by their definitions: of each hit,
/// how many of those at least as high are hits, too; of each hit and miss, which is higher.
fn measures(ranked: &[(&(PersonId, PersonId), f64, bool)]) -> [f64; 3] {
    let people: BTreeSet<_> = ranked.iter().flat_map(|(pair, ..)| [&pair.0, &pair.1]).collect();
    let own = |person: &PersonId| {
        let of_person = |(pair, ..): &&(&(PersonId, PersonId), f64, bool)| [&pair.0, &pair.1].contains(&person);
        precision(&ranked.iter().filter(of_person).map(|(_, score, again)| (*score, *again)).collect::<Vec<_>>())
    };
    let each: Vec<f64> = people.into_iter().filter_map(own).collect();
    let all: Vec<(f64, bool)> = ranked.iter().map(|(_, score, again)| (*score, *again)).collect();
    let (hits, misses): (Vec<(f64, bool)>, Vec<_>) = all.iter().partition(|(_, again)| *again);
    let wins = hits.iter().flat_map(|(hit, _)| {
        misses.iter().map(move |(miss, _)| {
            if hit > miss {
                1.0
            } else if hit < miss {
                0.0
            } else {
                0.5
            }
        })
    });
    let auc = wins.sum::<f64>() / (hits.len() * misses.len()) as f64;
    [precision(&all).unwrap(), auc, each.iter().sum::<f64>() / each.len() as f64]
}

fn precision(ranked: &[(f64, bool)]) -> Option<f64> {
    let hits: Vec<f64> = ranked.iter().filter(|(_, again)| *again).map(|(score, _)| *score).collect();
    let of_hit = |score: &f64| {
        let above = ranked.iter().filter(|(other, _)| other >= score);
        above.clone().filter(|(_, again)| *again).count() as f64 / above.count() as f64
    };
    (!hits.is_empty()).then(|| hits.iter().map(of_hit).sum::<f64>() / hits.len() as f64)
}

/// The measures of `strength` at cuts of a log: means over them.
fn independently(contacts: &[Contact], cuts: u32, window: i64) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for number in 0..cuts {
        let quantile = 0.3 + 0.5 * f64::from(number) / f64::from(cuts - 1);
        let cut = contacts[(quantile * (contacts.len() - 1) as f64) as usize].at;
        let mut days = BTreeMap::<_, BTreeMap<i64, f64>>::new();
        for contact in contacts.iter().filter(|contact| contact.at <= cut) {
            let day = days.entry(&contact.pair).or_default().entry(contact.at.div_euclid(DAY_MS)).or_default();
            *day = day.max(contact.unit);
        }
        let again: HashSet<_> = contacts
            .iter()
            .filter(|contact| contact.at > cut && contact.at <= cut + window)
            .map(|contact| &contact.pair)
            .collect();
        let today = cut.div_euclid(DAY_MS);
        let ranked: Vec<_> =
            days.iter().map(|(pair, days)| (*pair, strength(days, today), again.contains(pair))).collect();
        for (sum, measured) in sums.iter_mut().zip(measures(&ranked)) {
            *sum += measured / f64::from(cuts);
        }
    }
    sums
}

/// A server with the demonstration, and the contacts in its log.
async fn demonstration() -> (Server, Vec<Contact>) {
    let server = Server::start_with(&["--demo"]);
    let raw = Raw::connect(&server.url(), &server.token()).await.network("demo");
    let entries = raw.read_all().await.unwrap();
    let events: Vec<Event> = entries.iter().map(|entry| Entry::decode(entry).unwrap().event().unwrap()).collect();
    (server, contacts_of(&events))
}

/// Figures of the demonstration, computed a second time from its log.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn figures_of_the_demonstration_are_those_of_its_log() {
    let (server, contacts) = demonstration().await;
    let expected = independently(&contacts, 6, 30 * DAY_MS);
    let evaluated = server.cli().network("demo").json(&["evaluate", "strength", "--window", "30d", "--cuts", "6"]);
    let rankings = evaluated["rankings"].as_array().unwrap();
    let of = |name: &str| rankings.iter().find(|ranking| ranking["name"] == name).unwrap();
    let names = ["average_precision", "auc", "mean_average_precision"];
    for (name, expected) in names.iter().zip(expected) {
        let found = of("strength")[name].as_f64().unwrap();
        assert!((found - expected).abs() < 0.001, "{name}: {found} is not {expected}");
    }
    for guess in ["days in contact", "contacts", "last contact", "seen in the window", "random"] {
        let (guessed, found) = (of(guess)["average_precision"].as_f64().unwrap(), expected[0]);
        assert!(found > guessed, "{guess}: {guessed}, strength: {found}");
    }
}

/// People who share contacts and were never in contact themselves, with the score of `who_should_meet` and the guesses.
fn strangers(known: &[Contact], today: i64) -> BTreeMap<(PersonId, PersonId), [f64; 4]> {
    let mut days = BTreeMap::<_, BTreeMap<i64, f64>>::new();
    let mut contacts_of = BTreeMap::<&PersonId, BTreeSet<&PersonId>>::new();
    for contact in known {
        let day = days.entry(&contact.pair).or_default().entry(contact.at.div_euclid(DAY_MS)).or_default();
        *day = day.max(contact.unit);
        contacts_of.entry(&contact.pair.0).or_default().insert(&contact.pair.1);
        contacts_of.entry(&contact.pair.1).or_default().insert(&contact.pair.0);
    }
    let weight = |one: &PersonId, other: &PersonId| {
        let pair = if one < other { (one.clone(), other.clone()) } else { (other.clone(), one.clone()) };
        let left = |(day, unit): (&i64, &f64)| unit * (-((today - day) as f64) / 60.0).exp2();
        days.get(&pair).map_or(0.0, |days| 1.0 - (-days.iter().map(left).sum::<f64>() / 3.4).exp())
    };
    let mut found = BTreeMap::new();
    for (via, others) in &contacts_of {
        let all: f64 = others.iter().map(|other| weight(via, other)).sum();
        let contacts = others.len() as f64;
        for (one, other) in others.iter().flat_map(|one| others.iter().map(move |other| (*one, *other))) {
            if one >= other || contacts_of[one].contains(other) {
                continue;
            }
            let gains = [weight(one, via) * weight(via, other) / all, 1.0, 1.0 / contacts.ln(), 1.0 / contacts];
            let scores: &mut [f64; 4] = found.entry((one.clone(), other.clone())).or_default();
            for (score, gain) in scores.iter_mut().zip(gains) {
                *score += if gain.is_nan() { 0.0 } else { gain };
            }
        }
    }
    // So that what is equal stays equal, in whatever order it was added up.
    for score in found.values_mut().flatten() {
        *score = (*score * 1e9).round();
    }
    found
}

/// Suggestions of the demonstration are judged by who comes into contact for the first time, at the moment of the rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn suggestions_are_judged_by_new_contacts_of_people_who_share_some() {
    let (server, contacts) = demonstration().await;
    let cli = server.cli().network("demo");
    let evaluated = cli.json(&["evaluate", "who_should_meet", "--window", "60d", "--cuts", "4"]);
    let (mut sums, cuts) = ([[0.0; 3]; 4], 4_u32);
    for number in 0..cuts {
        let quantile = 0.3 + 0.5 * f64::from(number) / f64::from(cuts - 1);
        let today = contacts[(quantile * (contacts.len() - 1) as f64) as usize].at.div_euclid(DAY_MS);
        let moment = (today + 1) * DAY_MS - 1;
        let (known, later) = contacts.split_at(contacts.partition_point(|contact| contact.at <= moment));
        let soon = later.iter().take_while(|contact| contact.at <= moment + 60 * DAY_MS);
        let soon: HashSet<_> = soon.map(|contact| &contact.pair).collect();
        let found = strangers(known, today);
        let cut = &evaluated["cuts"][number as usize];
        let in_contact = found.keys().filter(|pair| soon.contains(pair)).count();
        assert_eq!((&cut["candidates"], &cut["in_contact"]), (&found.len().into(), &in_contact.into()), "{cut}");
        assert!(cut["scored"].as_u64().unwrap() as usize * 10 > found.len() * 9, "nearly all have a row: {cut}");
        for (place, sums) in sums.iter_mut().enumerate() {
            let ranked: Vec<_> =
                found.iter().map(|(pair, scores)| (pair, scores[place], soon.contains(pair))).collect();
            for (sum, measured) in sums.iter_mut().zip(measures(&ranked)) {
                *sum += measured / f64::from(cuts);
            }
        }
    }
    let names = ["who_should_meet", "shared contacts", "Adamic-Adar", "resource allocation"];
    for (name, expected) in names.iter().zip(sums) {
        let rankings = evaluated["rankings"].as_array().unwrap();
        let found = rankings.iter().find(|ranking| ranking["name"] == *name).unwrap();
        for (measure, expected) in ["average_precision", "auc", "mean_average_precision"].iter().zip(expected) {
            let found = found[measure].as_f64().unwrap();
            assert!((found - expected).abs() < 0.002, "{name} {measure}: {found} is not {expected}");
        }
    }
    cli.run(&["evaluate", "who_should_meet", "--cuts", "2"]).ok().says("pairs each who share contacts");
    cli.run(&["evaluate", "bridges"]).exits(2).says("rows of bridges are about two organisations");
    cli.run(&["evaluate", "referrers"]).exits(2).says("rows of referrers are about a person");
    cli.run(&["evaluate", "who_should_meet", "--column", "via"]).exits(2).says("it has: score");
}

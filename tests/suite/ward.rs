//! Real meetings on a hospital ward, imported as a user would, and the same on every server.

use kith_tests::{
    cli::Cli,
    datasets::dataset,
    events::NOON,
    node::{InProcess, SetClock},
    programs::root,
    ran::Ran,
    raw::{Raw, decode},
    server::Server,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, path::PathBuf, process::Command};

/// Number of meetings, if rows of a pair at most 40 s apart are joined.
const MEETINGS: u64 = 11_311;
/// Entries: meetings, 75 people, 4 organisations.
const ENTRIES: u64 = MEETINGS + 75 + 4;
/// How far numbers may be off, which are whole numbers times 2^-32 until the last step.
const TOLERANCE: f64 = 1e-7;
/// The day after the last contact, in days since 1970-01-01: 2010-12-11.
const AFTER: i32 = 14_954;

struct Files {
    contacts: PathBuf,
    people: PathBuf,
}

fn files() -> Option<Files> {
    let contacts = dataset("hospital-ward/tij_hospital.dat")?;
    Some(Files { contacts, people: dataset("hospital-ward/metadata_hospital.dat")? })
}

fn import(cli: &Cli, files: &Files) -> Value {
    cli.json(&[
        "import",
        "edges",
        files.contacts.to_str().unwrap(),
        "--columns",
        "time,from,to",
        "--epoch",
        "2010-12-06T13:00:00Z",
        "--unit",
        "s",
        "--as",
        "met",
        "--join",
        "40s",
        "--people",
        files.people.to_str().unwrap(),
        "--people-columns",
        "_,id,org",
    ])
}

#[tokio::test]
async fn a_ward_is_imported_once_and_looks_the_same_everywhere() {
    let Some(files) = files() else { return };
    let server = Server::start();
    let imported = import(&server.cli(), &files);
    assert_eq!((&imported["refused"], &imported["skipped"]), (&0.into(), &0.into()), "{imported}");
    assert_eq!(server.cli().head(), ENTRIES);
    let raw = Raw::connect(&server.url(), &server.token()).await;
    let first = digest(&raw).await;

    let again = import(&server.cli(), &files);
    assert_eq!((&again["accepted"], &again["refused"]), (&0.into(), &0.into()), "{again}");
    assert!(again["duplicates"].as_u64().unwrap() >= MEETINGS, "{again}");
    assert_eq!(server.cli().head(), ENTRIES);

    let clock = SetClock::at(NOON);
    let nodes = [InProcess::start(&clock), InProcess::start(&clock)];
    let mut roots = Vec::new();
    for node in &nodes {
        import(&node.cli(), &files);
        let raw = Raw::connect(&node.url(), &node.token()).await;
        assert_eq!(digest(&raw).await, first, "the same events at the same positions");
        roots.push(raw.head().await.unwrap().root);
    }
    assert_eq!(roots[0], roots[1], "at the same times, the same tree");

    check_directory(&server.cli());
    check_strength(&server.cli(), &raw).await;
    check_bridges(&server.cli());
    check_evaluation(&server.cli());
}

/// What `golden/ward.py` computed from the files, which shares nothing with this project.
fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/ward.json")).unwrap()
}

/// Whether numbers and everything else are the same, but for what rounding leaves.
fn is_same(found: &Value, golden: &Value) -> bool {
    match (found, golden) {
        (Value::Number(found), Value::Number(golden)) => {
            (found.as_f64().unwrap() - golden.as_f64().unwrap()).abs() < TOLERANCE
        }
        (Value::Object(found), Value::Object(golden)) => {
            found.len() == golden.len()
                && golden.iter().all(|(name, value)| found.get(name).is_some_and(|other| is_same(other, value)))
        }
        (Value::Array(found), Value::Array(golden)) => {
            found.len() == golden.len() && found.iter().zip(golden).all(|(one, other)| is_same(one, other))
        }
        (found, golden) => found == golden,
    }
}

/// The golden values are those that the program beside them computes.
#[test]
fn golden_values_are_made_from_the_contacts() {
    let Some(files) = files() else { return };
    let script = root().join("tests/golden/ward.py");
    let made = Ran::run(Command::new("python3").arg(script).arg(files.contacts.parent().unwrap()), "").ok();
    let (made, golden): (Value, Value) = (serde_json::from_str(&made.stdout).unwrap(), golden());
    assert!(is_same(&made, &golden), "{made}");
}

/// Ties between and within the roles.
fn check_bridges(cli: &Cli) {
    let rows = cli.json_lines(&["view", "bridges", "--at", "2010-12-11"]);
    let found: serde_json::Map<_, _> = rows
        .iter()
        .map(|row| {
            let mut key = [row["key"][0].as_str().unwrap(), row["key"][1].as_str().unwrap()];
            key.sort_unstable();
            let columns = ["ties", "density", "e_i", "redundancy"];
            let values = columns.map(|name| (name.to_owned(), row[name].clone()));
            (key.join("-"), values.into_iter().collect::<serde_json::Map<_, _>>().into())
        })
        .collect();
    assert!(is_same(&Value::Object(found.clone()), &golden()["bridges"]), "{found:?}");
}

/// Average precision and the like of who meets again within a day.
fn check_evaluation(cli: &Cli) {
    let golden = golden()["evaluation"].clone();
    let (window, cuts) = (golden["window"].as_str().unwrap(), golden["cuts"].to_string());
    let evaluated = cli.json(&["evaluate", "strength", "--window", window, "--cuts", &cuts]);
    for name in ["average_precision", "auc", "mean_average_precision"] {
        let (found, golden) = (&evaluated["rankings"][0][name], &golden[name]);
        assert!(is_same(found, golden), "{name}: {found} is not {golden}");
    }
}

fn check_directory(cli: &Cli) {
    let mut by_organisation = BTreeMap::<String, usize>::new();
    for person in cli.json_lines(&["person", "list"]) {
        *by_organisation.entry(person["organisation"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let found = serde_json::to_value(by_organisation).unwrap();
    assert_eq!(found, golden()["people"]);
}

async fn check_strength(cli: &Cli, raw: &Raw) {
    let rows = raw.rows_at("strength", Some(AFTER), ENTRIES).await.unwrap();
    assert_eq!((rows.len() as u64).to_string(), golden()["pairs"].to_string());
    let entries: u64 = rows.iter().map(|row| u64::from(row.evidence)).sum();
    assert_eq!(entries, MEETINGS, "every meeting stands behind the one row of its pair");
    for (date, golden) in golden()["strength"].as_object().unwrap() {
        let rows = cli.json_lines(&["view", "strength", "--at", date]);
        assert_eq!(rows.len().to_string(), golden["rows"].to_string(), "{date}");
        let scores: Vec<f64> = rows.iter().map(|row| row["score"].as_f64().unwrap()).collect();
        assert!(scores.is_sorted_by(|one, next| one >= next), "{date}");
        let (sum, expected) = (scores.iter().sum::<f64>(), golden["sum_of_scores"].as_f64().unwrap());
        assert!((sum - expected).abs() < TOLERANCE * 1e3, "{date}: {sum} is not {expected}");
        for golden in golden["top"].as_array().unwrap() {
            let key = golden["key"].as_array().unwrap();
            let row = rows.iter().find(|row| key.iter().all(|id| row["key"].as_array().unwrap().contains(id))).unwrap();
            for name in ["score", "days_in_contact", "last_contact", "decayed_days"] {
                assert!(is_same(&row[name], &golden[name]), "{date}: {row} is not {golden}");
            }
        }
    }
}

/// SHA-256 over position and event bytes of every entry.
async fn digest(raw: &Raw) -> String {
    let mut hasher = Sha256::new();
    for bytes in raw.read_all().await.unwrap() {
        let entry = decode(&bytes);
        hasher.update(entry.position.get().to_le_bytes());
        hasher.update(&entry.event_bytes);
    }
    hex::encode(hasher.finalize())
}

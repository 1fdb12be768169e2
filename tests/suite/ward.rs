//! Real meetings on a hospital ward, imported as a user would, and the same on every server.

use kith_tests::{
    cli::Cli,
    datasets::dataset,
    events::NOON,
    node::{InProcess, SetClock},
    raw::{Raw, decode},
    server::Server,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fs, path::PathBuf};

/// Number of meetings, if rows of a pair at most 40 s apart are joined.
const MEETINGS: u64 = 11_311;
/// Entries: meetings, 75 people, 4 organisations.
const ENTRIES: u64 = MEETINGS + 75 + 4;
/// Pairs with any contact (counted independently of this project).
const PAIRS: usize = 1_139;
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
}

/// Densities between and within the roles, to six digits, as counted independently of this project.
fn check_bridges(cli: &Cli) {
    let golden = dataset("hospital-ward/golden.json").expect("it lies beside the contacts");
    let golden: Value = serde_json::from_str(&fs::read_to_string(golden).unwrap()).unwrap();
    let golden = golden["hospital"]["pair_density_by_role"].as_object().unwrap();
    let mut found = BTreeMap::new();
    for row in cli.json_lines(&["view", "bridges", "--at", "2010-12-11"]) {
        let mut key = [row["key"][0].as_str().unwrap(), row["key"][1].as_str().unwrap()];
        key.sort_unstable();
        found.insert(key.join("-"), format!("{:.6}", row["density"].as_f64().unwrap()));
    }
    let expected: BTreeMap<_, _> =
        golden.iter().map(|(key, density)| (key.clone(), format!("{:.6}", density.as_f64().unwrap()))).collect();
    assert_eq!(found, expected);
}

fn check_directory(cli: &Cli) {
    let mut by_organisation = BTreeMap::<String, usize>::new();
    for person in cli.json_lines(&["person", "list"]) {
        *by_organisation.entry(person["organisation"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let found: Vec<_> = by_organisation.iter().map(|(organisation, count)| (organisation.as_str(), *count)).collect();
    assert_eq!(found, [("ADM", 8), ("MED", 11), ("NUR", 27), ("PAT", 29)]);
}

async fn check_strength(cli: &Cli, raw: &Raw) {
    let rows = raw.rows_at("strength", Some(AFTER), ENTRIES).await.unwrap();
    assert_eq!(rows.len(), PAIRS);
    let entries: u64 = rows.iter().map(|row| u64::from(row.evidence)).sum();
    assert_eq!(entries, MEETINGS, "every meeting stands behind the one row of its pair");
    let top = cli.json_lines(&["view", "strength", "--top", "10", "--at", "2010-12-11"]);
    assert_eq!(top.len(), 10);
    let scores: Vec<f64> = top.iter().map(|row| row["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores[9] > 0.0, "{scores:?}");
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

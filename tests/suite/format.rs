//! The format of a data folder: one written by an earlier build is opened, one of another format is refused.
//!
//! `tests/fixtures/format-4` was written by the first test here, with `KITH_FIXTURE_TO` naming that folder. Until there
//! is a release, a change of the format raises its number and regenerates the folder.

use crate::village::{populate, token};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use kith_core::{event::Event, id::EventId};
use kith_tests::{
    cli::Cli,
    events::{met, retracted, sent},
    programs::root,
    raw::Raw,
    server::{DataFolder, Server, kithd},
};
use redb::TableDefinition;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The primary data in a data folder, and the token to read it. Files with this ending are compressed.
const FILES: [&str; 7] = [
    "log.redb.gz",
    "keys/keys.redb.gz",
    "keys/root.key",
    "keys/checkpoint.key",
    "checkpoint",
    "erasures",
    "owner.token",
];

/// More meetings than a chunk of the index holds.
const MEETINGS: u32 = 4_200;

fn fixture() -> PathBuf {
    root().join("tests/fixtures/format-4")
}

/// Fills a new data folder with something of every kind.
async fn write() -> Arc<DataFolder> {
    let server = Server::start();
    let cli = server.cli();
    populate(&cli);
    cli.run(&["met", "amina", "ben", "--on", "2026-02-01", "--note", "will share the falls pathway"]).ok();
    cli.run(&["helped", "carol", "dan", "--category", "beds", "--on", "2026-02-03"]).ok();
    cli.run(&["person", "add", "Ben O.", "--org", "riverside", "--id", "ben-too"]).ok();
    cli.run(&["person", "merge", "ben-too", "--into", "ben"]).ok();
    let (id, _) = token(&cli, &["--role", "reader"]);
    let (_, carol) = token(&cli, &["--role", "recorder", "--person", "carol", "--organisation", "hillside"]);
    cli.token(&carol).run(&["met", "carol", "dan", "--on", "2026-02-02", "--scope", "organisation"]).ok();
    cli.run(&["token", "revoke", &id]).ok();
    cli.run(&["member", "add", "service:feeds", "--role", "reader", "--identity", "urn:feeds"]).ok();
    cli.run(&["member", "invite", "dan", "--role", "recorder"]).ok();
    cli.run(&["network", "policy", "--token-attributes", "true", "--replica-days", "90"]).ok();
    let noted = cli.json(&["met", "ben", "dan", "--on", "2026-02-04", "--note", "not for here"]);
    cli.run(&["details", "erase", noted["id"].as_str().unwrap(), "--reason", "error"]).ok();
    cli.run(&["hold", "set", "ben", "--reason", "inquiry", "--reference", "INQ-7"]).ok();
    cli.run(&["person", "add", "Wilma Quicksilver", "--org", "riverside", "--id", "p-wq"]).ok();
    cli.run(&["person", "erase", "p-wq", "--reason", "withdrawn", "--reference", "IG-1", "--wait"]).ok();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    for first in (0..MEETINGS).step_by(600) {
        raw.append((first..first + 600).map(|number| sent(&meeting(number))).collect()).await.unwrap();
    }
    raw.append(vec![sent(&retracted(numbered(7)))]).await.unwrap();
    cli.run(&["network", "add", "south"]).ok();
    cli.network("south").run(&["org", "add", "Lakeside Home", "--id", "lakeside"]).ok();
    cli.json(&["audit", "checkpoint"]);
    let data = server.data();
    assert!(server.terminate().success());
    data
}

fn numbered(number: u32) -> EventId {
    format!("019c0000-0000-7000-8000-{number:012x}").parse().unwrap()
}

/// One of many meetings, with bytes that compress well.
fn meeting(number: u32) -> Event {
    let people = if number.is_multiple_of(3) { ["ben", "carol"] } else { ["amina", "dan"] };
    Event { id: numbered(number), salt: [7; 16], ..met(&people) }
}

/// Everything that can be seen in a data folder.
async fn observe(data: &Arc<DataFolder>) -> Value {
    let secret = fs::read_to_string(data.path().join("owner.token")).unwrap();
    let server = Server::start_on(Arc::clone(data), &[]);
    let mut networks = Vec::new();
    for network in ["default", "south"] {
        let cli = Cli::new(&server.url(), secret.trim()).network(network);
        let raw = Raw::connect(&server.url(), secret.trim()).await.network(network);
        let entries = raw.read_all().await.unwrap();
        let digest = entries.iter().fold(Sha256::new(), Digest::chain_update).finalize();
        networks.push(json!({
            "head": without_times(cli.json(&["head"])),
            "entries": hex::encode(digest),
            "people": cli.json_lines(&["person", "list"]),
            "tokens": cli.json_lines(&["token", "list"]).into_iter().filter(|token| token["reach"] == "network").collect::<Vec<_>>(),
            "with_words": cli.json_lines(&["log", "--after", "0", "--limit", "7"]),
            "holds": cli.json_lines(&["hold", "list"]),
            "pairs": cli.json_lines(&["view", "strength", "--at", "2026-06-01"]).len(),
        }));
    }
    assert!(server.terminate().success());
    json!({ "networks": networks })
}

/// A head without its remark on clocks, which depends on the time of the request.
fn without_times(mut head: Value) -> Value {
    let fields = head.as_object_mut().expect("a head is an object");
    fields.retain(|name, _| !["recorded_at", "clock"].contains(&name.as_str()));
    head
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_written_today_is_read_today() {
    let data = write().await;
    kithd(&["check", "--data", data.path().to_str().unwrap()]).ok().prints("all is well");
    let seen = observe(&data).await;
    assert_eq!(seen["networks"][0]["pairs"], 5);
    assert!(seen.to_string().contains("falls pathway") && seen.to_string().contains("Lakeside Home"));
    assert_eq!(observe(&data).await, seen);
    if let Some(to) = std::env::var_os("KITH_FIXTURE_TO").map(PathBuf::from) {
        assert!(!to.exists(), "{} is there already; fixtures are not written again", to.display());
        pack(data.path(), &to).unwrap();
        fs::write(to.join("expected.json"), format!("{seen:#}\n")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_data_folder_of_an_earlier_build_is_read_whole() {
    let data = Arc::<DataFolder>::default();
    unpack(&fixture(), data.path()).unwrap();
    kithd(&["check", "--data", data.path().to_str().unwrap()]).ok().prints("all is well");
    let expected: Value = serde_json::from_slice(&fs::read(fixture().join("expected.json")).unwrap()).unwrap();
    assert_eq!(observe(&data).await, expected);
    let secret = fs::read_to_string(data.path().join("owner.token")).unwrap();
    let server = Server::start_on(Arc::clone(&data), &[]);
    let cli = Cli::new(&server.url(), secret.trim());
    let head = expected["networks"][0]["head"]["position"].as_u64().unwrap();
    assert_eq!(cli.json(&["met", "ben", "dan"])["position"], head + 1);
    cli.json(&["audit", "checkpoint"]);
    assert!(server.terminate().success());
    kithd(&["check", "--data", data.path().to_str().unwrap()]).ok();
}

#[test]
fn other_formats_are_refused_and_left_alone() {
    let (newer, older) =
        ("start the program that wrote it, or a newer one", "made by an unreleased program; export with that program");
    for (key, found, own, what, advice) in [
        ("format_version", 99, 4, "the log has format version 99", newer),
        ("format_version", 3, 4, "the log has format version 3", older),
        ("entry_version", 2, 1, "the log's entries have format version 2", newer),
    ] {
        let data = Arc::<DataFolder>::default();
        unpack(&fixture(), data.path()).unwrap();
        set_version(data.path(), key, found);
        let folder = data.path().to_str().unwrap();
        let shelf = data.path().join("backup");
        let backup = ["backup", "--data", folder, "--to", shelf.to_str().unwrap()];
        for arguments in [&["--data", folder, "--listen", "127.0.0.1:0"][..], &["check", "--data", folder], &backup] {
            kithd(arguments).exits(1).says(what).says(advice);
        }
        set_version(data.path(), key, own);
        kithd(&["check", "--data", folder]).ok().prints("all is well");
    }
}

fn set_version(data: &Path, key: &str, version: u32) {
    let database = redb::Database::open(data.join("log.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    let meta = TableDefinition::<&str, u32>::new("meta");
    transaction.open_table(meta).unwrap().insert(key, version).unwrap();
    transaction.commit().unwrap();
}

/// Copies the files of a data folder, compressing those whose names say so.
fn pack(data: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to.join("keys"))?;
    for name in FILES {
        let Some(plain) = name.strip_suffix(".gz") else {
            fs::copy(data.join(name), to.join(name))?;
            continue;
        };
        let mut packed = GzEncoder::new(File::create(to.join(name))?, Compression::best());
        io::copy(&mut File::open(data.join(plain))?, &mut packed)?;
        packed.finish()?;
    }
    Ok(())
}

/// Undoes [`pack`]; only the owner may read the result.
fn unpack(from: &Path, data: &Path) -> io::Result<()> {
    fs::create_dir_all(data.join("keys"))?;
    for name in FILES {
        let bytes = fs::read(from.join(name))?;
        let plain = name.strip_suffix(".gz");
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(data.join(plain.unwrap_or(name)))?;
        match plain {
            Some(_) => drop(io::copy(&mut GzDecoder::new(bytes.as_slice()), &mut file)?),
            None => file.write_all(&bytes)?,
        }
    }
    Ok(())
}

//! Backups that an operator makes, verifies, restores and loses.

use crate::village::{VILLAGE_ENTRIES, populate, token, village};
use futures_util::StreamExt;
use kith_client::{Client, Cursor, Options};
use kith_core::reason::Reason;
use kith_core::{filter::Filter, position::Position};
use kith_tests::{
    cli::Cli,
    events::{met, sent},
    raw::Raw,
    server::{DataFolder, Server, kithd},
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tempfile::TempDir;

/// The folder for a test's backups.
struct Shelf(TempDir);

impl Shelf {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

fn path(data: &DataFolder) -> &str {
    data.path().to_str().unwrap()
}

/// The network `default` in the answer to a backup.
fn backed_up(answer: &Value) -> (u64, String) {
    let network = answer["networks"].as_array().unwrap().iter().find(|network| network["name"] == "default").unwrap();
    (network["head"].as_u64().unwrap(), network["root"].as_str().unwrap().to_owned())
}

/// Restores a backup of the log, and one of the keys, into a new data folder.
fn restore_elsewhere(shelf: &Shelf, log: &str) -> Arc<DataFolder> {
    let data = Arc::<DataFolder>::default();
    let restore = ["restore", "--from", &shelf.file(log), "--data", path(&data)];
    kithd(&restore).exits(3).says("put the keys back first, with `kithd restore-keys`");
    kithd(&["restore-keys", "--from", &shelf.file("keys"), "--data", path(&data)]).ok();
    kithd(&restore).ok();
    data
}

async fn append_until(raw: Raw, stop: Arc<AtomicBool>) -> u64 {
    let mut appended = 0;
    while !stop.load(Ordering::Relaxed) {
        raw.append((0..100).map(|_| sent(&met(&["amina", "ben"]))).collect()).await.unwrap();
        appended += 100;
    }
    appended
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_under_load_is_restored_elsewhere_as_the_same_log() {
    let (server, cli) = village();
    cli.run(&["met", "amina", "ben", "--note", "will share the falls pathway"]).ok();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    for _ in 0..20 {
        raw.append((0..500).map(|_| sent(&met(&["ben", "carol"]))).collect()).await.unwrap();
    }
    let before = cli.head();
    let (shelf, stop) = (Shelf::new(), Arc::new(AtomicBool::new(false)));
    let writing = tokio::spawn(append_until(raw.clone(), stop.clone()));
    let taken = {
        let (cli, to) = (cli.clone(), shelf.file("log"));
        tokio::task::spawn_blocking(move || cli.json(&["admin", "backup", "--to", &to])).await.unwrap()
    };
    stop.store(true, Ordering::Relaxed);
    let appended = writing.await.unwrap();
    let (head, root) = backed_up(&taken);
    assert!(before <= head && head <= before + appended, "{before} <= {head} <= {before} + {appended}");
    assert_eq!(taken["bytes"], fs::metadata(shelf.path("log")).unwrap().len());
    let (data, file) = (server.data(), shelf.file("log"));
    let check = ["check", "--backup", &file, "--data", path(&data)];
    kithd(&check).ok().prints("every byte is as it was written, signed by the key in");
    let unknown = taken["signed_by"].as_str().unwrap();
    kithd(&["check", "--backup", &shelf.file("log"), "--data", &shelf.file("none")]).ok().prints(unknown);
    kithd(&["backup-keys", "--data", path(&server.data()), "--to", &shelf.file("keys")]).ok().prints("keep it secret");
    assert_eq!(cli.head(), before + appended, "the server went on");

    let data = restore_elsewhere(&shelf, "log");
    let checked = kithd(&["check", "--data", path(&data)]).ok().prints("all is well");
    assert!(checked.stdout.contains(" 0 erased, 0 without keys"), "{}", checked.stdout);
    let copy = Server::start_on(data, &[]);
    let copied = Cli::new(&copy.url(), &server.token());
    let at_head = copied.json(&["head"]);
    assert_eq!((at_head["position"].as_u64(), at_head["root"].as_str()), (Some(head), Some(root.as_str())));
    let notes = copied.run(&["log", "--between", "amina", "ben", "--limit", "1", "--after", "0"]).ok();
    assert!(notes.stdout.contains("falls pathway"), "{}", notes.stdout);
    // The original proves that it continues what was restored: same root at the same position.
    let signed = copied.run(&["audit", "checkpoint"]).ok().stdout;
    fs::write(shelf.path("checkpoint"), signed).unwrap();
    cli.run(&["audit", "prove", "--since", &shelf.file("checkpoint")]).ok();
}

#[test]
fn an_offline_backup_holds_what_an_online_one_does() {
    let (server, cli) = village();
    let shelf = Shelf::new();
    let online = backed_up(&cli.json(&["admin", "backup", "--to", &shelf.file("online")]));
    let data = server.data();
    kithd(&["backup", "--data", path(&data), "--to", &shelf.file("busy")]).exits(5).says("kith admin backup");
    assert!(server.terminate().success());
    kithd(&["backup", "--data", path(&data), "--to", &shelf.file("log")])
        .ok()
        .prints(&format!("1 network, {VILLAGE_ENTRIES} entries (default up to {VILLAGE_ENTRIES})"));
    kithd(&["backup-keys", "--data", path(&data), "--to", &shelf.file("keys")]).ok();
    for log in ["online", "log"] {
        let copy = restore_elsewhere(&shelf, log);
        kithd(&["check", "--data", path(&copy)]).ok();
        let copy = Server::start_on(copy, &[]);
        let secret = fs::read_to_string(data.path().join("owner.token")).unwrap();
        let head = Cli::new(&copy.url(), secret.trim()).json(&["head"]);
        assert_eq!((head["position"].as_u64().unwrap(), head["root"].as_str().unwrap()), (online.0, online.1.as_str()));
    }
    let mut left: Vec<_> = fs::read_dir(shelf.0.path()).unwrap().map(|item| item.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["keys", "log", "online"], "what failed left nothing");
}

#[test]
fn mistakes_say_what_to_do_and_change_nothing() {
    let (server, cli) = village();
    let shelf = Shelf::new();
    let (_, reader) = token(&cli, &["--role", "owner"]);
    cli.token(&reader).run(&["admin", "backup", "--to", &shelf.file("log")]).exits(4).says("ask an owner");
    assert!(!shelf.path("log").exists());
    cli.run(&["admin", "backup", "--to", &shelf.file("no/folder")]).exits(3);
    cli.run(&["admin", "backup", "--to", &shelf.file("log")]).ok().prints("default up to position");
    let whole = fs::read(shelf.path("log")).unwrap();
    cli.run(&["admin", "backup", "--to", &shelf.file("log")]).exits(1).says("exists");
    assert_eq!(fs::read(shelf.path("log")).unwrap(), whole);

    let data = server.data();
    kithd(&["restore", "--from", &shelf.file("log"), "--data", path(&data)]).exits(4).says("restore into another");
    kithd(&["restore", "--data", path(&data), "--accept-rollback"]).exits(5).says("is in use");
    kithd(&["restore", "--data", path(&data)]).exits(2).says("--from");
    kithd(&["restore-keys", "--from", &shelf.file("log"), "--data", &shelf.file("new")]).exits(4).says("restore-keys");
    kithd(&["backup-keys", "--data", path(&data), "--to", &shelf.file("keys")]).ok();
    kithd(&["restore-keys", "--from", &shelf.file("keys"), "--data", &shelf.file("new")]).ok();
    kithd(&["restore", "--from", &shelf.file("nothing"), "--data", &shelf.file("new")]).exits(3).says("nothing");
    fs::write(shelf.path("text"), "no backup").unwrap();
    kithd(&["restore", "--from", &shelf.file("text"), "--data", &shelf.file("new")]).exits(4).says("not a backup");
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    for (name, bytes) in [("damaged", damaged.as_slice()), ("cut", &whole[..whole.len() - 1])] {
        fs::write(shelf.path(name), bytes).unwrap();
        let (code, what) = if name == "damaged" { (6, "damaged at byte") } else { (4, "did not sign the backup") };
        kithd(&["check", "--backup", &shelf.file(name), "--data", path(&data)]).exits(code).says(what);
        let refused = kithd(&["restore", "--from", &shelf.file(name), "--data", &shelf.file("new")]);
        refused.exits(code).says("nothing was");
    }
    let mut old = whole;
    old[16] -= 1;
    fs::write(shelf.path("old"), old).unwrap();
    let refused = kithd(&["restore", "--from", &shelf.file("old"), "--data", &shelf.file("new")]);
    refused.exits(1).says("the backup has format version 1").says("made by an unreleased program");
    let left = fs::read_dir(shelf.path("new")).unwrap().map(|item| item.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["keys"]);
    assert!(server.terminate().success());
    kithd(&["restore", "--data", path(&data), "--accept-rollback"]).ok().prints("nothing contradicts the log");
}

/// Replaces the log of a stopped server with an old backup, keeping the newer checkpoint.
fn lose(data: &Path, backup: &str) {
    fs::remove_file(data.join("log.redb")).unwrap();
    kithd(&["restore", "--from", backup, "--data", data.to_str().unwrap()]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_rollback_goes_on_as_another_history() {
    let (server, cli) = village();
    let (shelf, data, secret) = (Shelf::new(), server.data(), server.token());
    cli.run(&["admin", "backup", "--to", &shelf.file("log")]).ok();
    cli.run(&["met", "amina", "ben"]).ok();
    let lost = cli.json(&["audit", "checkpoint"]);
    let connect = |url: String| Client::connect(Options::new(url, secret.clone(), "default".parse().unwrap()));
    let client = connect(server.url()).await.unwrap();
    let cursor = client.subscribe(Filter::default(), Cursor::default()).next().await.unwrap().unwrap().cursor;
    assert_eq!(cursor.position, Position::new(VILLAGE_ENTRIES + 1));
    drop(client);
    assert!(server.terminate().success());
    lose(data.path(), &shelf.file("log"));

    let server = Server::start_on(data.clone(), &[]);
    let cli = Cli::new(&server.url(), &secret);
    cli.run(&["met", "amina", "ben"]).exits(5);
    assert_eq!(cli.head(), VILLAGE_ENTRIES, "reading goes on");
    assert!(server.terminate().success());
    let accepted = kithd(&["restore", "--data", path(&data), "--accept-rollback"]).ok();
    let signed = format!("{} entries were signed, and the log ends at position {VILLAGE_ENTRIES}", VILLAGE_ENTRIES + 1);
    accepted.prints(&signed).prints(&format!("from position {}", VILLAGE_ENTRIES + 1));
    kithd(&["check", "--data", path(&data)]).ok();

    let server = Server::start_on(data.clone(), &[]);
    let cli = Cli::new(&server.url(), &secret);
    cli.run(&["met", "ben", "carol"]).ok();
    let entry = cli.json_lines(&["log", "--kind", "log-restored"]).remove(0);
    let restored = entry.to_string();
    assert!(restored.contains(lost["root"].as_str().unwrap()), "the entry names what is lost: {restored}");
    let client = connect(server.url()).await.unwrap();
    let told = client.subscribe(Filter::default(), cursor).next().await.unwrap().unwrap_err();
    assert_eq!(told.reason(), Some(Reason::ResetRequired), "{told}");
    let now = cli.json(&["audit", "checkpoint"]);
    assert_ne!(now["origin"], lost["origin"]);
    assert_eq!(now["size"], VILLAGE_ENTRIES + 2);
    let views = cli.json_lines(&["view", "strength"]);
    assert_eq!(views.len(), 1, "views are of the new history: {views:?}");
    assert!(server.terminate().success());
    kithd(&["restore", "--data", path(&data), "--accept-rollback"]).ok().prints("nothing contradicts the log");
}

#[test]
fn all_networks_come_back() {
    let (server, cli) = village();
    cli.run(&["network", "add", "south"]).ok();
    populate(&cli.network("south"));
    let shelf = Shelf::new();
    let taken = cli.json(&["admin", "backup", "--to", &shelf.file("log")]);
    assert_eq!(taken["networks"].as_array().unwrap().len(), 2);
    kithd(&["backup-keys", "--data", path(&server.data()), "--to", &shelf.file("keys")]).ok();
    let copy = Server::start_on(restore_elsewhere(&shelf, "log"), &[]);
    let copied = Cli::new(&copy.url(), &server.token());
    for network in ["default", "south"] {
        let heads = [&cli, &copied].map(|cli| cli.network(network).json(&["head"]));
        assert_eq!(heads[0], heads[1]);
        let people = copied.network(network).run(&["person", "list"]).ok();
        assert!(people.stdout.contains("Amina Shah"), "{}", people.stdout);
    }
}

#[test]
fn a_backup_whose_key_is_lost_is_restored_only_on_demand_and_without_its_tokens() {
    let (server, cli) = village();
    let (id, reader) = token(&cli, &["--role", "reader"]);
    let (shelf, secret) = (Shelf::new(), server.token());
    cli.run(&["admin", "backup", "--to", &shelf.file("log")]).ok();
    kithd(&["backup-keys", "--data", path(&server.data()), "--to", &shelf.file("keys")]).ok();
    let data = Arc::<DataFolder>::default();
    kithd(&["restore-keys", "--from", &shelf.file("keys"), "--data", path(&data)]).ok();
    fs::remove_file(data.path().join("keys/checkpoint.key")).unwrap();
    let restore = ["restore", "--from", &shelf.file("log"), "--data", path(&data)];
    kithd(&restore).exits(3).says("put the keys back first");
    let warned = kithd(&[restore.as_slice(), &["--unverified"]].concat()).ok();
    warned.says("nobody vouches for what was restored, and 2 tokens in it are no longer valid");
    kithd(&["check", "--data", path(&data)]).ok().prints("all is well");
    kithd(&["owner", "issue", "--data", path(&data)]).ok();

    let copy = Server::start_on(data.clone(), &[]);
    for old in [&secret, &reader] {
        Cli::new(&copy.url(), old).run(&["head"]).exits(4).says("token");
    }
    let new = fs::read_to_string(data.path().join("owner.token")).unwrap();
    let copied = Cli::new(&copy.url(), new.trim());
    assert_eq!(copied.head(), cli.head() + 2, "an entry says that it was restored, one that the token is revoked");
    let told = copied.run(&["log", "--kind", "log-restored"]).ok().stdout;
    assert!(told.contains("from a backup that nobody vouches for"), "{told}");
    let revoked = copied.run(&["log", "--kind", "token-revoked"]).ok().stdout;
    assert!(revoked.contains(&id), "{revoked}");
}

#[test]
fn a_backup_goes_from_pipe_to_pipe() {
    let (server, cli) = village();
    let shelf = Shelf::new();
    cli.run(&["admin", "backup", "--to", &shelf.file("log")]).ok();
    let fifo = shelf.path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let reading = {
        let fifo = fifo.clone();
        std::thread::spawn(move || fs::read(fifo).unwrap())
    };
    cli.run(&["admin", "backup", "--to", fifo.to_str().unwrap()]).ok().says("default up to position");
    let through = reading.join().unwrap();
    assert_eq!(through.len(), fs::read(shelf.path("log")).unwrap().len());
    kithd(&["backup-keys", "--data", path(&server.data()), "--to", &shelf.file("keys")]).ok();
    kithd(&["restore-keys", "--from", &shelf.file("keys"), "--data", &shelf.file("new")]).ok();
    let writing = {
        let fifo = fifo.clone();
        std::thread::spawn(move || fs::write(fifo, through).unwrap())
    };
    kithd(&["restore", "--from", fifo.to_str().unwrap(), "--data", &shelf.file("new")])
        .ok()
        .prints("restored 1 network, ");
    writing.join().unwrap();
}

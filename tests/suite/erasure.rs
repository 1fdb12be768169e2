//! Erasing people, from the command line to the last byte on the disk, and the receipt of it.

use crate::{
    carving::holders,
    village::{token, village},
};
use kith_tests::{
    cli::Cli,
    python::{python, verifier},
    ran::Ran,
    server::{Server, kithd},
};
use std::{fs, path::Path, process::Command};

/// Words that nobody else says, as they could be left behind.
const CANARIES: [&str; 3] =
    ["Wilhelmina Quicksilver", "quicksilver@clinic.example", "asked about the lighthouse letters"];

/// The village, and somebody who will be erased: their own name, a note about two, one about others.
fn with_wilhelmina() -> (Server, Cli, String) {
    let (server, cli) = village();
    cli.run(&["person", "add", CANARIES[0], "--org", "riverside", "--id", "p-wq"]).ok();
    let note = format!("{}, {}", CANARIES[1], CANARIES[2]);
    let met = cli.json(&["met", "p-wq", "ben", "--note", &note]);
    cli.run(&["met", "amina", "ben", "--note", "about others"]).ok();
    (server, cli, met["id"].as_str().unwrap().to_owned())
}

fn verified_in_python(key: &str, receipt: &Path) -> Ran {
    Ran::run(Command::new(python()).arg(verifier()).args([Path::new(key), receipt]), "")
}

#[test]
fn a_person_is_erased_with_a_receipt_that_anybody_verifies() {
    let (server, cli, met) = with_wilhelmina();
    let folder = tempfile::tempdir().unwrap();
    let replica = folder.path().join("replica");
    let at_replica = |arguments: &[&str]| {
        let replica = ["--replica", replica.to_str().unwrap()];
        cli.run(&[&replica, arguments].concat())
    };
    at_replica(&["sync"]).ok();
    at_replica(&["person", "list"]).ok().prints(CANARIES[0]);
    assert_eq!(holders(&[&replica], &CANARIES), [], "words are sealed from the first");
    cli.run(&["person", "erase", "p-wq", "--reason", "withdrawn", "--dry-run"])
        .ok()
        .prints("2 details, 1 of them also about 1 other would be erased");
    cli.run(&["person", "show", "p-wq"]).ok().prints(CANARIES[0]);

    let receipt = folder.path().join("r.tlog-proof");
    let path = receipt.to_str().unwrap();
    let erase = ["person", "erase", "p-wq", "--reason", "withdrawn", "--reference", "IG-1", "--receipt", path];
    cli.run(&erase).ok().prints("IG-1").says("erasing 2 details").says("destroy them");
    let key = cli.json(&["audit", "checkpoint"])["key"].as_str().unwrap().to_owned();
    let verified = cli.run(&["-o", "json", "audit", "verify", path, "--key", &key]).ok().json();
    assert_eq!(verified["entry"]["kind"], "erasure_completed");
    assert_eq!(verified["entry"]["event"]["erasure_completed"]["details_erased"], 2);
    verified_in_python(&key, &receipt).ok();
    cli.run(&["audit", "verify", path, "--key", &key]).ok().prints("it says: p-wq, 2 details");

    let shown = cli.json(&["person", "show", "p-wq"]);
    assert_eq!((shown["name"].is_null(), shown["erased"].as_bool()), (true, Some(true)));
    cli.run(&["person", "list"]).ok().prints("(erased)");
    cli.run(&["met", "p-wq", "amina"]).exits(4).says("the words of p-wq were erased");
    cli.run(&["person", "change", "p-wq", "--name", "Again"]).exits(4).says("erased");
    cli.run(&["token", "add", "--role", "reader", "--person", "p-wq"]).exits(4).says("erased");
    let entry = cli.json_lines(&["log"]).into_iter().find(|entry| entry["id"] == met).unwrap();
    assert_eq!(entry["details"].as_array().map(Vec::len), Some(0), "{entry}");
    assert_eq!(entry["erased"][0]["index"], 0, "{entry}");
    cli.run(&["log"]).ok().prints("about others").prints("p-wq, withdrawn, case IG-1");
    cli.run(&["person", "erase", "p-wq", "--reason", "objected", "--wait"]).ok().prints("withdrawn");
    cli.run(&["person", "erasure", "p-wq", "--receipt", path]).exits(1).says("exists");
    cli.run(&["person", "erasure", "amina"]).exits(3).says("nobody has erased amina");

    at_replica(&["sync"]).ok();
    let of_replica = at_replica(&["-o", "json", "person", "show", "p-wq"]).ok().json();
    assert_eq!(of_replica["erased"], true, "{of_replica}");
    assert!(!at_replica(&["log"]).ok().prints("about others").stdout.contains(CANARIES[2]));

    let (backup, keys) = (folder.path().join("log.backup"), folder.path().join("keys.backup"));
    cli.run(&["admin", "backup", "--to", backup.to_str().unwrap()]).ok();
    let data = server.data();
    let at = data.path().to_str().unwrap();
    kithd(&["backup-keys", "--data", at, "--to", keys.to_str().unwrap()]).ok();
    let (backups, elsewhere) = (tempfile::tempdir().unwrap(), keys);
    fs::rename(&backup, backups.path().join("log")).unwrap();
    fs::rename(&elsewhere, backups.path().join("keys")).unwrap();
    assert_eq!(holders(&[data.path(), backups.path(), &replica], &CANARIES), []);
    server.terminate();
    assert_eq!(holders(&[data.path()], &CANARIES), []);
    kithd(&["check", "--data", at]).ok().prints("2 erased, 0 without keys; all is well");
}

#[test]
fn single_details_are_erased_and_the_rest_of_the_event_stays() {
    let (_server, cli, met) = with_wilhelmina();
    let (_, secret) = token(&cli, &["--role", "records-officer", "--organisation", "hillside"]);
    let erase = ["details", "erase", &met, "--reason", "error", "--reference", "IG-3"];
    cli.token(&secret).run(&erase).exits(4).says("erase details that another organisation recorded");
    cli.run(&[&erase[..], &["--detail", "2"]].concat()).exits(4).says("must be below 1");
    cli.run(&["details", "erase", &met, "--reason", "because"]).exits(2).says("withdrawn");
    cli.run(&["details", "erase", "019d0000-0000-7000-8000-000000000000", "--reason", "error"]).exits(3);
    cli.run(&erase).ok().prints("1 detail is erased");
    cli.run(&erase).ok().prints("nothing was left to erase");
    assert!(!cli.run(&["log"]).ok().prints("1 detail of event").stdout.contains(CANARIES[2]));
    assert_eq!(cli.json(&["person", "show", "p-wq"])["name"], CANARIES[0]);
}

#[test]
fn a_hold_keeps_words_until_it_is_lifted() {
    let (_server, cli, _) = with_wilhelmina();
    let officer = |organisation| {
        let (_, secret) = token(&cli, &["--role", "records-officer", "--organisation", organisation]);
        cli.token(&secret)
    };
    let (riverside, hillside) = (officer("riverside"), officer("hillside"));
    let hold = ["hold", "set", "p-wq", "--reason", "inquiry", "--reference", "INQ-7"];
    hillside.run(&hold).exits(4).says("an entry about the person");
    cli.run(&["hold", "set", "p-wq", "--reason", "inquiry", "--reference", "asked by Ben"]).exits(2);
    hillside.run(&["met", "p-wq", "carol"]).ok();
    hillside.run(&hold).ok().prints("are held for INQ-7");
    let erase = ["person", "erase", "p-wq", "--reason", "withdrawn", "--reference", "IG-2"];
    riverside.run(&erase).exits(4).says("has a hold").says("kith hold list");
    let refused = riverside.run_json(&erase).exits(4).json_error();
    assert_eq!(refused["reason"], "PERSON_HELD", "{refused}");
    riverside.run(&["hold", "list"]).ok().prints("INQ-7").prints("hillside");
    riverside.run(&["hold", "lift", "p-wq", "--reference", "INQ-7"]).exits(4).says("lift a hold that others set");
    cli.run(&["hold", "lift", "p-wq", "--reference", "INQ-8"]).exits(4).says("a hold that is set");
    hillside.run(&["hold", "lift", "p-wq", "--reference", "INQ-7"]).ok().prints("no longer held");
    assert_eq!(riverside.json_lines(&["hold", "list", "p-wq"]), Vec::<serde_json::Value>::new());
    riverside.run(&[&erase[..], &["--wait"]].concat()).ok();
}

#[test]
fn only_those_who_answer_for_a_person_erase_them_under_every_id() {
    let (_server, cli, _) = with_wilhelmina();
    cli.run(&["person", "add", "Wilma", "--id", "wilma", "--org", "riverside"]).ok();
    cli.run(&["person", "merge", "wilma", "--into", "p-wq"]).ok();
    let (_, secret) = token(&cli, &["--role", "reader", "--person", "wilma", "--organisation", "riverside"]);
    let hers = cli.token(&secret);
    hers.run(&["head"]).ok();
    let erase = ["person", "erase", "wilma", "--reason", "objected", "--wait"];
    for (role, organisation) in [("records-officer", "hillside"), ("owner", "hillside"), ("recorder", "riverside")] {
        let (_, secret) = token(&cli, &["--role", role, "--organisation", organisation]);
        let head = cli.head();
        cli.token(&secret).run(&erase).exits(4).says("may not");
        cli.token(&secret).run(&[&erase[..4], &["objected", "--dry-run"]].concat()).exits(4);
        assert_eq!(cli.head(), head, "{role} of {organisation}");
    }
    let (_, secret) = token(&cli, &["--role", "records-officer", "--organisation", "riverside"]);
    let erased = cli.token(&secret).json_lines(&erase);
    let people: Vec<_> = erased.iter().map(|one| one["person"].as_str().unwrap()).collect();
    assert_eq!(people, ["wilma", "p-wq"]);
    assert!(erased.iter().all(|one| one["completed"]["position"].is_u64()), "{erased:?}");
    hers.run(&["head"]).exits(4);
}

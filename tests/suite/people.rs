//! Ownership of people: who may change them, by command, by list and from a replica.

use crate::village::{VILLAGE_ENTRIES, token, village};
use kith_tests::{cli::Cli, ran::Ran};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

fn recorder(cli: &Cli, organisation: &str) -> Cli {
    let (_, secret) = token(cli, &["--role", "recorder", "--organisation", organisation]);
    cli.token(&secret)
}

/// What is known about a person: name, organisation, role.
fn known(cli: &Cli, id: &str) -> [Value; 3] {
    let person = cli.json(&["person", "show", id]);
    ["name", "organisation", "role"].map(|field| person[field].clone())
}

#[test]
fn a_person_is_changed_in_what_is_said_and_else_stays() {
    let (_server, cli) = village();
    let change = |more: &[&str]| cli.run(&[&["person", "change", "amina"], more].concat());
    change(&["--name", "Amina Khan"]).ok().prints("recorded");
    assert_eq!(known(&cli, "amina"), [json!("Amina Khan"), json!("riverside"), json!("GP")]);
    change(&["--organisation", "Hillside", "--role", "locum"]).ok();
    assert_eq!(known(&cli, "amina"), [json!("Amina Khan"), json!("hillside"), json!("locum")]);
    change(&["--no-org", "--role", ""]).ok();
    assert_eq!(known(&cli, "Amina Khan"), [json!("Amina Khan"), json!(null), json!(null)]);
    let head = cli.head();
    change(&["--no-org", "--name", "Amina Khan"]).ok().prints("nothing was recorded");
    assert_eq!(cli.json(&["person", "change", "amina", "--role", ""])["changed"], false);
    change(&[]).exits(2);
    change(&["--org", "riverside", "--no-org"]).exits(2);
    change(&["--org", "nowhere"]).exits(3).says("nowhere");
    cli.run(&["person", "change", "nobody", "--role", "GP"]).exits(3).says("nobody");
    assert_eq!(cli.head(), head);
    cli.run(&["log", "--newest", "--limit", "3"]).ok().prints("Amina Khan");
}

#[test]
fn recorders_change_people_of_their_own_organisation_and_no_others() {
    let (_server, cli) = village();
    cli.run(&["person", "add", "Eve Adams", "--id", "eve"]).ok();
    let riverside = recorder(&cli, "riverside");
    riverside.run(&["person", "change", "ben", "--name", "Ben O."]).ok();
    riverside.run(&["person", "add", "Fay", "--org", "riverside", "--id", "fay"]).ok();
    riverside.run(&["person", "merge", "fay", "--into", "ben"]).ok();
    let head = cli.head();
    for (command, why) in [
        (&["person", "change", "carol", "--name", "Carol, under investigation"][..], "change people of another"),
        (&["person", "change", "carol", "--org", "riverside"], "move people from one organisation to another"),
        (&["person", "change", "ben", "--org", "hillside"], "move people from one organisation to another"),
        (&["person", "change", "eve", "--org", "riverside"], "change people of another organisation, or of none"),
        (&["person", "merge", "carol", "--into", "amina"], "merge people of another"),
        (&["person", "merge", "eve", "--into", "amina"], "merge people of another"),
        (&["person", "add", "Gus", "--org", "hillside"], "add people of another organisation"),
        (&["org", "add", "Ghost", "--id", "ghost"], "add organisations"),
    ] {
        riverside.run(command).exits(4).says(why);
    }
    assert_eq!(cli.head(), head);
    cli.run(&["person", "change", "eve", "--org", "riverside"]).ok();
    riverside.run(&["person", "merge", "eve", "--into", "amina"]).ok();
}

#[test]
fn a_token_of_an_organisation_speaks_for_somebody_of_it() {
    let (_server, cli) = village();
    let issue = ["token", "add", "--role", "recorder", "--organisation", "hillside", "--person"];
    cli.run(&[&issue[..], &["amina"]].concat()).exits(4).says("somebody of that organisation");
    cli.run(&[&issue[..], &["carol"]].concat()).ok();
    let (_, secret) = token(&cli, &["--role", "owner", "--organisation", "riverside"]);
    let theirs = cli.token(&secret);
    theirs
        .run(&["token", "add", "--role", "reader", "--organisation", "hillside"])
        .exits(4)
        .says("another organisation");
    theirs.run(&["token", "add", "--role", "reader", "--organisation", "riverside"]).ok();
}

/// A list of contacts and one of people.
struct Lists(TempDir);

impl Lists {
    fn new(people: &str) -> Self {
        let lists = Self(tempfile::tempdir().unwrap());
        fs::write(lists.path("contacts"), "20 nia ola\n80 nia amina\n").unwrap();
        fs::write(lists.path("people"), people).unwrap();
        lists
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn import(&self, cli: &Cli) -> Ran {
        let (contacts, people) = (self.path("contacts"), self.path("people"));
        let files = ["import", "edges", contacts.as_str(), "--people", people.as_str()];
        let flags =
            ["--people-columns", "id,org,role", "--columns", "time,from,to", "--epoch", "2026-01-01", "--as", "met"];
        cli.run_json(&[&files[..], &flags].concat())
    }
}

#[test]
fn contacts_of_one_person_under_two_ids_are_refused_and_the_rest_goes_on() {
    let (_server, cli) = village();
    cli.run(&["person", "merge", "ben", "--into", "amina"]).ok();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).to_str().unwrap().to_owned()
    };
    let check = |imported: Value, field: &str| {
        assert_eq!((&imported["accepted"], &imported["refused"]), (&2.into(), &1.into()), "{imported}");
        let refusal = &imported["refusals"][0];
        assert_eq!((&refusal["record"], &refusal["reason"]), (&2.into(), &"EVENT_INVALID".into()), "{refusal}");
        assert!(refusal["field"].as_str().unwrap().ends_with(field), "{refusal}");
        assert!(refusal["message"].as_str().unwrap().contains("by a merge these ids mean one person"), "{refusal}");
    };
    let edges = path("edges", "1 amina carol\n2 amina ben\n3 ben dan\n");
    let columns = ["--columns", "time,from,to", "--epoch", "2026-01-01"];
    for (habit, field) in [("met", "event.met.people"), ("followed-up", "event.followed_up.with")] {
        let flags = [&["import", "edges", &edges, "--as", habit][..], &columns].concat();
        check(cli.run_json(&flags).exits(4).json(), field);
    }
    let met = |people: &str| {
        let event = r#"{"event":{"occurred_at":"2026-03-06T10:00:00Z","scope":"network","met":{"people":"#;
        format!("{event}[{people}]}}}}}}")
    };
    let lines = [met(r#""amina","carol""#), met(r#""ben","amina""#), met(r#""ben","amina","dan""#)];
    let lines = path("lines", &lines.join("\n"));
    check(cli.run_json(&["import", &lines]).exits(4).json(), "event.met.people");
}

#[test]
fn a_mended_list_of_people_mends_the_directory() {
    let (_server, cli) = village();
    let imported = Lists::new("n/a,ward\nola,ward\n").import(&cli).exits(4).json();
    assert_eq!((&imported["refused"], &imported["people_added"]), (&1.into(), &2.into()), "{imported}");
    assert_eq!(known(&cli, "nia")[1], json!(null));
    let mended = Lists::new("nia,ward,nurse\nola,ward\namina\n");
    let imported = mended.import(&cli).exits(0).json();
    let counts = ["people_added", "people_changed", "accepted", "duplicates"].map(|count| imported[count].clone());
    assert_eq!(counts, [0, 1, 0, 2].map(Value::from), "{imported}");
    assert_eq!(known(&cli, "nia")[1..], [json!("ward"), json!("nurse")]);
    assert_eq!(known(&cli, "amina"), [json!("Amina Shah"), json!("riverside"), json!("GP")], "what is left out stays");
    let head = cli.head();
    assert_eq!(mended.import(&cli).exits(0).json()["people_changed"], 0);
    assert_eq!(cli.head(), head);
    Lists::new("nia,desk,nurse\n").import(&cli).exits(0);
    assert_eq!(mended.import(&cli).exits(0).json()["people_changed"], 1, "a person may be again what they were");
    assert_eq!(known(&cli, "nia")[1], json!("ward"));
}

#[test]
fn a_recorders_list_adds_others_people_without_organisation_and_changes_none() {
    let (_server, cli) = village();
    let riverside = recorder(&cli, "riverside");
    let head = cli.head();
    let lists =
        Lists::new("nia,riverside,GP\nola,hillside,porter\ncarol,hillside,matron\nben,riverside,matron\numa,ghost,\n");
    let imported = lists.import(&riverside).exits(0).json();
    let counts =
        ["people_added", "people_changed", "organisations_added", "accepted"].map(|count| imported[count].clone());
    assert_eq!(counts, [3, 1, 0, 2].map(Value::from), "{imported}");
    let left_out: Vec<_> = imported["left_out"].as_array().unwrap().iter().map(|one| one["record"].clone()).collect();
    assert_eq!(left_out, [5, 2, 5, 3], "{imported}");
    assert_eq!(known(&cli, "nia")[1..], [json!("riverside"), json!("GP")]);
    assert_eq!(known(&cli, "ola")[1..], [json!(null), json!("porter")]);
    assert_eq!(known(&cli, "carol")[2], json!("geriatrician"));
    assert_eq!(cli.head(), head + 6);
    let again = lists.import(&riverside).exits(0).json();
    assert_eq!(
        (&again["people_added"], &again["people_changed"], &again["accepted"]),
        (&0.into(), &0.into(), &0.into())
    );
    assert_eq!(cli.head(), head + 6);
    cli.run(&["org", "add", "Ghost", "--id", "ghost"]).ok();
    assert_eq!(lists.import(&cli).exits(0).json()["people_changed"], 3, "the owner's import has the rest");
}

#[test]
fn a_change_on_a_replica_shows_at_once_and_is_refused_like_any_other() {
    let (_server, cli) = village();
    let riverside = recorder(&cli, "riverside");
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| Ran::run(riverside.command(arguments).env("KITH_REPLICA", folder.path()), "");
    run(&["sync"]).ok();
    run(&["person", "change", "ben", "--role", "matron"]).ok().prints("queued");
    run(&["person", "change", "ben", "--name", "Ben O."]).ok();
    run(&["person", "show", "ben"]).ok().prints("matron").prints("Ben O.");
    run(&["person", "change", "carol", "--org", "riverside"]).ok().prints("queued");
    run(&["sync"]).exits(4);
    run(&["outbox"]).ok().prints("an owner of the network may");
    assert_eq!(known(&cli, "ben"), [json!("Ben O."), json!("riverside"), json!("matron")]);
    assert_eq!(known(&cli, "carol")[1], json!("hillside"));
    assert_eq!(cli.head(), VILLAGE_ENTRIES + 3, "the token, and what is ben's");
}

#[test]
fn nobody_meets_herself_under_an_id_that_was_merged() {
    let (_server, cli) = village();
    cli.run(&["person", "add", "Amina S.", "--id", "amina-too"]).ok();
    cli.run(&["person", "add", "A. Shah", "--id", "amina-three"]).ok();
    cli.run(&["person", "merge", "amina-three", "--into", "amina-too"]).ok();
    cli.run(&["person", "merge", "amina-too", "--into", "amina"]).ok();
    let head = cli.head();
    for command in [
        &["met", "amina-too", "ben", "amina"][..],
        &["met", "amina-three", "amina"],
        &["helped", "amina", "amina-too"],
        &["followed-up", "amina-too", "amina"],
        &["referred", "ben", "amina", "--to", "amina-too"],
    ] {
        cli.run(command).exits(2).says("are one person");
    }
    cli.run(&["met", "amina", "ben", "shah"]).exits(4).says("names amina twice");
    assert_eq!(cli.head(), head);
    cli.run(&["met", "amina-too", "ben"]).ok();
}

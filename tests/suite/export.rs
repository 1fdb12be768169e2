//! Exports are what other programs and imports read back, and have words about people only if somebody says so.

use crate::{
    folder::Folder,
    village::{VILLAGE_ENTRIES, token, village},
};
use kith_tests::{cli::Cli, server::Server};
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Stdio};

/// Exports to a new file of a folder.
fn export(folder: &Folder, cli: &Cli, name: &str, flags: &[&str]) -> Value {
    cli.json(&[&["export", &folder.path(name)][..], flags].concat())
}

/// The village, in which something has happened.
fn story() -> (Server, Cli) {
    let (server, cli) = village();
    let on = ["--on", "2026-03-04T10:00:00Z"];
    cli.run(&[&["met", "amina", "ben", "carol", "--note", "spoke about the <lighthouse> & more"][..], &on].concat())
        .ok();
    cli.run(&[&["helped", "dan", "carol"][..], &on].concat()).ok();
    cli.run(&[&["referred", "amina", "dan", "--to", "ben"][..], &on].concat()).ok();
    let wrong = cli.json(&[&["met", "ben", "dan"][..], &on].concat())["id"].as_str().unwrap().to_owned();
    cli.run(&["retract", &wrong, "--reason", "mistake"]).ok();
    (server, cli)
}

/// What is the same of an event in every log.
fn events(cli: &Cli) -> Vec<(Value, Value)> {
    let mut lines = cli.json_lines(&["log"]);
    lines.retain(|line| line["event"]["token_issued"].is_null());
    lines.into_iter().map(|mut line| (line["event"].take(), line["details"].take())).collect()
}

#[test]
fn what_is_exported_is_imported_elsewhere_as_the_same_events() {
    let (server, cli) = story();
    let folder = Folder::new();
    let told = export(&folder, &cli, "log.jsonl", &["--with-words"]);
    let count = VILLAGE_ENTRIES + 5;
    assert_eq!(
        (&told["written"], &told["position"], &told["left_out"]),
        (&count.into(), &cli.head().into(), &0.into())
    );
    assert_eq!(fs::metadata(folder.path("log.jsonl")).unwrap().permissions().mode() & 0o777, 0o600);

    cli.run(&["network", "add", "elsewhere"]).ok();
    let elsewhere = server.cli().network("elsewhere");
    elsewhere.run(&["import", &folder.path("log.jsonl")]).ok();
    assert_eq!(events(&elsewhere), events(&cli));
    elsewhere.run(&["import", &folder.path("log.jsonl")]).ok();
    assert_eq!(elsewhere.head(), count, "twice adds nothing");

    // Without words it is the same history, and with names people have theirs.
    export(&folder, &cli, "facts.jsonl", &[]);
    export(&folder, &cli, "names.jsonl", &["--names"]);
    let (facts, names) = (folder.read("facts.jsonl"), folder.read("names.jsonl"));
    assert!(!facts.contains("Amina Shah") && !facts.contains("lighthouse"), "{facts}");
    assert!(names.contains("Amina Shah") && !names.contains("lighthouse"), "{names}");
    cli.run(&["network", "add", "bare"]).ok();
    let bare = server.cli().network("bare");
    bare.run(&["import", &folder.path("facts.jsonl")]).ok();
    let without = |cli: &Cli| events(cli).into_iter().map(|(event, _)| event).collect::<Vec<_>>();
    assert_eq!(without(&bare), without(&cli));
    assert_eq!(bare.json(&["person", "show", "amina"])["name"], Value::Null);
}

#[test]
fn an_export_goes_on_where_the_one_before_ended_and_leaves_out_what_only_a_server_records() {
    let (_server, cli) = story();
    let folder = Folder::new();
    let before = export(&folder, &cli, "first.jsonl", &[])["position"].to_string();
    token(&cli, &["--role", "reader"]);
    cli.run(&["met", "amina", "dan"]).ok();
    let ran = cli.run(&["export", &folder.path("second.ndjson"), "--after", &before]).ok();
    ran.says("left out: 1 entry that only a server records").prints("1 entry, up to position");
    let line: Value = serde_json::from_str(&folder.read("second.ndjson")).unwrap();
    assert_eq!(line["people"], serde_json::json!(["amina", "dan"]));
    let of_ben = cli.run(&["export", "-", "--format", "jsonl", "--person", "ben", "--kind", "met"]).ok();
    let kinds = of_ben.json_lines().iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(kinds, ["met", "met", "retracted"], "a retraction goes where what it withdraws goes");
    of_ben.says("3 entries");
}

#[test]
fn contacts_are_those_that_stand_between_the_people_that_ids_mean() {
    let (server, cli) = story();
    let folder = Folder::new();
    export(&folder, &cli, "contacts.csv", &["--format", "edges"]);
    let text = folder.read("contacts.csv");
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["time", "from", "to", "kind", "id"]);
    let contacts: Vec<_> = rows[1..].iter().map(|row| format!("{}>{} {}", row[1], row[2], row[3])).collect();
    assert_eq!(
        contacts,
        [
            "amina>ben met",
            "amina>carol met",
            "ben>carol met",
            "dan>carol helped",
            "amina>dan referred",
            "amina>ben referred"
        ]
    );
    assert!(rows[1][0].starts_with("2026-03-04T10:00:00"), "{text}");

    cli.run(&["network", "add", "elsewhere"]).ok();
    let elsewhere = server.cli().network("elsewhere");
    let import = ["import", "edges", &folder.path("contacts.csv"), "--columns", "time,from,to,...", "--as", "met"];
    elsewhere.run(&import).ok();
    assert_eq!(elsewhere.json_lines(&["log", "--kind", "met"]).len(), 6);

    cli.run(&["person", "merge", "dan", "--into", "carol"]).ok();
    let named = cli.run(&["export", "-", "--format", "edges", "--names", "--kind", "referred"]).ok();
    assert!(
        named.stdout.contains("amina,carol,referred,") && named.stdout.contains(",Amina Shah,Carol Jones\n"),
        "{named:?}"
    );
    let helped = cli.run(&["export", "-", "--format", "edges", "--kind", "helped"]).ok();
    assert_eq!(helped.stdout.lines().count(), 1, "nobody is in contact with themselves: {helped:?}");
}

#[test]
fn rows_and_people_are_tables_and_ties_a_graph() {
    let (_server, cli) = story();
    let folder = Folder::new();
    cli.run(&["view", "strength", "--wait", "20"]).ok();
    export(&folder, &cli, "ties.csv", &["--view", "strength", "--names"]);
    let text = folder.read("ties.csv");
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let shown = cli.json_lines(&["view", "strength"]);
    assert_eq!(rows.len(), shown.len() + 1);
    assert_eq!(&rows[0][..5], ["key_1", "key_2", "name_1", "name_2", "item"]);
    assert_eq!(rows[0].last(), Some(&"evidence"));
    for (row, shown) in rows[1..].iter().zip(&shown) {
        assert_eq!((&shown["key"][0], &shown["key"][1]), (&row[0].into(), &row[1].into()));
        assert_eq!(shown["evidence"].to_string(), *row.last().unwrap());
    }
    export(&folder, &cli, "net.graphml", &[]);
    let graph = folder.read("net.graphml");
    assert_eq!((graph.matches("<node ").count(), graph.matches("<edge ").count()), (4, shown.len()));
    assert!(graph.contains("attr.name=\"score\" attr.type=\"double\"") && !graph.contains("Amina"), "{graph}");
    export(&folder, &cli, "people.csv", &["--format", "people"]);
    let people = folder.read("people.csv");
    assert!(
        people.starts_with("id,organisation,role,position,merged_into,erased\namina,riverside,GP,3,,false\n"),
        "{people}"
    );
    let organisations = cli.run(&["export", "-", "--format", "graphml", "--view", "bridges"]).ok();
    assert!(organisations.stdout.contains("<data key=\"n-name\">Hillside Hospital</data>"), "{organisations:?}");
}

#[test]
fn mistakes_are_named_and_leave_no_file() {
    let (_server, cli) = story();
    let folder = Folder::new();
    let refused = |name: &str, flags: &[&str], code: i32, told: &str| {
        cli.run(&[&["export", &folder.path(name)][..], flags].concat()).exits(code).says(told);
        assert!(!PathBuf::from(folder.path(name)).exists(), "{name} is left");
    };
    refused("rows.csv", &[], 2, "--format edges or people");
    refused("rows.txt", &[], 2, "--format");
    refused("rows.csv", &["--format", "csv"], 2, "of which view?");
    refused("rows.csv", &["--view", "strenght"], 3, "strenght");
    refused("rows.csv", &["--view", "strength", "--after", "3"], 2, "--after");
    refused("log.jsonl", &["--view", "strength"], 2, "--view");
    refused("contacts.csv", &["--format", "edges", "--with-words"], 2, "--with-words");
    refused("net.graphml", &["--view", "keep_in_touch_x"], 3, "keep_in_touch_x");
    refused("log.jsonl", &["--person", "nobody at all"], 3, "nobody at all");
    refused("no/such/folder.jsonl", &[], 3, "no/such/folder.jsonl");
    let nowhere = cli.run(&["export", &folder.path("no/such/folder.jsonl")]).exits(3);
    assert!(nowhere.stderr.contains("folder.jsonl: No such file or directory (os error 2)\n"), "{nowhere:?}");
    export(&folder, &cli, "log.jsonl", &[]);
    let before = folder.read("log.jsonl");
    cli.run(&["export", &folder.path("log.jsonl")]).exits(1).says("exists");
    assert_eq!(folder.read("log.jsonl"), before);

    let mut command = cli.command(&["export", "-", "--format", "jsonl"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success(), "a reader that leaves early is no failure");
}

//! Imports say what they take: files that are not what the flags say, headings, directories, previews, line numbers.

use crate::village::{VILLAGE_ENTRIES, token, village};
use kith_tests::{cli::Cli, ran::Ran};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

const EPOCH: [&str; 2] = ["--epoch", "2026-01-01"];
/// Five people, and who knows whom.
const MATRIX: &str = " 0 1 0 0 1\n 1 0 0 1 0\n 0 1 0 0 0\n 1 0 1 0 0\n 0 0 1 1 0\n";
/// Names of several words, between tabs.
const PEOPLE_WITH_TABS: &str = "1\tAda Quill\tTrading\n2\tPercy Moss\tTrading\n3\tNell Kettle\tLegal\n";

/// Files to import.
struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.put(name, text);
        }
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Imports the file `contacts` with further flags.
    fn edges(&self, cli: &Cli, flags: &[&str]) -> Ran {
        cli.run(&command(&self.path("contacts"), flags))
    }

    fn edges_json(&self, cli: &Cli, flags: &[&str]) -> Ran {
        cli.run_json(&command(&self.path("contacts"), flags))
    }
}

fn command<'a>(contacts: &'a str, flags: &[&'a str]) -> Vec<&'a str> {
    [&["import", "edges", contacts, "--as", "met"][..], flags].concat()
}

/// Lines with the numbers from 1.
fn lines(count: u32, line: impl Fn(u32) -> String) -> String {
    (1..=count).map(|number| line(number) + "\n").collect::<Vec<_>>().concat()
}

fn counts<const N: usize>(answer: &Value, names: [&str; N]) -> [Value; N] {
    names.map(|name| answer[name].clone())
}

fn organisations(cli: &Cli) -> Vec<Value> {
    cli.json_lines(&["org", "list"]).into_iter().map(|one| one["id"].clone()).collect()
}

#[test]
fn a_matrix_is_named_and_nothing_of_it_is_recorded() {
    let (_server, cli) = village();
    let files = Files::new(&[("contacts", MATRIX), ("people", "0 ward\n1 ward\n")]);
    let people = files.path("people");
    for columns in ["from,to,time", "from,to,time,...", "from,to,time,_,_"] {
        let flags = [&["--columns", columns, "--people", &people][..], &EPOCH].concat();
        let ran = files.edges(&cli, &flags).exits(4);
        ran.says("is a matrix of 5 rows and 5 columns, not a list of contacts").says("nothing was recorded");
        files.edges(&cli, &[&flags[..], &["--dry-run"]].concat()).exits(4).says("is a matrix");
    }
    assert_eq!(cli.head(), VILLAGE_ENTRIES);
}

#[test]
fn rows_with_other_columns_than_named_are_refused_with_line_count_and_advice() {
    let (_server, cli) = village();
    let files = Files::new(&[("contacts", "20 amina ben 3\n80 amina carol 3\n")]);
    let import = |columns: &str| files.edges(&cli, &[&["--columns", columns][..], &EPOCH].concat());
    let ran = import("time,from,to").exits(4);
    ran.says("line 1 has 4 columns, but 3 are named").says("_, or end with ...").says("nothing was recorded");
    assert_eq!(cli.head(), VILLAGE_ENTRIES);
    import("time,from,to,...").ok().prints("2 accepted");
    import("time,from,to,_").ok().prints("0 accepted, 2 duplicates");
    files.put("contacts", "# from a meter\n\n200,amina,ben\n300,Shah, Amina,ben\n400,Shah, Amina,ben\n500,amina\n");
    let ran = import("time,from,to").exits(4).prints("1 accepted, 0 duplicates, 3 refused");
    let ran = ran.prints("lines 4 to 5: EVENT_INVALID the row has 4 columns, but 3 are named: name unused columns _");
    ran.prints("line 6: EVENT_INVALID the row has 2 columns, but 3 are named\n");
    files.put("contacts", "200;amina;ben\n");
    import("time,from,to").exits(4).says("has 1 column, but 3 are named: --separator says what separates them");
}

#[test]
fn a_directory_with_tabs_keeps_names_and_empty_columns_apart() {
    let (_server, cli) = village();
    let people = format!("{PEOPLE_WITH_TABS}4\t\tLegal\n5\tZeno Quince\t\n");
    let files = Files::new(&[("contacts", "20 1 2\n80 3 4\n90 5 1\n"), ("people", &people)]);
    let people = files.path("people");
    let flags = ["--columns", "time,from,to", "--people", &people, "--people-columns", "id,_,org"];
    let imported = files.edges_json(&cli, &[&flags[..], &EPOCH].concat()).ok().json();
    let found = counts(&imported, ["accepted", "refused", "people_added", "organisations_added"]);
    assert_eq!(found, [3, 0, 5, 2].map(Value::from), "{imported}");
    let of = |id: &str| cli.json(&["person", "show", id])["organisation"].clone();
    let found = ["1", "2", "3", "4", "5"].map(of);
    assert_eq!(found, [json!("Trading"), json!("Trading"), json!("Legal"), json!("Legal"), json!(null)]);
}

#[test]
fn surnames_do_not_become_organisations() {
    let (_server, cli) = village();
    let spaced = PEOPLE_WITH_TABS.replace('\t', " ");
    let files = Files::new(&[("contacts", "20 1 2\n"), ("people", &spaced)]);
    let people = files.path("people");
    let flags = ["--columns", "time,from,to", "--people", &people, "--people-columns", "id,_,org"];
    let flags = [&flags[..], &EPOCH].concat();
    files.edges(&cli, &flags).exits(4).says("line 1 has 4 columns, but 3 are named").says("people");
    let names = lines(12, |number| format!("{number} Ada Surname{number}"));
    files.put("people", &names);
    let ran = files.edges(&cli, &flags).exits(4);
    ran.says("12 of 12 organisations").says("have one person each, such as Surname1").says("nothing was recorded");
    assert_eq!((cli.head(), organisations(&cli).len()), (VILLAGE_ENTRIES, 2));
    files.edges(&cli, &[&flags[..], &["--add-orgs"]].concat()).ok().prints("12 people and 12 organisations added");
}

#[test]
fn headings_are_recognised_and_no_refusals() {
    let (_server, cli) = village();
    let contacts = "\u{feff}time,from,to\r\n20,V1,V2\r\n";
    let people = "\u{feff}Name,Office\r\nV1,1\r\nV2,2\r\n";
    let files = Files::new(&[("contacts", contacts), ("people", people)]);
    let people = files.path("people");
    let flags = [&["--columns", "time,from,to", "--people", &people][..], &EPOCH].concat();
    let ran = files.edges(&cli, &flags).ok().prints("1 accepted, 0 duplicates, 0 refused");
    let ran = ran.says("line 1 of ").says("is taken for a heading, \"time,from,to\": --no-header reads it as a row");
    ran.says("is taken for a heading, \"Name,Office\"").prints("2 people and 2 organisations added first");
    cli.run(&["person", "show", "Name"]).exits(3);
    let told = files.edges(&cli, &[&flags[..], &["--header"]].concat()).ok();
    assert_eq!(told.stderr, "", "there is nothing to say where it was said before");
    let ran = files.edges(&cli, &[&flags[..], &["--no-header", "--dry-run"]].concat()).exits(4);
    ran.prints("line 1: EVENT_INVALID time: must be")
        .prints("it is \"time\"")
        .prints("1 person and 1 organisation to add first: Office");
}

#[test]
fn a_directory_applies_to_people_who_are_there_already() {
    let (_server, cli) = village();
    let files = Files::new(&[("contacts", "20 1 2\n80 3 1\n"), ("people", PEOPLE_WITH_TABS)]);
    let contacts = [&["--columns", "time,from,to"][..], &EPOCH].concat();
    files.edges(&cli, &contacts).ok().prints("3 people and 0 organisations added first");
    let people = files.path("people");
    let flags = [&contacts[..], &["--people", &people, "--people-columns", "id,_,org"]].concat();
    files
        .edges(&cli, &[&flags[..], &["--dry-run"]].concat())
        .ok()
        .prints("3 people to change, as the list of people says: 1 to Trading, 2 to Trading, 3 to Legal");

    let (_, secret) = token(&cli, &["--role", "recorder", "--organisation", "riverside"]);
    let head = cli.head();
    let ran = files.edges(&cli.token(&secret), &flags).ok().prints("0 people and 0 organisations added first");
    let ran = ran.prints("5 left out of what the list says about people:");
    let ran = ran.prints("line 3 of the list of people: PERMISSION_DENIED Legal is not added: this token may not");
    ran.prints("line 2 of the list of people: ").prints(" 2 is not changed to Trading: ");
    assert_eq!(cli.head(), head, "a recorder of another organisation changes nobody");

    files.edges(&cli, &flags).ok().prints("0 accepted, 2 duplicates").prints("3 people changed");
    assert_eq!(cli.json(&["person", "show", "3"])["organisation"], "Legal");
    let kinds: Vec<_> = cli.json_lines(&["log", "--newest", "--limit", "3"]);
    assert!(kinds.iter().all(|entry| entry["kind"] == "person_changed"), "{kinds:?}");
}

#[test]
fn a_dry_run_shows_the_first_ten_records_and_the_counts_and_writes_nothing() {
    let (_server, cli) = village();
    let rows = lines(12, |minute| format!("{} amina nia", minute * 60));
    let files =
        Files::new(&[("contacts", &format!("{rows}780 amina amina\n840 amina n/a\n")), ("people", "nia ward\n")]);
    let people = files.path("people");
    let flags = [&["--columns", "time,from,to", "--people", &people][..], &EPOCH].concat();
    let dry = [&flags[..], &["--dry-run"]].concat();
    let ran = files.edges(&cli, &dry).exits(4);
    assert_eq!(ran.stdout.lines().filter(|line| line.contains("Amina Shah and nia met")).count(), 10, "{}", ran.stdout);
    let ran = ran.prints("1  2026-01-01T00:01:00Z  met   Amina Shah and nia met  new");
    let ran = ran.prints("nothing was recorded; 12 to record, 1 refused, 1 skipped");
    ran.prints("1 person and 1 organisation to add first: ward").prints("line 14: EVENT_INVALID to: must be");
    assert_eq!(cli.head(), VILLAGE_ENTRIES);

    let shown = files.edges_json(&cli, &dry).exits(4).json();
    let found = counts(&shown, ["dry_run", "to_record", "refused", "skipped", "people_to_add"]);
    assert_eq!(found, [json!(true), json!(12), json!(1), json!(1), json!(1)], "{shown}");
    assert_eq!(shown["organisations_to_add"], json!(["ward"]));
    let records = shown["records"].as_array().unwrap();
    assert_eq!((records.len(), &records[0]["position"]), (10, &Value::Null));
    files.edges(&cli, &flags).exits(4).prints("12 accepted");
    let recorded = cli.json_lines(&["log", "--kind", "met", "--limit", "10"]);
    for (record, entry) in records.iter().zip(&recorded) {
        assert_eq!(record["event"], entry["event"], "as it is recorded");
    }
    let again = files.edges_json(&cli, &dry).exits(4).json();
    assert_eq!(again["records"][0]["position"], recorded[0]["position"], "it is there already");
}

#[test]
fn lines_of_json_can_be_tried_and_are_refused_by_line_number() {
    let (_server, cli) = village();
    let met = |second: u8| {
        let event = format!(r#""occurred_at":"2026-03-04T10:00:{second:02}Z","scope":"network""#);
        format!(r#"{{"event":{{{event},"met":{{"people":["amina","ben"]}}}}}}"#)
    };
    let unscoped = met(2).replace(r#","scope":"network""#, "");
    let files = Files::new(&[("lines", &format!("\n{}\n\n{unscoped}\n\n{}\n", met(1), met(3)))]);
    let lines = files.path("lines");
    let told = "line 4: EVENT_INVALID event.scope: must be network or organisation";
    let ran = cli.run(&["import", &lines, "--dry-run"]).exits(4).prints(told);
    ran.prints("2  2026-03-04T10:00:01Z  met   Amina Shah and Ben Okoro met  new").prints("2 to record, 1 refused");
    assert_eq!(cli.head(), VILLAGE_ENTRIES);
    let imported = cli.run_json(&["import", &lines]).exits(4).json();
    let refusal = &imported["refusals"][0];
    assert_eq!((&refusal["record"], &refusal["line"]), (&json!(2), &json!(4)), "{refusal}");
    cli.run(&["import", &lines]).exits(4).prints(told);
    cli.run(&["record", &lines]).exits(4).prints("2: recorded").prints("4: refused, event.scope").prints("6: recorded");
}

#[test]
fn messages_that_need_several_events_are_counted() {
    let (_server, cli) = village();
    let rows = lines(70, |number| format!("amina p{number} 20"));
    let files = Files::new(&[("contacts", &format!("{rows}amina ben 40\n"))]);
    let contacts = files.path("contacts");
    let flags = ["--columns", "from,to,time", "--epoch", "2026-01-01", "--as", "followed-up", "--group"];
    let import = [&["import", "edges", contacts.as_str()][..], &flags].concat();
    let told = "1 message to more than 63 people: each is several events";
    cli.run(&[&import[..], &["--dry-run"]].concat()).ok().prints(told).prints("3 to record");
    cli.run(&import).ok().prints("3 accepted").prints(told);
    assert_eq!(cli.json(&import)["split"], 1);
}

#[test]
fn unix_times_need_no_time_zero_and_other_numbers_do() {
    let (_server, cli) = village();
    let files = Files::new(&[("contacts", "1772618400 amina nia\n2026-03-04T11:00:00Z amina ben\n")]);
    let flags = ["--columns", "time,from,to"];
    files.edges(&cli, &flags).ok().prints("2 accepted");
    let times: Vec<_> = cli.json_lines(&["log", "--newest", "--limit", "3"]);
    let times: Vec<_> = times.iter().map(|entry| entry["occurred_at"].as_str().unwrap()).collect();
    let (first, second) = ("2026-03-04T10:00:00Z", "2026-03-04T11:00:00Z");
    assert_eq!(times, [second, first, first], "people are added when the first of them is met");
    files.edges(&cli, &flags).ok().prints("0 accepted, 2 duplicates");
    files.put("contacts", "1772618460 amina ben\n20 amina ola\n");
    let head = cli.head();
    let ran = files.edges(&cli, &flags).exits(4).says("the time in line 2 would be 1970-01-01T00:00:20Z");
    ran.says("with --epoch").says("nothing was recorded");
    assert_eq!(cli.head(), head);
    files.edges(&cli, &[&flags[..], &["--epoch", "1970-01-01"]].concat()).ok().prints("2 accepted");
}

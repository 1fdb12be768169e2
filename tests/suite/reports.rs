//! Reports: tables over many keys, computed when they are asked, from the rows of views.

use crate::village::{VILLAGE_ENTRIES, token, village};
use kith_tests::cli::Cli;
use serde_json::{Value, json};

/// Riverside and Hillside hang on Amina: she met both of Hillside's people, Ben met Amina.
fn ties(cli: &Cli) {
    cli.run(&["met", "amina", "carol", "--on", "2026-01-05"]).ok();
    cli.run(&["met", "amina", "dan", "--on", "2026-01-06"]).ok();
    cli.run(&["met", "amina", "ben", "--on", "2026-01-07"]).ok();
}

fn rows(cli: &Cli, flags: &[&str]) -> Vec<Value> {
    cli.json_lines(&[&["view", "bridges", "--at", "2026-02-01"], flags].concat())
}

fn row(rows: &[Value], a: &str, b: &str) -> Value {
    let found = rows.iter().find(|row| row["key"] == json!([a, b]));
    found.unwrap_or_else(|| panic!("{a} {b}: {rows:?}")).clone()
}

#[test]
fn bridges_tell_on_how_many_people_two_organisations_hang() {
    let (_server, cli) = village();
    ties(&cli);
    let all = rows(&cli, &[]);
    assert_eq!(all.len(), 3);
    let across = row(&all, "riverside", "hillside");
    assert_eq!((&across["density"], &across["ties"], &across["redundancy"]), (&json!(0.5), &json!(2), &json!(1)));
    assert_eq!((&across["tied_a"], &across["tied_b"], &across["evidence"]), (&json!(1), &json!(2), &json!(2)));
    assert_eq!(across["e_i"].as_f64().map(|e_i| (e_i * 3.0).round()), Some(1.0), "two across, one inside");
    let inside = row(&all, "hillside", "hillside");
    assert_eq!((&inside["density"], &inside["redundancy"]), (&json!(0.0), &Value::Null));

    assert_eq!(rows(&cli, &["--org", "hillside"]).len(), 2);
    assert_eq!(rows(&cli, &["--person", "ben"]).len(), 2);
    assert_eq!(rows(&cli, &["--sort", "ties", "--top", "1"])[0]["ties"], 2);
    assert_eq!(rows(&cli, &["--sort", "-ties", "--top", "1"])[0]["ties"], 0);
    let table = cli.run(&["view", "bridges", "--at", "2026-02-01"]).ok();
    assert!(table.stdout.contains("riverside") && table.stdout.contains("redundancy"), "{}", table.stdout);
    let listed = cli.json_lines(&["view"]);
    let listed = listed.iter().find(|view| view["name"] == "bridges").expect("reports are listed");
    assert_eq!((&listed["contract"], &listed["state"]), (&json!("kith:report@1.0.0"), &json!("running")));
}

#[test]
fn a_row_of_a_report_lists_the_rows_it_stands_on() {
    let (_server, cli) = village();
    ties(&cli);
    let why = cli.json_lines(&["why", "bridges", "riverside", "hillside", "--at", "2026-02-01"]);
    let keys: Vec<_> = why.iter().map(|row| (row["view"].clone(), row["key"].clone())).collect();
    let strength = |person| (json!("strength"), json!(["amina", person]));
    assert_eq!(keys, [strength("dan"), strength("carol")], "the strongest first");
    assert!(why[0]["score"].as_f64() >= why[1]["score"].as_f64());
    cli.run(&["why", "bridges", "Riverside", "Hillside"]).ok().prints("2 rows of strength").prints("Amina Shah");
    cli.run(&["why", "bridges", "amina", "ben"]).exits(3).says("organisation");
    cli.run(&["org", "add", "Lakeside Home", "--id", "lakeside"]).ok();
    cli.run(&["why", "bridges", "lakeside", "lakeside"]).exits(3).says("no such row");
}

#[test]
fn the_past_is_computed_with_the_members_of_that_time() {
    let (_server, cli) = village();
    ties(&cli);
    let known = |as_of: u64| rows(&cli, &["--as-of", &as_of.to_string()]);
    let ties = |rows: &[Value]| row(rows, "riverside", "hillside")["ties"].clone();
    cli.run(&["person", "add", "Eva Lind", "--org", "hillside", "--id", "eva"]).ok();
    let people = |rows: &[Value]| row(rows, "hillside", "hillside")["people_a"].clone();
    assert_eq!((ties(&known(VILLAGE_ENTRIES)), people(&known(VILLAGE_ENTRIES))), (json!(0), json!(2)));
    assert_eq!((ties(&known(VILLAGE_ENTRIES + 1)), people(&known(VILLAGE_ENTRIES + 1))), (json!(1), json!(2)));
    assert_eq!((ties(&rows(&cli, &[])), people(&rows(&cli, &[]))), (json!(2), json!(3)));
    let on = |day: &str| ties(&cli.json_lines(&["view", "bridges", "--at", day]));
    assert_eq!((on("2026-01-04"), on("2026-01-05"), on("2026-01-06")), (json!(0), json!(1), json!(2)));
}

#[test]
fn what_a_report_cannot_answer_is_said() {
    let (_server, cli) = village();
    cli.run(&["view", "bridges", "--sort", "absent"]).exits(4).says("no field `absent`");
    cli.run(&["watch", "bridges"]).exits(4).says("bridges is a report");
    cli.run(&["plugin", "install", "--builtin", "strength", "--name", "bridges"]).exits(4).says("is a built-in view");
    let (_, secret) = token(&cli, &["--role", "reader"]);
    assert_eq!(cli.token(&secret).json_lines(&["view", "bridges"]).len(), 3, "whoever sees the views sees the report");
}

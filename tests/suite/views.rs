//! Querying views: listing them, their rows now and at past points, why, and as they change.

use crate::village::{VILLAGE_ENTRIES, village};
use kith_tests::cli::Cli;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

/// The village with three ties: amina and ben met twice, amina and carol once, carol helped dan.
fn ties(cli: &Cli) {
    for arguments in [
        &["met", "amina", "ben", "--on", "2026-01-05"][..],
        &["met", "amina", "ben", "--on", "2026-02-05"],
        &["met", "amina", "carol", "--on", "2026-02-05"],
        &["helped", "carol", "dan", "--on", "2026-02-06"],
    ] {
        cli.run(arguments).ok();
    }
}

/// Keys of the rows of `strength` as of 10 February, with these flags.
fn keys(cli: &Cli, flags: &[&str]) -> Vec<String> {
    let rows = cli.json_lines(&[&["view", "strength", "--at", "2026-02-10"], flags].concat());
    rows.iter().map(|row| format!("{} {}", row["key"][0].as_str().unwrap(), row["key"][1].as_str().unwrap())).collect()
}

#[test]
fn views_tell_what_they_are_and_how_they_do() {
    let (_server, cli) = village();
    ties(&cli);
    assert_eq!(keys(&cli, &[]).len(), 3);
    let views = cli.json_lines(&["view"]);
    let strength = views.iter().find(|view| view["name"] == "strength").expect("it is built in");
    assert_eq!((&strength["state"], &strength["lag"], &strength["rows"]), (&json!("running"), &json!(0), &json!(3)));
    assert_eq!(strength["contract"], "kith:view@1.0.0");
    let fields = strength["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap());
    let mut expected: Vec<_> = fields.chain(["key", "evidence"]).collect();
    expected.sort_unstable();
    let row = cli.json_lines(&["view", "strength", "--top", "1"]).remove(0);
    let mut shown: Vec<_> = row.as_object().unwrap().keys().collect();
    shown.sort_unstable();
    assert_eq!(shown, expected, "a row has the key, every field by its name, and the number of entries behind it");
    let table = cli.run(&["view", "strength"]).ok();
    assert!(table.stdout.contains("Amina Shah") && table.stdout.contains("score"), "{}", table.stdout);
}

#[test]
fn rows_are_chosen_sorted_and_cut() {
    let (_server, cli) = village();
    ties(&cli);
    assert_eq!(keys(&cli, &[]), ["amina ben", "carol dan", "amina carol"], "the strongest first");
    assert_eq!(keys(&cli, &["--sort", "-score"]), ["amina carol", "carol dan", "amina ben"]);
    assert_eq!(keys(&cli, &["--sort", "days_in_contact", "--top", "1"]), ["amina ben"]);
    assert_eq!(keys(&cli, &["--person", "carol"]), ["carol dan", "amina carol"]);
    assert_eq!(keys(&cli, &["--org", "hillside"]), ["carol dan", "amina carol"]);
    assert_eq!(keys(&cli, &["--person", "amina", "--org", "riverside", "--top", "1"]), ["amina ben"]);
}

#[test]
fn the_past_can_be_asked_by_day_and_by_what_was_known() {
    let (_server, cli) = village();
    ties(&cli);
    let row = |flags: &[&str]| cli.json_lines(&[&["view", "strength", "--person", "ben"], flags].concat());
    let on = |day: &str| row(&["--at", day]);
    assert_eq!(on("2026-01-04"), Vec::<Value>::new());
    assert_eq!((&on("2026-01-31")[0]["met"], &on("2026-01-31")[0]["last_contact"]), (&json!(1), &json!("2026-01-05")));
    assert_eq!(on("2026-02-05")[0]["met"], 2);
    assert!(on("2026-02-05")[0]["score"].as_f64() > on("2026-06-05")[0]["score"].as_f64(), "ties decay");
    let known = |as_of: u64| row(&["--at", "2026-02-10", "--as-of", &as_of.to_string()]);
    assert_eq!(known(VILLAGE_ENTRIES), Vec::<Value>::new());
    assert_eq!(known(VILLAGE_ENTRIES + 1)[0]["met"], 1);
    assert_eq!(known(VILLAGE_ENTRIES + 2)[0]["met"], 2);
    assert_eq!(row(&["--as-of", "yesterday"]), Vec::<Value>::new(), "nothing was recorded then");
    assert_eq!(row(&["--as-of", "today"]).len(), 1);
}

#[test]
fn a_row_says_why_and_what_each_entry_adds() {
    let (_server, cli) = village();
    ties(&cli);
    cli.run(&["referred", "dan", "amina", "--to", "ben", "--on", "2026-02-07"]).ok();
    let why = cli.json_lines(&["why", "strength", "ben", "amina", "--at", "2026-02-10"]);
    let positions: Vec<_> = why.iter().map(|line| line["position"].clone()).collect();
    assert_eq!(positions, [VILLAGE_ENTRIES + 2, VILLAGE_ENTRIES + 1], "newest first, and nothing of other pairs");
    let score = cli.json_lines(&["view", "strength", "--person", "ben", "--at", "2026-02-10"])[0]["score"].as_f64();
    let shares: Vec<_> = why.iter().map(|line| line["share"].as_f64().unwrap()).collect();
    assert!(shares[0] > shares[1] && shares[1] > 0.0 && Some(shares[0]) < score, "{shares:?} of {score:?}");
    let alone = cli.json_lines(&["why", "strength", "carol", "dan", "--at", "2026-02-10"]);
    let row = cli.json_lines(&["view", "strength", "--person", "carol", "--at", "2026-02-10"]);
    assert_eq!(alone[0]["share"], row[0]["score"], "an only entry is worth all of the row");
}

/// An old day adds nearly nothing to the sum, but without it the usual gap is twice as long, and the silence counts for
/// less.
#[test]
fn the_share_of_an_entry_without_which_the_score_were_higher_is_negative() {
    let (_server, cli) = village();
    for day in ["2024-01-01", "2024-02-01", "2026-01-01"] {
        cli.run(&["met", "amina", "ben", "--on", day]).ok();
    }
    let why = ["why", "strength", "amina", "ben", "--at", "2026-05-01"];
    let shares = cli.json_lines(&why).into_iter().map(|line| line["share"].as_f64().unwrap());
    let shares: Vec<_> = shares.map(|share| format!("{share:.4}")).collect();
    // By the formula, of the three days less that of the other two.
    assert_eq!(shares, ["4.4121", "-0.0784", "-0.0752"]);
    let table = cli.run(&why).ok().stdout;
    let lines: Vec<_> = table.lines().map(str::trim_end).collect();
    assert!(
        ["4.412", "-0.078", "-0.075"].iter().all(|share| lines.iter().any(|line| line.ends_with(share))),
        "{table}"
    );
}

#[test]
fn corrections_reach_the_rows() {
    let (_server, cli) = village();
    ties(&cli);
    let meeting = cli.json_lines(&["log", "--between", "amina", "carol", "--kind", "met"])[0]["id"].clone();
    cli.run(&["retract", meeting.as_str().unwrap(), "--reason", "mistake"]).ok();
    assert_eq!(keys(&cli, &[]), ["amina ben", "carol dan"]);
    cli.run(&["person", "merge", "dan", "--into", "ben"]).ok();
    assert_eq!(keys(&cli, &[]), ["amina ben", "ben carol"]);
    let merge = cli.json_lines(&["log", "--kind", "people_merged"]).last().unwrap()["id"].clone();
    cli.run(&["retract", merge.as_str().unwrap(), "--reason", "mistake"]).ok();
    assert_eq!(keys(&cli, &[]), ["amina ben", "carol dan"]);
}

#[test]
fn rows_are_watched_as_they_change() {
    let (_server, cli) = village();
    ties(&cli);
    let mut watching = cli
        .command(&["--output", "json", "watch", "strength"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().expect("a watch goes on").unwrap()).unwrap() };
    let mut first: Vec<_> = (0..3).map(|_| next()["key"].to_string()).collect();
    first.sort_unstable();
    assert_eq!(first, [r#"["amina","ben"]"#, r#"["amina","carol"]"#, r#"["carol","dan"]"#]);
    let met = cli.json(&["met", "ben", "dan"]);
    let row = next();
    assert_eq!((&row["key"], &row["position"]), (&json!(["ben", "dan"]), &met["position"]));
    let retracted = cli.json(&["retract", met["id"].as_str().unwrap(), "--reason", "mistake"]);
    let gone = next();
    assert_eq!((&gone["key"], &gone["removed"]), (&json!(["ben", "dan"]), &json!(true)));
    assert_eq!(gone["position"], retracted["position"]);
    watching.kill().unwrap();
    watching.wait().unwrap();
}

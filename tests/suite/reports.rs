//! Reports: tables over many keys, computed on request from the rows of views.

use crate::village::{VILLAGE_ENTRIES, populate, token, village};
use kith_tests::{
    cli::Cli,
    hostile::{HOSTILE, growing_report, remarking_report},
    server::Server,
};
use serde_json::{Value, json};
use std::fs;
use tempfile::NamedTempFile;

/// The tie between Riverside and Hillside depends on Amina: she met both of Hillside's people, Ben met Amina.
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
    table.says("E-I index over all organisations: 0.333 (2 ties across, 1 inside)");
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
fn a_report_that_would_read_too_much_says_how_much() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("kithd.toml");
    fs::write(&file, "[views]\nreport_input_bytes_max = 70\n").expect("the file can be written");
    let server = Server::start_with(&["--config", file.to_str().expect("the path is UTF-8")]);
    let cli = server.cli();
    populate(&cli);
    ties(&cli);
    let text = "the rows that the report reads take 84 bytes, and the limit `report_input_bytes_max` is 70 bytes";
    cli.run(&["view", "bridges"]).exits(4).says(text);
    cli.run(&["view", "strength"]).ok();
}

#[test]
fn a_report_that_needs_too_much_memory_says_how_much() {
    let (_server, cli) = village();
    ties(&cli);
    let component = NamedTempFile::new().expect("a temporary file");
    fs::write(component.path(), growing_report()).expect("the file can be written");
    cli.run(&["plugin", "install", component.path().to_str().expect("the path is UTF-8")]).ok();
    let text = "the report needs 251 MiB of memory, and the limit `report_memory_bytes_max` is 160 MiB";
    cli.run(&["view", "grows"]).exits(4).says(text);
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
fn a_referrer_is_judged_by_introductions_that_had_time() {
    let (_server, cli) = village();
    cli.run(&["referred", "amina", "ben", "--to", "carol", "--on", "2026-01-05"]).ok();
    cli.run(&["referred", "amina", "ben", "--to", "dan", "--on", "2026-01-06"]).ok();
    cli.run(&["referred", "dan", "carol", "--to", "ben", "--on", "2026-03-01"]).ok();
    cli.run(&["met", "ben", "carol", "--on", "2026-01-20"]).ok();
    let rows = cli.json_lines(&["view", "referrers", "--at", "2026-03-10"]);
    let of = |person: &str| rows.iter().find(|row| row["key"] == json!([person])).unwrap().clone();
    let amina = of("amina");
    assert_eq!((&amina["yield"], &amina["settled"], &amina["reached"]), (&json!(0.5), &json!(2), &json!(1)));
    let rounded = |column: &str| amina[column].as_f64().map(|share| (share * 1e4).round() / 1e4);
    assert_eq!((rounded("yield_low"), rounded("yield_high")), (Some(0.0945), Some(0.9055)), "Wilson (1927)");
    let dan = of("dan");
    assert_eq!((&dan["yield"], &dan["introductions"], &dan["settled"]), (&Value::Null, &json!(1), &json!(0)));
    assert_eq!(rows[0]["key"], json!(["amina"]), "who cannot be judged comes last");
    let why = cli.json_lines(&["why", "referrers", "amina", "--at", "2026-03-10"]);
    let states: Vec<_> = why.iter().map(|row| (row["view"].clone(), row["state"].clone())).collect();
    assert_eq!(states, ["unanswered", "met"].map(|state| (json!("introductions"), json!(state))), "the newest first");
}

#[test]
fn latency_counts_who_never_follows_up() {
    let (_server, cli) = village();
    cli.run(&["met", "amina", "ben", "--on", "2026-01-05"]).ok();
    cli.run(&["followed-up", "amina", "ben", "--on", "2026-01-08"]).ok();
    cli.run(&["met", "carol", "dan", "--on", "2026-01-05"]).ok();
    let rows = cli.json_lines(&["view", "follow_up_latency", "--at", "2026-02-01"]);
    let of = |organisation: &str| rows.iter().find(|row| row["key"] == json!([organisation])).unwrap().clone();
    let (riverside, hillside) = (of("riverside"), of("hillside"));
    assert_eq!(
        (&riverside["median_days"], &riverside["meetings"], &riverside["late"]),
        (&json!(3), &json!(1), &json!(0))
    );
    assert_eq!(
        (&hillside["median_days"], &hillside["followed_up"], &hillside["late"]),
        (&Value::Null, &json!(0), &json!(1))
    );
    assert_eq!(cli.json_lines(&["why", "follow_up_latency", "Hillside"])[0]["key"], json!(["carol", "dan"]));
    assert_eq!(cli.json_lines(&["view", "follow_up_latency", "--at", "2026-01-06"]).len(), 2);
}

#[test]
fn who_should_meet_shows_the_person_between() {
    let (_server, cli) = village();
    ties(&cli);
    let rows = cli.json_lines(&["view", "who_should_meet", "--at", "2026-02-01"]);
    let keys: Vec<_> = rows.iter().map(|row| row["key"].clone()).collect();
    assert_eq!(
        keys,
        [json!(["ben", "dan"]), json!(["ben", "carol"]), json!(["carol", "dan"])],
        "who was met later is closer"
    );
    assert_eq!((&rows[0]["via"], &rows[0]["shared"]), (&json!("amina"), &json!(1)));
    assert_eq!((&rows[0]["contact_a"], &rows[0]["contact_b"]), (&json!("2026-01-07"), &json!("2026-01-06")));
    assert_eq!(cli.json_lines(&["why", "who_should_meet", "dan", "ben", "--at", "2026-02-01"]).len(), 2);
    assert_eq!(cli.json_lines(&["view", "who_should_meet", "--person", "carol", "--top", "1"]).len(), 1);
    cli.run(&["view", "who_should_meet"]).ok().prints("Amina Shah");
    cli.run(&["why", "who_should_meet", "amina", "ben"]).exits(3).says("no such row");
}

#[test]
fn a_report_with_settings_of_its_own_is_installed_compared_activated_and_removed() {
    let (server, cli) = village();
    ties(&cli);
    let install = |score_min: u32| {
        let settings = format!(r#"{{"score_min":{score_min}}}"#);
        let flags = ["plugin", "install", "--builtin", "bridges", "--name", "close_bridges", "--settings", &settings];
        cli.json(&flags)
    };
    let across = || {
        let rows = cli.json_lines(&["view", "close_bridges", "--at", "2026-02-01"]);
        row(&rows, "riverside", "hillside")["ties"].clone()
    };
    let first = install(0);
    assert_eq!((&first["active"], across()), (&json!(true), json!(2)));
    let second = install(20);
    assert_eq!((&second["active"], across()), (&json!(false), json!(2)), "the first version still answers");
    let diff = cli.json(&["plugin", "diff", "close_bridges"]);
    assert_eq!(
        (&diff["rows_changed"], &diff["rows_equal"], &diff["rows_added"]),
        (&json!(3), &json!(0), &json!(0)),
        "{diff}"
    );
    assert_eq!(diff["moves"][0]["key"].as_array().unwrap().len(), 2);
    cli.run(&["plugin", "diff", "close_bridges"]).ok().prints("3 changed").prints("riverside");
    cli.run(&["plugin", "activate", &format!("close_bridges@{}", second["version"].as_str().unwrap())]).ok();
    assert_eq!(across(), json!(0));
    cli.run(&["why", "close_bridges", "riverside", "hillside", "--at", "2026-02-01"]).ok().prints("0 rows of strength");

    let server = Server::start_on(server.kill(), &[]);
    let cli = cli.server(&server.url());
    assert_eq!(cli.json(&["plugin", "rollback", "close_bridges"])["version"], first["version"]);
    let listed = cli.json_lines(&["plugin", "list"]);
    assert_eq!(listed[0]["versions"][0]["view"]["contract"], "kith:report@1.0.0", "{listed:?}");
    cli.run(&["plugin", "pause", "close_bridges"]).exits(4).says("nothing to pause");
    cli.run(&[
        "plugin",
        "install",
        "--builtin",
        "strength",
        "--name",
        "close_bridges",
        "--settings",
        "{\"half_life_days\":9}",
    ])
    .exits(4)
    .says("is a report: give the view another name");
    cli.run(&["plugin", "install", "--builtin", "bridges", "--name", "other", "--settings", "{\"score\":1}"])
        .exits(4)
        .says("unknown field `score`");

    cli.run(&["plugin", "remove", "close_bridges"]).ok();
    cli.run(&["view", "close_bridges"]).exits(3).says("there is no view close_bridges");
}

/// The component of `bridges` with another view in place of `strength`.
fn bridges_of(view: &str) -> NamedTempFile {
    assert_eq!(view.len(), "strength".len());
    let bridges = kith_bundle::find("bridges").unwrap();
    let mut component = bridges.component.to_vec();
    let places: Vec<_> = (0..component.len() - 8).filter(|&at| &component[at..at + 8] == b"strength").collect();
    assert!(!places.is_empty());
    for at in places {
        component[at..at + 8].copy_from_slice(view.as_bytes());
    }
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), component).unwrap();
    file
}

#[test]
fn a_report_needs_the_views_that_it_reads_and_follows_their_versions() {
    let (_server, cli) = village();
    ties(&cli);
    let file = bridges_of("own_ties");
    let install =
        ["plugin", "install", file.path().to_str().unwrap(), "--name", "own", "--settings", r#"{"score_min":5}"#];
    cli.run(&install).exits(4).says("reads the view `own_ties`, which does not exist: install it first");
    let view = |half_life_days: u32| {
        let settings = format!(r#"{{"half_life_days":{half_life_days}}}"#);
        cli.json(&["plugin", "install", "--builtin", "strength", "--name", "own_ties", "--settings", &settings])
    };
    view(1);
    cli.run(&install).ok().prints("own@1.3.0 installed");
    let then = cli.json(&["head"])["position"].to_string();
    let across = || {
        let rows = cli.json_lines(&["view", "own", "--as-of", &then, "--at", "2026-02-01"]);
        row(&rows, "riverside", "hillside")["ties"].clone()
    };
    assert_eq!(across(), json!(0), "after four weeks with a half-life of a day");
    let slower = view(300)["version"].as_str().unwrap().to_owned();
    cli.run(&["plugin", "activate", &format!("own_ties@{slower}")]).ok();
    assert_eq!(across(), json!(2), "of the same position and day, by the version that answers");

    cli.run(&["plugin", "remove", "own_ties"]).ok();
    cli.run(&["view", "own"]).exits(3).says("the report reads the view own_ties, which does not exist");
    let listed = cli.json_lines(&["view"]);
    let own = listed.iter().find(|view| view["name"] == "own").unwrap();
    assert_eq!((&own["state"], own["last_error"].is_string()), (&json!("stopped"), true));
}

#[test]
fn a_replica_of_the_whole_log_computes_the_same_reports_and_one_of_a_part_none() {
    let (server, cli) = village();
    ties(&cli);
    cli.run(&["referred", "amina", "ben", "--to", "carol", "--on", "2026-01-05"]).ok();
    let settings = r#"{"score_min":1}"#;
    cli.run(&["plugin", "install", "--builtin", "bridges", "--name", "close_bridges", "--settings", settings]).ok();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (whole, part) = (path("whole"), path("part"));
    cli.run(&["sync", "--replica", &whole]).ok();
    cli.run(&["sync", "--replica", &part, "--person", "amina"]).ok();
    let reports = ["bridges", "close_bridges", "follow_up_latency", "referrers", "who_should_meet"];
    let asked: Vec<_> = reports.iter().map(|report| ["view", report, "--at", "2026-02-01"]).collect();
    let of_server: Vec<_> = asked.iter().map(|asked| cli.json_lines(asked)).collect();
    let early = ["view", "bridges", "--as-of", "9"];
    let (early_of_server, why) = (cli.json_lines(&early), ["why", "bridges", "Riverside", "Hillside"]);
    let why_of_server = cli.json_lines(&why);
    server.terminate();

    let offline = |replica: &str, asked: &[&str]| cli.json_lines(&[asked, &["--replica", replica]].concat());
    for (asked, of_server) in asked.iter().zip(of_server) {
        assert!(!of_server.is_empty());
        assert_eq!(offline(&whole, asked), of_server, "{asked:?}");
    }
    assert_eq!(offline(&whole, &early), early_of_server);
    assert_eq!(offline(&whole, &why), why_of_server);
    cli.run(&["watch", "bridges", "--replica", &whole]).exits(4).says("is a report");
    cli.run(&["person", "add", "Eva Lind", "--org", "hillside", "--id", "eva", "--replica", &whole]).ok();
    cli.run(&["met", "ben", "eva", "--on", "2026-01-09", "--replica", &whole]).ok();
    let pending = offline(&whole, &["view", "bridges", "--pending"]);
    let across = row(&pending, "riverside", "hillside");
    assert_eq!((&across["ties"], &across["people_b"], &across["redundancy"]), (&json!(3), &json!(3), &json!(2)));

    cli.run(&["view", "bridges", "--replica", &part]).exits(4).says("needs the whole log").says("ask the server");
    let listed = offline(&part, &["view"]);
    let bridges = listed.iter().find(|view| view["name"] == "bridges").unwrap();
    assert_eq!(bridges["state"], "stopped");
    assert!(bridges["last_error"].as_str().unwrap().contains("needs the whole log"), "{bridges}");
}

#[test]
fn what_a_report_cannot_answer_is_said() {
    let (_server, cli) = village();
    cli.run(&["view", "bridges", "--sort", "absent"]).exits(4).says("no field `absent`");
    cli.run(&["watch", "bridges"]).exits(4).says("bridges is a report");
    cli.run(&["plugin", "install", "--builtin", "strength", "--name", "bridges"]).exits(4).says("is built in");
    let (_, secret) = token(&cli, &["--role", "reader"]);
    assert_eq!(cli.token(&secret).json_lines(&["view", "bridges"]).len(), 3, "whoever sees the views sees the report");
}

#[test]
fn a_report_says_what_it_left_out_and_how_many_keys_its_views_lack() {
    let (_server, cli) = village();
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        file.to_str().unwrap().to_owned()
    };
    cli.run(&["met", "amina", "ben", "--on", "2026-01-05"]).ok();
    cli.run(&["met", "amina", "carol", "--attribute", "poison=1", "--on", "2026-01-06"]).ok();
    let view = ["plugin", "install", &put("breaking.wasm", &HOSTILE), "--name", "breaking", "--settings", r#"{"t":1}"#];
    cli.run(&view).ok();
    let report = |name: &str, remark: &str, times| {
        let file = put(&format!("{name}.wasm"), &remarking_report(remark, times));
        cli.run(&["plugin", "install", &file, "--name", name]).ok();
    };
    report("notes", "left out: 3", 2);
    let asked = cli.run(&["view", "notes"]).ok();
    asked.says("left out: 3\nleft out: 3\n1 key is missing or behind, because a plugin fails on it");
    for (name, remark, times, why) in [
        ("lines", "two\nlines", 1, "a remark is not one line of 1 to 300 bytes"),
        ("silence", "", 1, "a remark is not one line of 1 to 300 bytes"),
        ("speech", &"o".repeat(301), 1, "a remark is not one line of 1 to 300 bytes"),
        ("chatter", "o", 9, "the report has more than 8 remarks"),
    ] {
        report(name, remark, times);
        cli.run(&["view", name]).exits(5).says(why);
    }
}

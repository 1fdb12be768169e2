//! Plugins from an author's point of view: created by `kith plugin new`, built, tested, checked, and tried on a real
//! log.
//!
//! The compilers of Python and JavaScript are downloaded from their registries once and kept in `target/plugin-tools`;
//! components are rebuilt only when a file of the plugin has changed.

mod builds;
mod mistakes;
mod readmes;
mod slips;

use crate::village;
use jiff::Timestamp;
use kith_tests::{cli::Cli, programs::root, ran::Ran, random::Random};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

const LANGUAGES: [&str; 3] = ["rust", "python", "js"];
/// Events of the log that the three plugins are compared on.
const EVENTS: usize = 3_000;

/// `kith` for authors, with shared compilers and a cache of compiled components.
fn kith(cli: &Cli, arguments: &[&str]) -> Ran {
    Ran::run(&mut command(cli, arguments), "")
}

fn command(cli: &Cli, arguments: &[&str]) -> Command {
    let tools = root().join("target/plugin-tools");
    let mut command = cli.command(arguments);
    command.env("KITH_PLUGIN_TOOLS", &tools).env("XDG_CACHE_HOME", tools.join("cache"));
    command
}

/// No server, because most of what authors do needs none.
fn alone() -> Cli {
    Cli::new("http://127.0.0.1:1", "none")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("folders of tests are UTF-8")
}

/// All files of a folder, in the order of their paths, as one digest.
fn digest(folder: &Path) -> String {
    fn files(folder: &Path, into: &mut Vec<PathBuf>) {
        for item in fs::read_dir(folder).expect("a folder") {
            let path = item.expect("a file").path();
            if path.is_dir() { files(&path, into) } else { into.push(path) }
        }
    }
    let mut paths = Vec::new();
    files(folder, &mut paths);
    paths.sort();
    let mut hash = Sha256::new();
    for path in paths {
        hash.update(text(path.strip_prefix(folder).expect("it lies inside")));
        hash.update(fs::read(&path).expect("a file"));
    }
    hex::encode(&hash.finalize()[..8])
}

/// A new plugin from `kith plugin new`, built: its folder and its component.
pub(crate) fn built(language: &str) -> (PathBuf, PathBuf) {
    built_with(language, &["--lang", language])
}

/// The same of a report.
pub(crate) fn built_report() -> (PathBuf, PathBuf) {
    built_with("report", &["--lang", "rust", "--report"])
}

/// The same with these flags, kept under a name.
fn built_with(kept_as: &str, flags: &[&str]) -> (PathBuf, PathBuf) {
    built_from(kept_as, flags, |_| {})
}

/// The same after its files were changed.
fn built_from(kept_as: &str, flags: &[&str], change: impl Fn(&Path)) -> (PathBuf, PathBuf) {
    // Tests run in parallel: one builds, the others wait.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _one = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let draft = tempfile::tempdir().expect("a temporary folder");
    let new = draft.path().join("plugin");
    let make = |folder: &Path| {
        kith(&alone(), &[&["plugin", "new", "contacts", "--folder", text(folder)], flags].concat()).ok();
        change(folder);
    };
    make(&new);
    let folder = root().join("target/authors").join(format!("{kept_as}-{}", digest(&new)));
    let component = folder.join("dist/contacts.wasm");
    if !component.exists() {
        fs::create_dir_all(folder.parent().expect("it lies in a folder")).expect("a folder");
        // What an interrupted run left behind is incomplete.
        drop(fs::remove_dir_all(&folder));
        make(&folder);
        kith(&alone(), &["plugin", "build", "--folder", text(&folder)]).ok();
    }
    (folder, component)
}

/// The range of times of a generated log: 700 days from 2023-11-14.
const SPAN_FIRST: Timestamp = Timestamp::constant(1_699_920_000, 0);
const SPAN_SECONDS: usize = 700 * 86_400;

/// A generated log with what the example reads: lengths of contacts of every type, groups, and times in any order.
fn generated_log() -> String {
    let mut random = Random::from_env("KITH_AUTHORS_SEED");
    let people = ["amina", "ben", "carol", "dan"];
    let mut lines = String::new();
    for _ in 0..EVENTS {
        let mut group = people;
        random.shuffle(&mut group);
        let at = SPAN_FIRST + Duration::from_secs(random.below(SPAN_SECONDS) as u64);
        let mut event = match random.below(4) {
            0 => json!({ "met": { "people": &group[..2 + random.below(3)] } }),
            1 => json!({ "followed_up": { "by": group[0], "with": [group[1]] } }),
            2 => json!({ "helped": { "helper": group[0], "helped": group[1] } }),
            _ => json!({ "referred": { "referrer": group[0], "person": group[1], "to": group[2] } }),
        };
        event["occurred_at"] = json!(at.to_string());
        event["scope"] = json!("network");
        let minutes = i32::try_from(random.below(1_600)).expect("it is small") - 80;
        match random.below(5) {
            0 => event["attributes"] = json!([{ "key": "minutes", "integer": minutes }]),
            1 => event["attributes"] = json!([{ "key": "minutes", "number": 12.5 }, { "key": "a", "text": "é" }]),
            2 => event["attributes"] = json!([{ "key": "zone", "flag": true }, { "key": "minutes", "integer": 7 }]),
            _ => {}
        }
        lines.push_str(&json!({ "event": event }).to_string());
        lines.push('\n');
    }
    lines
}

#[test]
fn one_view_in_three_languages_has_the_same_rows_bit_for_bit() {
    let (_server, cli) = village::village();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log.jsonl");
    fs::write(&log, generated_log()).expect("a file");
    cli.run(&["import", text(&log)]).ok();
    let rows: Vec<String> = thread::scope(|scope| {
        let work = LANGUAGES.map(|language| {
            let cli = &cli;
            scope.spawn(move || rows_of(cli, language))
        });
        work.map(|work| work.join().expect("no panic")).to_vec()
    });
    let lines: Vec<Value> = rows[0].lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 3 * 6, "three questions on six pairs: {}", rows[0]);
    assert!(lines.iter().any(|row| row["minutes"].is_number()), "no contact says how long it was");
    for (language, other) in LANGUAGES.iter().zip(&rows).skip(1) {
        assert_eq!(&rows[0], other, "rust and {language} differ");
    }
    let replica = folder.path().join("replica");
    cli.run(&["--replica", text(&replica), "sync"]).ok();
    let (offline, (_, component)) = (cli.server("http://127.0.0.1:1"), built("rust"));
    let question = ["-o", "json", "plugin", "try", text(&component), "--sort", "-days", "--replica", text(&replica)];
    let found = kith(&offline, &question).ok().stdout;
    assert!(rows[0].starts_with(&found) && found.lines().count() == 6, "a replica has other rows: {found}");
}

/// Builds, tests and checks a plugin, then returns its rows on the network's log: of today, of another day, with other
/// settings.
fn rows_of(cli: &Cli, language: &str) -> String {
    let (folder, component) = built(language);
    let (folder, component) = (text(&folder), text(&component));
    let tested = kith(&alone(), &["-o", "json", "plugin", "test", component, "--folder", folder]).ok();
    assert!(tested.json_lines().iter().all(|case| case["passed"] == true), "{language}: {}", tested.stdout);
    let checked = kith(&alone(), &["-o", "json", "plugin", "check", component]).ok().json();
    assert_eq!((&checked["difference_count"], &checked["imports"]), (&json!(0), &json!([])), "{language}: {checked}");
    let call = checked["fuel_call_max"].as_u64().expect("a number");
    assert!(call * 2 < checked["fuel_call_limit"].as_u64().expect("a number"), "{language} is close to its limit");
    let questions: [&[&str]; 3] = [&[], &["--at", "2024-12-31"], &["--settings", r#"{"minutes_min":30}"#]];
    let ask = |more: &[&str]| {
        let question = ["-o", "json", "plugin", "try", component, "--sort", "-days"];
        kith(cli, &[&question[..], more].concat()).ok().stdout
    };
    questions.map(ask).concat()
}

#[test]
fn plugins_in_every_language_are_compiled_within_the_limits_of_a_server() {
    let (_server, cli) = village::village();
    cli.run(&["met", "amina", "carol", "--on", "2026-01-05"]).ok();
    cli.run(&["met", "amina", "ben", "--on", "2026-01-06"]).ok();
    let rows = LANGUAGES.map(|language| {
        let ((_, component), name) = (built(language), format!("in_{language}"));
        cli.run(&["plugin", "install", text(&component), "--name", &name]).ok();
        cli.run(&["-o", "json", "view", &name, "--at", "2026-02-01", "--wait", "60"]).ok().stdout
    });
    assert_eq!(rows[0].lines().count(), 2, "{}", rows[0]);
    assert_eq!(rows, [&rows[0]; 3].map(Clone::clone), "the same in all of them");
}

#[test]
fn a_new_report_passes_its_tests_and_shows_what_a_server_would() {
    let (folder, component) = built_report();
    let (folder, component) = (text(&folder), text(&component));
    let tested = kith(&alone(), &["-o", "json", "plugin", "test", component, "--folder", folder]).ok().json_lines();
    assert_eq!((&tested[0]["passed"], &tested[0]["rows"]), (&json!(true), &json!(4)));
    let checked = kith(&alone(), &["-o", "json", "plugin", "check", component]).ok().json();
    assert_eq!((&checked["contract"], &checked["differences"]), (&json!("kith:report@1.0.0"), &json!([])), "{checked}");
    assert!(checked["rows"].as_u64() > Some(20) && checked["evidence"].as_u64() > Some(100), "{checked}");
    let settings = ["plugin", "check", component, "--settings", r#"{"score":1}"#];
    kith(&alone(), &settings).exits(4).says("unknown field `score`");

    let (_server, cli) = village::village();
    cli.run(&["met", "amina", "carol", "--on", "2026-01-05"]).ok();
    cli.run(&["met", "amina", "ben", "--on", "2026-01-06"]).ok();
    cli.run(&["plugin", "install", component]).ok();
    let on = ["-o", "json", "--at", "2026-02-01"];
    let tried = kith(&cli, &[&["plugin", "try", component], &on[..]].concat()).ok().stdout;
    assert_eq!(tried, cli.run(&[&["view", "contacts"], &on[..]].concat()).ok().stdout);
    assert_eq!(tried.lines().count(), 3, "{tried}");
    kith(&cli, &["plugin", "try", component, "--top", "1", "--sort", "elsewhere"]).ok().prints("elsewhere");
    let refused = ["plugin", "new", "other", "--lang", "python", "--report"];
    kith(&alone(), &refused).exits(2).says("reports are written in Rust");
}

#[test]
fn every_built_in_report_depends_on_its_input_alone_and_can_be_tried() {
    let (_server, cli) = village::village();
    cli.run(&["met", "amina", "carol", "--on", "2026-01-05"]).ok();
    cli.run(&["referred", "amina", "ben", "--to", "carol", "--on", "2026-01-06"]).ok();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for report in kith_bundle::reports() {
        let component = folder.path().join(report.name).with_extension("wasm");
        fs::write(&component, report.component).expect("a file");
        let component = text(&component);
        let checked = kith(&alone(), &["-o", "json", "plugin", "check", component]).ok().json();
        assert_eq!((&checked["name"], &checked["differences"]), (&json!(report.name), &json!([])), "{checked}");
        assert!(checked["rows"].as_u64() > Some(0), "{checked}");
        let on = ["-o", "json", "--at", "2026-02-01"];
        let tried = kith(&cli, &[&["plugin", "try", component], &on[..]].concat()).ok().stdout;
        assert_eq!(tried, cli.run(&[&["view", report.name], &on[..]].concat()).ok().stdout, "{}", report.name);
    }
}

#[test]
fn a_rust_plugin_has_the_same_bytes_in_every_folder() {
    let (_, component) = built("rust");
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let folder = elsewhere.path().join("some/other folder");
    let folder = text(&folder);
    kith(&alone(), &["plugin", "new", "contacts", "--lang", "rust", "--folder", folder]).ok();
    let again = kith(&alone(), &["-o", "json", "plugin", "build", "--folder", folder]).ok().json();
    let expected = hex::encode(Sha256::digest(fs::read(component).expect("it was built")));
    assert_eq!(again["sha256"], json!(expected));
    let bytes = fs::read(again["component"].as_str().expect("a path")).expect("it was built");
    let names = |place: &Path| bytes.windows(text(place).len()).any(|part| part == text(place).as_bytes());
    assert!(!names(elsewhere.path()), "the component names the folder that it was built in");
}

#[test]
fn a_row_that_is_not_as_it_should_be_is_shown_and_can_be_accepted() {
    let (folder, component) = built("rust");
    let own = tempfile::tempdir().expect("a temporary folder");
    fs::copy(folder.join("kith-plugin.toml"), own.path().join("kith-plugin.toml")).expect("a copy");
    fs::create_dir(own.path().join("tests")).expect("a folder");
    for file in ["log.jsonl", "everything.json"] {
        fs::copy(folder.join("tests").join(file), own.path().join("tests").join(file)).expect("a copy");
    }
    let case = own.path().join("tests/everything.json");
    let good = fs::read_to_string(&case).expect("a file");
    fs::write(&case, good.replacen("\"minutes\":55", "\"minutes\":56", 1)).expect("a file");
    let test = |more: &[&str]| {
        let all = ["plugin", "test", text(&component), "--folder", text(own.path())];
        kith(&alone(), &[&all[..], more].concat())
    };
    let differs = test(&[]).exits(6).says("1 of 1 case differs");
    assert!(
        differs.stdout.contains("\"minutes\":56") && differs.stdout.contains("\"minutes\":55"),
        "{}",
        differs.stdout
    );
    test(&["--accept"]).ok();
    assert_eq!(fs::read_to_string(&case).expect("a file"), good, "accepted rows are written as they were");
    test(&[]).ok();
}

#[test]
fn a_plugin_with_the_name_of_a_built_in_view_is_refused_before_it_is_installed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("strength.wasm");
    let component = kith_bundle::find("strength").expect("it is built in").component;
    let check = || kith(&alone(), &["plugin", "check", text(&path), "--entries", "50"]);
    fs::write(&path, component).expect("a file");
    check().ok();
    // A section that says nothing makes it another component.
    fs::write(&path, [component, &[0, 2, 1, b'x']].concat()).expect("a file");
    check()
        .exits(4)
        .says("`strength` is the name of a built-in view or report: choose another, such as `our_strength`");
}

#[test]
fn cases_with_equal_settings_and_other_logs_have_rows_of_their_own() {
    let (folder, component) = built("rust");
    let own = tempfile::tempdir().expect("a temporary folder");
    let tests = own.path().join("tests");
    fs::create_dir(&tests).expect("a folder");
    fs::copy(folder.join("kith-plugin.toml"), own.path().join("kith-plugin.toml")).expect("a copy");
    let at = json!({ "occurred_at": "2026-01-03T10:00:00Z", "scope": "network" });
    let event = |kind: &str, fact: Value| {
        let mut event = at.clone();
        event[kind] = fact;
        json!({ "event": event }).to_string()
    };
    let added = |person: &str| event("person_added", json!({ "person": person }));
    let met = event("met", json!({ "people": ["amina", "ben"] }));
    let lines = [added("amina"), added("ben"), met].join("\n");
    fs::write(tests.join("other.jsonl"), lines).expect("a file");
    fs::write(tests.join("other.json"), r#"{"log":"other.jsonl","at":"2026-02-28","rows":[]}"#).expect("a file");
    let test = |more: &[&str]| {
        let all = ["plugin", "test", text(&component), "--folder", text(own.path())];
        kith(&alone(), &[&all[..], more].concat())
    };
    test(&["--accept"]).ok();
    let alone = fs::read_to_string(tests.join("other.json")).expect("a file");
    assert!(alone.contains("\"days\":1,") && alone.matches("\"key\"").count() == 1, "{alone}");
    for file in ["log.jsonl", "everything.json"] {
        fs::copy(folder.join("tests").join(file), tests.join(file)).expect("a copy");
    }
    test(&[]).ok();
}

#[test]
fn what_cannot_be_built_or_tried_is_refused_in_words() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("no.wasm");
    fs::write(&file, "no component").expect("a file");
    let (here, file) = (text(folder.path()), text(&file));
    kith(&alone(), &["plugin", "build", "--folder", here]).exits(3).says("kith plugin new");
    kith(&alone(), &["plugin", "check", file]).exits(4).says("not a WebAssembly component");
    kith(&alone(), &["plugin", "check", "nowhere.wasm"]).exits(3).says("nowhere.wasm");
    kith(&alone(), &["plugin", "new", "No-Name", "--lang", "rust"]).exits(2).says("cannot be the name");
    kith(&alone(), &["plugin", "new", "x", "--lang", "rust", "--folder", here]).exits(2).says("is there already");
    let (_, component) = built("rust");
    let component = text(&component);
    let unknown = ["plugin", "check", component, "--settings", r#"{"minutes":1}"#];
    kith(&alone(), &unknown).exits(4).says("refuses the settings");
    let log = folder.path().join("log.jsonl");
    fs::write(&log, "{\"event\":{}}\n").expect("a file");
    kith(&alone(), &["plugin", "check", component, "--log", text(&log)]).exits(2).says("event 1");
}

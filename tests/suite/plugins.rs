//! Plugins in a network: installed, compared, activated, rolled back, paused, removed, certified; and that a bad one
//! affects nobody else.

use crate::village::{populate, token, village};
use kith_bundle::BUILTINS;
use kith_tests::{
    cli::Cli,
    hostile::{HOSTILE, WAYS},
    ran::Ran,
    server::{DataFolder, Server, kithd},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Files of components.
struct Shelf(TempDir);

impl Shelf {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path: PathBuf = self.0.path().join(name);
        fs::write(&path, bytes).expect("it is written");
        path.to_str().expect("folders of tests are UTF-8").to_owned()
    }

    /// The component of a built-in view.
    fn builtin(&self, view: &str) -> String {
        let builtin = BUILTINS.iter().find(|builtin| builtin.name == view).expect("it is built in");
        self.put(&format!("{view}.wasm"), builtin.component)
    }
}

fn ties(cli: &Cli) {
    cli.run(&["met", "amina", "ben", "--on", "2026-01-05"]).ok();
    cli.run(&["met", "amina", "ben", "--on", "2026-02-05"]).ok();
    cli.run(&["met", "amina", "carol", "--on", "2026-02-05"]).ok();
}

/// The rows of a view as of a day, without how far behind the log they are.
fn rows(cli: &Cli, view: &str) -> Vec<Value> {
    let mut rows = cli.json_lines(&["view", view, "--at", "2026-03-01"]);
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        row.retain(|name, _| !["as_of", "lag"].contains(&name.as_str()));
    }
    rows
}

/// Events of a kind in the log, oldest first.
fn administration(cli: &Cli, kind: &str) -> Vec<Value> {
    cli.json_lines(&["log", "--kind", kind])
}

#[test]
fn a_plugin_is_installed_compared_activated_gone_back_from_paused_and_removed() {
    let (_server, cli) = village();
    ties(&cli);
    let shelf = Shelf::new();
    let file = shelf.builtin("strength");

    // The built-in view's defaults.
    let usual = r#"{"half_life_days":60}"#;
    let install = ["plugin", "install", &file, "--name", "ties", "--settings", usual];
    let first = cli.json(&install);
    assert_eq!((&first["active"], &first["installed_before"]), (&json!(true), &json!(false)));
    let version = first["version"].as_str().unwrap();
    assert_eq!(rows(&cli, "ties"), rows(&cli, "strength"), "the same component gives the same rows");
    assert_eq!(rows(&cli, "ties").len(), 2);
    let again = cli.json(&install);
    assert_eq!((&again["version"], &again["installed_before"]), (&first["version"], &json!(true)));
    let other = ["plugin", "install", &file, "--name", "other"];
    cli.run(&[&other[..], &["--settings", usual]].concat()).exits(4).says("is already installed as `ties`");
    cli.run(&other).exits(4).says("this is the built-in plugin `strength`");
    cli.run(&["plugin", "diff", "ties"]).exits(4).says("is the version that answers");

    let settings = r#"{"half_life_days":10}"#;
    let second = cli.json(&["plugin", "install", &file, "--name", "ties", "--settings", settings]);
    let newer = second["version"].as_str().unwrap();
    assert_eq!((newer, &second["active"]), (format!("{version}+2").as_str(), &json!(false)));
    assert_eq!(rows(&cli, "ties"), rows(&cli, "strength"), "the first version still answers");
    let diff = cli.json(&["plugin", "diff", "ties"]);
    assert_eq!((&diff["from"], &diff["to"], &diff["rows_changed"]), (&json!(version), &json!(newer), &json!(2)));
    assert_eq!((&diff["rows_added"], &diff["rows_removed"]), (&json!(0), &json!(0)));
    assert_eq!(diff["moves"][0]["key"].as_array().unwrap().len(), 2);
    assert!(diff["from_view"]["fuel_per_event"].as_u64() > Some(0), "what each costs is told: {diff}");
    cli.run(&["plugin", "diff", "ties", "--moves", "1"]).ok().prints("2 changed").prints("Amina Shah");

    let before = rows(&cli, "ties");
    cli.run(&["plugin", "activate", &format!("ties@{newer}")]).ok().prints("answers, recorded at position");
    let after = rows(&cli, "ties");
    assert_ne!(after, before);
    cli.run(&["plugin", "activate", &format!("ties@{newer}")]).ok().prints("nothing had to change");
    assert_eq!(cli.json(&["plugin", "rollback", "ties"])["version"], version);
    assert_eq!(rows(&cli, "ties"), before);
    cli.run(&["plugin", "rollback", "ties"]).exits(4).says("no version to go back to");

    cli.run(&["plugin", "pause", "ties"]).ok();
    cli.run(&["met", "carol", "dan", "--on", "2026-02-07"]).ok();
    assert_eq!(rows(&cli, "ties"), before, "a paused view answers as of where it is");
    assert_eq!(rows(&cli, "strength").len(), 3);
    let listed = cli.json_lines(&["view"]);
    let ties = listed.iter().find(|view| view["name"] == "ties").unwrap();
    assert_eq!((&ties["state"], ties["lag"].as_u64() > Some(0)), (&json!("paused"), true));
    cli.run(&["plugin", "resume", "ties"]).ok();
    assert_eq!(rows(&cli, "ties"), rows(&cli, "strength"));

    cli.run(&["plugin", "remove", "ties"]).ok();
    cli.run(&["view", "ties"]).exits(3).says("there is no view ties");
    cli.run(&["plugin", "remove", "ties"]).exits(3).says("no plugin is called `ties`");
    assert_eq!(cli.json_lines(&["plugin", "list"]), Vec::<Value>::new());
    cli.run(&install).ok();
    assert_eq!(rows(&cli, "ties"), rows(&cli, "strength"), "installed again, the rows are back");

    let installed = administration(&cli, "plugin_installed");
    let digests: Vec<_> =
        installed.iter().map(|entry| entry["event"]["plugin_installed"]["component"].clone()).collect();
    assert_eq!(digests.len(), 3, "{installed:?}");
    for (kind, times) in [("plugin_activated", 4), ("plugin_paused", 2), ("plugin_removed", 1)] {
        assert_eq!(administration(&cli, kind).len(), times, "{kind}");
    }
}

#[test]
fn plugins_outlive_restarts_and_move_with_backups() {
    let (server, cli) = village();
    ties(&cli);
    let settings = r#"{"half_life_days":10}"#;
    let install = ["plugin", "install", "--builtin", "strength", "--name", "ties", "--settings", settings];
    cli.run(&install).ok();
    cli.run(&["plugin", "install", &Shelf::new().put("hostile.wasm", &HOSTILE)]).ok();
    let expected = (rows(&cli, "ties"), rows(&cli, "hostile"));
    cli.run(&["plugin", "pause", "hostile"]).ok();
    let data = server.kill();
    let server = Server::start_on(data, &[]);
    let cli = server.cli();
    assert_eq!((rows(&cli, "ties"), rows(&cli, "hostile")), expected);
    let listed = cli.json_lines(&["plugin", "list"]);
    assert_eq!(listed.iter().map(|plugin| plugin["paused"].clone()).collect::<Vec<_>>(), [json!(true), json!(false)]);

    let shelf = tempfile::tempdir().unwrap();
    let file = |name: &str| shelf.path().join(name).to_str().unwrap().to_owned();
    cli.run(&["admin", "backup", "--to", &file("log")]).ok();
    let token = server.token();
    let data = server.data();
    assert!(server.terminate().success());
    kithd(&["backup-keys", "--data", data.path().to_str().unwrap(), "--to", &file("keys")]).ok();
    let elsewhere = Arc::<DataFolder>::default();
    let folder = elsewhere.path().to_str().unwrap();
    kithd(&["restore-keys", "--from", &file("keys"), "--data", folder]).ok();
    kithd(&["restore", "--from", &file("log"), "--data", folder]).ok();
    kithd(&["check", "--data", folder]).ok();
    let restored = Server::start_on(elsewhere.clone(), &[]);
    let cli = Cli::new(&restored.url(), &token);
    assert_eq!((rows(&cli, "ties"), rows(&cli, "hostile").len()), (expected.0, expected.1.len()));
}

#[test]
fn an_organisations_plugin_is_for_that_organisation_alone() {
    let (_server, owner) = village();
    ties(&owner);
    let (_, secret) = token(&owner, &["--role", "analyst", "--organisation", "riverside"]);
    let analyst = owner.token(&secret);
    let (_, secret) = token(&owner, &["--role", "recorder", "--organisation", "riverside"]);
    let recorder = owner.token(&secret);
    let (_, secret) = token(&owner, &["--role", "owner", "--organisation", "hillside"]);
    let hillside = owner.token(&secret);
    recorder.run(&["met", "amina", "ben", "--on", "2026-02-20", "--scope", "organisation"]).ok();

    let file = Shelf::new();
    let file = file.builtin("strength");
    let install = ["plugin", "install", &file, "--name", "own", "--scope", "organisation"];
    recorder.run(&install).exits(4).says("this token may not do this");
    owner.run(&install).exits(4).says("needs a token with an organisation");
    analyst.run(&install).ok();
    let met = |cli: &Cli, view: &str| rows(cli, view)[0]["met"].clone();
    assert_eq!((met(&analyst, "own"), met(&recorder, "own"), met(&owner, "strength")), (json!(3), json!(3), json!(2)));

    for other in [&owner, &hillside] {
        other.run(&["view", "own"]).exits(3).says("there is no view own");
        other.run(&["why", "own", "amina", "ben"]).exits(3);
        other.run(&["plugin", "diff", "own"]).exits(3);
        other.run(&["plugin", "remove", "own"]).exits(3).says("no plugin is called `own`");
        other.run(&["plugin", "certify", "own"]).exits(3);
        let listed = other.json_lines(&["plugin", "list"]);
        assert_eq!(listed.len(), 1, "an owner of the network hears of a cost: {listed:?}");
        let fields: Vec<_> = listed[0].as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields, ["installed", "organisation", "bytes", "fuel"], "and of nothing else");
        assert!(other.json_lines(&["view"]).iter().all(|view| view["name"] != "own"));
    }
    hillside.run(&install).ok();
    let own = json!([["own", "hillside"]]);
    let named = |cli: &Cli| {
        let listed = cli.json_lines(&["plugin", "list"]);
        let seen = listed.iter().filter(|plugin| plugin["name"].is_string());
        seen.map(|plugin| json!([plugin["name"], plugin["organisation"]])).collect::<Value>()
    };
    assert_eq!(named(&hillside), own, "another organisation's plugin does not take the name");
    assert_eq!((met(&analyst, "own"), met(&hillside, "own")), (json!(3), json!(2)));
    recorder.run(&["plugin", "remove", "own"]).exits(4).says("this token may not do this");
    analyst.run(&["plugin", "remove", "own"]).ok();
}

#[test]
fn what_cannot_be_a_plugin_is_refused_with_the_reason() {
    let (_server, cli) = village();
    let shelf = Shelf::new();
    let importing = r#"(component (import "clock" (func (result u64))))"#;
    let importing = shelf.put("importing.wasm", &wat::parse_str(importing).unwrap());
    let empty = shelf.put("empty.wasm", &wat::parse_str("(component)").unwrap());
    let text = shelf.put("text.wasm", b"This is no component.");
    let nothing = shelf.put("nothing.wasm", b"");
    let huge = shelf.put("huge.wasm", &vec![0; 33 << 20]);
    let strength = shelf.builtin("strength");
    let install = |arguments: &[&str]| -> Ran { cli.run(&[&["plugin", "install"], arguments].concat()) };
    install(&[&importing]).exits(4).says("the component imports clock; a plugin imports nothing");
    install(&[&empty]).exits(4).says("kith:view/view@1.0.0 is needed");
    install(&[&text]).exits(4).says("not a WebAssembly component");
    install(&[&nothing]).exits(4).says("data: is missing");
    install(&[&huge]).exits(4).says("more than 33554432 bytes");
    install(&["absent.wasm"]).exits(3).says("cannot read absent.wasm");
    install(&[]).exits(2);
    install(&[&strength]).exits(4).says("is built in: give the plugin another name");
    install(&[&strength, "--name", "Ties!"]).exits(4).says("is not a name");
    install(&[&strength, "--name", "ties", "--settings", "[]"]).exits(2).says("no JSON object");
    let twice = r#"{"half_life_days":9,"half_life_days":1}"#;
    install(&[&strength, "--name", "ties", "--settings", twice]).exits(2).says("`half_life_days` is there twice");
    install(&[&strength, "--name", "ties", "--settings", r#"{"half_life":1}"#]).exits(4).says("half_life");
    install(&["--builtin", "absent", "--name", "ties"]).exits(3).says("no built-in view or report is called absent");
    cli.run(&["plugin", "activate", "ties"]).exits(2).says("NAME@VERSION");
    cli.run(&["plugin", "activate", "ties@1"]).exits(3).says("no plugin is called `ties`");
    cli.run(&["plugin", "pause", "strength"]).exits(4).says("is built in");
    let (_, secret) = token(&cli, &["--role", "recorder"]);
    cli.token(&secret).run(&["plugin", "install", &strength, "--name", "ties"]).exits(4);
    assert_eq!(cli.json_lines(&["plugin", "list"]), Vec::<Value>::new());
    assert_eq!(administration(&cli, "plugin_installed"), Vec::<Value>::new(), "nothing was recorded");
    install(&[&strength, "--name", "ties", "--settings", r#"{"half_life_days":9}"#]).ok();
    cli.run(&["plugin", "activate", "ties@9"]).exits(3).says("has no version 9");
}

#[test]
fn certified_rows_follow_from_the_log_or_are_found_out() {
    let (server, cli) = village();
    ties(&cli);
    cli.run(&["plugin", "install", "--builtin", "strength", "--name", "own", "--settings", r#"{"half_life_days":10}"#])
        .ok();
    let shelf = Shelf::new();
    let certify = |flags: &[&str]| cli.run(&[&["plugin", "certify"], flags].concat()).ok().stdout;
    let certificate = certify(&["own", "--at", "2026-03-01"]);
    let file = shelf.put("own.certificate", certificate.as_bytes());
    cli.run(&["met", "amina", "dan", "--on", "2026-02-27"]).ok();
    let verify = |file: &str| cli.run(&["plugin", "verify-certificate", file]);
    verify(&file).ok().prints("verified: own has these 2 rows as of 2026-03-01 UTC");
    verify(&shelf.put("strength.certificate", certify(&["strength"]).as_bytes())).ok().prints("these 3 rows");

    let altered = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut certificate: Value = serde_json::from_str(&certificate).unwrap();
        change(&mut certificate);
        shelf.put(name, certificate.to_string().as_bytes())
    };
    let digest = altered("digest", &|certificate| certificate["rows_digest"] = "00".repeat(32).into());
    verify(&digest).exits(6).says("are certified");
    verify(&altered("rows", &|certificate| certificate["rows"] = 3.into())).exits(6);
    verify(&altered("day", &|certificate| certificate["day"] = "2026-02-28".into())).exits(6);
    verify(&altered("settings", &|certificate| certificate["settings"] = json!({ "half_life_days": 11 }))).exits(6);
    let checkpoint = |certificate: &mut Value| {
        let text = certificate["checkpoint"].as_str().unwrap().replacen("\n1", "\n2", 1);
        certificate["checkpoint"] = text.into();
    };
    verify(&altered("checkpoint", &checkpoint)).exits(6);
    verify(&shelf.put("text", b"This is no certificate.")).exits(6).says("not a certificate");
    let other = shelf.builtin("help");
    cli.run(&["plugin", "verify-certificate", &file, "--component", &other]).exits(6).says("not the certified one");
    drop(server);
}

#[test]
fn whoever_watches_hears_that_another_version_answers() {
    let (_server, cli) = village();
    ties(&cli);
    let install = ["plugin", "install", "--builtin", "strength", "--name", "own", "--settings"];
    cli.run(&[&install[..], &[r#"{"half_life_days":10}"#]].concat()).ok();
    let second = cli.json(&[&install[..], &[r#"{"half_life_days":20}"#]].concat());
    let mut watch = cli.command(&["watch", "own", "-o", "json"]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut lines = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let first: Vec<_> = lines.by_ref().take(2).collect();
    cli.run(&["plugin", "activate", &format!("own@{}", second["version"].as_str().unwrap())]).ok();
    assert_eq!(lines.next().unwrap()["reset"], true);
    let then: Vec<_> = lines.by_ref().take(2).collect();
    assert_eq!(
        then.iter().map(|row| &row["key"]).collect::<Vec<_>>(),
        first.iter().map(|row| &row["key"]).collect::<Vec<_>>()
    );
    assert_ne!(then[0]["score"], first[0]["score"]);
    watch.kill().unwrap();
    watch.wait().unwrap();
}

/// The time that a number of appends takes, one after the other.
fn appends(cli: &Cli, shelf: &Shelf, name: &str, count: usize) -> Duration {
    let line = |number: usize| {
        let day = 1 + number % 28;
        format!(
            "{{\"event\":{{\"occurredAt\":\"2026-01-{day:02}T10:00:00Z\",\"scope\":\"SCOPE_NETWORK\",\
             \"met\":{{\"people\":[\"amina\",\"ben\"]}}}}}}\n"
        )
    };
    let file = shelf.put(name, (0..count).map(line).collect::<String>().as_bytes());
    let begun = Instant::now();
    cli.run(&["import", &file]).ok();
    begun.elapsed()
}

#[test]
fn a_bad_plugin_harms_its_own_view_alone() {
    let (_server, cli) = village();
    let shelf = Shelf::new();
    let file = shelf.put("hostile.wasm", &HOSTILE);
    for mode in WAYS {
        let settings = format!(r#"{{"{mode}":1}}"#);
        cli.run(&["plugin", "install", &file, "--name", &format!("bad_{mode}"), "--settings", &settings]).ok();
    }
    // The poison: an entry with an attribute.
    cli.run(&["met", "carol", "dan", "--on", "2026-01-05", "--attribute", "poison=1"]).ok();
    let position = cli.json(&["head"])["position"].clone();
    appends(&cli, &shelf, "first.jsonl", 2_000);
    let strength = rows(&cli, "strength");
    assert_eq!(strength.len(), 2, "the views of others go on");
    for mode in WAYS {
        let name = format!("bad_{mode}");
        let deadline = Instant::now() + Duration::from_mins(4);
        let view = loop {
            let views = cli.json_lines(&["view"]);
            let view = views.into_iter().find(|view| view["name"] == name.as_str()).unwrap();
            if view["lag"] == 0 && view["quarantined"] != json!([]) {
                break view;
            }
            assert!(Instant::now() < deadline, "{view}");
            std::thread::sleep(Duration::from_millis(50));
        };
        let quarantined = &view["quarantined"][0];
        assert_eq!((&quarantined["key"], &quarantined["position"]), (&json!(["carol", "dan"]), &position), "{mode}");
        assert!(!quarantined["message"].as_str().unwrap().is_empty(), "what happened is told");
        assert_eq!(rows(&cli, &name)[0]["count"], 2_000, "every other key of {name} goes on");
        // A loop is ended by its fuel or, on a busy machine, by the clock.
        if mode != "l" {
            let earlier = (position.as_u64().unwrap() + 10).to_string();
            let earlier = cli.json_lines(&["view", &name, "--as-of", &earlier]);
            assert_eq!(earlier[0]["count"], 10, "and as of an earlier position, computed when it is asked for");
        }
    }
}

#[test]
fn a_view_that_stopped_says_which_it_is_and_why() {
    let server = Server::start();
    let cli = server.cli();
    let shelf = Shelf::new();
    let people: Vec<String> = (0..16).map(|number| format!("guest-{number}")).collect();
    for person in &people {
        cli.run(&["person", "add", person, "--id", person]).ok();
    }
    let before = cli.head().to_string();
    let file = shelf.put("hostile.wasm", &HOSTILE);
    cli.run(&["plugin", "install", &file, "--name", "bad", "--settings", r#"{"t":1}"#]).ok();
    // 120 pairs at once: more than a view may fail on.
    let met = ["met", "--attribute", "poison=1"].into_iter().chain(people.iter().map(String::as_str));
    cli.run(&met.collect::<Vec<_>>()).ok();
    let deadline = Instant::now() + Duration::from_mins(1);
    while cli.json_lines(&["view"]).iter().all(|view| view["name"] != "bad" || view["state"] != "stopped") {
        assert!(Instant::now() < deadline, "it goes on");
        std::thread::sleep(Duration::from_millis(50));
    }
    cli.run(&["met", &people[0], &people[1]]).ok();
    for asked in [&["view", "bad"][..], &["view", "bad", "--as-of", &before], &["view", "bad", "--at", "2026-01-05"]] {
        let error = cli.run_json(asked).exits(5).json_error();
        let message = error["message"].as_str().unwrap();
        assert_eq!(error["reason"], "VIEW_STOPPED", "{asked:?}");
        assert!(message.contains("the view bad stopped: too many keys are in quarantine"), "{asked:?}: {message}");
    }
}

/// A server, with 120 pairs on which [`HOSTILE`] fails if its settings begin with `t`: more than a view may fail on.
fn poisoned() -> (Server, Cli) {
    let server = Server::start();
    let cli = server.cli();
    let people: Vec<String> = (0..16).map(|number| format!("guest-{number:02}")).collect();
    for person in &people {
        cli.run(&["person", "add", person, "--id", person]).ok();
    }
    let met = ["met", "--attribute", "poison=1"].into_iter().chain(people.iter().map(String::as_str));
    cli.run(&met.collect::<Vec<_>>()).ok();
    (server, cli)
}

#[test]
fn an_install_that_fails_leaves_nothing_that_answers() {
    let (_server, cli) = poisoned();
    let file = Shelf::new();
    let file = (file.put("hostile.wasm", &HOSTILE), file);
    let install =
        |name: &str, settings: &str| cli.run(&["plugin", "install", &file.0, "--name", name, "--settings", settings]);
    let refused = install("bad", r#"{"t":1}"#).exits(4).says("bad was removed again");
    assert!(refused.stderr.contains("100 keys in quarantine") || refused.stderr.contains("keys in quarantine"));
    assert!(refused.stderr.contains("guest-00, guest-01 at entry "), "{}", refused.stderr);
    cli.run(&["view", "bad"]).exits(3);
    install("bad", "{}").ok().prints("bad@1 installed").says("it answers: kith view bad");
    install("bad", r#"{"t":1}"#).exits(4).says("it does not answer");
    assert_eq!(cli.json_lines(&["view", "bad"]).len(), 120, "the one before still answers");
}

#[test]
fn a_view_that_stops_as_soon_as_it_is_level_is_never_an_empty_table() {
    let (_server, cli) = poisoned();
    let shelf = Shelf::new();
    let file = shelf.put("hostile.wasm", &HOSTILE);
    let tried = cli.run(&["plugin", "try", &file, "--settings", r#"{"t":1}"#]).exits(4);
    let expected =
        "the view stopped: too many keys are in quarantine: 120 keys, such as guest-00, guest-01 at entry 17: ";
    assert!(tried.stderr.contains(expected), "{}", tried.stderr);
    cli.run(&["plugin", "install", &file, "--name", "bad", "--settings", r#"{"t":1}"#, "--no-wait"]).ok();
    let deadline = Instant::now() + Duration::from_mins(1);
    while cli.json_lines(&["view"]).iter().all(|view| view["name"] != "bad" || view["state"] != "stopped") {
        assert!(Instant::now() < deadline, "it goes on");
        std::thread::sleep(Duration::from_millis(50));
    }
    let asked = cli.run_json(&["view", "bad"]).exits(5).json_error();
    assert!(asked["message"].as_str().unwrap().contains("too many keys are in quarantine: 120 keys"), "{asked}");
}

#[test]
fn a_table_says_that_keys_in_quarantine_are_missing() {
    let (_server, cli) = village();
    let shelf = Shelf::new();
    let file = shelf.put("hostile.wasm", &HOSTILE);
    cli.run(&["met", "amina", "ben", "--on", "2026-01-05"]).ok();
    cli.run(&["met", "amina", "carol", "--attribute", "poison=1", "--on", "2026-01-06"]).ok();
    let installed = cli.run(&["plugin", "install", &file, "--name", "bad", "--settings", r#"{"t":1}"#]).ok();
    installed.says("1 key in quarantine, such as amina, carol at entry ");
    cli.run(&["view", "bad"]).ok().says("1 key is missing or behind, because a plugin fails on it");
    let views = cli.json_lines(&["view"]);
    let bad = views.iter().find(|view| view["name"] == "bad").unwrap();
    let before = bad["quarantined"][0]["position"].as_u64().unwrap() - 1;
    let earlier = cli.run(&["view", "bad", "--as-of", &before.to_string()]).ok();
    assert!(!earlier.stderr.contains("missing"), "{}", earlier.stderr);
    cli.run(&["plugin", "list"]).ok().prints("1 key in quarantine, such as amina, carol at entry ");
    let other = cli.run(&["plugin", "try", &file, "--settings", r#"{"t":1}"#]).exits(4);
    assert!(other.stderr.contains("the plugin fails on amina, carol at entry "), "{}", other.stderr);
}

#[test]
fn a_network_without_the_right_to_see_a_component_does_not_get_it() {
    let (_server, cli) = village();
    let shelf = Shelf::new();
    cli.run(&["plugin", "install", &shelf.put("hostile.wasm", &HOSTILE)]).ok();
    cli.run(&["network", "add", "south"]).ok();
    let south = cli.network("south");
    populate(&south);
    ties(&south);
    south.run(&["view", "hostile"]).exits(3);
    south.run(&["plugin", "install", &shelf.put("again.wasm", &HOSTILE)]).ok();
    cli.run(&["plugin", "remove", "hostile"]).ok();
    assert_eq!(rows(&south, "hostile").len(), 2, "the other network keeps the component");
}

#[test]
fn plugins_that_the_network_installed_run_on_a_replica_too() {
    let (_server, cli) = village();
    cli.run(&["met", "amina", "ben", "--on", "2026-01-05"]).ok();
    let install = ["plugin", "install", "--builtin", "strength", "--name", "own", "--settings"];
    cli.run(&[&install[..], &[r#"{"half_life_days":9}"#]].concat()).ok();
    let shelf = Shelf::new();
    cli.run(&["plugin", "install", &shelf.put("hostile.wasm", &HOSTILE)]).ok();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("replica");
    let there = |arguments: &[&str]| {
        let mut command = cli.command(arguments);
        Ran::run(command.env("KITH_REPLICA", &folder), "")
    };
    there(&["sync"]).ok();
    for view in ["own", "hostile"] {
        let asked = ["view", view, "--at", "2026-03-01", "-o", "json"];
        let here = there(&asked).ok().json_lines();
        assert_eq!(here.len(), 1, "{view}");
        assert_eq!(here[0]["key"], rows(&cli, view)[0]["key"]);
        let digest = ["view", view, "--at", "2026-03-01", "--digest", "-o", "json"];
        assert_eq!(there(&digest).ok().json()["rows_digest"], cli.json(&digest[..5])["rows_digest"], "{view}");
    }
    cli.run(&["plugin", "remove", "hostile"]).ok();
    there(&["sync"]).ok();
    there(&["view", "hostile"]).exits(3);
}

#[test]
fn a_person_that_a_view_has_not_come_to_is_not_said_to_be_missing() {
    let server = Server::start();
    let cli = server.cli();
    for id in ["amina", "ben"] {
        cli.run(&["person", "add", id, "--id", id]).ok();
    }
    cli.run(&["plugin", "install", "--builtin", "strength", "--name", "own", "--settings", r#"{"half_life_days":9}"#])
        .ok();
    cli.run(&["view", "own", "--wait", "20"]).ok();
    cli.run(&["plugin", "pause", "own"]).ok();
    let paused_at = cli.json(&["head"])["position"].as_u64().unwrap();
    cli.run(&["person", "add", "nova", "--id", "nova"]).ok();

    cli.run(&["view", "own"]).ok().says("entries behind the log");
    let empty = cli.run_json(&["view", "own"]).exits(5).json_error();
    assert_eq!(empty["reason"], "VIEW_BUILDING", "no rows are no answer for programs: {empty}");
    let lagging = cli.run_json(&["view", "own", "--person", "nova"]).exits(5).json_error();
    assert_eq!(lagging["reason"], "VIEW_BUILDING", "{lagging}");
    cli.run(&["why", "own", "nova", "amina"]).exits(5).says("has not reached the entry of");
    cli.run(&["view", "own", "--person", "nobody"]).exits(3);
    cli.run(&["plugin", "resume", "own"]).ok();
    cli.run(&["view", "own", "--person", "nova", "--wait", "20"]).ok();

    cli.run(&["met", "amina", "ben", "--on", "2026-01-05"]).ok();
    let level = &cli.json_lines(&["view", "own", "--wait", "20"])[0];
    assert_eq!((level.get("as_of"), level.get("lag")), (None, None), "{level}");
    cli.run(&["plugin", "pause", "own"]).ok();
    cli.run(&["met", "amina", "nova", "--on", "2026-01-06"]).ok();
    let behind = &cli.json_lines(&["view", "own"])[0];
    assert!(behind["as_of"].as_u64().unwrap() > paused_at && behind["lag"].as_u64().unwrap() > 0, "{behind}");
}

//! What people type and what their files contain, with the real `kith`: pipes, byte order marks, days in other zones,
//! lists in other layouts.

use crate::village::village;
use kith_bundle::BUILTINS;
use kith_tests::{cli::Cli, ran::Ran};
use std::{
    fs,
    process::{Command, Stdio},
};

const MET: &str =
    r#"{"event":{"occurred_at":"2026-03-06T10:00:00Z","scope":"network","met":{"people":["amina","ben"]}}}"#;
const EDGES: [&str; 8] = ["--columns", "time,from,to", "--epoch", "2026-01-01T00:00:00Z", "--unit", "s", "--as", "met"];

/// Runs a shell command line in which `kith` is the real one.
fn shell(cli: &Cli, line: &str) -> Ran {
    let kith = cli.command(&[]);
    let mut command = Command::new("bash");
    for (name, value) in kith.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("KITH", kith.get_program()).args(["-c", line]);
    Ran::run(&mut command, "")
}

#[test]
fn whatever_can_be_read_is_imported_whole_and_once() {
    let (_server, cli) = village();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.jsonl");
    fs::write(&file, format!("{MET}\n")).unwrap();
    let file = file.to_str().unwrap();
    let head = cli.head();
    let check = |line: String, expected: &str| shell(&cli, &line).ok().prints(expected);
    check(format!("\"$KITH\" import <(cat {file})"), "1 accepted, 0 duplicates");
    check(format!("cat {file} | \"$KITH\" import /dev/stdin"), "0 accepted, 1 duplicate,");
    check(format!("\"$KITH\" import - < {file}"), "0 accepted, 1 duplicate,");
    check(format!("gzip -c {file} | \"$KITH\" import -"), "0 accepted, 1 duplicate,");
    let fifo = folder.path().join("fifo");
    let fifo = fifo.to_str().unwrap();
    check(format!("mkfifo {fifo}; cat {file} > {fifo} & \"$KITH\" import {fifo}"), "0 accepted, 1 duplicate,");
    assert_eq!(cli.head(), head + 1);
    check(format!("gzip -c {file} | \"$KITH\" record -"), "1: recorded");
    assert_eq!(cli.head(), head + 2);
    let blank = folder.path().join("blank.jsonl");
    fs::write(&blank, "\n\n").unwrap();
    cli.run(&["import", blank.to_str().unwrap()]).ok().says("contains no records");
}

#[test]
fn components_proofs_and_backups_come_from_pipes() {
    let (_server, cli) = village();
    cli.run(&["met", "amina", "ben", "--on", "2026-01-05"]).ok();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let strength = BUILTINS.iter().find(|builtin| builtin.name == "strength").unwrap();
    fs::write(path("strength.wasm"), strength.component).unwrap();
    let file = path("strength.wasm");
    let tuned = |days: u8| format!("--settings '{{\"half_life_days\":{days}}}'");
    let check = |line: String, expected: &str| shell(&cli, &line).ok().prints(expected);
    let install = format!("\"$KITH\" plugin install <(cat {file}) --name substituted {}", tuned(30));
    check(install, "substituted@2.0.0 installed");
    let install = format!("cat {file} | \"$KITH\" plugin install - --name piped {}", tuned(31));
    check(install, "piped@2.0.0 installed");
    let fifo = path("fifo");
    let install = format!("plugin install {fifo} --name named {}", tuned(32));
    check(format!("mkfifo {fifo}; cat {file} > {fifo} & \"$KITH\" {install}"), "named@2.0.0 installed");
    check(format!("cat {file} | \"$KITH\" plugin check - --entries 100"), "strength");
    check(format!("cat {file} | \"$KITH\" plugin try /dev/stdin --top 1"), "Amina Shah · Ben Okoro");
    let endless = shell(&cli, "\"$KITH\" plugin install /dev/zero --name endless");
    endless.exits(4).says("more than 33554432 bytes");

    check("\"$KITH\" audit checkpoint | \"$KITH\" audit verify -".to_owned(), "verified: ");
    check("\"$KITH\" audit verify <(\"$KITH\" audit checkpoint)".to_owned(), "verified: ");

    cli.run(&["admin", "backup", "--to", &path("backup")]).ok();
    let piped = path("piped");
    shell(&cli, &format!("\"$KITH\" admin backup --to - | cat > {piped}")).ok().says("- holds default up to");
    assert_eq!(fs::read(&piped).unwrap().len(), fs::read(path("backup")).unwrap().len());
}

#[test]
fn byte_order_marks_are_passed_over_and_utf_16_is_named() {
    let (_server, cli) = village();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("bom.jsonl"), format!("\u{feff}{MET}\n")).unwrap();
    cli.run(&["import", &path("bom.jsonl")]).ok().prints("1 accepted, 0 duplicates, 0 refused");
    fs::write(path("bom.csv"), "\u{feff}100,amina,ben\n200,amina,ben\n").unwrap();
    let bom = path("bom.csv");
    cli.run(&[&["import", "edges", &bom][..], &EDGES].concat()).ok().prints("2 accepted");
    let utf_16: Vec<u8> = MET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(path("utf-16.jsonl"), utf_16).unwrap();
    cli.run(&["import", &path("utf-16.jsonl")]).exits(2).says("is UTF-16");
    cli.run(&["record", &path("utf-16.jsonl")]).exits(2).says("is UTF-16");
}

#[test]
fn an_event_is_imported_once_however_its_people_are_written_down() {
    let (_server, cli) = village();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("turned.jsonl");
    let turned = MET.replace(r#"["amina","ben"]"#, r#"["ben","amina"]"#);
    let noted = |text: &str| {
        let detail = format!(r#""details":[{{"kind":"note","subjects":["amina"],"text":"{text}"}}]"#);
        MET.replacen('{', &format!("{{{detail},"), 1)
    };
    for (lines, accepted) in [(MET, 1), (&turned, 0), (&noted("a word"), 0), (&noted("another word"), 0)] {
        fs::write(&path, lines).unwrap();
        let imported = cli.json(&["import", path.to_str().unwrap()]);
        assert_eq!(imported["accepted"], accepted, "{lines}");
    }
}

#[test]
fn days_and_times_without_a_zone_are_those_of_whoever_types() {
    let (_server, cli) = village();
    for zone in ["Pacific/Auckland", "Asia/Kolkata", "America/Los_Angeles", "UTC"] {
        for (on, occurred) in [
            ("today", None),
            ("$(date +%F)", None),
            ("$(date '+%F %H:%M')", None),
            ("2026-03-04 15:03", Some("date -u -d @$(date -d '2026-03-04 15:03' +%s) +%FT%TZ")),
            ("2026-03-04", Some("date -u -d @$(date -d '2026-03-04 12:00' +%s) +%FT%TZ")),
        ] {
            let line = format!("export TZ={zone}; \"$KITH\" met amina ben --on \"{on}\"");
            shell(&cli, &line).ok();
            if let Some(occurred) = occurred {
                let expected = shell(&cli, &format!("export TZ={zone}; {occurred}")).ok().stdout;
                let last = cli.json_lines(&["log", "--newest", "--limit", "1"]);
                assert_eq!(last[0]["occurred_at"], expected.trim(), "{zone} {on}");
            }
        }
    }
    cli.run(&["log", "--newest", "--limit", "1"]).ok().prints("2026-03-04 12:00Z");
    cli.run(&["view", "strength", "--at", "2026-03-05"]).ok().says("as of 2026-03-05 UTC");
    let mut unknown = cli.command(&["met", "amina", "ben", "--on", "today"]);
    Ran::run(unknown.env("TZ", "Nowhere/AtAll"), "").exits(2).says("TZ names no time zone");
}

#[test]
fn the_same_messages_in_another_order_are_the_same_messages() {
    let (_server, cli) = village();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("messages.csv");
    let import = |rows: &str| {
        fs::write(&path, rows).unwrap();
        let flags = ["--columns", "from,to,time", "--epoch", "2026-01-01", "--as", "followed-up", "--group"];
        let imported = cli.json(&[&["import", "edges", path.to_str().unwrap()][..], &flags].concat());
        (imported["accepted"].as_u64().unwrap(), imported["duplicates"].as_u64().unwrap())
    };
    assert_eq!(import("amina,ben,20000\namina,carol,20000\n"), (1, 0));
    assert_eq!(import("amina,carol,20000\namina,ben,20000\n"), (0, 1));
}

#[test]
fn names_are_found_however_they_are_spelt() {
    let (_server, cli) = village();
    for (name, id) in [("José Nuñez", "jose"), ("Mary\u{a0}Poole", "mary"), ("Jürgen Großmann", "jg")] {
        cli.run(&["person", "add", name, "--id", id]).ok();
    }
    for (typed, id) in [("Jose\u{301}", "jose"), ("jose", "jose"), ("Mary  Poole", "mary"), ("GROSSMANN", "jg")] {
        assert_eq!(cli.json(&["person", "show", typed])["id"], id, "{typed}");
    }
    cli.run(&["org", "add", "Клиника № 3"]).exits(2).says("--id");
    assert_eq!(cli.json(&["org", "add", "Ärztehaus Köln"])["organisation"], "arztehaus-koln");
}

#[test]
fn words_may_begin_with_a_dash_and_empty_ones_are_none() {
    let (_server, cli) = village();
    let note = |typed: &str| {
        cli.run(&["met", "amina", "ben", "--note", typed, "--place", "-1 floor"]).ok();
        let last = cli.json_lines(&["log", "--newest", "--limit", "1"]);
        let details = last[0]["details"].as_array().unwrap().clone();
        details.iter().find(|detail| detail["kind"] == "note").map(|note| note["text"].as_str().unwrap().to_owned())
    };
    assert_eq!(note("- spoke about letters").as_deref(), Some("- spoke about letters"));
    assert_eq!(note("-5 degrees").as_deref(), Some("-5 degrees"));
    assert_eq!(note(""), None);
    cli.run(&["person", "add", "-ann", "--id", "-1"]).ok();
    cli.run(&["met", "amina", "-1", "--note", "x"]).ok();
    cli.run(&["log", "--person", "-1", "--kind", "met"]).ok().prints("Amina Shah and -ann met");
    cli.run(&["org", "add", "-helpers", "--id", "helpers"]).ok().prints("recorded");
    cli.run(&["org", "add", "--helpers"]).exits(2);
}

#[test]
fn variables_that_are_no_text_are_not_taken_for_unset() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};
    let (_server, cli) = village();
    let head = cli.head();
    for name in ["KITH_NETWORK", "KITH_SERVER", "KITH_TOKEN"] {
        let mut met = cli.command(&["met", "amina", "ben"]);
        Ran::run(met.env(name, OsString::from_vec(b"other\xff".to_vec())), "").exits(2).says(name);
    }
    let folder = tempfile::tempdir().unwrap();
    let replica = folder.path().join(OsString::from_vec(b"replica\xff".to_vec()));
    Ran::run(cli.command(&["sync"]).env("KITH_REPLICA", &replica), "").ok();
    Ran::run(cli.command(&["met", "amina", "ben"]).env("KITH_REPLICA", &replica), "").ok().prints("queued");
    assert_eq!(cli.head(), head);
}

#[test]
fn names_cannot_steer_the_terminal_or_forge_lines() {
    let (_server, cli) = village();
    for (name, rule) in [
        ("Eve\u{202e}nitirw", "turn the direction of text"),
        ("Sam\n  ben  Ben Okoro", "a name on one line"),
        ("Eve\u{2028}  ben", "a name on one line"),
        ("\u{200b}\u{3164} ", "a letter or digit that can be seen"),
        ("   ", "a letter or digit that can be seen"),
    ] {
        cli.run(&["person", "add", name, "--id", "forged"]).exits(4).says("details.text").says(rule);
        cli.run(&["person", "change", "amina", "--name", name]).exits(4).says(rule);
        cli.run(&["org", "add", name, "--id", "forged"]).exits(4).says("event.organisation_added.name").says(rule);
    }
    cli.run(&["person", "add", "Eve", "--id", "eve"]).ok();
    cli.run(&["met", "amina", "eve", "--note", "Eve\u{202e}nitirw"]).ok();
    let last = cli.run(&["log", "--newest", "--limit", "1"]).ok();
    assert!(last.stdout.contains("Eve nitirw") && !last.stdout.contains('\u{202e}'), "{}", last.stdout);
    cli.run(&["person", "add", "Eve Two", "--role", "GP\u{2028}  ben  Ben\u{202e} Okoro", "--id", "eve2"]).ok();
    let question = cli.run(&["met", "amina", "eve"]).ok();
    assert!(question.stdout.contains("recorded"), "an id always wins");
    let question = cli.run(&["met", "amina", "ev"]).exits(2);
    assert_eq!(question.stderr.lines().count(), 3, "one line a candidate: {}", question.stderr);
    assert!(!question.stderr.contains(['\u{202e}', '\u{2028}']), "{}", question.stderr);
}

#[test]
fn large_whole_numbers_survive_readers_that_round() {
    let (_server, cli) = village();
    cli.run(&["met", "amina", "ben", "--attribute", "n:=9007199254740993", "--attribute", "small:=7"]).ok();
    let last = cli.json_lines(&["log", "--newest", "--limit", "1"]).remove(0);
    let attributes = &last["event"]["attributes"];
    assert_eq!((&attributes[0]["integer"], &attributes[1]["integer"]), (&"9007199254740993".into(), &7.into()));
    let again = serde_json::json!({ "event": last["event"] }).to_string();
    cli.run_with_input(&["record", "-"], &again).ok().prints("already recorded");
}

#[test]
fn records_that_a_file_holds_twice_are_counted_apart() {
    let (_server, cli) = village();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.jsonl");
    let with_id = MET.replacen(r#"{"event":{"#, r#"{"event":{"id":"018f0000-0000-7000-8000-00000000abcd","#, 1);
    fs::write(&file, format!("{with_id}\n{MET}\n{with_id}\n")).unwrap();
    let import = || {
        let imported = cli.json(&["import", file.to_str().unwrap()]);
        ["accepted", "duplicates", "repeated"].map(|count| imported[count].as_u64().unwrap())
    };
    assert_eq!(import(), [2, 0, 1]);
    assert_eq!(import(), [0, 2, 1]);
    cli.run(&["import", file.to_str().unwrap()]).ok().prints("1 repeated in the file");
}

#[test]
fn an_import_that_is_stopped_says_how_far_it_came_and_goes_on() {
    const RECORDS: u64 = 40_000;
    let (_server, cli) = village();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.jsonl");
    fs::write(&file, format!("{MET}\n").repeat(usize::try_from(RECORDS).unwrap())).unwrap();
    let file = file.to_str().unwrap();
    let head = cli.head();
    let mut import = cli.command(&["import", file]);
    let child = import.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while cli.head() == head {}
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let stopped = child.wait_with_output().unwrap();
    let said = String::from_utf8(stopped.stderr).unwrap();
    assert_eq!(stopped.status.code(), Some(130), "{said}");
    assert!(said.contains("stopped after ") && said.contains("import again to continue"), "{said}");
    assert!((head + 1..head + RECORDS).contains(&cli.head()));
    let again = cli.json(&["import", file]);
    assert_eq!(again["accepted"].as_u64().unwrap() + again["duplicates"].as_u64().unwrap(), RECORDS);
    assert_eq!(cli.head(), head + RECORDS);
}

#[test]
fn whoever_is_easily_taken_for_somebody_else_is_told() {
    let (_server, cli) = village();
    cli.run(&["person", "add", "Amina Sorg", "--id", "Amina"])
        .ok()
        .says("the id Amina differs from amina only in case");
    let again = cli.run(&["person", "add", "amina  sorg", "--id", "p-1"]).ok();
    again.says("there is already somebody called amina  sorg: Amina").prints("their id is p-1");
    assert_eq!(cli.run(&["person", "add", "Nia", "--id", "nia"]).ok().stderr, "");

    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    fs::write(&list, "1 BEN Nia\n2 amina ola\n").unwrap();
    let import = [&["import", "edges", list.to_str().unwrap()][..], &EDGES].concat();
    cli.run(&import).ok().says("2 ids differ from others only in case: BEN and ben, Nia and nia");
    assert_eq!(cli.run(&import).ok().stderr, "", "nobody was added");

    let lines = folder.path().join("list.jsonl");
    let added = |id: &str, name: &str| {
        let fact = format!(r#""person_added":{{"person":"{id}"}}"#);
        let event = format!(r#"{{"occurred_at":"2026-03-06T10:00:00Z","scope":"network",{fact}}}"#);
        format!(r#"{{"event":{event},"details":[{{"kind":"NAME","subjects":["{id}"],"text":"{name}"}}]}}"#)
    };
    fs::write(&lines, [added("p-2", "Carol Jones"), added("OLA", "Ola")].join("\n")).unwrap();
    let told = cli.run(&["import", lines.to_str().unwrap()]).ok();
    told.says("the id OLA differs from ola only in case").says("there is already somebody called Carol Jones: carol");
}

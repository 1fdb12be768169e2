//! Recording and reading back, command by command, through the real `kith`.

use crate::village::{VILLAGE_ENTRIES, token, village};
use kith_core::timestamp::Timestamp;
use kith_tests::{
    cli::Cli,
    node::{InProcess, SetClock},
    server::Server,
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// Records with these arguments; the log must then contain the fact and the details. Returns the event's id.
fn check(cli: &Cli, arguments: &[&str], kind: &str, fact: &Value, words: &[(&str, &str)]) -> String {
    let head = cli.head();
    let recorded = cli.json(arguments);
    assert_eq!((&recorded["position"], &recorded["duplicate"]), (&json!(head + 1), &json!(false)), "{arguments:?}");
    let entry = entry(cli, head + 1);
    assert_eq!((&entry["id"], &entry["kind"]), (&recorded["id"], &json!(kind)), "{entry}");
    assert_eq!(&entry["event"][kind], fact, "{arguments:?}");
    let details = entry["details"].as_array().expect("details are a list");
    let mut found: Vec<_> = details.iter().map(|detail| (text(&detail["kind"]), text(&detail["text"]))).collect();
    found.sort_unstable();
    assert_eq!(found, words, "{arguments:?}");
    text(&recorded["id"]).to_owned()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is text"))
}

/// The entry at a position.
fn entry(cli: &Cli, position: u64) -> Value {
    let lines = cli.json_lines(&["log", "--after", &(position - 1).to_string(), "--limit", "1"]);
    assert_eq!(lines.len(), 1, "one entry at {position}");
    assert_eq!(lines[0]["position"], position);
    lines[0].clone()
}

#[test]
fn every_record_command_records_what_it_says() {
    let (_server, cli) = village();
    let meeting = check(
        &cli,
        &["met", "amina", "ben", "carol", "--on", "2026-03-04", "--place", "Board room", "--note", "frailty board"],
        "met",
        &json!({"people": ["amina", "ben", "carol"]}),
        &[("note", "frailty board"), ("place", "Board room")],
    );
    assert_eq!(entry(&cli, VILLAGE_ENTRIES + 1)["details"][1]["subjects"], json!(["amina", "ben", "carol"]));
    check(
        &cli,
        &["followed-up", "amina", "ben", "--about", &meeting, "--note", "sent the minutes"],
        "followed_up",
        &json!({"by": "amina", "with": ["ben"], "about": meeting}),
        &[("note", "sent the minutes")],
    );
    let ask = check(
        &cli,
        &["asked", "amina", "ben", "--for", "transport"],
        "asked",
        &json!({"by": "amina", "of": ["ben"], "category": "transport"}),
        &[],
    );
    check(
        &cli,
        &["helped", "ben", "amina", "--category", "transport", "--about", &ask],
        "helped",
        &json!({"helper": "ben", "helped": "amina", "category": "transport", "about": ask}),
        &[],
    );
    let referral = check(
        &cli,
        &["referred", "carol", "amina", "--to", "ben"],
        "referred",
        &json!({"referrer": "carol", "person": "amina", "to": "ben"}),
        &[],
    );
    for answer in ["accepted", "declined", "met"] {
        let fact = json!({"referral": referral, "by": "ben", "answer": answer});
        check(&cli, &["answered", &referral, "--by", "ben", answer], "answered", &fact, &[]);
    }
    for reason in ["mistake", "duplicate", "consent", "other"] {
        let fact = json!({"event": meeting, "reason": reason});
        check(&cli, &["retract", &meeting, "--reason", reason], "retracted", &fact, &[]);
    }
}

#[test]
fn people_and_organisations_are_added_listed_and_merged() {
    let (_server, cli) = village();
    let added = cli.json(&["person", "add", "Eve Adams", "--org", "Riverside", "--role", "GP"]);
    let position = added["position"].as_u64().unwrap();
    let line = entry(&cli, position);
    assert_eq!(line["details"][0]["text"], "Eve Adams");
    let id = text(&line["event"]["person_added"]["person"]).to_owned();
    assert!(id.starts_with("p-") && id.len() == 12, "{id} is a pseudonym");
    assert!(!line["event"].to_string().contains("Eve"), "names are words, not facts");

    let people = cli.json_lines(&["person", "list"]);
    let names: Vec<_> = people.iter().map(|person| text(&person["name"])).collect();
    assert_eq!(names, ["Amina Shah", "Ben Okoro", "Carol Jones", "Dan Jones", "Eve Adams"]);
    assert_eq!((&people[0]["id"], &people[0]["organisation"]), (&json!("amina"), &json!("riverside")));
    assert_eq!(cli.json(&["person", "show", "amina"])["role"], "GP");

    check(
        &cli,
        &["person", "merge", "eve", "--into", "amina"],
        "people_merged",
        &json!({"kept": "amina", "merged": id}),
        &[],
    );
    assert_eq!(cli.json(&["person", "show", &id])["merged_into"], "amina");
}

#[test]
fn people_are_found_by_id_and_by_an_unambiguous_part_of_their_name() {
    let (_server, cli) = village();
    check(&cli, &["met", "shah", "Ben Okoro"], "met", &json!({"people": ["amina", "ben"]}), &[]);
    check(&cli, &["met", "AMINA", "carol"], "met", &json!({"people": ["amina", "carol"]}), &[]);
    let head = cli.head();
    let ambiguous = cli.run(&["met", "amina", "jones"]).exits(2);
    for candidate in ["carol", "dan", "Carol Jones", "Dan Jones"] {
        assert!(ambiguous.stderr.contains(candidate), "the question lists {candidate}: {}", ambiguous.stderr);
    }
    cli.run(&["met", "amina", "nobody"]).exits(3).says("nobody");
    assert_eq!(cli.head(), head);
}

#[test]
fn an_id_is_recorded_once() {
    let (_server, cli) = village();
    let id = "018f0000-0000-7000-8000-00000000abcd";
    let met = ["met", "amina", "ben", "--on", "2026-03-04", "--id", id];
    let first = cli.json(&met);
    assert_eq!((&first["id"], &first["duplicate"]), (&json!(id), &json!(false)));
    let again = cli.json(&met);
    assert_eq!((&again["position"], &again["duplicate"]), (&first["position"], &json!(true)));
    cli.run(&met).ok().prints(&format!("already recorded at position {}", first["position"]));
    let other = ["met", "amina", "carol", "--on", "2026-03-04", "--id", id];
    let refused = cli.run_json(&other).exits(4);
    assert_eq!(refused.json_error()["reason"], "EVENT_ID_REUSED");
    cli.run(&["met", "amina", "ben", "--id", id]).exits(2).says("--on");
    assert_eq!(cli.head(), VILLAGE_ENTRIES + 1);
}

#[test]
fn a_resend_brings_no_words_back() {
    let (_server, cli) = village();
    let met = ["met", "amina", "ben", "--on", "2026-03-04", "--id", "018f0000-0000-7000-8000-00000000abcd"];
    cli.run(&met).ok();
    cli.run(&[&met[..], &["--note", "said later"]].concat()).ok();
    assert_eq!(entry(&cli, VILLAGE_ENTRIES + 1)["details"], json!([]));
}

#[test]
fn a_condition_on_the_head_is_checked() {
    let (_server, cli) = village();
    let head = cli.head();
    let refused = cli.run_json(&["met", "amina", "ben", "--if-head", &(head - 1).to_string()]).exits(4);
    assert_eq!(refused.json_error()["reason"], "CONDITION_FAILED");
    assert_eq!(cli.head(), head);
    cli.run(&["met", "amina", "ben", "--if-head", &head.to_string()]).ok();
    assert_eq!(cli.head(), head + 1);
}

#[test]
fn attributes_and_scope_are_recorded() {
    let (_server, cli) = village();
    let (_, secret) = token(&cli, &["--role", "recorder", "--person", "amina", "--organisation", "riverside"]);
    let amina = cli.token(&secret);
    let met = ["met", "amina", "ben", "--attribute", "setting=ward", "--attribute", "b.minutes=20"];
    let position = amina.json(&[&met[..], &["--scope", "organisation"]].concat())["position"].as_u64().unwrap();
    let line = entry(&amina, position);
    let keys: Vec<_> = line["event"]["attributes"].as_array().unwrap().iter().map(|one| text(&one["key"])).collect();
    assert_eq!(keys, ["b.minutes", "setting"], "sorted");
    assert_eq!((&line["scope"], &line["organisation"]), (&json!("organisation"), &json!("riverside")));
    assert_eq!(line["recorded_by"], "person:amina");
    assert_eq!(
        cli.run_json(&[&met[..], &["--scope", "organisation"]].concat()).exits(4).json_error()["reason"],
        "PERMISSION_DENIED"
    );
}

#[test]
fn the_log_is_filtered() {
    let (_server, cli) = village();
    cli.run(&["met", "amina", "ben", "--on", "2026-01-05"]).ok();
    cli.run(&["met", "amina", "carol", "dan", "--on", "2026-02-05"]).ok();
    let referral =
        text(&cli.json(&["referred", "carol", "amina", "--to", "ben", "--on", "2026-02-06"])["id"]).to_owned();
    cli.run(&["answered", &referral, "--by", "ben", "accepted", "--on", "2026-03-05"]).ok();
    cli.run(&["followed-up", "dan", "carol", "--on", "2026-03-06"]).ok();
    let first = VILLAGE_ENTRIES;
    let habits = |flags: &[&str]| -> Vec<u64> {
        let lines = cli.json_lines(&[&["log"], flags].concat());
        let mut positions: Vec<_> = lines.iter().map(|line| line["position"].as_u64().unwrap()).collect();
        positions.sort_unstable();
        positions.into_iter().filter(|position| *position > first).map(|position| position - first).collect()
    };
    assert_eq!(habits(&[]), [1, 2, 3, 4, 5]);
    assert_eq!(habits(&["--person", "dan"]), [2, 5]);
    assert_eq!(habits(&["--person", "dan", "--person", "ben"]), [1, 2, 3, 4, 5]);
    assert_eq!(habits(&["--between", "carol", "dan"]), [2, 5]);
    assert_eq!(habits(&["--between", "amina", "ben"]), [1, 3, 4], "an answer counts under its referral's people");
    assert_eq!(habits(&["--kind", "met"]), [1, 2]);
    assert_eq!(habits(&["--kind", "met", "--kind", "followed_up"]), [1, 2, 5]);
    assert_eq!(habits(&["--kind", "referred"]), [3, 4], "and under its kind");
    assert_eq!(habits(&["--since", "2026-02-06"]), [3, 4, 5]);
    assert_eq!(habits(&["--after", &(first + 3).to_string()]), [4, 5]);
    assert_eq!(habits(&["--after", &(first + 1).to_string(), "--limit", "2"]), [2, 3]);
    assert_eq!(habits(&["--person", "dan", "--kind", "met", "--since", "2026-02-01"]), [2]);
}

#[test]
fn json_lines_are_recorded_and_read_back() {
    let (_server, cli) = village();
    let lines = [
        json!({"event": {"occurredAt": "2026-03-04T10:00:00Z", "scope": "SCOPE_NETWORK", "met": {"people": ["amina", "ben"]}},
            "details": [{"kind": "NOTE", "subjects": ["amina", "ben"], "text": "camel"}]}),
        json!({"event": {"occurred_at": "2026-03-04T10:00:00Z", "scope": "network", "met": {"people": ["ben", "carol"]}},
            "details": [{"kind": "note", "subjects": ["ben"], "text": "snake"}]}),
        json!({"event": {"occurred_at": "2026-03-04T10:00:00Z", "scope": "SCOPE_NETWORK",
            "custom": {"type": "org.example/visit.v1", "people": ["dan"]},
            "attributes": [{"key": "minutes", "integer": "20"}, {"key": "score", "number": 0.5}, {"key": "ward", "flag": true}]}}),
    ];
    let text_of = |lines: &[Value]| lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let head = cli.head();
    cli.run_with_input(&["record", "-"], &text_of(&lines)).ok();
    assert_eq!(cli.head(), head + 3);
    assert_eq!(entry(&cli, head + 1)["details"][0]["text"], "camel");
    assert_eq!(entry(&cli, head + 2)["details"][0]["subjects"], json!(["ben"]));
    let attributes = &entry(&cli, head + 3)["event"]["attributes"];
    assert_eq!(attributes[0], json!({"key": "minutes", "integer": 20}));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.jsonl");
    let log = cli.json_lines(&["log", "--after", "0"]);
    let again: Vec<_> = log.iter().map(|line| json!({"event": line["event"], "details": line["details"]})).collect();
    fs::write(&file, text_of(&again)).unwrap();
    let imported = cli.json(&["import", file.to_str().unwrap()]);
    let expected =
        json!({"accepted": 0, "duplicates": log.len(), "repeated": 0, "refused": 0, "skipped": 0, "refusals": []});
    assert_eq!(imported, expected, "what the log prints is what was recorded");

    let other_server = Server::start();
    let elsewhere = other_server.cli();
    assert_eq!(elsewhere.json(&["import", file.to_str().unwrap()])["accepted"], log.len());
    let copied = elsewhere.json_lines(&["log", "--after", "0"]);
    let content = |line: &Value| (line["position"].clone(), line["event"].clone(), line["details"].clone());
    assert!(copied.iter().map(content).eq(log.iter().map(content)));
}

#[test]
fn the_head_names_network_position_and_root() {
    let (_server, cli) = village();
    let head = cli.json(&["head"]);
    assert_eq!((&head["network"], &head["position"]), (&json!("default"), &json!(VILLAGE_ENTRIES)));
    let root = text(&head["root"]);
    assert!(root.len() == 64 && root.bytes().all(|byte| byte.is_ascii_hexdigit()), "{root}");
    cli.run(&["met", "amina", "ben"]).ok();
    assert_ne!(cli.json(&["head"])["root"], head["root"]);
}

#[test]
fn tokens_are_issued_listed_and_revoked() {
    let (_server, cli) = village();
    let (id, secret) = token(&cli, &["--role", "reader", "--expires", "90d"]);
    let reader = cli.token(&secret);
    assert_eq!(reader.head(), VILLAGE_ENTRIES + 1, "issuing a token is an entry");
    let listed = cli.json_lines(&["token", "list"]);
    let mine = listed.iter().find(|one| one["id"] == *id).expect("the token is listed");
    assert_eq!(mine["role"], "reader");
    assert!(!Value::from(listed.clone()).to_string().contains(&secret), "secrets are shown once");
    cli.run(&["token", "revoke", &id]).ok();
    assert_eq!(reader.run_json(&["head"]).exits(4).json_error()["reason"], "TOKEN_INVALID");
}

#[test]
fn networks_are_apart() {
    let (_server, cli) = village();
    cli.run(&["network", "add", "north"]).ok();
    let north = cli.network("north");
    assert_eq!(north.head(), 0);
    north.run(&["person", "add", "Amina Shah", "--id", "amina"]).ok();
    assert_eq!((north.head(), cli.head()), (1, VILLAGE_ENTRIES));
    let (_, secret) = token(&north, &["--role", "owner"]);
    assert_eq!(cli.token(&secret).run_json(&["head"]).exits(3).json_error()["reason"], "NETWORK_UNKNOWN");
}

#[test]
fn shells_get_completions() {
    let cli = Cli::new("http://127.0.0.1:9", "none");
    for shell in ["bash", "zsh", "fish"] {
        let script = cli.run(&["completions", shell]).ok().stdout;
        assert!(script.contains("followed-up"), "{shell} completes commands");
    }
    let script = tempfile::NamedTempFile::new().unwrap();
    fs::write(script.path(), cli.run(&["completions", "bash"]).ok().stdout).unwrap();
    let parsed = Command::new("bash").arg("-n").arg(script.path()).status();
    assert!(parsed.unwrap().success(), "bash reads its script");
    cli.run(&["--help"]).ok().prints("followed-up");
    cli.run(&["met", "--help"]).ok().prints("kith met");
}

#[test]
fn a_clock_that_ran_ahead_once_does_not_judge_the_future() {
    const DAY_MS: i64 = 86_400_000;
    let now = kith_client::now();
    let later = |days: i64| Timestamp::from_millis(now.millis() + days * DAY_MS);
    let clock = SetClock::at(now);
    let node = InProcess::start(&clock);
    let cli = node.cli();
    for id in ["amina", "ben"] {
        cli.run(&["person", "add", id, "--id", id]).ok();
    }
    assert!(cli.json(&["head"])["clock"].is_null());
    let recorded_at = |clock_at: Timestamp| {
        clock.set(clock_at);
        cli.run(&["met", "amina", "ben"]).ok();
        let last = &cli.json_lines(&["log", "--newest", "--limit", "1"])[0];
        text(&last["recorded_at"]).to_owned()
    };
    let (next_year, in_ten_years) = (recorded_at(later(365)), recorded_at(later(3_650)));
    assert_eq!(recorded_at(now), in_ten_years, "times of acceptance never decrease");

    let met = r#"{"event":{"occurred_at":"AT","scope":"network","met":{"people":["amina","ben"]}}}"#;
    cli.run_with_input(&["record", "-"], &met.replace("AT", &next_year)).exits(4).prints("in the future");
    cli.run(&["head"]).ok().says("stand still");
    assert!(text(&cli.json(&["head"])["clock"]).contains(&in_ten_years));
    cli.run(&["view", "strength", "--as-of", "today"]).ok().says("stand still");
    let issued = cli.json(&["token", "add", "--role", "reader", "--expires", "90d"]);
    assert!(text(&issued["issued_at"]) < text(&issued["expires_at"]), "{issued}");

    // A laptop whose clock is fast by less than a day, and a time that nobody typed.
    clock.set(later(-1));
    cli.run(&["met", "amina", "ben"]).exits(4).says("this computer's clock");
}

#[test]
fn what_is_recorded_is_said_where_the_output_cannot_be_written() {
    let (_server, cli) = village();
    let head = cli.head();
    for format in ["table", "json"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let met = ["met", "amina", "ben", "--output", format];
        let output = cli.command(&met).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("recorded") && said.contains("cannot write the output"), "{said}");
    }
    assert_eq!(cli.head(), head + 2);
}

/// A connection to a server that returns no more answers once a client has sent a certain text, as if a laptop were
/// closed.
fn forgetful_proxy(server: &str, word: &'static [u8]) -> String {
    let (listener, server) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), server.trim_start_matches("http://").to_owned());
    let address = listener.local_addr().unwrap();
    let is_dark = Arc::new(AtomicBool::new(false));
    thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(mut client), Ok(mut up)) = (client, TcpStream::connect(&server)) else { return };
            if is_dark.load(Ordering::SeqCst) {
                continue;
            }
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), up.try_clone().unwrap());
            let (dark, seen) = (Arc::clone(&is_dark), Arc::clone(&is_dark));
            thread::spawn(move || {
                let mut bytes = [0; 8_192];
                while let Ok(count @ 1..) = from_client.read(&mut bytes) {
                    if bytes[..count].windows(word.len()).any(|found| found == word) {
                        dark.store(true, Ordering::SeqCst);
                    }
                    if to_server.write_all(&bytes[..count]).is_err() {
                        return;
                    }
                }
            });
            thread::spawn(move || {
                let mut bytes = [0; 8_192];
                while let Ok(count @ 1..) = up.read(&mut bytes) {
                    if seen.load(Ordering::SeqCst) {
                        // The server has time to do what was requested.
                        up.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
                    } else if client.write_all(&bytes[..count]).is_err() {
                        break;
                    }
                }
                drop(client.shutdown(Shutdown::Both));
            });
        }
    });
    format!("http://{address}")
}

#[test]
fn an_answer_that_is_lost_names_the_event_so_that_it_can_be_repeated() {
    let (server, cli) = village();
    let head = cli.head();
    let lossy = |word: &'static [u8]| cli.server(&forgetful_proxy(&server.url(), word));
    let lost = lossy(b"darknote").run_json(&["met", "amina", "ben", "--note", "darknote"]).exits(5).json_error();
    let (id, on) = (text(&lost["id"]), text(&lost["occurred_at"]));
    let advice = format!("repeat it with --id {id} --on {on}");
    assert!(text(&lost["message"]).contains(&advice), "{lost}");
    let again = cli.json(&["met", "amina", "ben", "--note", "darknote", "--id", id, "--on", on]);
    assert_eq!((&again["duplicate"], cli.head()), (&json!(true), head + 1));

    let added = lossy(b"darkname").run(&["person", "add", "darkname", "--id", "dark"]).exits(5);
    added.says("it may be recorded").says("repeat it with --id dark");
    let added = cli.run_json(&["person", "add", "darkname", "--id", "dark"]).exits(4).json_error();
    assert_eq!(added["reason"], "ALREADY_EXISTS");

    // What the server never received was certainly not recorded.
    cli.server("http://127.0.0.1:9").run(&["met", "amina", "ben"]).exits(5);
}

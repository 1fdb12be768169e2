//! Wrong lines of `kith import FILE` and `kith record -`: each is reported, and all others are recorded.

use crate::village::{VILLAGE_ENTRIES, village};
use kith_tests::cli::Cli;
use serde_json::Value;
use std::fs;

const GOOD: &str =
    r#"{"event":{"occurred_at":"2026-03-04T10:00:00Z","scope":"network","met":{"people":["amina","ben"]}}}"#;

/// The valid line with one text replaced.
fn changed(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    GOOD.replacen(old, new, 1)
}

/// Imports lines; returns what is printed.
fn import(cli: &Cli, lines: &[String], code: i32) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.jsonl");
    fs::write(&file, lines.join("\n")).unwrap();
    cli.run_json(&["import", file.to_str().unwrap()]).exits(code).json()
}

/// The line is refused for this reason at this field, and the valid ones around it are recorded. Each case has its own
/// time, because a record that was imported before is a duplicate.
fn check(cli: &Cli, case: usize, line: &str, reason: &str, field: &str) {
    let head = cli.head();
    let [before, after] = ["00", "01"].map(|second| changed("10:00:00", &format!("11:{case:02}:{second}")));
    let imported = import(cli, &[before, line.to_owned(), after], 4);
    assert_eq!((&imported["accepted"], &imported["refused"]), (&2.into(), &1.into()), "{line}: {imported}");
    let refusal = &imported["refusals"][0];
    assert_eq!(refusal["record"], 2, "{line}");
    assert_eq!((&refusal["reason"], &refusal["field"]), (&reason.into(), &field.into()), "{line}: {refusal}");
    assert!(!refusal["message"].as_str().unwrap().is_empty());
    assert_eq!(cli.head(), head + 2);
}

#[test]
fn wrong_lines_are_refused_and_the_others_kept() {
    let (_server, cli) = village();
    let fact = r#""met":{"people":["amina","ben"]}"#;
    let with = |fields: &str| changed(r#""met""#, &format!("{fields},\"met\""));
    let details = |details: &str| changed("}}}", &format!("}}}},\"details\":[{details}]}}"));
    let instead = |other: &str| changed(fact, other);
    let absent = "018f0000-0000-7000-8000-00000000dead";
    let cases = [
        ("{".to_owned(), "EVENT_INVALID", ""),
        ("[]".to_owned(), "EVENT_INVALID", "record"),
        ("{}".to_owned(), "EVENT_INVALID", "event"),
        (changed("ben", "nobody"), "PERSON_UNKNOWN", "event.met.people"),
        (changed(r#","ben""#, ""), "EVENT_INVALID", "event.met.people"),
        (changed("ben", "amina"), "EVENT_INVALID", "event.met.people"),
        (changed("\"ben\"", "\"\""), "EVENT_INVALID", "event.met.people[1]"),
        (changed("\"ben\"", "7"), "EVENT_INVALID", "event.met.people[1]"),
        (changed("ben", &"b".repeat(65)), "LIMIT_EXCEEDED", "event.met.people[1]"),
        (changed("2026-03-04T10:00:00Z", "2099-01-01T00:00:00Z"), "EVENT_INVALID", "event.occurred_at"),
        (changed("2026-03-04T10:00:00Z", "1066-10-14T09:00:00Z"), "EVENT_INVALID", "event.occurred_at"),
        (changed("2026-03-04T10:00:00Z", "yesterday"), "EVENT_INVALID", "event.occurred_at"),
        (changed("\"scope\":\"network\",", ""), "EVENT_INVALID", "event.scope"),
        (changed("network", "everybody"), "EVENT_INVALID", "event.scope"),
        (changed("network", "organisation"), "PERMISSION_DENIED", ""),
        (with(r#""id":"seven""#), "EVENT_INVALID", "event.id"),
        (with(r#""id":"00000000-0000-0000-0000-000000000000""#), "EVENT_INVALID", "event.id"),
        (with(r#""colour":"red""#), "EVENT_INVALID", "event.colour"),
        (with(r#""scope":"network""#), "EVENT_INVALID", "event.scope"),
        (with(r#""occurredAt":"2026-03-04T10:00:00Z""#), "EVENT_INVALID", "event.occurred_at"),
        (with(r#""helped":{"helper":"amina","helped":"ben"}"#), "EVENT_INVALID", "event"),
        (with(r#""attributes":[{"key":"Bad","flag":true}]"#), "EVENT_INVALID", "event.attributes.key"),
        (with(r#""attributes":[{"key":"n","number":"NaN"}]"#), "EVENT_INVALID", "event.attributes[0].number"),
        (with(r#""attributes":[{"key":"n"}]"#), "EVENT_INVALID", "event.attributes[0]"),
        (instead(r#""token_revoked":{"token":"t-1"}"#), "EVENT_INVALID", "event.token_revoked"),
        (instead(r#""asked":{"by":"amina","of":["ben"],"category":"Lift"}"#), "EVENT_INVALID", "event.asked.category"),
        (
            instead(&format!(r#""answered":{{"referral":"{absent}","by":"ben","answer":"met"}}"#)),
            "EVENT_UNKNOWN",
            "event.answered.referral",
        ),
        (
            instead(&format!(r#""retracted":{{"event":"{absent}","reason":"mistake"}}"#)),
            "EVENT_UNKNOWN",
            "event.retracted.event",
        ),
        (instead(r#""person_added":{"person":"amina"}"#), "ALREADY_EXISTS", "event.person_added.person"),
        (
            instead(r#""person_added":{"person":"eve","organisation":"nowhere"}"#),
            "ORGANISATION_UNKNOWN",
            "event.person_added.organisation",
        ),
        (instead(r#""custom":{"type":"visit"}"#), "EVENT_INVALID", "event.custom.type"),
        (details(r#"{"kind":"NOTE","subjects":[],"text":"x"}"#), "EVENT_INVALID", "details.subjects"),
        (details(r#"{"kind":"NOTE","subjects":["amina"],"text":""}"#), "EVENT_INVALID", "details.text"),
        (details(r#"{"kind":"SONG","subjects":["amina"],"text":"x"}"#), "EVENT_INVALID", "details[0].kind"),
        (details(r#"{"kind":"NOTE","subjects":["nobody"],"text":"x"}"#), "PERSON_UNKNOWN", "details.subjects"),
    ];
    for (case, (line, reason, field)) in cases.into_iter().enumerate() {
        check(&cli, case, &line, reason, field);
    }
}

#[test]
fn a_broken_line_among_thirty_is_named_by_its_number() {
    let (_server, cli) = village();
    let mut lines = vec![GOOD.to_owned(); 30];
    lines[16].truncate(40);
    let imported = import(&cli, &lines, 4);
    assert_eq!((&imported["accepted"], &imported["refused"]), (&29.into(), &1.into()), "{imported}");
    assert_eq!(imported["refusals"][0]["record"], 17);
    assert_eq!(cli.head(), VILLAGE_ENTRIES + 29);
    let again = import(&cli, &lines, 4);
    assert_eq!((&again["accepted"], &again["duplicates"]), (&0.into(), &29.into()), "the same file adds nothing");
    assert_eq!(cli.head(), VILLAGE_ENTRIES + 29);
}

#[test]
fn recorded_lines_are_refused_alike() {
    let (_server, cli) = village();
    let record = ["--output", "json", "record", "-"];
    let lines = [changed("ben", "nobody"), "{".to_owned(), GOOD.to_owned()].join("\n");
    let told = cli.run_with_input(&record, &lines).exits(4).json_lines();
    assert_eq!((&told[0]["record"], &told[0]["reason"]), (&1.into(), &"PERSON_UNKNOWN".into()));
    assert_eq!((&told[0]["field"], &told[1]["record"]), (&"event.met.people".into(), &2.into()));
    assert_eq!(told[2]["position"], VILLAGE_ENTRIES + 1);
    cli.run_with_input(&["record", "-"], "{\n").exits(4).prints("refused");
    assert_eq!(cli.head(), VILLAGE_ENTRIES + 1);
}

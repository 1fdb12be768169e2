//! `kith import calendar` records meetings that took place: nothing without a yes, no meeting twice, every change as a
//! correction, and one clear line for each mistake.

use crate::{
    folder::{Folder, gzip},
    village::{give_addresses, token, village},
};
use kith_tests::{cli::Cli, ran::Ran, server::Server};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt};

const BEN: &str = "ATTENDEE;CN=Ben Okoro:mailto:ben@village.example";

/// A server with the village, everybody with an address.
fn addressed() -> (Server, Cli) {
    let (server, cli) = village();
    give_addresses(&cli);
    (server, cli)
}

fn event(lines: &[&str]) -> String {
    format!("BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n", lines.join("\r\n"))
}

fn calendar(events: &[String]) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}END:VCALENDAR\r\n", events.concat())
}

/// A meeting of Amina and Ben that began on this day of March 2026 at this hour, UTC, for half an hour.
fn meeting(uid: &str, day: u32, hour: u32, more: &[&str]) -> String {
    let uid = format!("UID:{uid}");
    let start = format!("DTSTART:202603{day:02}T{hour:02}0000Z");
    event(&[&[&uid, &start, "DURATION:PT30M", "SUMMARY:About bed 4", "LOCATION:Room 7", BEN], more].concat())
}

fn import(cli: &Cli, file: &str, flags: &[&str]) -> Ran {
    cli.run(&[&["import", "calendar", file, "--me", "amina"], flags].concat())
}

fn import_json(cli: &Cli, file: &str, flags: &[&str]) -> Ran {
    cli.run_json(&[&["import", "calendar", file, "--me", "amina"], flags].concat())
}

/// The meetings that stand, each with when it happened and how long.
fn standing(cli: &Cli) -> Vec<String> {
    let entries = cli.json_lines(&["log", "--kind", "met"]);
    let retracted: Vec<&Value> = entries
        .iter()
        .filter_map(|entry| {
            entry["event"]["retracted"]["event"].as_str().map(|_| &entry["event"]["retracted"]["event"])
        })
        .collect();
    let stands = |entry: &&Value| entry["event"]["met"].is_object() && !retracted.contains(&&entry["event"]["id"]);
    let mut all: Vec<String> =
        entries.iter().filter(stands).map(|entry| entry["event"]["occurred_at"].as_str().unwrap().to_owned()).collect();
    all.sort();
    all
}

#[test]
fn a_preview_says_what_would_be_recorded_and_writes_nothing() {
    let (_server, cli) = addressed();
    let head = cli.head();
    let folder = Folder::new();
    let zoe = "ATTENDEE:mailto:zoe@elsewhere.example";
    let file =
        folder.put("work.ics", calendar(&[meeting("1", 2, 9, &[zoe]), meeting("2", 3, 9, &["STATUS:CANCELLED"])]));
    let ran = import(&cli, &file, &["--dry-run"])
        .ok()
        .prints("2026-03-02T09:00:00Z  met   Amina Shah and Ben Okoro met  new");
    let ran = ran.prints("1 meeting: 1 new, 0 changed, 0 known · left out: 1 called off");
    ran.prints("1 address is nobody's here, and left out: zoe@elsewhere.example (1)");
    import(&cli, &file, &[]).exits(2).says("nothing was recorded: without a terminal to ask on, --yes records it");
    let shown = import_json(&cli, &file, &["--dry-run"]).ok().json();
    assert_eq!((&shown["dry_run"], &shown["sent"], &shown["new"]), (&json!(true), &json!(false), &json!(1)), "{shown}");
    assert_eq!(shown["unknown_addresses"], json!([{ "address": "zoe@elsewhere.example", "records": 1 }]));
    let list = folder.path("open.csv");
    import(&cli, &file, &["--review", &list]).ok().says("what stays open is in");
    assert_eq!(fs::metadata(&list).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&list).unwrap().contains("address,,,zoe@elsewhere.example,1,"));
    assert_eq!(cli.head(), head);
}

#[test]
fn the_same_calendar_again_adds_nothing_and_a_changed_meeting_is_corrected() {
    let (_server, cli) = addressed();
    let folder = Folder::new();
    let series =
        event(&["UID:w", "DTSTART;TZID=W. Europe Standard Time:20260323T090000", "RRULE:FREQ=WEEKLY;COUNT=3", BEN]);
    let all = |one: String| calendar(&[one, series.clone()]);
    let file = folder.put("work.ics", all(meeting("1", 2, 9, &[])));
    import(&cli, &file, &["--yes"]).ok().prints("4 recorded, 0 retracted");
    let series_times = ["2026-03-23T08:00:00Z", "2026-03-30T07:00:00Z", "2026-04-06T07:00:00Z"];
    assert_eq!(standing(&cli), [&["2026-03-02T09:00:00Z"], &series_times[..]].concat());
    let head = cli.head();
    let packed = folder.put("work.ics.gz", gzip(&fs::read(&file).unwrap()));
    for again in [&file, &packed] {
        import(&cli, again, &["--yes"])
            .ok()
            .prints("4 meetings: 0 new, 0 changed, 4 known")
            .prints("0 recorded, 0 retracted");
    }
    assert_eq!(cli.head(), head);

    let moved = folder.put("moved.ics", all(meeting("1", 4, 11, &[])));
    import(&cli, &moved, &["--yes"]).ok().prints("0 new, 1 changed, 3 known").prints("1 recorded, 1 retracted");
    assert_eq!(standing(&cli), [&["2026-03-04T11:00:00Z"], &series_times[..]].concat());
    import(&cli, &moved, &["--yes"]).ok().prints("0 recorded, 0 retracted");
    // Back to where it was: a revision of its own.
    import(&cli, &file, &["--yes"]).ok().prints("1 recorded, 1 retracted");
    import(&cli, &file, &["--yes"]).ok().prints("0 recorded, 0 retracted");
    assert_eq!(cli.head(), head + 4);

    let off = folder.put("off.ics", all(meeting("1", 2, 9, &["STATUS:CANCELLED"])));
    import(&cli, &off, &["--yes"]).ok().prints("1 to withdraw").prints("0 recorded, 1 retracted");
    assert_eq!(standing(&cli), series_times);
    import(&cli, &file, &["--yes"]).ok().prints("1 recorded, 0 retracted");
    let shown = import_json(&cli, &off, &["--yes"]).ok().json();
    assert_eq!(
        (&shown["recorded"], &shown["retracted"], &shown["refused"]),
        (&json!(0), &json!(1), &json!(0)),
        "{shown}"
    );
}

#[test]
fn words_are_taken_only_on_demand_and_private_meetings_stay_at_home() {
    let (_server, cli) = addressed();
    let folder = Folder::new();
    let (_, secret) = token(&cli, &["--role", "recorder", "--organisation", "riverside"]);
    let recorder = cli.token(&secret);
    let file = folder.put("work.ics", calendar(&[meeting("1", 2, 9, &[]), meeting("2", 3, 9, &["CLASS:PRIVATE"])]));
    import(&recorder, &file, &["--yes"]).ok().prints("1 private").prints("1 recorded");
    let log = recorder.run_json(&["log"]).ok().stdout;
    assert!(!log.contains("bed 4") && !log.contains("Room 7"), "{log}");
    import(&recorder, &file, &["--with", "place", "--yes"]).ok().prints("1 recorded, 1 retracted");
    let log = recorder.run_json(&["log"]).ok().stdout;
    assert!(!log.contains("bed 4") && log.contains("Room 7"), "{log}");
    import(&recorder, &file, &["--yes"]).ok().prints("0 recorded, 0 retracted");
    import(&recorder, &file, &["--private", "--yes"]).ok().prints("1 recorded, 0 retracted");
    import(&recorder, &file, &["--yes"]).ok().prints("0 recorded, 0 retracted");
    let (_, other) = token(&cli, &["--role", "reader", "--organisation", "hillside"]);
    assert_eq!(cli.token(&other).json_lines(&["log", "--kind", "met"]).len(), 3, "what it withdrew is there, too");
    assert_eq!(recorder.json_lines(&["log", "--kind", "met"]).len(), 4);
    import(&cli, &file, &["--private", "--yes"]).exits(2).says("this token is of no organisation");
}

#[test]
fn what_others_recorded_or_somebody_withdrew_is_left_alone() {
    let (_server, cli) = addressed();
    let folder = Folder::new();
    let (_, secret) = token(&cli, &["--role", "recorder", "--organisation", "riverside"]);
    let recorder = cli.token(&secret);
    let file = folder.put("work.ics", calendar(&[meeting("1", 2, 9, &[])]));
    let moved = folder.put("moved.ics", calendar(&[meeting("1", 2, 10, &[])]));
    import(&cli, &file, &["--yes"]).ok().prints("1 recorded");
    let head = cli.head();
    import(&recorder, &file, &["--yes"]).ok().prints("1 known").prints("0 recorded, 0 retracted");
    let ran = import(&recorder, &moved, &["--yes"])
        .ok()
        .prints("1 entry stays as they are:")
        .prints("0 recorded, 0 retracted");
    ran.prints(&format!("line 3, position {head}: somebody else recorded it, and here it is different"));
    let list = folder.path("open.csv");
    import(&recorder, &moved, &["--review", &list]).ok();
    assert!(fs::read_to_string(&list).unwrap().contains(&format!("entry,3,{head},,,")), "{head}");
    assert_eq!(cli.head(), head);
    cli.run(&["retract", &head.to_string(), "--reason", "consent"]).ok();
    for again in [&file, &moved] {
        import(&cli, again, &["--yes"]).ok().prints("somebody withdrew it").prints("0 recorded, 0 retracted");
    }
}

#[test]
fn a_replica_takes_meetings_into_its_outbox() {
    let (_server, cli) = addressed();
    let folder = Folder::new();
    let file = folder.put("work.ics", calendar(&[meeting("1", 2, 9, &[]), meeting("2", 3, 9, &[])]));
    let replica = folder.path("replica");
    let run = |arguments: &[&str]| Ran::run(cli.command(arguments).env("KITH_REPLICA", &replica), "");
    let flags = ["import", "calendar", &file, "--me", "amina", "--yes"];
    run(&flags).exits(5).says("there is no person \"amina\"");
    run(&["sync"]).ok();
    run(&flags).ok().prints("2 queued, 0 retracted");
    run(&flags).ok().prints("2 known").prints("0 queued");
    run(&["sync"]).ok();
    run(&flags).ok().prints("2 known").prints("0 queued");
    import(&cli, &file, &["--yes"]).ok().prints("2 known").prints("0 recorded, 0 retracted");
    assert_eq!(standing(&cli).len(), 2);
}

#[test]
fn mistakes_have_a_clear_line_each_and_the_rest_goes_on() {
    let (_server, cli) = addressed();
    let folder = Folder::new();
    let endless = event(&["UID:e", "DTSTART:19700101T090000Z", "RRULE:FREQ=DAILY", BEN]);
    let nameless = event(&["DTSTART:20260302T090000Z", BEN]);
    let open = "BEGIN:VEVENT\r\nUID:o\r\n".to_owned();
    let file = folder.put("work.ics", calendar(&[endless, nameless, open, meeting("1", 2, 9, &[])]));
    let ran = import(&cli, &file, &["--yes"]).exits(4).prints("1 recorded, 0 retracted");
    let ran = ran.prints("line 3: EVENT_INVALID the event repeats more than 10000 times before today");
    ran.prints("line 9: EVENT_INVALID the event has no UID").prints("line 13: EVENT_INVALID the event has no end");
    let refused = import_json(&cli, &file, &["--dry-run"]).exits(4).json();
    assert_eq!((&refused["refused"], &refused["refusals"][1]["line"]), (&json!(3), &json!(9)), "{refused}");

    let head = cli.head();
    let card = folder.put("card.vcf", "BEGIN:VCARD\r\nFN:Nell Kettle\r\nEND:VCARD\r\n");
    import(&cli, &card, &["--yes"]).exits(4).says("is no calendar: BEGIN:VCALENDAR is missing; nothing was recorded");
    import(&cli, &folder.put("empty.ics", ""), &["--yes"]).exits(4).says("is no calendar");
    import(&cli, &folder.path("missing.ics"), &["--yes"]).exits(3);
    import(&cli, &file, &["--timezone", "Narnia", "--yes"]).exits(2).says("is no time zone");
    cli.run(&["import", "calendar", &file, "--me", "nobody", "--yes"]).exits(3);
    let floating = folder.put("floating.ics", calendar(&[event(&["UID:f", "DTSTART:20260305T090000", BEN])]));
    let ran = import(&cli, &floating, &["--timezone", "Asia/Tokyo", "--dry-run"]).ok();
    ran.says("some times have no zone: they are taken for times of Asia/Tokyo").prints("2026-03-05T00:00:00Z");
    assert_eq!(cli.head(), head);
}

#[test]
fn only_people_with_a_known_address_are_named_and_later_ones_are_added_by_a_correction() {
    let (_server, cli) = addressed();
    let folder = Folder::new();
    let nell = "ATTENDEE:mailto:nell@village.example";
    let file = folder.put("work.ics", calendar(&[meeting("1", 2, 9, &[nell])]));
    import(&cli, &file, &["--yes"]).ok().prints("nell@village.example (1)").prints("1 recorded, 0 retracted");
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Nell Kettle\r\nEMAIL:nell@village.example\r\nEND:VCARD\r\n";
    cli.run(&["import", "contacts", &folder.put("nell.vcf", card), "--yes"]).ok().prints("1 person added");
    import(&cli, &file, &["--yes"]).ok().prints("1 changed").prints("1 recorded, 1 retracted");
    cli.run(&["log", "--kind", "met"]).ok().prints("Nell Kettle");
    cli.run(&["person", "erase", "Nell Kettle", "--reason", "withdrawn", "--reference", "IG-1"]).ok();
    import(&cli, &file, &["--yes"]).ok().prints("1 known").prints("0 recorded, 0 retracted");
}

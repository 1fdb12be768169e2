//! Wrong arguments of `kith`.

use crate::village::{populate, token, village};
use kith_tests::{cli::Cli, ran::Ran, server::Server};

/// The expected refusal of a command: exit code, reason (empty if only the arguments are wrong) and a part of the
/// message or the end of the field.
type Expected = (i32, &'static str, &'static str);

const ABSENT: &str = "018f0000-0000-7000-8000-00000000dead";
const TAKEN: &str = "018f0000-0000-7000-8000-00000000abcd";

fn check(cli: &Cli, arguments: &[&str], (code, reason, part): Expected) {
    let head = cli.head();
    let ran = cli.run_json(arguments).exits(code);
    assert!(!ran.stderr.trim().is_empty(), "{arguments:?} says nothing");
    assert!(ran.stderr.to_lowercase().contains(&part.to_lowercase()), "{arguments:?} names {part:?}: {}", ran.stderr);
    if !reason.is_empty() {
        assert_eq!(ran.json_error()["reason"], reason, "{arguments:?}: {}", ran.stderr);
    }
    let table = cli.run(arguments).exits(code);
    assert!(table.stderr.to_lowercase().contains(&part.to_lowercase()) || !reason.is_empty(), "{}", table.stderr);
    assert_eq!(cli.head(), head, "{arguments:?} changed the log");
}

#[test]
fn wrong_arguments_are_refused() {
    let (_server, cli) = village();
    cli.run(&["met", "amina", "ben", "--on", "2026-03-04", "--id", TAKEN]).ok();
    let referral = cli.json(&["referred", "carol", "amina", "--to", "ben"])["id"].as_str().unwrap().to_owned();
    let added = cli.json_lines(&["log", "--after", "2", "--limit", "1"])[0]["id"].as_str().unwrap().to_owned();
    let (category, note) = ("c".repeat(33), "n".repeat(4_097));
    let (role, name) = ("r".repeat(33), "n".repeat(129));
    let cases: &[(&[&str], Expected)] = &[
        (&["shout"], (2, "", "shout")),
        (&["met", "amina"], (2, "", "")),
        (&["met", "amina", "nobody"], (3, "NOT_FOUND", "nobody")),
        (&["met", "amina", ""], (3, "NOT_FOUND", "person")),
        (&["met", "amina", "jones"], (2, "USAGE", "Carol Jones")),
        (&["met", "amina", "amina"], (4, "EVENT_INVALID", "event.met.people")),
        (&["met", "amina", "ben", "--on", "tomorrow"], (2, "", "tomorrow")),
        (&["met", "amina", "ben", "--on", "2099-01-01"], (2, "", "future")),
        (&["met", "amina", "ben", "--on", "2026-02-30"], (2, "", "2026-02-30")),
        (&["met", "amina", "ben", "--on", "1066-10-14"], (2, "", "1900")),
        (&["met", "amina", "ben", "--on", "2026-03-04", "--id", "seven"], (2, "", "seven")),
        (&["met", "amina", "ben", "--id", ABSENT], (2, "", "--on")),
        (&["met", "amina", "carol", "--on", "2026-03-04", "--id", TAKEN], (4, "EVENT_ID_REUSED", TAKEN)),
        (&["met", "amina", "ben", "--attribute", "Minutes=7"], (4, "EVENT_INVALID", "event.attributes.key")),
        (&["met", "amina", "ben", "--attribute", "minutes"], (2, "", "minutes")),
        (
            &["met", "amina", "ben", "--attribute", "a=1", "--attribute", "a=2"],
            (4, "EVENT_INVALID", "event.attributes"),
        ),
        (&["met", "amina", "ben", "--note", &note], (4, "LIMIT_EXCEEDED", "details.text")),
        (&["met", "amina", "ben", "--scope", "organisation"], (4, "PERMISSION_DENIED", "scope organisation")),
        (&["met", "amina", "ben", "--scope", "everybody"], (2, "", "everybody")),
        (&["met", "amina", "ben", "--if-head", "1"], (4, "CONDITION_FAILED", "head")),
        (&["met", "amina", "ben", "--if-head", "first"], (2, "", "first")),
        (&["followed-up", "amina", "ben", "--about", ABSENT], (3, "EVENT_UNKNOWN", "event.followed_up.about")),
        (&["followed-up", "amina", "ben", "--about", &added], (4, "EVENT_INVALID", "event.followed_up.about")),
        (&["asked", "amina", "ben", "--for", "Transport"], (4, "EVENT_INVALID", "event.asked.category")),
        (&["asked", "amina", "ben", "--for", &category], (4, "LIMIT_EXCEEDED", "event.asked.category")),
        (&["helped", "amina", "amina"], (4, "EVENT_INVALID", "event.helped")),
        (&["referred", "carol", "carol", "--to", "ben"], (4, "EVENT_INVALID", "event.referred")),
        (&["referred", "carol", "amina"], (2, "", "--to")),
        (&["answered", ABSENT, "--by", "ben", "accepted"], (3, "EVENT_UNKNOWN", "event.answered.referral")),
        (&["answered", TAKEN, "--by", "ben", "accepted"], (4, "EVENT_INVALID", "event.answered.referral")),
        (&["answered", &referral, "--by", "ben", "perhaps"], (2, "", "perhaps")),
        (&["retract", ABSENT, "--reason", "mistake"], (3, "EVENT_UNKNOWN", "event.retracted.event")),
        (&["retract", &added, "--reason", "mistake"], (4, "EVENT_INVALID", "event.retracted.event")),
        (&["retract", "seven", "--reason", "mistake"], (2, "", "seven")),
        (&["retract", TAKEN, "--reason", "boredom"], (2, "", "boredom")),
        (&["person", "add", "Amina Khan", "--id", "amina"], (4, "ALREADY_EXISTS", "event.person_added.person")),
        (&["person", "add", "Amina Khan", "--id", "a b"], (4, "EVENT_INVALID", "person")),
        (&["person", "add", "Amina Khan", "--org", "nowhere"], (3, "NOT_FOUND", "nowhere")),
        (&["person", "add", "Amina Khan", "--role", &role], (4, "LIMIT_EXCEEDED", "event.person_added.role")),
        (&["person", "add", ""], (4, "EVENT_INVALID", "details.text")),
        (&["person", "show", "nobody"], (3, "NOT_FOUND", "nobody")),
        (&["person", "merge", "amina", "--into", "amina"], (4, "EVENT_INVALID", "event.people_merged")),
        (
            &["org", "add", "Riverside", "--id", "riverside"],
            (4, "ALREADY_EXISTS", "event.organisation_added.organisation"),
        ),
        (&["org", "add", &name, "--id", "long"], (4, "LIMIT_EXCEEDED", "event.organisation_added.name")),
        (&["network", "add", "default"], (4, "ALREADY_EXISTS", "default")),
        (&["network", "add", "Bad Name"], (2, "", "Bad Name")),
        (&["head", "--network", "nowhere"], (3, "NETWORK_UNKNOWN", "network")),
        (&["view", "nothing"], (3, "VIEW_UNKNOWN", "view")),
        (&["view", "strength", "--sort", "colour"], (4, "REQUEST_INVALID", "sort")),
        (&["view", "strength", "--at", "soon"], (2, "", "soon")),
        (&["view", "strength", "--as-of", "999999"], (5, "POSITION_AHEAD", "ahead")),
        (&["view", "strength", "--person", "nobody"], (3, "NOT_FOUND", "nobody")),
        (&["why", "strength", "amina", "dan"], (3, "ROW_UNKNOWN", "row")),
        (&["why", "nothing", "amina", "dan"], (3, "VIEW_UNKNOWN", "view")),
        (&["log", "--person", "nobody"], (3, "NOT_FOUND", "nobody")),
        (&["log", "--kind", "meat"], (2, "", "meat")),
        (&["log", "--since", "soon"], (2, "", "soon")),
        (&["token", "add", "--role", "king"], (2, "", "king")),
        (&["token", "add", "--role", "reader", "--person", "nobody"], (3, "NOT_FOUND", "nobody")),
        (&["token", "add", "--role", "reader", "--expires", "2026-01-01"], (2, "", "past")),
        (&["token", "revoke", "t-nothing"], (3, "TOKEN_UNKNOWN", "token")),
    ];
    for (arguments, expected) in cases {
        check(&cli, arguments, *expected);
    }
}

#[test]
fn an_address_that_says_more_than_where_the_server_is_is_refused() {
    let (server, cli) = village();
    let (place, profile) = (server.url(), tempfile::tempdir().unwrap());
    let place = place.strip_prefix("http://").unwrap();
    for (address, part) in [
        (format!("http://{place}/kith"), "leave out the path"),
        (format!("{place}?network=x"), "leave out the query"),
        (format!("http://amina:secret@{place}"), "leave out the user and password"),
        (format!("ftp://{place}"), "speaks http and https"),
    ] {
        check(&cli, &["--server", &address, "head"], (2, "USAGE", part));
        cli.server(&address).run(&["head"]).exits(2).says("KITH_SERVER: ").says(part);
        let login = Ran::run(cli.command(&["login", &address]).env("XDG_CONFIG_HOME", profile.path()), "");
        assert!(!login.exits(2).says(part).stderr.contains("secret"));
    }
    assert_eq!(profile.path().read_dir().unwrap().count(), 0, "no profile is written");
    cli.server(&format!("HTTP://{place}/")).run(&["head"]).ok();
}

#[test]
fn a_merge_that_leads_back_is_refused() {
    let (_server, cli) = village();
    cli.run(&["person", "merge", "ben", "--into", "amina"]).ok();
    check(&cli, &["person", "merge", "amina", "--into", "ben"], (4, "EVENT_INVALID", "event.people_merged"));
    check(&cli, &["person", "merge", "ben", "--into", "carol"], (4, "EVENT_INVALID", "event.people_merged"));
}

#[test]
fn meetings_have_64_people_at_most() {
    let (_server, cli) = village();
    let people: Vec<String> = (0..65).map(|number| format!("guest-{number}")).collect();
    for person in &people {
        let line = format!(
            r#"{{"event":{{"occurred_at":"2026-01-01T00:00:00Z","scope":"network","person_added":{{"person":"{person}"}}}}}}"#
        );
        cli.run_with_input(&["record", "-"], &line).ok();
    }
    let met = |count: usize| [&["met"][..], &people[..count].iter().map(String::as_str).collect::<Vec<_>>()].concat();
    check(&cli, &met(65), (4, "LIMIT_EXCEEDED", "event.met.people"));
    cli.run(&met(64)).ok();
    let mut log = vec!["log"];
    log.extend(people.iter().flat_map(|person| ["--person", person]));
    check(&cli, &log, (4, "LIMIT_EXCEEDED", "filter.people"));
}

#[test]
fn a_server_that_is_not_there_is_unavailable() {
    let server = Server::start();
    populate(&server.cli());
    let (_, secret) = token(&server.cli(), &["--role", "recorder"]);
    let cli = server.cli().token(&secret);
    server.kill();
    for arguments in [&["head"][..], &["met", "amina", "ben"], &["view", "strength"], &["log"]] {
        let ran = cli.run_json(arguments).exits(5);
        assert_eq!(ran.json_error()["reason"], "UNREACHABLE");
        cli.run(arguments).exits(5).says("is kithd running");
    }
}

//! Feeds: a calendar of what is due for a person, which opens with the secret in its address alone.

use super::{Place, bearer, check_problem, get};
use crate::village::{populate, token};
use kith_tests::{
    cli::Cli,
    http::{Answer, request},
    programs::program,
    server::{DataFolder, Server},
};
use serde_json::Value;
use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, sync::Arc};

/// Makes a feed; gives its id and its address.
fn feed(cli: &Cli, flags: &[&str]) -> (String, String) {
    let answer = cli.json(&[&["feed", "add"], flags].concat());
    let text = |field: &str| answer[field].as_str().unwrap_or_else(|| panic!("{field}: {answer}")).to_owned();
    (text("id"), text("url"))
}

/// What is behind the address of a feed, for whoever has it and nothing else.
fn read(address: &str, headers: &[(&str, &str)]) -> Answer {
    let (server, path) = split(address);
    request(server, "GET", path, headers, b"")
}

fn split(address: &str) -> (&str, &str) {
    address.split_at(address.find("/feeds/").expect("it is a feed's"))
}

/// The values of a property, of all events.
fn values(answer: &Answer, property: &str) -> Vec<String> {
    let text = answer.text().replace("\r\n ", "");
    let begin = format!("{property}:");
    text.split("\r\n").filter_map(|line| line.strip_prefix(&begin)).map(str::to_owned).collect()
}

/// The village, in which Amina has met Ben two weeks ago, and Carol today.
fn story() -> Place {
    let place = Place::start();
    for (with, on) in [("ben", "14 days ago"), ("carol", "today")] {
        place.cli.run(&["met", "amina", with, "--on", on]).ok();
    }
    place.cli.run(&["view", "follow_ups", "--wait", "20"]).ok();
    place
}

#[test]
fn a_calendar_shows_what_is_due_for_its_person() {
    let Place { server: _server, cli, .. } = story();
    let (_, address) = feed(&cli, &["--person", "amina"]);
    let answer = read(&address, &[]);
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/calendar; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    assert_eq!(answer.header("x-robots-tag"), "noindex");
    let summaries = values(&answer, "SUMMARY");
    assert_eq!(summaries, ["Follow up with Carol Jones", "Follow up with Ben Okoro (7 days late)"]);
    assert_eq!(values(&answer, "NAME"), ["Kith: default"]);
    let [open, late] = &values(&answer, "DTSTART;VALUE=DATE")[..] else { panic!("{}", answer.text()) };
    assert!(late < open, "what is late stands on today");

    // What has not changed is not sent again; what was done is gone, and what is left is the same event.
    let tag = answer.header("etag");
    let again = read(&address, &[("if-none-match", tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    cli.run(&["followed-up", "amina", "ben"]).ok();
    cli.run(&["view", "follow_ups", "--wait", "20"]).ok();
    let later = read(&address, &[("if-none-match", tag)]);
    assert_eq!((later.status, values(&later, "SUMMARY")), (200, vec!["Follow up with Carol Jones".to_owned()]));
    assert_eq!(values(&later, "UID")[..], values(&answer, "UID")[..1]);

    let (_, of_ben) = feed(&cli, &["--person", "ben"]);
    assert!(values(&read(&of_ben, &[]), "UID").is_empty(), "everybody has their own");
}

#[test]
fn people_are_shown_by_name_or_by_id_and_some_of_it_can_be_left_out() {
    let Place { server: _server, cli, .. } = story();
    cli.run(&["referred", "dan", "amina", "--to", "ben"]).ok();
    cli.run(&["view", "introductions", "--wait", "20"]).ok();
    let (_, by_id) = feed(&cli, &["--person", "amina", "--show", "ids"]);
    let answer = read(&by_id, &[]);
    assert_eq!(values(&answer, "SUMMARY")[0], "Follow up with carol");
    assert!(!answer.text().contains("Jones"), "{}", answer.text());
    let (_, introductions) = feed(&cli, &["--person", "amina", "--include", "introductions"]);
    assert!(introductions.ends_with("?include=introductions"), "{introductions}");
    let twice = ["--person", "amina", "--include", "follow-ups,introductions,follow-ups"];
    assert!(
        feed(&cli, &twice).1.ends_with("?include=follow_ups,introductions"),
        "what is named twice is not all of it"
    );
    assert_eq!(values(&read(&introductions, &[]), "SUMMARY"), ["Answer Dan Jones about Ben Okoro"]);
    let (server, path) = split(&introductions);
    let with = path.replace("introductions", "introductions,follow_ups,introductions");
    let events = values(&request(server, "GET", &with, &[], b""), "UID");
    assert_eq!(
        (events.len(), events.iter().collect::<BTreeSet<_>>().len()),
        (3, 3),
        "two follow-ups and an introduction, none twice"
    );
    let wrong = request(server, "GET", &path.replace("introductions", "everything"), &[], b"");
    check_problem(&wrong, 400, "REQUEST_INVALID", Some("include"));
}

#[test]
fn a_secret_opens_its_own_kind_alone_and_nothing_once_it_has_ended() {
    let Place { server, cli, .. } = story();
    let (id, address) = feed(&cli, &["--person", "amina"]);
    let secret = address.split('/').nth(4).unwrap().to_owned();
    check_problem(&get(&server.url(), &bearer(&secret), "/v1/default/head", &[]), 401, "TOKEN_INVALID", None);
    cli.token(&secret).run_json(&["head"]).exits(4).says("TOKEN_INVALID");
    cli.run(&["login", &server.url(), "--invitation", &secret]).exits(4);

    let nothing = request(&server.url(), "GET", "/feeds/kith_x/other.ics", &[], b"");
    let (_, reader) = token(&cli, &["--role", "reader", "--person", "amina"]);
    let unknown = secret.replace("kith_", "kith_a")[..secret.len()].to_owned();
    for wrong in [&reader, &server.token(), &unknown, "kith_", "..", "%00", "a%0d%0ab"] {
        let answer = request(&server.url(), "GET", &format!("/feeds/{wrong}/calendar.ics"), &[], b"");
        assert_eq!((answer.status, answer.text()), (404, nothing.text()), "{wrong}");
    }
    assert_eq!(read(&address, &[]).status, 200);
    cli.run(&["feed", "revoke", &id]).ok();
    let ended = read(&address, &[]);
    assert_eq!((ended.status, ended.text()), (404, nothing.text()));
    let signed_in = read(&address, &[("authorization", &bearer(&server.token()))]);
    assert_eq!(signed_in.status, 404, "nothing but the address counts");
}

#[test]
fn a_feed_shows_what_its_person_may_see() {
    let Place { server: _server, cli, .. } = story();
    let (_, secret) = token(&cli, &["--role", "recorder", "--person", "amina", "--organisation", "riverside"]);
    let amina = cli.token(&secret);
    let (_, before) = feed(&cli, &["--person", "carol"]);
    let (_, own) = feed(&amina, &[]);
    amina.run(&["met", "amina", "carol", "--on", "20 days ago", "--scope", "organisation"]).ok();
    cli.run(&["view", "follow_ups", "--wait", "20"]).ok();
    let count = |address: &str| values(&read(address, &[]), "UID").len();
    assert_eq!((count(&own), count(&before)), (2, 1), "rows of everybody have what everybody may see");

    // Whoever speaks for a person has that person's feeds, and no others.
    let listed = |cli: &Cli| cli.json_lines(&["feed", "list"]);
    assert_eq!((listed(&amina).len(), listed(&cli).len()), (1, 2));
    amina.run(&["feed", "add", "--person", "carol"]).exits(4);
    let of_carol = listed(&cli).into_iter().find(|one| one["person"] == "carol").unwrap();
    amina.run(&["feed", "revoke", of_carol["id"].as_str().unwrap()]).exits(3);
    amina.run(&["token", "list"]).exits(4);
    amina.run(&["feed", "revoke", listed(&amina)[0]["id"].as_str().unwrap()]).ok();
    assert_eq!(read(&own, &[]).status, 404);

    let (_, nobodys) = token(&cli, &["--role", "recorder"]);
    cli.token(&nobodys).run(&["feed", "add"]).exits(4).says("speaks for nobody");
    cli.run(&["feed", "revoke", "t-abc"]).exits(2).says("kith token revoke");
    cli.run(&["person", "erase", "carol", "--reason", "withdrawn", "--wait"]).ok();
    assert_eq!(read(&before, &[]).status, 404, "it ends with its person");
}

#[test]
fn whoever_asks_too_often_has_to_wait_and_other_feeds_do_not() {
    let Place { server: _server, cli, .. } = story();
    let [(_, one), (_, other)] = [(); 2].map(|()| feed(&cli, &["--person", "amina"]));
    let statuses: Vec<u16> = (0..61).map(|_| read(&one, &[]).status).collect();
    assert_eq!((statuses.iter().filter(|status| **status == 200).count(), statuses[60]), (60, 429));
    let refused = read(&one, &[]);
    assert!((1..=60).contains(&refused.header("retry-after").parse::<u64>().unwrap()), "{refused:?}");
    assert_eq!(read(&other, &[]).status, 200);
}

#[test]
fn the_address_is_that_of_the_outside_and_in_no_log_line() {
    let folder = tempfile::tempdir().unwrap();
    let [script, log, settings] = ["kithd.sh", "log", "kith.toml"].map(|name| folder.path().join(name));
    fs::write(&settings, "[http]\npublic_url = \"https://kith.example.org\"\n").unwrap();
    let kithd = program("kithd");
    let lines = format!(
        "#!/bin/sh\nKITH_TELEMETRY_FILTER=debug exec {} --config {} \"$@\" 2>{}\n",
        kithd.display(),
        settings.display(),
        log.display()
    );
    fs::write(&script, lines).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let server = Server::start_program(&script, Arc::<DataFolder>::default(), &[]);
    let cli = server.cli();
    populate(&cli);
    cli.run(&["met", "amina", "ben"]).ok();
    cli.run(&["view", "follow_ups", "--wait", "20"]).ok();
    let (id, address) = feed(&cli, &["--person", "amina"]);
    let path = address.strip_prefix("https://kith.example.org").unwrap_or_else(|| panic!("{address}"));
    let answer = request(&server.url(), "GET", path, &[], b"");
    assert_eq!(values(&answer, "URL"), ["https://kith.example.org/#/default/pairs/amina/ben"]);
    let secret = path.split('/').nth(2).unwrap();
    request(&server.url(), "GET", &format!("/feeds/{secret}x/calendar.ics"), &[], b"");
    let logged = fs::read_to_string(&log).unwrap();
    assert!(logged.contains("kith_node") && !logged.contains(secret), "{logged}");
    let issued: Vec<Value> = cli.json_lines(&["log", "--kind", "token-issued"]);
    assert_eq!((issued.len(), issued[0]["event"]["token_issued"]["token"].as_str()), (1, Some(&*id)));
}

//! Reading: every route answers what its command prints.

use super::{Place, bearer, check_problem, get, met};
use crate::village::{VILLAGE_ENTRIES, token};
use serde_json::{Value, json};

/// The lines of an answer, and the last one, which says where to go on.
fn list(place: &Place, path: &str) -> (Vec<Value>, Value) {
    let answer = place.get(path);
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/x-ndjson"), "{}", answer.text());
    assert_eq!((answer.header("cache-control"), answer.header("x-content-type-options")), ("no-store", "nosniff"));
    let mut lines = answer.json_lines();
    let last = lines.pop().expect("there is a last line");
    (lines, last)
}

#[test]
fn entries_are_those_of_the_log() {
    let place = Place::start();
    place.cli.run(&["met", "amina", "ben", "--on", "2026-03-04", "--note", "frailty board"]).ok();
    place.cli.run(&["helped", "carol", "dan", "--on", "2026-03-05"]).ok();
    let head = VILLAGE_ENTRIES + 2;
    let (all, last) = list(&place, "/v1/default/entries");
    assert_eq!(all, place.cli.json_lines(&["log"]));
    assert_eq!(last, json!({ "next": head, "head": head, "end": true }));
    let (some, last) = list(&place, "/v1/default/entries?after=2&limit=3");
    assert_eq!((some, &last["next"], &last["end"]), (all[2..5].to_vec(), &json!(5), &json!(false)));
    let (newest, last) = list(&place, "/v1/default/entries?order=newest&limit=2");
    assert_eq!((&newest[0], &newest[1], &last["end"]), (&all[7], &all[6], &json!(false)));
    let (rest, last) = list(&place, &format!("/v1/default/entries?order=newest&after={}", last["next"]));
    assert_eq!((rest.len(), &last["end"]), (all.len() - 2, &json!(true)));
    for (query, expected) in [
        ("kind=met", vec![7]),
        ("kind=met&kind=helped", vec![7, 8]),
        ("person=carol", vec![5, 8]),
        ("from=2026-03-05&until=2026-03-05&kind=met&kind=helped", vec![8]),
        ("from=2026-03-04T00:00:00Z&until=2026-03-05T00:00:00Z", vec![7]),
        ("kind=custom%3Aorg.example%2Fvisit.v1", vec![]),
    ] {
        let (found, _) = list(&place, &format!("/v1/default/entries?{query}"));
        let positions: Vec<_> = found.iter().map(|entry| entry["position"].as_u64().unwrap()).collect();
        assert_eq!(positions, expected, "{query}: what does not match itself does not pass");
    }
    let id = all[6]["id"].as_str().unwrap();
    assert_eq!(place.get(&format!("/v1/default/entries/{id}")).json(), all[6]);
    let unknown = place.get("/v1/default/entries/019d0000-0000-7000-8000-000000000000");
    check_problem(&unknown, 404, "EVENT_UNKNOWN", Some("event"));
    check_problem(&place.get("/v1/default/entries/seven"), 400, "REQUEST_INVALID", Some("event"));
}

#[test]
fn the_head_and_the_directory_are_those_of_the_commands() {
    let place = Place::start();
    let mut head = place.cli.json(&["head"]);
    head.as_object_mut().unwrap().remove("clock");
    assert_eq!(place.get("/v1/default/head").json(), head);
    let (people, last) = list(&place, "/v1/default/people");
    assert_eq!((people, last), (place.cli.json_lines(&["person", "list"]), json!({ "next": null })));
    let (some, last) = list(&place, "/v1/default/people?organisation=hillside&limit=1");
    assert_eq!(some[0]["id"], "carol");
    let (rest, last) = list(&place, &format!("/v1/default/people?organisation=hillside&page={}", text(&last["next"])));
    assert_eq!((rest.len(), &rest[0]["id"], last), (1, &json!("dan"), json!({ "next": null })));
    let (organisations, _) = list(&place, "/v1/default/organisations");
    assert_eq!(organisations, place.cli.json_lines(&["org", "list"]));
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is text"))
}

#[test]
fn views_their_rows_and_what_those_stand_on_are_those_of_the_commands() {
    let place = Place::start();
    for other in ["ben", "carol", "dan"] {
        place.cli.run(&["met", "amina", other, "--on", "2026-03-04", "--note", "frailty board"]).ok();
    }
    let rows = place.cli.json_lines(&["view", "strength", "--wait", "60", "--at", "2026-03-31"]);
    let (found, last) = list(&place, "/v1/default/views/strength?at=2026-03-31");
    assert_eq!(found, rows);
    let expected = (&json!(VILLAGE_ENTRIES + 3), &json!("2026-03-31"), &json!(3), &json!(null));
    assert_eq!((&last["position"], &last["day"], &last["total"], &last["next"]), expected);
    let (first, last) = list(&place, "/v1/default/views/strength?limit=2&sort=-score&column=met");
    assert_eq!((first.len(), first[0].as_object().unwrap().contains_key("score")), (2, false));
    let (second, last) = list(
        &place,
        &format!("/v1/default/views/strength?limit=2&sort=-score&column=met&page={}", text(&last["next"])),
    );
    assert_eq!((second.len(), &last["next"]), (1, &json!(null)));
    let (of_key, _) = list(&place, "/v1/default/views/strength?key=ben&key=amina&as_of=7");
    assert_eq!(of_key[0]["key"], json!(["amina", "ben"]));

    let (views, last) = list(&place, "/v1/default/views");
    let names = |views: &[Value]| views.iter().map(|view| view["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&views), names(&place.cli.json_lines(&["view"])));
    assert_eq!(last, json!({ "next": null, "head": VILLAGE_ENTRIES + 3 }));

    let (why, last) = list(&place, "/v1/default/views/strength/why?key=amina&key=ben&at=2026-03-31");
    assert_eq!(why, place.cli.json_lines(&["why", "strength", "amina", "ben", "--at", "2026-03-31"]));
    assert_eq!((&last["hidden"], &last["left_out"], why[0]["share"].is_number()), (&json!(0), &json!(0), true));
    let (of_report, _) = list(&place, "/v1/default/views/bridges/why?key=hillside&key=riverside&at=2026-03-31");
    assert_eq!(of_report[0]["view"], "strength");
    check_problem(&place.get("/v1/default/views/nothing"), 404, "VIEW_UNKNOWN", Some("view"));
    let unknown = place.get("/v1/default/views/strength/why?key=ben&key=carol");
    assert_eq!((unknown.status, &unknown.json()["reason"]), (404, &json!("ROW_UNKNOWN")), "{}", unknown.text());
}

#[test]
fn parameters_are_read_strictly() {
    let place = Place::start();
    for (path, field) in [
        ("entries?colour=red", "colour"),
        ("entries?after=-1", "after"),
        ("entries?after=1&after=2", "after"),
        ("entries?limit=10001", "limit"),
        ("entries?order=random", "order"),
        ("entries?kind=mett", "kind"),
        ("entries?person=a+b", "person"),
        ("entries?from=yesterday", "from"),
        ("entries?x=%zz", "query"),
        ("head?x=1", "x"),
        ("people?page=x", "page_token"),
        ("views/strength?at=yesterday", "at"),
        ("views/strength?as_of=soon", "as_of"),
    ] {
        let answer = place.get(&format!("/v1/default/{path}"));
        assert_eq!((answer.status, answer.json()["field"].as_str()), (400, Some(field)), "{path}: {}", answer.text());
    }
}

/// The secret is Riverside's; Hillside asks.
#[test]
fn what_one_organisation_keeps_to_itself_no_route_shows_to_another() {
    let place = Place::start();
    let (_, riverside) = token(&place.cli, &["--role", "recorder", "--organisation", "riverside"]);
    let (_, hillside) = token(&place.cli, &["--role", "reader", "--organisation", "hillside"]);
    let mut secret = met(0, ["amina", "ben"]);
    secret["event"]["scope"] = json!("organisation");
    secret["details"] = json!([{ "kind": "note", "subjects": ["amina"], "text": "canary" }]);
    let url = place.server.url();
    let outcome = super::post(&url, &bearer(&riverside), "/v1/default/events", &secret.to_string(), &[]).json();
    let id = text(&outcome["id"]);
    place.cli.run(&["view", "strength", "--wait", "60"]).ok();
    let ask = |secret: &str, path: &str| get(&url, &bearer(secret), &format!("/v1/default/{path}"), &[]);
    assert!(ask(&riverside, "entries").text().contains("canary"));
    assert!(ask(&riverside, &format!("entries/{id}")).text().contains("canary"));
    let paths = [
        "entries",
        "entries?order=newest",
        "entries?person=amina&kind=met",
        "views/strength",
        "views/strength?person=amina",
        "views/strength/why?key=amina&key=ben",
        "people",
        "views",
    ];
    for path in paths {
        let told = ask(&hillside, path).text();
        assert!(!told.contains("canary") && !told.contains(id), "{path}: {told}");
    }
    check_problem(&ask(&hillside, &format!("entries/{id}")), 404, "EVENT_UNKNOWN", Some("event"));
    let refused = super::post(&url, &bearer(&hillside), "/v1/default/events", &secret.to_string(), &[]);
    check_problem(&refused, 403, "PERMISSION_DENIED", None);
}

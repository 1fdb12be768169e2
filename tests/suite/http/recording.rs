//! Recording one event, or a list of them.

use super::{Place, bearer, check_problem, met, post};
use crate::village::{VILLAGE_ENTRIES, token};
use serde_json::{Value, json};

#[test]
fn one_event_is_recorded_with_its_words_and_read_back() {
    let place = Place::start();
    let mut record = met(0, ["amina", "ben"]);
    record["details"] = json!([{ "kind": "note", "subjects": ["amina", "ben"], "text": "discharge letters" }]);
    let answer = place.post(&record.to_string(), &[]);
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{}", answer.text());
    let outcome = answer.json();
    assert_eq!((&outcome["position"], &outcome["duplicate"]), (&json!(VILLAGE_ENTRIES + 1), &json!(false)));
    let id = outcome["id"].as_str().unwrap();
    assert_eq!(&id[14..15], "7", "ids that are made begin with the time: {id}");
    let entry = place.get(&format!("/v1/default/entries/{id}")).json();
    assert_eq!(entry["event"]["met"], record["event"]["met"]);
    assert_eq!((&entry["details"], &entry["recorded_by"]), (&record["details"], &json!("token:owner")));
    assert_eq!(place.cli.json_lines(&["log", "--after", &VILLAGE_ENTRIES.to_string()]), [entry]);
}

#[test]
fn an_id_that_is_given_is_kept_and_a_repeat_is_a_duplicate() {
    let place = Place::start();
    let mut record = met(0, ["amina", "ben"]);
    record["event"]["id"] = json!("019d0000-0000-7000-8000-000000000000");
    for duplicate in [false, true] {
        let outcome = place.post(&record.to_string(), &[]).json();
        let expected = json!({ "id": record["event"]["id"], "position": VILLAGE_ENTRIES + 1, "duplicate": duplicate });
        assert_eq!(outcome, expected);
    }
    record["event"]["met"]["people"] = json!(["amina", "carol"]);
    check_problem(&place.post(&record.to_string(), &[]), 409, "EVENT_ID_REUSED", Some("event.id"));
}

#[test]
fn a_list_is_recorded_whole_or_not_at_all() {
    let place = Place::start();
    let list = json!([met(0, ["amina", "ben"]), met(1, ["amina", "carol"])]).to_string();
    let outcomes = place.post(&list, &[]).json();
    let positions: Vec<_> = outcomes.as_array().unwrap().iter().map(|outcome| outcome["position"].as_u64()).collect();
    assert_eq!(positions, [Some(VILLAGE_ENTRIES + 1), Some(VILLAGE_ENTRIES + 2)]);

    let refused = |second: &Value| place.post(&json!([met(2, ["amina", "ben"]), second]).to_string(), &[]);
    let unknown = refused(&met(3, ["amina", "nobody"]));
    assert_eq!(check_problem(&unknown, 404, "PERSON_UNKNOWN", Some("event.met.people"))["event"], 1);
    let alone = refused(
        &json!({ "event": { "occurred_at": "2026-03-04T10:00:00Z", "scope": "network", "met": { "people": ["amina"] } } }),
    );
    assert_eq!(check_problem(&alone, 400, "EVENT_INVALID", Some("event.met.people"))["event"], 1);
    let colourful = refused(&json!({ "event": { "colour": "red" } }));
    assert_eq!(check_problem(&colourful, 400, "EVENT_INVALID", Some("event.occurred_at"))["event"], 1);
    assert_eq!(place.cli.head(), VILLAGE_ENTRIES + 2, "nothing of these was recorded");
    check_problem(&place.post("[]", &[]), 400, "REQUEST_INVALID", Some("events"));
    let many = Value::Array((0..1_001).map(|number| met(number % 60, ["amina", "ben"])).collect()).to_string();
    check_problem(&place.post(&many, &[]), 413, "LIMIT_EXCEEDED", Some("events"));
}

#[test]
fn a_repeat_with_the_same_key_is_a_duplicate_and_its_id_tells_nothing_of_the_key() {
    let place = Place::start();
    let list = json!([met(0, ["amina", "ben"]), met(1, ["amina", "carol"])]).to_string();
    let send = |bearer: &str, key: &str| {
        let answer = post(&place.server.url(), bearer, "/v1/default/events", &list, &[("idempotency-key", key)]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let first = send(&place.bearer, "amina-met-ben");
    let again = send(&place.bearer, "amina-met-ben");
    for (one, other) in first.as_array().unwrap().iter().zip(again.as_array().unwrap()) {
        assert_eq!((&one["id"], &one["position"]), (&other["id"], &other["position"]));
        assert_eq!((&one["duplicate"], &other["duplicate"]), (&json!(false), &json!(true)));
        assert_eq!(&one["id"].as_str().unwrap()[14..15], "8");
    }
    assert_ne!(first[0]["id"], first[1]["id"]);
    assert_eq!(place.cli.head(), VILLAGE_ENTRIES + 2, "twice is once");
    let (_, secret) = token(&place.cli, &["--role", "recorder", "--organisation", "riverside"]);
    for other in [send(&place.bearer, "amina-met-ben-again"), send(&bearer(&secret), "amina-met-ben")] {
        assert_eq!(other[0]["duplicate"], json!(false));
        assert!(![&first[0]["id"], &first[1]["id"]].contains(&&other[0]["id"]));
    }
    let changed = json!([met(5, ["amina", "ben"])]).to_string();
    let answer = place.post(&changed, &[("idempotency-key", "amina-met-ben")]);
    check_problem(&answer, 409, "EVENT_ID_REUSED", Some("event.id"));
    let timeless = r#"{"event":{"scope":"network","met":{"people":["amina","ben"]}}}"#;
    let answer = place.post(timeless, &[("idempotency-key", "x")]);
    check_problem(&answer, 400, "EVENT_INVALID", Some("event.occurred_at"));
    for key in ["", &"x".repeat(256)] {
        let answer = place.post(&list, &[("idempotency-key", key)]);
        check_problem(&answer, 400, "REQUEST_INVALID", Some("idempotency-key"));
    }
}

#[test]
fn what_is_recorded_only_at_a_head_is_not_recorded_at_another() {
    let place = Place::start();
    let tag = place.get("/v1/default/head").header("etag").to_owned();
    assert_eq!(tag, format!("\"{VILLAGE_ENTRIES}\""));
    let record = met(0, ["amina", "ben"]).to_string();
    assert_eq!(place.post(&record, &[("if-match", &tag)]).status, 200);
    let answer = place.post(&record, &[("if-match", &tag)]);
    let problem = check_problem(&answer, 412, "CONDITION_FAILED", None);
    assert_eq!(problem["metadata"]["head"], (VILLAGE_ENTRIES + 1).to_string());
    let keyed = [("if-match", "\"7\""), ("idempotency-key", "x")];
    let first = place.post(&met(1, ["amina", "carol"]).to_string(), &keyed).json();
    let again = place.post(&met(1, ["amina", "carol"]).to_string(), &keyed).json();
    assert_eq!((&again["id"], &again["duplicate"]), (&first["id"], &json!(true)), "a repeat finds another head");
    for tag in ["6", "*", "W/\"6\"", "\"x\""] {
        check_problem(&place.post(&record, &[("if-match", tag)]), 400, "REQUEST_INVALID", Some("if-match"));
    }
    assert_eq!(place.cli.head(), VILLAGE_ENTRIES + 2);
}

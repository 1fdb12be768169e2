//! CloudEvents, in and out.

use super::{Place, check_problem, get, met, post};
use crate::village::VILLAGE_ENTRIES;
use kith_tests::http::Answer;
use serde_json::{Value, json};

const PATH: &str = "/v1/default/cloudevents";
const STRUCTURED: (&str, &str) = ("content-type", "application/cloudevents+json");
const BATCH: (&str, &str) = ("content-type", "application/cloudevents-batch+json");
const ID: &str = "019d0000-0000-7000-8000-000000000000";

impl Place {
    fn send(&self, body: &Value, headers: &[(&str, &str)]) -> Answer {
        post(&self.server.url(), &self.bearer, PATH, &body.to_string(), headers)
    }
}

fn cloud_event(id: &str, minute: u32) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "urn:somewhere", "type": "kith.v1.met",
        "time": "1999-01-01T00:00:00Z", "sequence": "7", "data": met(minute, ["amina", "ben"]),
    })
}

#[test]
fn one_is_recorded_in_each_of_its_forms_and_once() {
    let place = Place::start();
    let binary = [("ce-specversion", "1.0"), ("ce-id", ID), ("ce-type", "kith.v1.met"), ("ce-source", "urn:somewhere")];
    let forms = [
        (cloud_event(ID, 0), &[STRUCTURED][..]),
        (met(0, ["amina", "ben"]), &binary[..]),
        (json!([cloud_event(ID, 0)]), &[BATCH][..]),
    ];
    for (count, (body, headers)) in forms.iter().enumerate() {
        let answer = place.send(body, headers);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let outcome = match answer.json() {
            Value::Array(mut all) => all.remove(0),
            one => one,
        };
        assert_eq!(outcome, json!({ "id": ID, "position": VILLAGE_ENTRIES + 1, "duplicate": count > 0 }));
    }
    let entry = place.get(&format!("/v1/default/entries/{ID}")).json();
    assert_eq!(entry["occurred_at"], "2026-03-04T10:00:00Z", "the data says when it happened");
}

#[test]
fn what_is_foreign_or_wrong_is_refused_by_name() {
    let place = Place::start();
    let check = |change: (&str, Value), status: u16, reason: &str, field: &str| {
        let mut event = cloud_event(ID, 0);
        event[change.0] = change.1;
        let problem = check_problem(&place.send(&event, &[STRUCTURED]), status, reason, Some(field));
        assert_eq!(problem["event"], 0);
        let batch = json!([cloud_event("019d0000-0000-7000-8000-000000000001", 1), event]);
        assert_eq!(check_problem(&place.send(&batch, &[BATCH]), status, reason, Some(field))["event"], 1);
    };
    check(("type", json!("com.example.met")), 400, "EVENT_INVALID", "type");
    check(("type", json!("kith.v1.helped")), 400, "EVENT_INVALID", "type");
    check(("specversion", json!("0.3")), 400, "EVENT_INVALID", "specversion");
    check(("id", json!("7")), 400, "EVENT_INVALID", "id");
    check(("data", json!({ "event": 7 })), 400, "EVENT_INVALID", "data.event");
    check(("data", met(0, ["amina", "nobody"])), 404, "PERSON_UNKNOWN", "event.met.people");
    let binary = [("ce-specversion", "1.0"), ("ce-id", ID)];
    check_problem(&place.send(&met(0, ["amina", "ben"]), &binary), 400, "REQUEST_INVALID", Some("ce-type"));
    check_problem(&place.send(&met(0, ["amina", "ben"]), &[]), 415, "REQUEST_INVALID", Some("content-type"));
    let protobuf = [("content-type", "application/cloudevents+protobuf")];
    check_problem(&place.send(&json!({}), &protobuf), 415, "REQUEST_INVALID", Some("content-type"));
    assert_eq!(place.cli.head(), VILLAGE_ENTRIES, "nothing of these was recorded");
}

#[test]
fn entries_come_as_cloud_events_and_are_taken_back() {
    let place = Place::start();
    place.cli.run(&["met", "amina", "ben", "--on", "2026-03-04", "--note", "frailty board"]).ok();
    let accept = [("accept", "application/cloudevents+json")];
    let mut lines = get(&place.server.url(), &place.bearer, "/v1/default/entries?kind=met", &accept).json_lines();
    assert_eq!(lines.pop().unwrap()["end"], true);
    let [event] = &lines[..] else { panic!("one meeting: {lines:?}") };
    let entry = &place.cli.json_lines(&["log", "--kind", "met"])[0];
    assert_eq!(
        (&event["id"], &event["type"], &event["subject"]),
        (&entry["id"], &json!("kith.v1.met"), &json!("amina,ben"))
    );
    assert_eq!((&event["sequence"], &event["time"]), (&json!("00000000000000000007"), &entry["occurred_at"]));
    assert!(event["source"].as_str().unwrap().starts_with("kith/default/"), "{event}");
    assert_eq!(event["data"], json!({ "event": entry["event"], "details": entry["details"] }));
    assert_eq!(place.send(event, &[STRUCTURED]).json()["duplicate"], true);
    place.cli.run(&["network", "add", "north"]).ok();
    let people = json!([
        { "event": { "occurred_at": "2026-03-01T10:00:00Z", "scope": "network", "person_added": { "person": "amina" } } },
        { "event": { "occurred_at": "2026-03-01T10:00:00Z", "scope": "network", "person_added": { "person": "ben" } } },
    ]);
    let url = place.server.url();
    assert_eq!(post(&url, &place.bearer, "/v1/north/events", &people.to_string(), &[]).status, 200);
    let copied = post(&url, &place.bearer, "/v1/north/cloudevents", &event.to_string(), &[STRUCTURED]);
    assert_eq!(copied.json(), json!({ "id": event["id"], "position": 3, "duplicate": false }));
}

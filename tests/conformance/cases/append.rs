//! Appends: outcomes, repeats, conditions, all or none, many at once.

use crate::{
    case::{Case, Talk, equal, items, table},
    village::{Village, record},
};
use anyhow::{Result, ensure};
use kith_client::ReadOptions;
use kith_core::event::Event;
use kith_tests::events::{accepted, met, new_id, person_added, referred};
use serde_json::{Value, json};

/// The first position after those of the village.
const FIRST: u64 = 7;

pub(super) fn cases() -> Vec<Case> {
    table(
        "append",
        &[
            ("each event has an outcome, in order", &[], each_event_has_an_outcome),
            ("a repeat is a duplicate", &[], a_repeat_is_a_duplicate),
            ("other salts are the same event", &[], other_salts_are_the_same_event),
            ("an id is one event for ever", &[], an_id_is_one_event_for_ever),
            ("all or none", &[], all_or_none),
            ("the head is as expected", &[], the_head_is_as_expected),
            ("the head is another", &[], the_head_is_another),
            ("none matches", &[], none_matches),
            ("one matches", &[], one_matches),
            ("a condition is not checked twice", &[], a_condition_is_not_checked_twice),
            ("a thousand at once", &[], a_thousand_at_once),
            ("more than a thousand", &[], more_than_a_thousand),
            ("none at all", &[], none_at_all),
            ("what is named must exist", &[], what_is_named_must_exist),
            ("many, one of them refused", &["stream"], many_one_of_them_refused),
        ],
    )
}

/// A new network, and the driver connected to it.
pub(super) fn connected(talk: &mut Talk) -> Result<Village> {
    let village = talk.world.village();
    talk.connect(&village.url, &village.token, village.name())?;
    Ok(village)
}

pub(super) fn append(events: &[Event]) -> Value {
    let events: Vec<_> = events.iter().map(|event| record(event, &[])).collect();
    json!({ "do": "append", "on": "c", "events": events })
}

fn with(mut command: Value, condition: Value) -> Value {
    command["condition"] = condition;
    command
}

fn outcomes(events: &[Event], first: u64, duplicate: bool) -> Value {
    let outcome = |(event, position): (&Event, u64)| json!({ "id": event.id.to_string(), "position": position, "duplicate": duplicate });
    json!({ "outcomes": events.iter().zip(first..).map(outcome).collect::<Vec<_>>() })
}

fn head(talk: &Talk, village: &Village) -> Result<u64> {
    Ok(talk.world.wait(village.client.head())?.position.get())
}

fn each_event_has_an_outcome(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    let events = [met(&["amina", "ben"]), met(&["amina", "chidi"]), referred("amina", "ben", "chidi")];
    equal(&talk.ask(append(&events))?, &outcomes(&events, FIRST, false))?;
    let stored = talk.world.wait(village.entries(&ReadOptions::default()));
    ensure!(stored.len() == 9, "{} entries are stored", stored.len());
    equal(&stored[6]["event"], &record(&events[0], &[])["event"].as_object().map(without_salt).into())
}

fn without_salt(event: &serde_json::Map<String, Value>) -> Value {
    event.iter().filter(|(name, _)| *name != "salt").map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn a_repeat_is_a_duplicate(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    let events = [met(&["amina", "ben"]), met(&["ben", "chidi"])];
    equal(&talk.ask(append(&events))?, &outcomes(&events, FIRST, false))?;
    equal(&talk.ask(append(&events))?, &outcomes(&events, FIRST, true))?;
    ensure!(head(talk, &village)? == FIRST + 1, "a repeat recorded something");
    Ok(())
}

fn other_salts_are_the_same_event(talk: &mut Talk) -> Result<()> {
    connected(talk)?;
    let event = met(&["amina", "ben"]);
    talk.ask(append(std::slice::from_ref(&event)))?;
    let again = Event { salt: [7; 16], ..event };
    equal(&talk.ask(append(std::slice::from_ref(&again)))?, &outcomes(&[again], FIRST, true))
}

fn an_id_is_one_event_for_ever(talk: &mut Talk) -> Result<()> {
    connected(talk)?;
    let event = met(&["amina", "ben"]);
    talk.ask(append(std::slice::from_ref(&event)))?;
    let other = Event { id: event.id, ..met(&["ben", "amina"]) };
    let expected = json!({ "kind": "refused", "reason": "EVENT_ID_REUSED", "retryable": false, "had_no_effect": true });
    talk.fails_with(append(&[other]), &expected).map(drop)
}

fn all_or_none(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    let events = [met(&["amina", "ben"]), met(&["amina", "nobody"]), met(&["amina", "chidi"])];
    let expected = json!({
        "kind": "refused",
        "reason": "PERSON_UNKNOWN",
        "field": "event.met.people",
        "event": 1,
        "retryable": false,
        "had_no_effect": true,
    });
    talk.fails_with(append(&events), &expected)?;
    ensure!(head(talk, &village)? == FIRST - 1, "a part of a refused append is recorded");
    Ok(())
}

fn the_head_is_as_expected(talk: &mut Talk) -> Result<()> {
    connected(talk)?;
    let events = [met(&["amina", "ben"])];
    let answer = talk.ask(with(append(&events), json!({ "expected_head": FIRST - 1 })))?;
    equal(&answer, &outcomes(&events, FIRST, false))
}

fn the_head_is_another(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    let expected =
        json!({ "kind": "refused", "reason": "CONDITION_FAILED", "retryable": false, "had_no_effect": true });
    talk.fails_with(with(append(&[met(&["amina", "ben"])]), json!({ "expected_head": 3 })), &expected)?;
    ensure!(head(talk, &village)? == FIRST - 1, "it was recorded all the same");
    Ok(())
}

fn none_matches(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    talk.world.record(&village, &[met(&["amina", "ben"])]);
    let condition = json!({ "none_match": { "kinds": ["met"], "people": ["chidi"] }, "after": 0 });
    let events = [met(&["amina", "chidi"])];
    equal(&talk.ask(with(append(&events), condition))?, &outcomes(&events, FIRST + 1, false))
}

fn one_matches(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    talk.world.record(&village, &[met(&["amina", "chidi"])]);
    let condition = |after| json!({ "none_match": { "kinds": ["met"], "people": ["chidi"] }, "after": after });
    let events = [met(&["amina", "chidi"])];
    let expected = json!({ "kind": "refused", "reason": "CONDITION_FAILED", "had_no_effect": true });
    talk.fails_with(with(append(&events), condition(FIRST - 1)), &expected)?;
    equal(&talk.ask(with(append(&events), condition(FIRST)))?, &outcomes(&events, FIRST + 1, false))
}

fn a_condition_is_not_checked_twice(talk: &mut Talk) -> Result<()> {
    connected(talk)?;
    let events = [met(&["amina", "ben"])];
    let command = with(append(&events), json!({ "expected_head": FIRST - 1 }));
    talk.ask(command.clone())?;
    equal(&talk.ask(command)?, &outcomes(&events, FIRST, true))
}

fn a_thousand_at_once(talk: &mut Talk) -> Result<()> {
    connected(talk)?;
    let events: Vec<_> = (0..1_000).map(|_| met(&["amina", "ben"])).collect();
    equal(&talk.ask(append(&events))?, &outcomes(&events, FIRST, false))
}

fn more_than_a_thousand(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    let events: Vec<_> = (0..1_001).map(|_| met(&["amina", "ben"])).collect();
    let expected = json!({ "kind": "refused", "reason": "LIMIT_EXCEEDED", "retryable": false, "had_no_effect": true });
    talk.fails_with(append(&events), &expected)?;
    ensure!(head(talk, &village)? == FIRST - 1, "it was recorded all the same");
    Ok(())
}

fn none_at_all(talk: &mut Talk) -> Result<()> {
    connected(talk)?;
    let expected = json!({ "kind": "refused", "retryable": false, "had_no_effect": true });
    talk.fails_with(append(&[]), &expected).map(drop)
}

fn what_is_named_must_exist(talk: &mut Talk) -> Result<()> {
    connected(talk)?;
    let unknown = [
        (accepted(new_id(), "amina"), "EVENT_UNKNOWN", "event.answered.referral"),
        (person_added("eve", "elsewhere"), "ORGANISATION_UNKNOWN", "event.person_added.organisation"),
    ];
    for (event, reason, field) in unknown {
        let expected =
            json!({ "kind": "refused", "reason": reason, "field": field, "event": 0, "had_no_effect": true });
        talk.fails_with(append(&[event]), &expected)?;
    }
    Ok(())
}

fn many_one_of_them_refused(talk: &mut Talk) -> Result<()> {
    connected(talk)?;
    let mut events: Vec<_> = (0..300).map(|_| met(&["amina", "ben"])).collect();
    events[150] = met(&["amina", "nobody"]);
    let mut command = append(&events);
    command["do"] = "append_many".into();
    let answer = talk.ask(command)?;
    let results = items(&answer, "results")?;
    ensure!(results.len() == 300, "{} events have a result", results.len());
    for (at, (result, event)) in results.iter().zip(&events).enumerate() {
        let mut expected = json!({ "number": at + 1, "id": event.id.to_string() });
        if at == 150 {
            expected["refused"] = json!({ "reason": "PERSON_UNKNOWN", "field": "event.met.people" });
        } else {
            let position = FIRST + at as u64 - u64::from(at > 150);
            (expected["position"], expected["duplicate"]) = (position.into(), false.into());
        }
        equal(result, &expected)?;
    }
    Ok(())
}

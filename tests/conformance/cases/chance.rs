//! Chance: ids, salts and pseudonyms are new each time, and an event that is kept stays what it is.

use super::bytes::{record, vectors};
use crate::case::{Case, Talk, equal, items, table};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How many are made to be compared.
const MADE: usize = 50;

pub(super) fn cases() -> Vec<Case> {
    table(
        "chance",
        &[
            ("ids are of version 7 and ascend", &[], ids_are_of_version_7_and_ascend),
            ("salts are new each time", &[], salts_are_new_each_time),
            ("pseudonyms say nothing", &[], pseudonyms_say_nothing),
            ("an event that was kept is the same event", &[], an_event_that_was_kept_is_the_same_event),
        ],
    )
}

fn make(talk: &mut Talk) -> Result<Value> {
    let event =
        json!({ "occurred_at": "2026-03-04T10:00:00Z", "scope": "network", "met": { "people": ["amina", "ben"] } });
    let details = json!([{ "kind": "note", "subjects": ["amina", "ben"], "text": "spoke" }]);
    talk.ask(json!({ "do": "make", "record": { "event": event, "details": details } }))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn ids_are_of_version_7_and_ascend(talk: &mut Talk) -> Result<()> {
    let mut earlier = String::new();
    let mut all = BTreeSet::new();
    for _ in 0..MADE {
        let id = text(&make(talk)?["id"]);
        let uuid: uuid::Uuid = id.parse()?;
        ensure!(uuid.get_version_num() == 7, "{id} is not of version 7");
        // The first 48 bits are the time in milliseconds.
        ensure!(id[..13] >= *earlier.as_str(), "{id} is before {earlier}");
        id[..13].clone_into(&mut earlier);
        ensure!(all.insert(id), "an id was made twice");
    }
    Ok(())
}

fn salts_are_new_each_time(talk: &mut Talk) -> Result<()> {
    let mut seen = BTreeSet::new();
    for _ in 0..MADE {
        let made = make(talk)?;
        let detail = text(&items(&made, "details")?[0]);
        let salts = [(text(&made["salt"]), 32), (detail[detail.len() - 64..].to_owned(), 64)];
        for (salt, length) in salts {
            ensure!(salt.len() == length, "{salt} has not the length of a salt");
            ensure!(seen.insert(salt), "a salt was used twice");
        }
    }
    Ok(())
}

fn pseudonyms_say_nothing(talk: &mut Talk) -> Result<()> {
    let mut seen = BTreeSet::new();
    for _ in 0..MADE {
        let id = text(&talk.ask(json!({ "do": "person_id" }))?["id"]);
        let letters = id.strip_prefix("p-").unwrap_or_default();
        let is_letter = |letter: char| letter.is_ascii_lowercase() || ('2'..='7').contains(&letter);
        ensure!(letters.len() == 10 && letters.chars().all(is_letter), "{id} is no pseudonym");
        ensure!(seen.insert(id), "a pseudonym was made twice");
    }
    Ok(())
}

fn an_event_that_was_kept_is_the_same_event(talk: &mut Talk) -> Result<()> {
    for vector in vectors()["events"].as_array().into_iter().flatten().take(12) {
        let record = record(vector)?;
        let made = talk.ask(json!({ "do": "encode", "record": record }))?;
        let kept = talk.ask(json!({ "do": "keep", "record": record }))?;
        equal(&kept, &made)?;
    }
    Ok(())
}

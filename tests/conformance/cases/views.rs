//! Views: rows now and of earlier days and positions, why they are as they are, and how they change.

use super::append::connected;
use crate::case::{Case, Talk, equal, items, table};
use anyhow::{Result, ensure};
use kith_client::{Recorded, RowQuery, ViewQuery};
use kith_core::{day::Day, id::PersonId, position::Position};
use kith_json::{day_text, row_json, view_json};
use kith_tests::events::met;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const VIEWS: &[&str] = &["views"];
/// How long a view may take to catch up.
const CATCH_UP_MAX: Duration = Duration::from_secs(15);

pub(super) fn cases() -> Vec<Case> {
    table(
        "views",
        &[
            ("which there are", VIEWS, which_there_are),
            ("all rows", VIEWS, all_rows),
            ("rows of a person, of a key, some columns, sorted", VIEWS, some_rows),
            ("as of a day and a position", VIEWS, as_of_a_day_and_a_position),
            ("a report", VIEWS, a_report),
            ("why", VIEWS, why),
            ("a view that is not there", VIEWS, a_view_that_is_not_there),
            ("rows as they change", VIEWS, rows_as_they_change),
        ],
    )
}

fn demo(talk: &mut Talk) -> Result<()> {
    let (url, token) = (talk.world.server.url(), talk.world.server.token());
    talk.connect(&url, &token, "demo")?;
    // Rows are compared once the view has read everything.
    let client = talk.world.demo();
    let begun = Instant::now();
    loop {
        let listed = talk.world.wait(client.list_views())?;
        if listed.views.iter().all(|view| view.lag == 0) {
            return Ok(());
        }
        ensure!(begun.elapsed() < CATCH_UP_MAX, "the views do not catch up");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Checks that a driver's rows are those that the server answers.
fn rows(talk: &mut Talk, mut command: Value, query: &ViewQuery) -> Result<Vec<Value>> {
    (command["do"], command["on"], command["view"]) = ("view".into(), "c".into(), query.view.clone().into());
    let answer = talk.ask(command)?;
    let page = talk.world.wait(talk.world.demo().query_view(query))?;
    let rows: Vec<_> = page.rows.iter().map(|row| Value::Object(row_json(&page.fields, row))).collect();
    let expected = json!({
        "rows": rows,
        "position": page.position,
        "day": day_text(Day::new(page.day)),
        "total": page.total,
    });
    equal(&answer, &expected)?;
    Ok(rows)
}

fn strength() -> ViewQuery {
    ViewQuery { view: "strength".into(), page_size: 10_000, ..ViewQuery::default() }
}

fn which_there_are(talk: &mut Talk) -> Result<()> {
    demo(talk)?;
    let answer = talk.ask(json!({ "do": "views", "on": "c" }))?;
    let listed = talk.world.wait(talk.world.demo().list_views())?;
    let told = |view| {
        let all = view_json(view);
        json!({ "name": all["name"], "version": all["version"], "state": all["state"] })
    };
    equal(&answer, &json!({ "views": listed.views.iter().map(told).collect::<Vec<_>>() }))
}

fn all_rows(talk: &mut Talk) -> Result<()> {
    demo(talk)?;
    let found = rows(talk, json!({}), &strength())?;
    ensure!(found.len() > 200, "the made-up network has {} ties", found.len());
    // Several rows of one key, days, and fields without a value.
    rows(talk, json!({}), &ViewQuery { view: "introductions".into(), ..strength() })?;
    rows(talk, json!({}), &ViewQuery { view: "keep_in_touch".into(), ..strength() }).map(drop)
}

/// A key of the view `strength`.
fn a_key(talk: &Talk) -> Result<Vec<PersonId>> {
    let page = talk.world.wait(talk.world.demo().query_view(&ViewQuery { page_size: 3, ..strength() }))?;
    Ok(page.rows[2].key.iter().map(|id| id.parse()).collect::<Result<_, _>>()?)
}

fn some_rows(talk: &mut Talk) -> Result<()> {
    demo(talk)?;
    let key = a_key(talk)?;
    let names: Vec<_> = key.iter().map(|person| person.as_str().to_owned()).collect();
    rows(talk, json!({ "person": names[0] }), &ViewQuery { person: Some(key[0].clone()), ..strength() })?;
    let one = rows(talk, json!({ "key": names }), &ViewQuery { key, ..strength() })?;
    ensure!(one.len() == 1, "{} rows have that key", one.len());
    let sorted =
        ViewQuery { sort: "-days_in_contact".into(), columns: vec!["met".into(), "score".into()], ..strength() };
    rows(talk, json!({ "sort": "-days_in_contact", "columns": ["met", "score"] }), &sorted)?;
    let answer = talk.ask(json!({ "do": "view", "on": "c", "view": "strength", "top": 3 }))?;
    let page = talk.world.wait(talk.world.demo().query_view(&ViewQuery { page_size: 3, ..strength() }))?;
    let top: Vec<_> = page.rows.iter().map(|row| row_json(&page.fields, row)).collect();
    equal(&answer["rows"], &json!(top))
}

fn as_of_a_day_and_a_position(talk: &mut Talk) -> Result<()> {
    demo(talk)?;
    let day: jiff::civil::Date = "2026-03-01".parse()?;
    let day = day.since((jiff::Unit::Day, jiff::civil::date(1970, 1, 1)))?.get_days();
    let query = ViewQuery { at: Some(Day::new(day)), ..strength() };
    let then = rows(talk, json!({ "at": "2026-03-01" }), &query)?;
    ensure!(!then.is_empty(), "there were ties in March");
    rows(talk, json!({ "as_of": 1_000 }), &ViewQuery { as_of: Position::new(1_000), ..strength() })?;
    let both = ViewQuery { as_of: Position::new(1_500), ..query };
    rows(talk, json!({ "at": "2026-03-01", "as_of": 1_500 }), &both).map(drop)
}

fn a_report(talk: &mut Talk) -> Result<()> {
    demo(talk)?;
    rows(talk, json!({}), &ViewQuery { view: "bridges".into(), ..strength() })?;
    rows(talk, json!({}), &ViewQuery { view: "follow_up_latency".into(), ..strength() }).map(drop)
}

fn why(talk: &mut Talk) -> Result<()> {
    demo(talk)?;
    let key = a_key(talk)?;
    let names: Vec<_> = key.iter().map(|person| person.as_str().to_owned()).collect();
    let answer = talk.ask(json!({ "do": "why", "on": "c", "view": "strength", "key": names }))?;
    let query = RowQuery { view: "strength".into(), key, ..RowQuery::default() };
    let found = talk.world.wait(talk.world.demo().explain_row(&query))?;
    let evidence = found.evidence.iter().map(|one| {
        let position = Recorded::of_evidence(one)?.entry.position.get();
        Ok::<_, kith_client::Error>(json!({ "position": position, "share": one.share }))
    });
    let evidence = evidence.collect::<Result<Vec<_>, _>>()?;
    ensure!(evidence.len() > 5, "the tie stands on {} entries", evidence.len());
    let rows: Vec<_> = found.rows.iter().map(|row| row_json(&found.fields, row)).collect();
    let expected = json!({ "rows": rows, "evidence": evidence, "hidden": found.hidden, "share_of": found.share_of });
    equal(&answer, &expected)
}

fn a_view_that_is_not_there(talk: &mut Talk) -> Result<()> {
    demo(talk)?;
    let expected = json!({ "kind": "refused", "reason": "VIEW_UNKNOWN", "retryable": false, "had_no_effect": true });
    talk.fails_with(json!({ "do": "view", "on": "c", "view": "nowhere" }), &expected)?;
    talk.ask(json!({ "do": "watch", "on": "c", "as": "w", "view": "nowhere" }))?;
    talk.fails_with(json!({ "do": "next", "of": "w", "ms": 10_000 }), &expected).map(drop)
}

fn rows_as_they_change(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    talk.world.record(&village, &[met(&["amina", "ben"])]);
    talk.ask(json!({ "do": "watch", "on": "c", "as": "w", "view": "strength" }))?;
    let keys = |messages: &[Value]| -> Result<Vec<Value>> {
        let mut keys = Vec::new();
        for message in messages {
            keys.extend(items(message, "rows")?.iter().map(|row| row["key"].clone()));
        }
        Ok(keys)
    };
    let heard = talk.hear_until("w", |message| message["position"].as_u64() >= Some(7))?;
    ensure!(keys(&heard)? == [json!(["amina", "ben"])], "the first rows are {heard:?}");
    let position = talk.world.record(&village, &[met(&["ben", "chidi"])])[0];
    let heard = talk.hear_until("w", |message| message["position"].as_u64() >= Some(position))?;
    ensure!(keys(&heard)? == [json!(["ben", "chidi"])], "the changed rows are {heard:?}");
    let score = &heard.iter().flat_map(|message| message["rows"].as_array().into_iter().flatten()).next_back();
    ensure!(score.is_some_and(|row| row["met"] == 1), "the row is {score:?}");
    talk.ask(json!({ "do": "stop", "of": "w" })).map(drop)
}

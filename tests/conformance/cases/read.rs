//! Reads: pages both ways, filters, words, people, and who calls.

use super::append::connected;
use crate::{
    case::{Case, Talk, equal, items, table},
    json::with,
    village::Village,
};
use anyhow::{Result, ensure};
use kith_client::{Common, Direction, NewEvent, ReadOptions};
use kith_core::{event::Event, filter::Filter, position::Position};
use kith_json::read_time;
use kith_tests::events::{met, referred, sent_with_note};
use serde_json::{Value, json};

pub(super) fn cases() -> Vec<Case> {
    table(
        "read",
        &[
            ("pages forward", &[], pages_forward),
            ("pages backward", &[], pages_backward),
            ("by kind", &[], by_kind),
            ("by people", &[], by_people),
            ("by organisation", &[], by_organisation),
            ("by time", &[], by_time),
            ("words", &[], words),
            ("nothing after the head", &[], nothing_after_the_head),
            ("the head", &[], the_head),
            ("people of the directory", &[], people_of_the_directory),
            ("who calls", &[], who_calls),
        ],
    )
}

/// A village with some entries, the driver connected to it.
fn told(talk: &mut Talk) -> Result<Village> {
    let village = connected(talk)?;
    let early =
        Event { occurred_at: read_time("2026-01-05T08:30:00.250Z").expect("it is a time"), ..met(&["ben", "dara"]) };
    let events = [met(&["amina", "ben"]), early, referred("amina", "ben", "chidi"), met(&["amina", "chidi"])];
    talk.world.record(&village, &events);
    Ok(village)
}

fn read(options: Value) -> Value {
    with(json!({ "do": "read", "on": "c" }), options)
}

/// Checks that a driver reads what the server stored.
fn reads(talk: &mut Talk, village: &Village, command: Value, options: &ReadOptions) -> Result<Value> {
    let answer = talk.ask(read(command))?;
    let page = talk.world.wait(village.client.read(options))?;
    let expected = json!({
        "entries": talk.world.wait(village.entries(options)),
        "next": page.next.get(),
        "end": page.end,
        "head": page.head.get(),
    });
    equal(&answer, &expected)?;
    Ok(answer)
}

fn pages_forward(talk: &mut Talk) -> Result<()> {
    let village = told(talk)?;
    for after in [0, 4, 8] {
        let options = ReadOptions { after: Position::new(after), limit: 4, ..ReadOptions::default() };
        let answer = reads(talk, &village, json!({ "after": after, "limit": 4 }), &options)?;
        ensure!(answer["end"] == (after == 8), "the end is told wrongly after {after}");
    }
    Ok(())
}

fn pages_backward(talk: &mut Talk) -> Result<()> {
    let village = told(talk)?;
    let mut positions = Vec::new();
    let mut after = 0;
    loop {
        let options = ReadOptions {
            after: Position::new(after),
            limit: 4,
            direction: Direction::Backward,
            ..ReadOptions::default()
        };
        let answer = reads(talk, &village, json!({ "after": after, "limit": 4, "backward": true }), &options)?;
        positions.extend(items(&answer, "entries")?.iter().filter_map(|entry| entry["position"].as_u64()));
        after = answer["next"].as_u64().unwrap_or_default();
        if answer["end"] == true {
            ensure!(positions == (1..=10).rev().collect::<Vec<_>>(), "the positions read are {positions:?}");
            return Ok(());
        }
    }
}

/// Checks a filter: with what always passes, and without.
fn filters(talk: &mut Talk, given: &Value, filter: &Filter, matching: usize) -> Result<()> {
    let village = told(talk)?;
    let options = ReadOptions { filter: filter.clone(), ..ReadOptions::default() };
    reads(talk, &village, json!({ "filter": given }), &options)?;
    let options = ReadOptions { common: Common::OnlyMatching, ..options };
    let answer = reads(talk, &village, json!({ "filter": given, "matching_only": true }), &options)?;
    let found = items(&answer, "entries")?.len();
    ensure!(found == matching, "{found} entries match, and {matching} must");
    Ok(())
}

fn by_kind(talk: &mut Talk) -> Result<()> {
    let kind = |name| kith_core::event::Kind::parse(name).expect("it is a kind");
    let filter = Filter { kinds: vec![kind("met"), kind("custom:a/b")], ..Filter::default() };
    filters(talk, &json!({ "kinds": ["met", "custom:a/b"] }), &filter, 3)
}

fn by_people(talk: &mut Talk) -> Result<()> {
    let people = vec!["amina".parse()?, "chidi".parse()?];
    let kinds = ["met", "referred"].map(|name| kith_core::event::Kind::parse(name).expect("it is a kind")).to_vec();
    let mut filter = Filter { people, kinds, ..Filter::default() };
    let mut given = json!({ "people": ["amina", "chidi"], "kinds": ["met", "referred"] });
    filters(talk, &given, &filter, 3)?;
    filter.people_match = kith_core::filter::PeopleMatch::All;
    given["all_people"] = true.into();
    filters(talk, &given, &filter, 2)
}

fn by_organisation(talk: &mut Talk) -> Result<()> {
    // The owner, who records here, belongs to none.
    let filter = Filter { organisations: vec!["riverside".parse()?], ..Filter::default() };
    filters(talk, &json!({ "organisations": ["riverside"] }), &filter, 0)
}

fn by_time(talk: &mut Talk) -> Result<()> {
    let [from, until] = ["2026-01-05T08:30:00.250Z", "2026-01-05T08:30:00.251Z"];
    let [occurred_from, occurred_until] = [from, until].map(read_time);
    let filter = Filter { occurred_from, occurred_until, ..Filter::default() };
    filters(talk, &json!({ "from": from, "until": until }), &filter, 1)
}

fn words(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    let noted = sent_with_note(&met(&["amina", "ben"]), "spoke about Zürich 🏥\nand more");
    let noted = NewEvent::from_proto(&noted)?;
    talk.world.wait(village.client.append(&[noted], None))?;
    let answer = reads(
        talk,
        &village,
        json!({ "after": 6 }),
        &ReadOptions { after: Position::new(6), ..ReadOptions::default() },
    )?;
    let text = &answer["entries"][0]["details"][0]["text"];
    ensure!(text == "spoke about Zürich 🏥\nand more", "the words are {text}");
    Ok(())
}

fn nothing_after_the_head(talk: &mut Talk) -> Result<()> {
    let village = told(talk)?;
    reads(talk, &village, json!({ "after": 10 }), &ReadOptions { after: Position::new(10), ..ReadOptions::default() })?;
    let expected = json!({ "kind": "refused", "reason": "POSITION_AHEAD", "retryable": true });
    talk.connect_with(&village.url, &village.token, village.name(), json!({ "attempts": 1 }))?;
    talk.fails_with(read(json!({ "after": 11 })), &expected).map(drop)
}

fn the_head(talk: &mut Talk) -> Result<()> {
    let village = told(talk)?;
    let head = talk.world.wait(village.client.head())?;
    let expected = json!({
        "position": 10,
        "root": hex::encode(head.root.as_bytes()),
        "incarnation": hex::encode(head.incarnation),
    });
    equal(&talk.ask(json!({ "do": "head", "on": "c" }))?, &expected)
}

fn people_of_the_directory(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    for (organisation, expected) in [("", 4), ("riverside", 2)] {
        let answer = talk.ask(json!({ "do": "people", "on": "c", "organisation": organisation }))?;
        let id = Some(organisation).filter(|id| !id.is_empty()).map(str::parse).transpose()?;
        let people = talk.world.wait(village.client.people(id.as_ref()))?;
        let people: Vec<_> = people.iter().map(kith_json::person_json).collect();
        ensure!(people.len() == expected, "{} people are stored", people.len());
        equal(&answer, &json!({ "people": people }))?;
    }
    Ok(())
}

fn who_calls(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    let who = talk.world.wait(village.client.who_am_i(Some(village.client.network())))?;
    let expected = json!({ "principal": who.principal, "role": "owner", "person": "", "organisation": "" });
    equal(&talk.ask(json!({ "do": "who", "on": "c" }))?, &expected)?;
    let issued = kith_client::NewToken {
        role: Some(kith_core::event::Role::Recorder),
        person: Some("amina".parse()?),
        organisation: Some("riverside".parse()?),
        expires_at: None,
    };
    let issued = talk.world.wait(village.client.issue_token(&issued))?;
    talk.connect(&village.url, issued.secret.expose(), village.name())?;
    let expected =
        json!({ "principal": "person:amina", "role": "recorder", "person": "amina", "organisation": "riverside" });
    equal(&talk.ask(json!({ "do": "who", "on": "c" }))?, &expected)
}

//! The outcome of introductions, as stories recorded with `kith import` and read with `kith view`.
//!
//! The rows must not depend on the order in which the story arrives.

use kith_tests::{cli::Cli, random::Random, raw::Raw, server::Server};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path};

/// The days as of which the stories are read.
const DAYS: [&str; 3] = ["2025-01-11", "2025-02-10", "2025-12-31"];

/// Something that happens to the two people of a story, `a` and `b`, on a day.
#[derive(Clone, Copy)]
enum Step {
    /// Rita introduces the two.
    Referred(&'static str),
    /// One of the two answers.
    Answered(&'static str, char, &'static str),
    Met(&'static str),
    FollowedUp(&'static str),
    Helped(&'static str),
    /// `b` meets `c`, who turns out to be `a`.
    MetOther(&'static str),
    /// `c` is `a`.
    Merged(&'static str),
    /// A step, by its number from 0, is withdrawn.
    Retracted(&'static str, usize),
}
use Step::{Answered, FollowedUp, Helped, Merged, Met, MetOther, Referred, Retracted};

/// A story, its state on each of [`DAYS`] (empty = no row), and the day of its first answer or contact.
type Story = (&'static str, &'static [Step], [&'static str; 3], Option<&'static str>);

const REFERRED: Step = Referred("2025-01-10");
const STORIES: [Story; 16] = [
    ("silent", &[REFERRED], ["unanswered", "unanswered", "unanswered"], None),
    (
        "accepted",
        &[REFERRED, Answered("2025-01-12", 'a', "ACCEPTED")],
        ["unanswered", "accepted", "accepted"],
        Some("2025-01-12"),
    ),
    (
        "declined",
        &[REFERRED, Answered("2025-01-12", 'b', "DECLINED")],
        ["unanswered", "declined", "declined"],
        Some("2025-01-12"),
    ),
    (
        "declined-then-met",
        &[REFERRED, Answered("2025-01-12", 'b', "DECLINED"), Met("2025-02-20")],
        ["unanswered", "declined", "met"],
        Some("2025-01-12"),
    ),
    ("said-met", &[REFERRED, Answered("2025-01-11", 'b', "MET")], ["met", "met", "met"], Some("2025-01-11")),
    ("contact", &[REFERRED, FollowedUp("2025-02-01")], ["unanswered", "met", "met"], Some("2025-02-01")),
    ("contact-before", &[Met("2025-01-09"), REFERRED], ["unanswered", "unanswered", "unanswered"], None),
    (
        "tie",
        &[REFERRED, Met("2025-01-20"), Helped("2025-02-01"), FollowedUp("2025-03-01")],
        ["unanswered", "met", "became_tie"],
        Some("2025-01-20"),
    ),
    (
        "too-late-for-a-tie",
        &[REFERRED, Met("2025-01-20"), Met("2025-02-01"), Met("2025-09-01")],
        ["unanswered", "met", "met"],
        Some("2025-01-20"),
    ),
    ("withdrawn", &[REFERRED, Met("2025-01-20"), Retracted("2025-01-21", 0)], ["", "", ""], None),
    (
        "answer-withdrawn",
        &[REFERRED, Answered("2025-01-11", 'a', "ACCEPTED"), Retracted("2025-01-12", 1)],
        ["unanswered", "unanswered", "unanswered"],
        None,
    ),
    (
        "late-answer",
        &[REFERRED, Met("2025-03-01"), Answered("2025-01-15", 'a', "ACCEPTED")],
        ["unanswered", "accepted", "met"],
        Some("2025-01-15"),
    ),
    (
        "answer-stamped-before",
        &[REFERRED, Answered("2025-01-09", 'a', "DECLINED")],
        ["declined", "declined", "declined"],
        Some("2025-01-10"),
    ),
    (
        "both-accepted",
        &[REFERRED, Answered("2025-01-12", 'b', "ACCEPTED"), Answered("2025-01-14", 'a', "ACCEPTED")],
        ["unanswered", "accepted", "accepted"],
        Some("2025-01-12"),
    ),
    (
        "one-declined",
        &[REFERRED, Answered("2025-01-12", 'a', "DECLINED"), Answered("2025-01-14", 'b', "ACCEPTED")],
        ["unanswered", "declined", "declined"],
        Some("2025-01-12"),
    ),
    (
        "merged",
        &[REFERRED, MetOther("2025-02-01"), Merged("2025-02-05")],
        ["unanswered", "met", "met"],
        Some("2025-02-01"),
    ),
];

/// An event of the story as a line of JSON, and the number of the event that it names.
struct Line {
    event: Value,
    names: Option<usize>,
}

fn id(number: usize) -> String {
    format!("018f0000-0000-7000-8000-{number:012}")
}

fn event(number: usize, day: &str, fact: &str, body: &Value) -> Value {
    json!({"event": {"id": id(number), "occurredAt": format!("{day}T09:00:00Z"), "scope": "SCOPE_NETWORK", fact: body}})
}

/// The people, in an order that yields the same handles everywhere.
fn directory() -> Vec<Value> {
    let names = STORIES.iter().flat_map(|(name, ..)| ["a", "b", "c"].map(|who| format!("{name}-{who}")));
    let added = |(number, person)| event(number, "2025-01-01", "personAdded", &json!({"person": person}));
    std::iter::once("rita".to_owned()).chain(names).enumerate().map(added).collect()
}

/// All stories, one after the other.
fn story() -> Vec<Line> {
    let mut lines = Vec::new();
    let offset = 1_000;
    for (name, steps, ..) in STORIES {
        let first = lines.len();
        let referral = steps.iter().position(|step| matches!(step, Referred(_))).expect("each story has one");
        for step in steps {
            let line = line(name, *step, offset + lines.len(), offset + first, offset + first + referral);
            lines.push(Line { names: line.1.map(|number| number - offset), event: line.0 });
        }
    }
    lines
}

/// The line of a step, and the number of the event that it names.
fn line(name: &str, step: Step, number: usize, first: usize, referral: usize) -> (Value, Option<usize>) {
    let [a, b, c] = ["a", "b", "c"].map(|who| format!("{name}-{who}"));
    let plain = |day, fact, body: Value| (event(number, day, fact, &body), None);
    match step {
        Referred(day) => plain(day, "referred", json!({"referrer": "rita", "person": a, "to": b})),
        Met(day) => plain(day, "met", json!({"people": [b, a]})),
        FollowedUp(day) => plain(day, "followedUp", json!({"by": b, "with": [a]})),
        Helped(day) => plain(day, "helped", json!({"helper": a, "helped": b})),
        MetOther(day) => plain(day, "met", json!({"people": [b, c]})),
        Merged(day) => plain(day, "peopleMerged", json!({"kept": a, "merged": c})),
        Answered(day, by, answer) => {
            let (by, answer) = (format!("{name}-{by}"), format!("ANSWER_{answer}"));
            let body = json!({"referral": id(referral), "by": by, "answer": answer});
            (event(number, day, "answered", &body), Some(referral))
        }
        Retracted(day, step) => {
            let body = json!({"event": id(first + step), "reason": "RETRACTION_REASON_MISTAKE"});
            (event(number, day, "retracted", &body), Some(first + step))
        }
    }
}

/// Another order of arrival, in which every event still comes after the one it refers to.
fn shuffled(story: &[Line], random: &mut Random) -> Vec<usize> {
    let mut order: Vec<usize> = (0..story.len()).collect();
    random.shuffle(&mut order);
    let mut arrived = Vec::new();
    while !order.is_empty() {
        let (now, later): (Vec<_>, Vec<_>) =
            order.iter().partition(|number| story[**number].names.is_none_or(|named| arrived.contains(&named)));
        arrived.extend(now);
        order = later;
    }
    arrived
}

/// Imports the story in an order on a server of its own.
async fn import(folder: &Path, order: &[usize]) -> (Server, u64) {
    let server = Server::start();
    let story = story();
    let events = order.iter().map(|number| story[*number].event.clone());
    let lines: Vec<String> = directory().into_iter().chain(events).map(|event| event.to_string()).collect();
    let file = folder.join("story.jsonl");
    fs::write(&file, lines.join("\n")).unwrap();
    let imported = server.cli().json(&["import", file.to_str().unwrap()]);
    assert_eq!(imported["accepted"], lines.len(), "{imported}");
    let head = server.cli().head();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    raw.follow_view("introductions", head).await.unwrap();
    (server, head)
}

/// The rows by key, without the positions in them.
fn rows(cli: &Cli, flags: &[&str]) -> BTreeMap<String, Value> {
    let rows = cli.json_lines(&[&["view", "introductions"], flags].concat());
    let by_key = rows.into_iter().map(|mut row| {
        row.as_object_mut().expect("a row is an object").remove("item");
        (row["key"][0].as_str().expect("people are text").trim_end_matches("-a").to_owned(), row)
    });
    by_key.collect()
}

fn check(rows: &BTreeMap<String, Value>, day: usize) {
    for (name, _, states, resolved) in STORIES {
        let Some(row) = rows.get(name) else {
            assert_eq!(states[day], "", "{name} has no row on {}", DAYS[day]);
            continue;
        };
        assert_eq!(row["state"], states[day], "{name} on {}: {row}", DAYS[day]);
        assert_eq!(row["key"], json!([format!("{name}-a"), format!("{name}-b")]));
        assert_eq!((&row["referrer"], &row["referred_on"]), (&json!("rita"), &json!("2025-01-10")), "{name}");
        if day == DAYS.len() - 1 {
            assert_eq!(row["resolved_on"], json!(resolved), "{name}");
        }
    }
}

#[tokio::test]
async fn introductions_are_followed_to_their_outcome_whatever_the_order_of_arrival() {
    let mut random = Random::from_env("KITH_STORY_SEED");
    let folder = tempfile::tempdir().unwrap();
    let in_order: Vec<usize> = (0..story().len()).collect();
    let (told, head) = import(folder.path(), &in_order).await;
    let (mixed, mixed_head) = import(folder.path(), &shuffled(&story(), &mut random)).await;
    assert_eq!(head, mixed_head);
    for (day, date) in DAYS.into_iter().enumerate() {
        let rows_told = rows(&told.cli(), &["--at", date]);
        check(&rows_told, day);
        assert_eq!(rows(&mixed.cli(), &["--at", date]), rows_told, "{date}");
    }
}

#[tokio::test]
async fn what_was_known_before_a_correction_can_still_be_asked() {
    let folder = tempfile::tempdir().unwrap();
    let order: Vec<usize> = (0..story().len()).collect();
    let (server, _) = import(folder.path(), &order).await;
    let cli = server.cli();
    let position_of = |story_name: &str, step: usize| {
        let before = STORIES.iter().take_while(|(name, ..)| *name != story_name).map(|(_, steps, ..)| steps.len());
        directory().len() + before.sum::<usize>() + step + 1
    };
    let state = |name: &str, step: usize| {
        let as_of = position_of(name, step).to_string();
        rows(&cli, &["--at", DAYS[2], "--as-of", &as_of]).get(name).map_or(Value::Null, |row| row["state"].clone())
    };
    assert_eq!(state("withdrawn", 1), "met");
    assert_eq!(state("withdrawn", 2), Value::Null);
    assert_eq!(state("answer-withdrawn", 1), "accepted");
    assert_eq!(state("answer-withdrawn", 2), "unanswered");
    assert_eq!(state("merged", 1), "unanswered");
    assert_eq!(state("merged", 2), "met");
}

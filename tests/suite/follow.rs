//! Followers: history and live entries are one stream, without gap or repetition, across restarts of the server.

use futures_util::StreamExt;
use kith_client::{Client, Cursor, Options, Subscription};
use kith_core::{filter::Filter, position::Position};
use kith_proto::v1;
use kith_tests::{
    cli::Cli,
    events::{followed_up, met, person_added, sent},
    proxy::Proxy,
    raw::Raw,
    server::Server,
};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::Arc,
};
use tokio::task::JoinHandle;

const PEOPLE: [&str; 4] = ["ada", "ben", "cleo", "dev"];

async fn start() -> (Server, Raw) {
    let server = Server::start();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    raw.append(PEOPLE.iter().map(|id| sent(&person_added(id, ""))).collect()).await.unwrap();
    (server, raw)
}

/// Appends a number of events, fifty at a time.
async fn append(raw: &Raw, count: usize) {
    for batch in 0..count / 50 {
        let (a, b) = (PEOPLE[batch % 4], PEOPLE[(batch + 1) % 4]);
        let event = |number| if number % 2 == 0 { met(&[a, b]) } else { followed_up(a, b, None) };
        raw.append((0..50).map(|number| sent(&event(number))).collect()).await.unwrap();
    }
}

async fn client(url: &str, server: &Server) -> Client {
    Client::connect(Options::new(url, server.token(), "default".parse().unwrap())).await.unwrap()
}

/// Reads a subscription up to a position. Positions after `after` must arrive without gap or repetition.
async fn check(subscription: &mut Subscription, after: u64, until: u64) -> Cursor {
    let mut last = after;
    while last < until {
        match subscription.next().await.expect("a subscription goes on") {
            Ok(update) => {
                for recorded in update.entries.decode().unwrap() {
                    assert_eq!(recorded.entry.position.get(), last + 1);
                    last += 1;
                }
                assert_eq!(update.cursor.position.get(), last, "the cursor is where the entries end");
                if last == until {
                    return update.cursor;
                }
            }
            Err(error) => assert!(error.is_retryable(), "only interruptions are told: {error}"),
        }
    }
    panic!("there is something to read");
}

/// `kith log --follow` from the first entry, read up to a position on a thread of its own.
fn follow_on_the_command_line(cli: &Cli, until: u64) -> JoinHandle<Child> {
    let mut child = cli
        .command(&["--output", "json", "log", "--after", "0", "--follow"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    tokio::task::spawn_blocking(move || {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for position in 1..=until {
            let line = lines.next().expect("a follower goes on").unwrap();
            let entry: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!(entry["position"], position, "{line}");
        }
        child
    })
}

fn end(mut child: Child) {
    assert!(child.try_wait().unwrap().is_none(), "a follower does not end by itself");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_see_history_and_live_entries_once() {
    let (server, raw) = start().await;
    append(&raw, 2_000).await;
    let until = 4 + 2_000 + 4 * 2_000;
    let mut subscription = client(&server.url(), &server).await.subscribe(Filter::default(), Cursor::default());
    let subscribed = tokio::spawn(async move { check(&mut subscription, 0, until).await });
    let child = follow_on_the_command_line(&server.cli(), until);
    let appending: Vec<_> = (0..4)
        .map(|_| {
            let raw = raw.clone();
            tokio::spawn(async move { append(&raw, 2_000).await })
        })
        .collect();
    for task in appending {
        task.await.unwrap();
    }
    assert_eq!(subscribed.await.unwrap().position, Position::new(until));
    end(child.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_go_on_when_the_server_is_back() {
    let (server, raw) = start().await;
    append(&raw, 500).await;
    let proxy = Proxy::start(&server.url()).await;
    let mut subscription = client(&proxy.url(), &server).await.subscribe(Filter::default(), Cursor::default());
    let child = follow_on_the_command_line(&server.cli().server(&proxy.url()), 1_004);
    let kept = check(&mut subscription, 0, 504).await;

    let data = server.data();
    let token = server.token();
    assert!(server.terminate().success(), "open followers do not hold up the end");
    let server = Server::start_on(Arc::clone(&data), &[]);
    assert_eq!(server.token(), token);
    proxy.redirect(&server.url());
    append(&Raw::connect(&server.url(), &token).await, 500).await;
    check(&mut subscription, 504, 1_004).await;
    end(child.await.unwrap());

    let mut from_cursor = client(&server.url(), &server).await.subscribe(Filter::default(), kept);
    check(&mut from_cursor, 504, 1_004).await;
}

#[tokio::test]
async fn cursors_of_another_history_or_ahead_are_refused() {
    let (server, raw) = start().await;
    let head = raw.head().await.unwrap();
    let subscribe = async |incarnation: Vec<u8>, position| {
        let cursor = v1::Cursor { incarnation, position, filter: Vec::new() };
        let refused = match raw.subscribe(Some(cursor), None).await {
            Ok(mut updates) => updates.message().await.map_err(Into::into).map(drop),
            Err(refusal) => Err(refusal),
        };
        refused.map_err(|refusal| refusal.reason)
    };
    assert_eq!(subscribe(vec![7; 16], 1).await, Err("RESET_REQUIRED".to_owned()));
    assert_eq!(subscribe(head.incarnation.clone(), head.position + 1).await, Err("POSITION_AHEAD".to_owned()));
    assert_eq!(subscribe(head.incarnation, head.position).await, Ok(()));
    drop(server);
}

#[test]
fn a_merge_that_was_undone_is_no_part_of_what_was_asked_for() {
    let server = Server::start();
    let cli = server.cli();
    for id in PEOPLE {
        cli.run(&["person", "add", id, "--id", id]).ok();
    }
    let merge = cli.json(&["person", "merge", "dev", "--into", "cleo"]);
    cli.run(&["met", "ada", "ben"]).ok();
    cli.run(&["retract", merge["id"].as_str().unwrap(), "--reason", "mistake"]).ok();
    let met = cli.json(&["met", "ada", "ben"]);
    cli.run(&["retract", met["id"].as_str().unwrap(), "--reason", "mistake"]).ok();

    let kinds = |arguments: &[&str]| -> Vec<String> {
        let lines = cli.json_lines(&[&["log"], arguments].concat());
        lines.iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect()
    };
    let both = ["met", "met", "retracted"];
    assert_eq!(kinds(&["--kind", "met"]), both);
    assert_eq!(kinds(&["--between", "ada", "ben"]), both);
    assert_eq!(kinds(&["--kind", "met", "--after", "6", "--limit", "1"]), ["met"], "it uses up no limit");
    assert_eq!(kinds(&["--kind", "helped"]), [""; 0]);
    assert_eq!(kinds(&["--person", "cleo"]), ["person_added", "people_merged", "retracted"]);
}

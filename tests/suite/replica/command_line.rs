//! Replicas through the command line: a day's work offline on two devices and at the server.

use kith_core::timestamp::Timestamp;
use kith_tests::{
    cli::Cli,
    node::{InProcess, SetClock},
    ran::Ran,
    server::Server,
};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdout, Command, Stdio},
};
use tempfile::TempDir;

/// The command line with its own replica.
struct Kith {
    cli: Cli,
    folder: TempDir,
}

impl Kith {
    fn new(cli: &Cli) -> Self {
        Self { cli: cli.clone(), folder: tempfile::tempdir().unwrap() }
    }

    /// The same device when no server answers.
    fn offline(&self, arguments: &[&str]) -> Ran {
        Ran::run(self.cli.server("http://127.0.0.1:9").command(arguments).env("KITH_REPLICA", self.folder.path()), "")
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::run(&mut self.command(arguments), "")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.cli.command(arguments);
        command.env("KITH_REPLICA", self.folder.path());
        command
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let all: Vec<&str> = ["-o", "json"].into_iter().chain(arguments.iter().copied()).collect();
        self.run(&all).ok().json()
    }
}

#[test]
fn after_a_day_offline_two_devices_and_the_server_agree() {
    let server = Server::start();
    let cli = server.cli();
    for (name, id) in [("Amina Shah", "amina"), ("Ben Okoro", "ben"), ("Carol Reyes", "carol")] {
        cli.run(&["person", "add", name, "--id", id]).ok();
    }
    let (one, other) = (Kith::new(&cli), Kith::new(&cli));
    one.offline(&["met", "shah", "ben"]).exits(5).says("this replica is empty, `kith sync` fetches the log first");
    one.offline(&["person", "list", "--org", "north"]).exits(5).says("there is no organisation \"north\"");
    one.run(&["sync"]).ok().prints("at position 3, verified: 3 fetched");
    one.offline(&["met", "shah", "nobody"]).exits(3).says("there is no person \"nobody\", neither by id nor by name");
    other.run(&["sync"]).ok();

    one.offline(&["sync"]).exits(5);
    one.offline(&["met", "shah", "ben", "--note", "spoke about discharge letters"]).ok().prints("queued as");
    one.offline(&["helped", "amina", "carol", "--category", "beds"]).ok().prints("queued");
    other.offline(&["person", "add", "Dan Novak", "--id", "dan"]).ok();
    other.offline(&["met", "dan", "carol"]).ok().prints("queued");
    cli.run(&["met", "ben", "carol"]).ok();
    let log = one.offline(&["log"]).ok();
    assert_eq!(log.stdout.lines().filter(|line| line.starts_with("pending")).count(), 2, "{}", log.stdout);
    let view = one.offline(&["view", "strength", "--pending"]).ok().prints("Amina Shah · Ben Okoro (pending)");
    assert_eq!(view.stdout.matches("(pending)").count(), 2, "{}", view.stdout);
    one.offline(&["view", "strength"]).ok().says("0 of 0 rows");
    one.offline(&["why", "strength", "amina", "ben", "--pending"]).ok().prints("met");
    one.offline(&["status"]).ok().prints("2 events are waiting to be sent").prints("verified  yes");

    for device in [&one, &other, &one] {
        device.run(&["sync"]).ok();
    }
    let head = cli.json(&["head"]);
    for device in [&one, &other] {
        let here = device.json(&["head"]);
        assert_eq!((&here["position"], &here["root"]), (&head["position"], &head["root"]));
        assert_eq!(device.json(&["verify"])["verified"], true);
        let status = device.json(&["status"]);
        assert_eq!((&status["pending"], &status["complete"]), (&Value::from(0), &Value::from(true)));
    }
    for view in ["strength", "introductions", "follow_ups", "help", "keep_in_touch"] {
        let digest = cli.json(&["view", view, "--digest"]);
        assert_eq!(digest["position"], head["position"]);
        assert_eq!(
            (&one.json(&["view", view, "--digest"]), &other.json(&["view", view, "--digest"])),
            (&digest, &digest)
        );
        assert_eq!(one.offline(&["view", view]).ok().stdout, cli.run(&["view", view]).ok().stdout);
    }
    let why = ["why", "strength", "amina", "ben"];
    assert_eq!(one.offline(&why).ok().stdout, cli.run(&why).ok().stdout);
    assert_eq!(one.run(&["log"]).ok().stdout, cli.run(&["log"]).ok().stdout);
    assert_eq!(one.run(&["person", "list"]).ok().stdout, cli.run(&["person", "list"]).ok().stdout);
}

#[test]
fn what_was_refused_is_listed_explained_and_given_up() {
    let server = Server::start();
    let device = Kith::new(&server.cli());
    let line = r#"{"event":{"occurred_at":"2026-03-04T10:00:00Z","scope":"network","met":{"people":["x","y"]}}}"#;
    let mut command = server.cli().command(&["record", "-"]);
    Ran::run(command.env("KITH_REPLICA", device.folder.path()), line).ok().prints("1: queued as");
    device.run(&["sync"]).exits(4).says("kith outbox list");
    let listed = device.json(&["outbox", "list"]);
    assert_eq!((&listed["state"], &listed["reason"]), (&Value::from("refused"), &Value::from("PERSON_UNKNOWN")));
    let id = listed["id"].as_str().unwrap();
    assert_eq!(device.json(&["explain", id])["state"], "refused");
    device.run(&["outbox", "drop", id]).ok();
    device.run(&["explain", id]).exits(3);
    device.run(&["outbox"]).ok();
    device.run(&["reset", "--keep-outbox"]).ok();
    device.run(&["sync"]).ok();
    Ran::run(&mut server.cli().command(&["status"]), "").exits(2).says("KITH_REPLICA");
}

/// A long-running command; dropping it ends it.
struct Following {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads until a line contains these words.
    fn hear(&mut self, words: &str) -> String {
        self.lines.find_map(|line| line.ok().filter(|line| line.contains(words))).unwrap_or_else(|| panic!("{words}"))
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A server with three people, and a device that is in sync with it.
fn three_people() -> (Server, Kith) {
    let server = Server::start();
    let cli = server.cli();
    for id in ["amina", "ben", "carol"] {
        cli.run(&["person", "add", id, "--id", id]).ok();
    }
    let device = Kith::new(&cli);
    device.run(&["sync"]).ok();
    (server, device)
}

#[test]
fn others_record_and_read_while_a_replica_is_followed() {
    let (server, device) = three_people();
    let cli = server.cli();
    device.offline(&["met", "amina", "ben"]).ok();
    let mut log = Following::start(device.command(&["log", "--follow", "-o", "json"]));
    log.hear("\"person\":\"carol\"");
    log.hear("\"met\"");
    assert_eq!(cli.head(), 4, "it was sent before it was heard of");
    device.run(&["met", "ben", "carol", "--note", "beside it"]).ok().prints("queued");
    log.hear("beside it");
    assert_eq!(cli.head(), 5, "who follows sends what others record");
    device.run(&["view", "strength"]).ok().prints("ben · carol");
    drop(log);

    let mut rows = Following::start(device.command(&["watch", "strength", "-o", "json"]));
    rows.hear("[\"ben\",\"carol\"]");
    device.run(&["met", "amina", "carol"]).ok();
    rows.hear("[\"amina\",\"carol\"]");
    device.run(&["view", "strength"]).ok().prints("amina · carol");
    drop(rows);

    let mut sync = Following::start(device.command(&["sync", "--follow", "-o", "json"]));
    sync.hear("online");
    device.run(&["met", "amina", "ben", "carol"]).ok();
    sync.hear("\"happening\":\"entries\"");
    device.run(&["sync"]).ok().prints("at position 7");
    device.run(&["why", "strength", "amina", "ben"]).ok();
    assert_eq!(device.json(&["verify"])["verified"], true);
}

#[test]
fn commands_at_the_same_moment_take_turns() {
    let (_server, device) = three_people();
    std::thread::scope(|scope| {
        for number in 0..6 {
            let device = &device;
            scope.spawn(move || device.offline(&["met", "amina", "ben", "--note", &format!("at once {number}")]).ok());
        }
    });
    let listed = device.offline(&["-o", "json", "outbox"]).ok().json_lines();
    assert_eq!(listed.len(), 6);

    // As in `kith outbox -o json | jq -c '{event,details}' | kith record -`: the second waits for its input in the
    // meantime.
    let mut record = device.command(&["record", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = record.stdin.take().unwrap();
    for line in device.offline(&["-o", "json", "outbox"]).ok().json_lines() {
        writeln!(input, "{}", json!({ "event": line["event"], "details": line["details"] })).unwrap();
    }
    drop(input);
    let output = record.wait_with_output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && printed.lines().count() == 6, "{printed}");
    let sent = &device.json(&["sync"])["accepted"];
    assert_eq!(*sent, 6, "each is one event for ever");
}

#[test]
fn what_a_moment_or_a_token_refused_is_sent_again_by_the_next_sync() {
    const HOURS_MS: i64 = 3_600_000;
    let now = kith_client::now();
    let clock = SetClock::at(now);
    let node = InProcess::start(&clock);
    let cli = node.cli();
    cli.run(&["person", "add", "Amina", "--id", "amina"]).ok();
    let reader = cli.json(&["token", "add", "--role", "reader"])["secret"].as_str().unwrap().to_owned();
    let device = Kith::new(&cli);
    device.run(&["sync"]).ok();

    // To a laptop whose clock is fast, the server's clock is slow.
    clock.set(Timestamp::from_millis(now.millis() - 2 * HOURS_MS));
    device.offline(&["person", "add", "Dora", "--id", "dora"]).ok();
    device.offline(&["met", "dora", "amina", "--on", "2026-01-05", "--note", "words that matter"]).ok();
    device.run(&["sync"]).exits(4).says("2 events were refused");
    let listed = device.run(&["-o", "json", "outbox"]).ok().json_lines();
    let reasons: Vec<_> = listed.iter().map(|line| line["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["EVENT_INVALID", "PERSON_UNKNOWN"]);
    assert_eq!(listed[1]["details"][0]["text"], "words that matter");
    let met = listed[1]["id"].as_str().unwrap();
    device.run(&["explain", met]).ok().prints("words that matter");
    assert_eq!(device.json(&["explain", met])["details"], listed[1]["details"]);

    clock.set(Timestamp::from_millis(now.millis() + HOURS_MS));
    let as_reader = |arguments: &[&str]| {
        Ran::run(cli.token(&reader).command(arguments).env("KITH_REPLICA", device.folder.path()), "")
    };
    as_reader(&["sync"]).exits(4).says("2 events were refused");
    let reasons: Vec<_> = device.run(&["-o", "json", "outbox"]).ok().json_lines();
    assert!(reasons.iter().all(|line| line["reason"] == "PERMISSION_DENIED"), "{reasons:?}");
    device.run(&["sync"]).ok().prints("2 sent");
    device.run(&["outbox"]).ok();
    assert_eq!(device.json(&["explain", met])["state"], "here");
}

#[test]
fn what_was_refused_can_be_mended_and_sent_again() {
    let (_server, device) = three_people();
    device.run(&["person", "add", "Another Amina", "--id", "amina"]).ok();
    for _ in 0..2 {
        device.run(&["sync"]).exits(4).says("1 event was refused");
    }
    device.run(&["outbox", "retry", "--all"]).ok().prints("1 event is waiting to be sent");
    device.run(&["sync"]).exits(4);
    let refused = device.json(&["outbox", "list"]);
    assert_eq!(refused["reason"], "ALREADY_EXISTS");
    let id = refused["id"].as_str().unwrap();
    device.run(&["outbox", "retry", id]).ok();
    device.run(&["outbox", "retry", id]).exits(3);
    device.run(&["sync"]).exits(4);

    let line = json!({ "event": refused["event"], "details": refused["details"] }).to_string();
    let mended = line.replace("\"amina\"", "\"another\"");
    Ran::run(&mut device.command(&["record", "-"]), &mended).ok().prints("queued");
    device.run(&["sync"]).ok().prints("1 sent");
    device.run(&["person", "show", "another"]).ok().prints("Another Amina");

    device.run(&["person", "add", "Ben", "--id", "ben"]).ok();
    device.run(&["sync"]).exits(4);
    device.run(&["outbox", "drop", "--all"]).ok().prints("1 refused events were dropped");
    device.run(&["sync"]).ok();
}

#[test]
fn a_file_is_imported_into_the_outbox_and_a_network_is_left() {
    let server = Server::start();
    let cli = server.cli();
    for id in ["amina", "ben"] {
        cli.run(&["person", "add", id, "--id", id]).ok();
    }
    let device = Kith::new(&cli);
    device.run(&["sync"]).ok();
    let file = tempfile::NamedTempFile::new().unwrap();
    let line = |hour| {
        format!(
            r#"{{"event":{{"occurred_at":"2026-03-04T{hour}:00:00Z","scope":"network","met":{{"people":["amina","ben"]}}}}}}"#
        )
    };
    std::fs::write(file.path(), [line(10), line(11), line(12)].join("\n")).unwrap();
    let path = file.path().to_str().unwrap();
    let import = |device: &Kith| device.json(&["import", path]);
    let counts = |found: &Value| (found["queued"].as_u64(), found["duplicates"].as_u64(), found["refused"].as_u64());
    assert_eq!(counts(&import(&device)), (Some(3), Some(0), Some(0)));
    assert_eq!(counts(&import(&device)), (Some(0), Some(3), Some(0)));
    device.run(&["leave"]).exits(2).says("3 events are waiting to be sent").says("--discard-outbox");
    assert_eq!(device.json(&["sync"])["accepted"], 3);
    assert_eq!(counts(&import(&device)), (Some(0), Some(3), Some(0)));
    assert_eq!(cli.json(&["import", path])["duplicates"], 3, "a server takes them for the same");
    device.offline(&["view", "strength"]).ok().prints("amina");

    device.offline(&["leave"]).ok().prints("left default");
    assert!(!device.folder.path().exists());
    std::fs::create_dir(device.folder.path()).unwrap();
    device.offline(&["met", "--id", "019d0000-0000-7000-8000-000000000000", "--on", "today", "amina", "ben"]).exits(5);
    device.offline(&["person", "add", "Dan", "--id", "dan"]).ok();
    device.offline(&["leave", "--discard-outbox"]).ok();
    std::fs::create_dir(device.folder.path()).unwrap();
}

#[test]
fn a_log_is_followed_from_a_position_that_the_replica_has_not_reached() {
    let server = Server::start();
    let cli = server.cli();
    for id in ["amina", "ben"] {
        cli.run(&["person", "add", id, "--id", id]).ok();
    }
    let device = Kith::new(&cli);
    device.run(&["sync"]).ok();
    let mut log = Following::start(device.command(&["log", "--follow", "--after", "3", "-o", "json"]));
    cli.run(&["met", "amina", "ben", "--note", "before"]).ok();
    cli.run(&["met", "amina", "ben", "--note", "after"]).ok();
    let first = log.hear("{");
    assert!(first.contains("\"position\":4"), "nothing up to there is shown again: {first}");
}

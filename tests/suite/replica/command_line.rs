//! Replicas through the command line: a day's work offline on two devices and at the server.

use kith_tests::{cli::Cli, ran::Ran, server::Server};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Command, Stdio},
};
use tempfile::TempDir;

/// The command line with a replica of its own.
struct Kith {
    cli: Cli,
    folder: TempDir,
}

impl Kith {
    fn new(cli: &Cli) -> Self {
        Self { cli: cli.clone(), folder: tempfile::tempdir().unwrap() }
    }

    /// The same device where no server answers.
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
    one.run(&["sync"]).ok().prints("at position 3, verified: 3 fetched");
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
    one.offline(&["status"]).ok().prints("2 events wait to be sent").prints("verified  yes");

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

/// A command that goes on; dropping it ends it.
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

    /// Reads until a line has these words.
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

#[test]
fn a_replica_is_followed_by_one_process_at_a_time() {
    let server = Server::start();
    let cli = server.cli();
    for id in ["amina", "ben", "carol"] {
        cli.run(&["person", "add", id, "--id", id]).ok();
    }
    let device = Kith::new(&cli);
    device.run(&["met", "amina", "ben"]).exits(3);
    device.run(&["sync"]).ok();
    device.offline(&["met", "amina", "ben"]).ok();
    let mut log = Following::start(device.command(&["log", "--follow", "-o", "json"]));
    log.hear("\"person\":\"carol\"");
    log.hear("\"met\"");
    assert_eq!(cli.head(), 4, "it was sent before it was heard of");
    device.run(&["view", "strength"]).exits(5).says("in use by another process");
    cli.run(&["met", "ben", "carol"]).ok();
    log.hear("\"carol\"");
    drop(log);

    let mut rows = Following::start(device.command(&["watch", "strength", "-o", "json"]));
    rows.hear("[\"ben\",\"carol\"]");
    cli.run(&["met", "amina", "carol"]).ok();
    rows.hear("[\"amina\",\"carol\"]");
    drop(rows);
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
    device.run(&["leave"]).exits(2).says("3 events wait to be sent").says("--discard-outbox");
    assert_eq!(device.json(&["sync"])["accepted"], 3);
    assert_eq!(counts(&import(&device)), (Some(0), Some(3), Some(0)));
    assert_eq!(cli.json(&["import", path])["duplicates"], 3, "a server takes them for the same");
    device.offline(&["view", "strength"]).ok().prints("amina");

    device.offline(&["leave"]).ok().prints("left default");
    assert!(!device.folder.path().exists());
    std::fs::create_dir(device.folder.path()).unwrap();
    device.offline(&["met", "--id", "019d0000-0000-7000-8000-000000000000", "--on", "today", "amina", "ben"]).exits(3);
    device.offline(&["person", "add", "Dan", "--id", "dan"]).ok();
    device.offline(&["leave", "--discard-outbox"]).ok();
    std::fs::create_dir(device.folder.path()).unwrap();
}

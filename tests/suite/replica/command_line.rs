//! Replicas through the command line: a day's work offline on two devices and at the server.

use kith_tests::{cli::Cli, ran::Ran, server::Server};
use serde_json::Value;
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
        Ran::run(self.cli.command(arguments).env("KITH_REPLICA", self.folder.path()), "")
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

//! Replicas: clients that record without a server, and sync with it when there is one.

mod command_line;
mod crash;
mod example;
mod history;
mod offline;
mod parts;
mod questions;
mod versions;
mod views;
mod words;

use kith_client::{
    Client, NewEvent, Options, Retry,
    replica::{Recording, Replica, ReplicaOptions, SyncError},
};
use kith_core::event::{DirectoryFact, Event, Fact, Habit, Met, PersonAdded};
use kith_tests::server::Server;
use std::path::Path;
use tempfile::TempDir;

/// A replica in its own folder, and how it reaches a server.
struct Device {
    replica: Replica,
    client: Client,
    folder: TempDir,
}

impl Device {
    fn new(url: &str, token: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { replica: open(folder.path()), client: client(url, token), folder }
    }

    fn of(server: &Server) -> Self {
        Self::new(&server.url(), &server.token())
    }

    /// The same replica, in a restarted process.
    fn reopened(self) -> Self {
        let Self { replica, client, folder } = self;
        drop(replica);
        Self { replica: open(folder.path()), client, folder }
    }

    fn add_person(&self, id: &str) -> NewEvent {
        let person = PersonAdded { person: id.parse().unwrap(), organisation: None, role: "GP".to_owned() };
        self.record(Fact::Directory(DirectoryFact::PersonAdded(person)))
    }

    fn meet(&self, people: &[&str]) -> NewEvent {
        let people = people.iter().map(|id| id.parse().unwrap()).collect();
        self.record(Fact::Habit(Habit::Met(Met { people })))
    }

    fn record(&self, fact: Fact) -> NewEvent {
        let event = self.replica.event(fact).build().unwrap();
        assert_eq!(self.replica.record(&event).unwrap(), Recording::Queued);
        event
    }

    async fn expect_alarm(&self) -> String {
        match self.replica.sync(&self.client).await {
            Err(SyncError::Alarm(alarm)) => {
                let evidence = std::fs::read_to_string(alarm.evidence.as_ref().unwrap()).unwrap();
                assert!(evidence.matches("kith/default/").count() >= 3, "both checkpoints are kept: {evidence}");
                alarm.to_string()
            }
            other => panic!("an alarm is missing: {other:?}"),
        }
    }

    /// Position and root here equal those of the server, and everything here hashes to them.
    async fn expect_level(&self) {
        let (head, checked) = (self.client.head().await.unwrap(), self.replica.check().unwrap());
        assert_eq!(checked.problems, Vec::<String>::new());
        assert_eq!((checked.position, checked.root), (head.position, head.root));
        assert_eq!(self.replica.head(), head.position);
    }

    /// Everything that is here.
    fn events(&self) -> Vec<Event> {
        let options = kith_client::ReadOptions { limit: 10_000, ..Default::default() };
        let page = self.replica.read(&options).unwrap();
        page.entries.decode().unwrap().into_iter().map(|recorded| recorded.event).collect()
    }
}

fn open(folder: &Path) -> Replica {
    Replica::open(folder, options()).unwrap()
}

fn options() -> ReplicaOptions {
    ReplicaOptions::new("default".parse().unwrap())
}

/// A client that gives up at once, connected or not.
pub(crate) fn client(url: &str, token: &str) -> Client {
    let options = Options::new(url, token, "default".parse().unwrap());
    Client::lazy(Options { retry: Retry::NEVER, ..options }).unwrap()
}

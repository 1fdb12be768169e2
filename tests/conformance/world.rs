//! What the cases share: a real server with the made-up network `demo`, and a runtime for what this program does.

use crate::village::Village;
use kith_client::{Client, NewEvent, Options, Outcome};
use kith_core::event::Event;
use kith_tests::{
    events::{organisation_added, person_added, sent},
    server::Server,
};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::runtime::Runtime;

/// Everything that is there before the first case.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) server: Server,
    owner: Client,
    networks: AtomicU32,
}

impl World {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let server = Server::start_with(&["--demo"]);
        let options = Options::new(server.url(), server.token(), "demo".parse().expect("it is a name"));
        let owner = runtime.block_on(async { Client::lazy(options) }).expect("the options are valid");
        Self { runtime, server, owner, networks: AtomicU32::new(0) }
    }

    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The owner's client of the network `demo`.
    pub(crate) fn demo(&self) -> &Client {
        &self.owner
    }

    /// A name that no network has yet.
    pub(crate) fn new_name(&self) -> String {
        format!("case-{}", self.networks.fetch_add(1, Ordering::Relaxed))
    }

    /// A new network with two organisations and four people: positions 1 to 6.
    pub(crate) fn village(&self) -> Village {
        let name = self.new_name().parse().expect("it is a name");
        let client = self.owner.with_network(name);
        self.wait(async { self.owner.create_network(client.network()).await }).expect("networks can be created");
        let village = Village { client, url: self.server.url(), token: self.server.token() };
        let people = [("amina", "riverside"), ("ben", "hillside"), ("chidi", "riverside"), ("dara", "hillside")];
        let organisations = ["riverside", "hillside"].map(organisation_added);
        let people = people.map(|(person, organisation)| person_added(person, organisation));
        self.record(&village, &organisations.into_iter().chain(people).collect::<Vec<_>>());
        village
    }

    /// Records events; returns their positions.
    pub(crate) fn record(&self, village: &Village, events: &[Event]) -> Vec<u64> {
        let events: Vec<_> =
            events.iter().map(|event| NewEvent::from_proto(&sent(event)).expect("it breaks no rule")).collect();
        let outcomes = self.wait(village.client.append(&events, None)).expect("it is recorded");
        let position = |outcome: &Outcome| match outcome {
            Outcome::Accepted(position) | Outcome::Duplicate(position) => position.get(),
        };
        outcomes.iter().map(position).collect()
    }
}

//! Appends at a real server, alone and beside plugins that fail in every way.

use anyhow::Result;
use bytes::Bytes;
use kith_client::{Client, Component, EventBuilder, NewEvent, NewPlugin, Options, Outcome, RowQuery};
use kith_core::event::{AttributeValue, DirectoryFact, Fact as EventFact, Habit, Met, PersonAdded, Scope};
use kith_tests::{
    figures::{Fact, Figures, rate},
    hostile::{HOSTILE, WAYS},
    server::Server,
};
use std::time::{Duration, Instant};

/// Calls in one measurement, and events in a call.
const CALLS: usize = 600;
const CALL_EVENTS: usize = 100;
/// Measurements with and without, in turn.
const ROUNDS: usize = 3;
/// People that the events are about.
const PEOPLE: usize = 200;
/// Pairs that the plugins begin to fail on in one measurement. Few enough that none stops: it would cost nothing then.
const POISONED: usize = 2;
/// How long plugins may take to be level with the log.
const LEVEL: Duration = Duration::from_mins(2);
/// Entries of the row that is explained.
const EXPLAINED_ENTRIES: usize = 50;
/// Times that it is explained.
const EXPLAINED_TIMES: usize = 51;

/// The rate beside bad plugins over that alone: the median of the rounds. Beside them stands the rate with as many
/// plugins that do not fail.
pub(crate) async fn measure(facts: &mut Figures) -> Result<()> {
    let (mut alone, mut good, mut bad) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let server = Server::start();
        let mut load = Load::start(&server).await?;
        load.append(0).await?;
        alone.push(load.append(0).await?);
        good.push(load.append_beside(Some("a")).await?);
        bad.push(load.append_beside(None).await?);
        assert!(server.terminate().success(), "kithd stops in good order");
    }
    facts.push(Fact::per_second("appends with the five built-in views, 100 a call", middle(alone)));
    facts.push(Fact::ratio("  beside nine more plugins that are well, of that", middle(good)));
    let ratio = Fact::ratio("  beside nine more that fail in every way, of that", middle(bad));
    facts.push(ratio.goal("as beside those that are well"));

    let server = Server::start();
    let explained = Load::start(&server).await?.explained().await?;
    facts
        .push(Fact::milliseconds("a row of 50 entries explained, over loopback", explained).goal("1 without loopback"));
    assert!(server.terminate().success(), "kithd stops in good order");
    Ok(())
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Calls at the server.
struct Load {
    client: Client,
    /// The first person who has met nobody.
    fresh: usize,
}

impl Load {
    async fn start(server: &Server) -> Result<Self> {
        let client = Client::connect(Options::new(server.url(), server.token(), "default".parse()?)).await?;
        let person = |number: usize| PersonAdded { person: id(number), organisation: None, role: String::new() };
        let people = (0..PEOPLE + 2 * (2 * POISONED + 1))
            .map(|number| event(EventFact::Directory(DirectoryFact::PersonAdded(person(number))), false));
        client.append(&people.collect::<Vec<_>>(), None).await?;
        Ok(Self { client, fresh: PEOPLE })
    }

    /// The rate of appends beside nine plugins, over that just before.
    async fn append_beside(&mut self, mode: Option<&str>) -> Result<f64> {
        let alone = self.append(0).await?;
        self.install(mode).await?;
        let before = self.faults().await?;
        let beside = self.append(POISONED).await?;
        self.level().await?;
        assert_eq!(self.faults().await? > before, mode.is_none(), "those that are bad fail meanwhile");
        self.remove().await?;
        Ok(beside / alone)
    }

    /// Nine plugins: each with another way to fail, or all with this one, which is none.
    async fn install(&self, mode: Option<&str>) -> Result<()> {
        for (number, way) in WAYS.into_iter().enumerate() {
            let mode = mode.unwrap_or(way);
            let plugin = NewPlugin {
                name: Some(format!("bench_{way}")),
                settings: format!(r#"{{"{mode}":{number}}}"#),
                scope: Scope::Network,
                component: Component::Bytes(Bytes::from_static(&HOSTILE)),
            };
            let mut installing = self.client.install_plugin(plugin).await?;
            while installing.next().await?.is_some() {}
        }
        Ok(())
    }

    async fn remove(&self) -> Result<()> {
        for way in WAYS {
            self.client.remove_plugin(&format!("bench_{way}")).await?;
        }
        Ok(())
    }

    /// Waits until every view is level with the log.
    async fn level(&self) -> Result<()> {
        let deadline = Instant::now() + LEVEL;
        loop {
            let views = self.client.list_views().await?.views;
            let Some(behind) = views.iter().find(|view| view.lag > 0) else { return Ok(()) };
            anyhow::ensure!(Instant::now() < deadline, "a view does not come level with the log: {behind:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn faults(&self) -> Result<u64> {
        Ok(self.client.list_views().await?.views.iter().map(|view| view.faults).sum())
    }

    /// Events a second of calls one after the other, when all views are level before. So many are about pairs that the
    /// bad plugins fail on.
    async fn append(&mut self, poisoned: usize) -> Result<f64> {
        self.level().await?;
        let calls: Vec<Vec<NewEvent>> = (0..CALLS).map(|number| self.call(number, poisoned)).collect();
        let begun = Instant::now();
        for events in &calls {
            let outcomes = self.client.append(events, None).await?;
            assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Accepted(_))), "nothing is refused");
        }
        Ok(rate(CALLS * CALL_EVENTS, begun.elapsed()))
    }

    fn call(&mut self, number: usize, poisoned: usize) -> Vec<NewEvent> {
        let mut events: Vec<NewEvent> = (1..CALL_EVENTS).map(|place| usual(number * CALL_EVENTS + place)).collect();
        if poisoned > 0 && number.is_multiple_of(CALLS / poisoned) {
            events.push(meeting(self.fresh, self.fresh + 1, true));
            self.fresh += 2;
        } else {
            events.push(usual(number * CALL_EVENTS));
        }
        events
    }

    /// Time of one call that explains a row.
    async fn explained(&self) -> Result<Duration> {
        let (a, b) = (self.fresh, self.fresh + 1);
        let events: Vec<NewEvent> = (0..EXPLAINED_ENTRIES).map(|_| meeting(a, b, false)).collect();
        self.client.append(&events, None).await?;
        self.level().await?;
        let query = RowQuery { view: "strength".to_owned(), key: vec![id(a), id(b)], ..RowQuery::default() };
        let mut times = Vec::new();
        for _ in 0..EXPLAINED_TIMES {
            let begun = Instant::now();
            let answer = self.client.explain_row(&query).await?;
            times.push(begun.elapsed());
            assert_eq!(answer.evidence.len(), EXPLAINED_ENTRIES);
        }
        times.sort_unstable();
        Ok(times[times.len() / 2])
    }
}

fn usual(number: usize) -> NewEvent {
    let a = number % PEOPLE;
    meeting(a, (a + 1 + number / PEOPLE % 30) % PEOPLE, false)
}

fn meeting(a: usize, b: usize, poisoned: bool) -> NewEvent {
    let mut people = vec![id(a), id(b)];
    people.sort_unstable();
    event(EventFact::Habit(Habit::Met(Met { people })), poisoned)
}

fn event(fact: EventFact, poisoned: bool) -> NewEvent {
    let event = EventBuilder::new(fact, kith_client::now());
    let event = if poisoned { event.attribute("poison", AttributeValue::Integer(1)) } else { event };
    event.build().expect("it breaks no rule")
}

fn id(number: usize) -> kith_core::id::PersonId {
    format!("person-{number}").parse().expect("it has the form of an id")
}

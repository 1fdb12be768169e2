//! Appends at a real server, alone and beside plugins that fail in every way.

use anyhow::Result;
use bytes::Bytes;
use kith_client::{Client, Component, EventBuilder, NewEvent, NewPlugin, Options, Outcome};
use kith_core::event::{AttributeValue, Fact, Met, PersonAdded, Scope};
use kith_tests::{
    figures::{Fact as Figure, rate},
    hostile::{HOSTILE, WAYS},
    server::Server,
};
use std::time::{Duration, Instant};

/// Calls in one measurement, and events in a call.
const CALLS: usize = 300;
const CALL_EVENTS: usize = 100;
/// Measurements with and without, in turn.
const ROUNDS: usize = 5;
/// People that the events are about.
const PEOPLE: usize = 200;
/// One call in so many has an event that the plugins fail on.
const POISONED_ONE_IN: usize = 10;

/// The rate beside bad plugins over that alone: the median of the rounds. Beside them stands the rate with as many
/// plugins that do not fail.
pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let server = Server::start();
    let client = Client::connect(Options::new(server.url(), server.token(), "default".parse()?)).await?;
    let person = |number: usize| PersonAdded { person: id(number), organisation: None, role: String::new() };
    let people = (0..PEOPLE).map(|number| event(Fact::PersonAdded(person(number)), false)).collect::<Vec<_>>();
    client.append(&people, None).await?;
    append(&client).await?;
    let (mut good, mut bad, mut alone_rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let alone = append(&client).await?;
        alone_rates.push(alone);
        for (kept, mode) in [(&mut good, Some("a")), (&mut bad, None)] {
            install(&client, mode).await?;
            kept.push(append(&client).await? / alone);
            remove(&client).await?;
        }
    }
    assert!(server.terminate().success(), "kithd stops in good order");
    Ok(vec![
        Figure::per_second("appends with the five built-in views, 100 a call", middle(alone_rates)),
        Figure::ratio("  beside nine more plugins that are well, of that", middle(good)),
        Figure::ratio("  beside nine more that fail in every way, of that", middle(bad))
            .goal("as beside those that are well"),
    ])
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Nine plugins: each with another way to fail, or all with this one.
async fn install(client: &Client, mode: Option<&str>) -> Result<()> {
    for (number, way) in WAYS.into_iter().enumerate() {
        let mode = mode.unwrap_or(way);
        let plugin = NewPlugin {
            name: Some(format!("bench_{way}")),
            settings: format!(r#"{{"{mode}":{number}}}"#),
            scope: Scope::Network,
            component: Component::Bytes(Bytes::from_static(&HOSTILE)),
        };
        let mut installing = client.install_plugin(plugin).await?;
        while installing.next().await?.is_some() {}
    }
    // They fold what is there before anything is measured.
    loop {
        let listed = client.list_views().await?;
        if listed.views.iter().all(|view| view.lag == 0) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn remove(client: &Client) -> Result<()> {
    for way in WAYS {
        client.remove_plugin(&format!("bench_{way}")).await?;
    }
    Ok(())
}

/// Events a second of calls one after the other.
async fn append(client: &Client) -> Result<f64> {
    let calls: Vec<Vec<NewEvent>> = (0..CALLS).map(call).collect();
    let begun = Instant::now();
    for events in &calls {
        let outcomes = client.append(events, None).await?;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Accepted(_))), "nothing is refused");
    }
    Ok(rate(CALLS * CALL_EVENTS, begun.elapsed()))
}

fn call(number: usize) -> Vec<NewEvent> {
    let meeting = |place: usize| {
        let a = (number * CALL_EVENTS + place) % PEOPLE;
        let b = (a + 1 + number % 30) % PEOPLE;
        let mut people = vec![id(a), id(b)];
        people.sort_unstable();
        event(Fact::Met(Met { people }), place == 0 && number.is_multiple_of(POISONED_ONE_IN))
    };
    (0..CALL_EVENTS).map(meeting).collect()
}

fn event(fact: Fact, poisoned: bool) -> NewEvent {
    let event = EventBuilder::new(fact, kith_client::now());
    let event = if poisoned { event.attribute("poison", AttributeValue::Integer(1)) } else { event };
    event.build().expect("it breaks no rule")
}

fn id(number: usize) -> kith_core::id::PersonId {
    format!("person-{number}").parse().expect("it has the form of an id")
}

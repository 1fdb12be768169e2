//! The built-in view `help`: two rows per pair of people who help or ask each other, one each way.
//!
//! ```text
//! G(i, j) = sum over the times i helped j of 2^(-(T - day) / h)          h: half-life in days
//! balance = 2 min(G(i, j), G(j, i)) / (G(i, j) + G(j, i))                1: the same in both directions
//! ```
//!
//! An ask is open until the person who was asked helps the one who asked, with anything. The item of
//! a row is the first entry in which its person helped or asked the other; none if they never did.
//! Invariant: all arithmetic up to a final division is in whole numbers: rows agree on every machine.

mod state;

use kith_plugin_sdk::{
    Day, Decay, Event, Fault, Field, FieldType, Key, KeyBy, Manifest, Person, Route, Row, Value, View,
};
use serde::Deserialize;

pub use crate::state::Exchange;
use crate::state::Side;

/// A help in Q24.
const UNIT: u32 = 1 << 24;

/// The settings of the view.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Days after which a help counts half: 1 to 365.
    pub half_life_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { half_life_days: 60 }
    }
}

/// The view, configured.
#[derive(Debug)]
pub struct Help {
    decay: Decay,
}

kith_plugin_sdk::export!(Help);

impl View for Help {
    type Settings = Settings;
    type State = Exchange;

    const MANIFEST: Manifest = Manifest {
        name: "help",
        version: "1.0.0",
        state_version: 1,
        routes: &[by_pair("helped"), by_pair("asked")],
        fields: &[
            column("given", FieldType::Number, "times this person helped the other; a help decays with time"),
            column("received", FieldType::Number, "times the other helped this person, decayed alike"),
            column("balance", FieldType::Number, "0: one gives all, to 1: both give the same"),
            column("open_asks", FieldType::Integer, "asks by the other that this person has not helped with"),
            column("person", FieldType::Person, "whose side of the pair the row is"),
        ],
        settings: include_str!("../settings.schema.json"),
    };

    fn configure(settings: Settings) -> Result<Self, String> {
        if !(1..=365).contains(&settings.half_life_days) {
            return Err("half_life_days is from 1 to 365".into());
        }
        Ok(Self { decay: Decay::new(settings.half_life_days) })
    }

    fn fold(&self, key: Key, state: Option<Exchange>, events: &[Event<'_>]) -> Result<Option<Exchange>, Fault> {
        let mut exchange = state.unwrap_or_default();
        for event in events {
            let fault = |message: &str| Fault::event(event.position, message);
            let side = side_of(key, event.actor).ok_or_else(|| fault("who acts is not of the pair"))?;
            match event.kind {
                0 => exchange.help(side, event.position, event.day()).map_err(fault)?,
                1 => exchange.ask(side, event.position),
                _ => return Err(fault("the kind was not asked for")),
            }
        }
        exchange.forget(self.decay.days());
        Ok((!exchange.is_empty()).then_some(exchange))
    }

    fn rows(&self, key: Key, exchange: &Exchange, as_of: Day) -> Result<Vec<Row>, Fault> {
        if exchange.last_help().is_some_and(|day| day > as_of) {
            return Err(Fault::key("the state is of a later day"));
        }
        let given = exchange.given(|count, day| {
            let left = self.decay.left_of(UNIT, as_of.since(day));
            left.saturating_mul(u64::from(count))
        });
        let row = |side: Side, person: Person| {
            let (given, received) = (given[side.place()], given[side.other().place()]);
            let values = vec![
                Value::Number(number(given)),
                Value::Number(number(received)),
                balance(given, received),
                Value::Integer(i64::from(exchange.open_asks(side))),
                Value::Person(person),
            ];
            Row { item: exchange.first(side), values, evidence: Vec::new() }
        };
        Ok(vec![row(Side::A, key.a), row(Side::B, key.b)])
    }
}

fn side_of(key: Key, person: Person) -> Option<Side> {
    match person {
        person if person == key.a => Some(Side::A),
        person if person == key.b => Some(Side::B),
        _ => None,
    }
}

/// A sum in Q32 as a number, to the nearest.
#[allow(clippy::cast_precision_loss, reason = "rounds to the nearest, the same everywhere")]
fn number(sum: u64) -> f64 {
    sum as f64 / f64::from(1 << 16) / f64::from(1 << 16)
}

/// How balanced two sums are; no value if nothing counts any more.
fn balance(one: u64, other: u64) -> Value {
    let all = number(one) + number(other);
    if all > 0.0 { Value::Number(2.0 * number(one.min(other)) / all) } else { Value::None }
}

const fn by_pair(kind: &'static str) -> Route {
    Route { kind, key_by: KeyBy::Pair }
}

const fn column(name: &'static str, of: FieldType, about: &'static str) -> Field {
    Field { name, of, about }
}

#[cfg(test)]
mod tests;

//! The built-in view `introductions`: one row per referral of the two people introduced, with its
//! outcome.
//!
//! | state | since |
//! |---|---|
//! | `unanswered` | the referral |
//! | `accepted` | an ACCEPTED answer by either of the two, unless one declined or they have met |
//! | `declined` | a DECLINED answer by either; a later contact makes it `met` |
//! | `met` | the first `met`, `followed_up` or `helped` of the two after it, or a MET answer by either |
//! | `became_tie` | the day in contact that completes `tie_days` within `tie_window_days`; permanent |
//!
//! Answers by others and answers that name no referral of this pair have no effect. An answer that
//! is stamped earlier than its referral counts as given right after it. The newest 1,000 referrals
//! of a pair are kept. Invariant: a state depends only on the events and their order.

mod referral;
mod state;

use kith_plugin_sdk::{Day, Event, Fault, Field, FieldType, Key, KeyBy, Manifest, Route, Row, Value, View};
use serde::Deserialize;

use crate::referral::Referral;
pub use crate::state::Introduced;

/// The settings of the view.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Days in contact that make an introduction a tie: 1 to 365.
    pub tie_days: u32,
    /// Days after the introduction within which they count: 1 to 3,650.
    pub tie_window_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { tie_days: 3, tie_window_days: 180 }
    }
}

/// The view, configured.
#[derive(Debug)]
pub struct Introductions {
    settings: Settings,
}

kith_plugin_sdk::export!(Introductions);

impl View for Introductions {
    type Settings = Settings;
    type State = Introduced;

    const MANIFEST: Manifest = Manifest {
        name: "introductions",
        version: "1.0.0",
        state_version: 1,
        routes: &[route("referred"), route("answered"), route("met"), route("followed_up"), route("helped")],
        fields: &[
            column("state", FieldType::Text, "unanswered, accepted, declined, met or became_tie"),
            column("age", FieldType::Integer, "days since the introduction"),
            column("referrer", FieldType::Person, "who introduced the two"),
            column("referred_on", FieldType::Day, "the day of the introduction"),
            column("resolved_on", FieldType::Day, "the day of the first answer or contact after it"),
        ],
        settings: include_str!("../settings.schema.json"),
    };

    fn configure(settings: Settings) -> Result<Self, String> {
        if !(1..=365).contains(&settings.tie_days) {
            return Err("tie_days is from 1 to 365".into());
        }
        if !(1..=3650).contains(&settings.tie_window_days) {
            return Err("tie_window_days is from 1 to 3650".into());
        }
        Ok(Self { settings })
    }

    fn fold(&self, key: Key, state: Option<Introduced>, events: &[Event<'_>]) -> Result<Option<Introduced>, Fault> {
        let mut introduced = state.unwrap_or_default();
        for event in events {
            match event.kind {
                0 => introduced.refer(event),
                1 => introduced.answer(key, event),
                2..=4 => introduced.contact(event.day(), &self.settings),
                _ => return Err(Fault::event(event.position, "the kind was not asked for")),
            }
        }
        Ok((!introduced.is_empty()).then_some(introduced))
    }

    fn rows(&self, _: Key, introduced: &Introduced, as_of: Day) -> Result<Vec<Row>, Fault> {
        let known = introduced.referrals().iter().filter(|referral| referral.on <= as_of);
        Ok(known.map(|referral| row(referral, as_of)).collect())
    }
}

fn row(referral: &Referral, as_of: Day) -> Row {
    let values = vec![
        Value::Text(referral.status.name().into()),
        Value::Integer(as_of.since(referral.on)),
        Value::Person(referral.referrer),
        Value::Day(referral.on),
        referral.resolved.map_or(Value::None, Value::Day),
    ];
    Row { item: Some(referral.position), values, evidence: Vec::new() }
}

const fn route(kind: &'static str) -> Route {
    Route { kind, key_by: KeyBy::IntroducedPair }
}

const fn column(name: &'static str, of: FieldType, about: &'static str) -> Field {
    Field { name, of, about }
}

#[cfg(test)]
mod tests;

//! The built-in view `keep_in_touch`: one row per pair of people with a rhythm, and whether they keep it.
//!
//! ```text
//! rhythm  = median gap, in days, between the pair's days in contact      needs 3 days
//! silence = days since the last of them                                  any contact ends it
//! ratio   = silence / rhythm                                             cooling from 4, silent from 32
//! ```
//!
//! Invariant: all arithmetic up to one final division is in whole numbers, so rows agree on every
//! machine; `state` is decided in whole numbers.

mod state;

use kith_plugin_sdk::{Day, Event, Fault, Field, FieldType, Key, KeyBy, Manifest, Route, Row, Value, View};
use serde::Deserialize;

pub use crate::state::Rhythm;

/// The settings of the view.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Days in contact from which a pair has a rhythm: 2 to 1,000.
    pub days_min: u32,
    /// Silence, in usual gaps, from which a tie cools: 1 to 1,000.
    pub cooling_ratio: u32,
    /// Silence, in usual gaps, from which a tie is silent: more than `cooling_ratio`, up to 10,000.
    pub silent_ratio: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { days_min: 3, cooling_ratio: 4, silent_ratio: 32 }
    }
}

/// The view, configured.
#[derive(Debug)]
pub struct KeepInTouch {
    settings: Settings,
}

kith_plugin_sdk::export!(KeepInTouch);

impl View for KeepInTouch {
    type Settings = Settings;
    type State = Rhythm;

    const MANIFEST: Manifest = Manifest {
        name: "keep_in_touch",
        version: "1.0.0",
        state_version: 1,
        routes: &[by_pair("met"), by_pair("followed_up"), by_pair("asked"), by_pair("helped"), by_pair("referred")],
        fields: &[
            column("ratio", FieldType::Number, "the silence in usual gaps"),
            column("state", FieldType::Text, "fine, cooling or silent"),
            column("rhythm", FieldType::Number, "the usual (median) gap between days in contact, in days"),
            column("silence", FieldType::Integer, "days since the last contact"),
            column("due_on", FieldType::Day, "the day by which the usual gap is over, rounded up"),
            column("last_contact", FieldType::Day, "the latest day in contact"),
        ],
        settings: include_str!("../settings.schema.json"),
    };

    fn configure(settings: Settings) -> Result<Self, String> {
        if !(2..=1000).contains(&settings.days_min) {
            return Err("days_min is from 2 to 1000".into());
        }
        if !(1..=1000).contains(&settings.cooling_ratio) {
            return Err("cooling_ratio is from 1 to 1000".into());
        }
        if settings.silent_ratio <= settings.cooling_ratio || settings.silent_ratio > 10_000 {
            return Err("silent_ratio is more than cooling_ratio, and at most 10000".into());
        }
        Ok(Self { settings })
    }

    fn fold(&self, _: Key, state: Option<Rhythm>, events: &[Event<'_>]) -> Result<Option<Rhythm>, Fault> {
        let mut rhythm = state;
        for event in events {
            let fault = |message: &str| Fault::event(event.position, message);
            if event.kind > 4 {
                return Err(fault("the kind was not asked for"));
            }
            match &mut rhythm {
                None => rhythm = Some(Rhythm::from(event.day())),
                Some(rhythm) => rhythm.contact(event.day()).map_err(fault)?,
            }
        }
        Ok(rhythm)
    }

    fn rows(&self, _: Key, rhythm: &Rhythm, as_of: Day) -> Result<Vec<Row>, Fault> {
        let silence = as_of.since(rhythm.last());
        if silence < 0 || rhythm.days() < u64::from(self.settings.days_min) {
            return Ok(Vec::new());
        }
        Ok(vec![self.row(rhythm, silence)])
    }
}

impl KeepInTouch {
    fn row(&self, rhythm: &Rhythm, silence: i64) -> Row {
        let gap_twice = rhythm.median_twice();
        let due_after = i32::try_from(gap_twice.div_ceil(2)).unwrap_or(i32::MAX);
        Row::of(vec![
            Value::Number(number(2 * silence.cast_unsigned()) / number(gap_twice)),
            Value::Text(self.state(silence.cast_unsigned(), gap_twice).into()),
            Value::Number(number(gap_twice) / 2.0),
            Value::Integer(silence),
            Value::Day(Day(rhythm.last().0.saturating_add(due_after))),
            Value::Day(rhythm.last()),
        ])
    }

    fn state(&self, silence: u64, gap_twice: u64) -> &'static str {
        let at_least = |ratio: u32| 2 * silence >= u64::from(ratio) * gap_twice;
        if at_least(self.settings.silent_ratio) {
            return "silent";
        }
        if at_least(self.settings.cooling_ratio) { "cooling" } else { "fine" }
    }
}

#[allow(clippy::cast_precision_loss, reason = "days are below 2^34, so exact")]
fn number(days: u64) -> f64 {
    days as f64
}

const fn by_pair(kind: &'static str) -> Route {
    Route { kind, key_by: KeyBy::Pair }
}

const fn column(name: &'static str, of: FieldType, about: &'static str) -> Field {
    Field { name, of, about }
}

#[cfg(test)]
mod tests;

//! The built-in view `strength`: one row per pair of people in contact.
//!
//! ```text
//! u(e)  = w_kind / k            k: people in the event besides the one it is seen by (1 without `divide`)
//! c(d)  = max of u(e) over the pair's events on UTC day d
//! S(T)  = sum over days d <= T of c(d) * 2^(-(T - d) / h)          h: half-life in days
//! g(T)  = max(m, (last - first) / (n - 1))   n: days in contact up to T; m: the smallest gap; m if n = 1
//! P(T)  = S * p * g / (p * g + T - last)     p: pace, the usual gaps of silence after which half is left
//! score = 100 * ln(1 + P) / ln(1 + S_max)    S_max: S of a contact of the largest weight every day
//! ```
//!
//! Each day in contact counts once, and half of it is forgotten after 60 days. A pair that has been silent for
//! eight of its own usual gaps counts half of that.
//!
//! Invariant: all arithmetic up to one final division is in whole numbers, so rows agree on every
//! machine. A day counts in S for 32 half-lives; after that it is less than the last bit.
//! The counts include all events folded, whatever their day.

mod fixed;
mod settings;
mod state;

use kith_plugin_sdk::{Day, Decay, Event, Fault, Field, FieldType, Key, KeyBy, Manifest, Route, Row, Value, View};

use crate::fixed::log2;
pub use crate::settings::{Settings, Weights};
use crate::state::Contact;
pub use crate::state::Tie;

/// The view's version.
pub const VERSION: &str = "2.0.0";

/// The view, configured.
#[derive(Debug)]
pub struct Strength {
    /// What one event of each route is worth before division, Q24.
    units: [u32; 4],
    divide: bool,
    decay: Decay,
    /// Usual gaps of silence after which half is left; 0 for none.
    pace: u32,
    gap_min_days: u32,
    /// log2(1 + `S_max`), Q32.
    log_max: u64,
}

kith_plugin_sdk::export!(Strength);

impl View for Strength {
    type Settings = Settings;
    type State = Tie;

    const MANIFEST: Manifest = Manifest {
        name: "strength",
        version: VERSION,
        state_version: 2,
        routes: &[by_pair("met"), by_pair("followed_up"), by_pair("helped"), by_pair("referred")],
        fields: &[
            column(
                "score",
                FieldType::Number,
                "0 to 100, decays with time, and faster with silence beyond the pair's own pace; 100 is a contact every day",
            ),
            column("days_in_contact", FieldType::Integer, "days with any contact, ever"),
            column("last_contact", FieldType::Day, "the latest day in contact"),
            column("met", FieldType::Integer, "times the two met"),
            column("followed_up", FieldType::Integer, "times one followed up with the other"),
            column("helped", FieldType::Integer, "times one helped the other"),
            column("referred", FieldType::Integer, "times one referred the other"),
            column("decayed_days", FieldType::Number, "S: days in contact by weight, each halved every half-life"),
        ],
        settings: include_str!("../settings.schema.json"),
    };

    fn configure(settings: Settings) -> Result<Self, String> {
        let units = settings.units()?;
        let decay = Decay::new(settings.half_life()?);
        let (pace, gap_min_days) = (settings.pace()?, settings.gap_min()?);
        let best = units.into_iter().max().unwrap_or(0);
        let log_max = log2_of_1_plus(decay.sum_of_every_day(best));
        Ok(Self { units, divide: settings.divide, decay, pace, gap_min_days, log_max })
    }

    fn fold(&self, _: Key, state: Option<Tie>, events: &[Event<'_>]) -> Result<Option<Tie>, Fault> {
        let mut tie = state.unwrap_or_default();
        for event in events {
            let kind = usize::from(event.kind);
            let unit = self.units.get(kind).ok_or_else(|| fault(event, "the kind was not asked for"))?;
            let contact = Contact { day: event.day(), unit: self.share(*unit, event.others) };
            tie.add(kind, contact).map_err(|error| fault(event, error))?;
        }
        tie.forget();
        Ok((!tie.is_empty()).then_some(tie))
    }

    fn rows(&self, _: Key, tie: &Tie, as_of: Day) -> Result<Vec<Row>, Fault> {
        let known = tie.until(as_of);
        let Some(last) = known.last() else {
            return Ok(Vec::new());
        };
        let sum = known.iter().map(|c| self.decay.left_of(c.unit, as_of.since(c.day))).sum();
        let days_in_contact = tie.days_until(as_of);
        let rhythm = Rhythm {
            gaps: days_in_contact.saturating_sub(1),
            days: last.day.since(tie.first()).unsigned_abs(),
            silence: as_of.since(last.day).unsigned_abs(),
        };
        let mut values = vec![
            Value::Number(self.score(self.paced(sum, rhythm))),
            Value::Integer(days_in_contact.cast_signed()),
            Value::Day(last.day),
        ];
        values.extend(tie.counts().map(|count| Value::Integer(count.cast_signed())));
        values.push(Value::Number(days(sum)));
        Ok(vec![Row::of(values)])
    }
}

impl Strength {
    /// A unit shared among the others in the event, to the nearest.
    fn share(&self, unit: u32, others: u32) -> u32 {
        let shares = if self.divide { others.max(1) } else { 1 };
        // Without overflow: a unit is below 2^28, and beyond 2^29 shares it rounds to 0.
        (unit + shares.min(1 << 29) / 2) / shares
    }

    /// What silence leaves of a sum: half after `pace` of the pair's usual gaps.
    fn paced(&self, sum: u64, Rhythm { gaps, days, silence }: Rhythm) -> u64 {
        if self.pace == 0 {
            return sum;
        }
        let (pace, gap_min) = (u128::from(self.pace), u128::from(self.gap_min_days));
        let (gaps, days, silence) = (u128::from(gaps), u128::from(days), u128::from(silence));
        let (of, all) = if gaps == 0 || days < gap_min * gaps {
            (pace * gap_min, pace * gap_min + silence)
        } else {
            (pace * days, pace * days + silence * gaps)
        };
        u64::try_from(u128::from(sum) * of / all).expect("no more than the sum")
    }

    /// The score of a sum in Q32.
    #[allow(clippy::cast_precision_loss, reason = "both are below 2^37, so exact")]
    fn score(&self, sum: u64) -> f64 {
        100.0 * (log2_of_1_plus(sum) as f64) / (self.log_max as f64)
    }
}

/// How often a pair is in contact: days from the first to the last one, the gaps between, and days since.
#[derive(Clone, Copy)]
struct Rhythm {
    gaps: u64,
    days: u64,
    silence: u64,
}

/// A sum in Q32 as a number of days.
#[allow(clippy::cast_precision_loss, reason = "below 2^53, so exact")]
fn days(sum: u64) -> f64 {
    sum as f64 / 4_294_967_296.0
}

fn log2_of_1_plus(sum: u64) -> u64 {
    log2((1 << 32) + sum)
}

fn fault(event: &Event<'_>, message: &str) -> Fault {
    Fault::event(event.position, message)
}

const fn by_pair(kind: &'static str) -> Route {
    Route { kind, key_by: KeyBy::Pair }
}

const fn column(name: &'static str, of: FieldType, about: &'static str) -> Field {
    Field { name, of, about }
}

#[cfg(test)]
mod tests;

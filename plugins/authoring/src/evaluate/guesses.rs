//! What a score is compared with: times at which a log is cut, the pairs known by then, and simple guesses at which of
//! them will be in contact again.

use super::{
    contacts::{Contact, Pair},
    measures::Candidate,
};
use crate::failure::Failure;
use kith_core::{day::Day, random::SplitMix64, timestamp::Timestamp};
use std::collections::{HashMap, HashSet};

/// Shares of the contacts before the first and before the last cut.
const CUTS: (f64, f64) = (0.3, 0.8);

/// The cuts: quantiles of the times of contacts, evenly spaced from 0.3 to 0.8.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places in a list of contacts"
)]
pub fn cuts(contacts: &[Contact], count: u32) -> Result<Vec<i64>, Failure> {
    let Some(last) = contacts.len().checked_sub(1) else {
        return Err(Failure::NotFound("the log contains no contact of two people".to_owned()));
    };
    let step = if count > 1 { (CUTS.1 - CUTS.0) / f64::from(count - 1) } else { 0.0 };
    let quantile = |number: u32| CUTS.0 + step * f64::from(number);
    let mut cuts: Vec<i64> = (0..count).map(|number| contacts[(quantile(number) * last as f64) as usize].at).collect();
    cuts.dedup();
    Ok(cuts)
}

/// Every pair in contact up to a cut, and whether it is in contact again within the window.
pub(super) fn candidates(contacts: &[Contact], cut: i64, window: i64) -> Vec<Candidate> {
    let (known, later) = contacts.split_at(contacts.partition_point(|contact| contact.at <= cut));
    let end = cut.saturating_add(window);
    let again: HashSet<Pair> =
        later.iter().take_while(|contact| contact.at <= end).map(|contact| contact.pair).collect();
    let mut pairs: Vec<Pair> = known.iter().map(|contact| contact.pair).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.into_iter().map(|pair| Candidate { pair, in_contact: again.contains(&pair) }).collect()
}

/// The simple guesses: days in contact, contacts, the last contact, whether there was one in the window before, a coin.
#[allow(clippy::cast_precision_loss, reason = "times and counts are far below 2^53")]
pub(super) fn guesses(contacts: &[Contact], candidates: &[Candidate], cut: i64, window: i64) -> [Vec<f64>; 5] {
    let mut known: HashMap<Pair, (f64, f64, Option<Day>, i64)> = HashMap::new();
    for contact in contacts.iter().take_while(|contact| contact.at <= cut) {
        let day = Some(Timestamp::from_millis(contact.at).day());
        let (days, count, last_day, last) = known.entry(contact.pair).or_insert((0.0, 0.0, None, i64::MIN));
        *days += f64::from(u8::from(day != *last_day));
        *count += 1.0;
        (*last_day, *last) = (day, contact.at);
    }
    let each = |score: &dyn Fn(&Candidate) -> f64| candidates.iter().map(score).collect::<Vec<_>>();
    [
        each(&|candidate| known[&candidate.pair].0),
        each(&|candidate| known[&candidate.pair].1),
        each(&|candidate| known[&candidate.pair].3 as f64),
        each(&|candidate| f64::from(u8::from(known[&candidate.pair].3 > cut.saturating_sub(window)))),
        each(&|candidate| coin(candidate.pair)),
    ]
}

/// A number that is unrelated to the pair but the same in every run.
#[allow(clippy::cast_precision_loss, reason = "any number will do")]
pub(super) fn coin((one, other): Pair) -> f64 {
    SplitMix64::new(u64::from(one) << 32 | u64::from(other)).number() as f64
}

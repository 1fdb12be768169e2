//! The same fold without a sandbox: the view's own crate, on batches packed as a host packs them.

use crate::log::{EXPLAINED_ENTRIES, explained, pair};
use kith_plugin_sdk::{
    Event, Key, Position,
    batch::{Slot, decode_states, encode_batch},
    configure, fold_batch,
};
use kith_plugin_strength::Strength;
use kith_tests::figures::rate;
use std::{collections::BTreeMap, time::Instant};

/// Events in one call, as the host has it.
const CALL_EVENTS_MAX: usize = 1_024;
/// Milliseconds between two meetings.
const APART_MS: i64 = 3_600_000;

/// Events that a native fold takes in a second, packing and unpacking included: so many, of the pairs of so many
/// people.
pub(crate) fn fold_rate(events: usize, people: usize) -> f64 {
    let strength: Strength = configure("{}").expect("the view takes no settings");
    let jobs = jobs(events, people);
    let (mut states, mut folded) = (0, 0);
    let begun = Instant::now();
    for call in calls(&jobs) {
        let slots: Vec<Slot<'_>> = call.iter().map(|(key, events)| Slot { key: *key, state: &[], events }).collect();
        let answer = fold_batch(&strength, &encode_batch(&slots)).expect("it folds");
        let answers = decode_states(&answer, slots.len()).expect("the answer is whole");
        let kept: Vec<Vec<u8>> = answers.into_iter().map(<[u8]>::to_vec).collect();
        states += kept.len();
        folded += call.iter().map(|(_, events)| events.len()).sum::<usize>();
    }
    let rate = rate(folded, begun.elapsed());
    assert_eq!((states, folded), (jobs.len(), events), "everything was folded");
    rate
}

type Jobs = Vec<(Key, Vec<Event<'static>>)>;

/// The events of each key, in order: the same pairs as in the log.
fn jobs(events: usize, people: usize) -> Jobs {
    let every = (events / EXPLAINED_ENTRIES).max(1);
    let mut jobs = BTreeMap::<(usize, usize), Vec<Event<'static>>>::new();
    for number in 0..events {
        let key = if number.is_multiple_of(every) { explained() } else { pair(number * 7_919, people) };
        let at = i64::try_from(number).expect("few") * APART_MS / 16;
        let event = Event { position: Position(number as u64 + 1), at, others: 1, ..Event::default() };
        jobs.entry(key).or_default().push(event);
    }
    let handle = |number: usize| u32::try_from(number + 1).expect("few people");
    jobs.into_iter().map(|((a, b), events)| (Key::pair(handle(a), handle(b)), events)).collect()
}

/// Keys that together fill a call.
fn calls(jobs: &Jobs) -> Vec<&[(Key, Vec<Event<'static>>)]> {
    let (mut calls, mut from, mut events) = (Vec::new(), 0, 0);
    for (place, (_, of_key)) in jobs.iter().enumerate() {
        if events + of_key.len() > CALL_EVENTS_MAX && place > from {
            calls.push(&jobs[from..place]);
            (from, events) = (place, 0);
        }
        events += of_key.len();
    }
    calls.push(&jobs[from..]);
    calls
}

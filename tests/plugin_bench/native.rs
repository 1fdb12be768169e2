//! The same fold without a sandbox: the view's own crate, on batches packed as a host packs them.

use crate::log::{DAYS, EXPLAINED_ENTRIES, FIRST_DAY, STEP, explained, pair};
use kith_core::timestamp::DAY_MS;
use kith_plugin_sdk::{
    Event, Key, Position,
    batch::{Slot, decode_states, encode_batch},
    configure, fold_batch,
};
use kith_plugin_strength::Strength;
use kith_tests::figures::rate;
use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    time::{Duration, Instant},
};

/// Events in one call, as the host has it.
const CALL_EVENTS_MAX: usize = 1_024;
/// Entries of one transaction of a view, as the host has it.
const BATCH_ENTRIES_MAX: usize = 8_192;

/// Events that a native fold takes in a second, packing and unpacking included: so many, of the pairs of so many
/// people.
pub(crate) fn fold_rate(events: usize, people: usize) -> f64 {
    let strength: Strength = configure("{}").expect("the view takes no settings");
    let jobs = jobs(0..events, events, people);
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

/// Time that native folds take of what a follower folds that builds a view: entries in batches of so many, each key with
/// the state that it had. Packing is in it, as it is in the follower's.
pub(crate) fn build_time(events: usize, people: usize) -> Duration {
    let strength: Strength = configure("{}").expect("the view takes no settings");
    let mut states = HashMap::<Key, Vec<u8>>::new();
    let mut time = Duration::ZERO;
    let mut number = 0;
    while number < events {
        let until = events.min(number + BATCH_ENTRIES_MAX);
        let jobs = jobs(number..until, events, people);
        for call in calls(&jobs) {
            let state = |key: &Key| states.get(key).map_or(&[][..], Vec::as_slice);
            let begun = Instant::now();
            let slots: Vec<Slot<'_>> =
                call.iter().map(|(key, events)| Slot { key: *key, state: state(key), events }).collect();
            let answer = fold_batch(&strength, &encode_batch(&slots)).expect("it folds");
            let answers = decode_states(&answer, slots.len()).expect("the answer is whole");
            let kept: Vec<(Key, Vec<u8>)> =
                call.iter().zip(answers).map(|((key, _), state)| (*key, state.to_vec())).collect();
            time += begun.elapsed();
            states.extend(kept);
        }
        number = until;
    }
    time
}

type Jobs = Vec<(Key, Vec<Event<'static>>)>;

/// The events of each key, in order: those of these numbers, of the same pairs as in the log of so many events.
fn jobs(numbers: Range<usize>, events: usize, people: usize) -> Jobs {
    let every = (events / EXPLAINED_ENTRIES).max(1);
    let mut jobs = BTreeMap::<(usize, usize), Vec<Event<'static>>>::new();
    for number in numbers {
        let key = if number.is_multiple_of(every) { explained(people) } else { pair(number * STEP, people) };
        let hours = i64::try_from(number * DAYS * 24 / events).expect("two years of hours");
        let at = FIRST_DAY * DAY_MS + hours * DAY_MS / 24;
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

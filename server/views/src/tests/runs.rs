//! A view that is far behind processes its entries in runs: with the same result as batch by batch, whatever their size.

use super::{
    harness::{HOSTILE, Lab, MemoryLog, PEOPLE, TODAY, View, at, builtin, person},
    laws::{config, happenings, written},
    quarantine::{crowd, member},
};
use crate::{Cancel, Explain, Query, Row, limits, view::follower::Step};
use kith_core::{
    day::Day,
    event::{Attribute, AttributeValue, Fact, Habit, Met, Scope},
    history::History,
    position::Position,
};
use proptest::{prelude::*, sample::Index, test_runner::TestRunner};
use std::{sync::Arc, time::Duration};

/// Memory of all runs: one has half of it.
const RUNS_BYTES: [usize; 3] = [2_000, 12_000, 1 << 20];

/// Everything that can be learned about a view, except for what its calls cost.
#[derive(Debug, PartialEq)]
struct Learned {
    rows: Vec<Row>,
    digests: Vec<crate::ViewDigest>,
    explanations: Vec<Option<crate::Explanation>>,
    status: (crate::ViewState, crate::ViewCursor, [u64; 4], Vec<crate::QuarantinedKey>),
}

impl Learned {
    fn of(view: &View, position: u64, day: i32) -> Self {
        let (day, as_of) = (Some(Day::new(day)), Some(Position::new(position)));
        let digest = |day, as_of| view.handle.digest(day, as_of).unwrap();
        let query = Query { page_rows: 10_000, ..Query::default() };
        let pairs = (0..PEOPLE.len()).flat_map(|one| (0..PEOPLE.len()).map(move |other| [person(one), person(other)]));
        let explain = |key: Vec<_>| view.handle.explain(&Explain { key, item: None, day: None, as_of: None }).ok();
        let status = view.handle.status().unwrap();
        Self {
            rows: view.handle.query(&query).unwrap().rows,
            digests: vec![digest(None, None), digest(day, None), digest(None, as_of), digest(day, as_of)],
            explanations: pairs.map(|pair| explain(pair.to_vec())).collect(),
            status: (
                status.state,
                status.cursor,
                [status.lag, status.keys, status.rows, status.state_bytes],
                status.quarantined,
            ),
        }
    }
}

/// Steps a view up to a head and then to another, as if the log had grown meanwhile.
fn catch_up(view: &mut View, first: u64) {
    while view.follower.step(Position::new(first)).unwrap() == Step::Advanced {}
    view.catch_up();
}

#[test]
fn runs_of_any_size_give_what_single_batches_give() {
    let (single, in_runs) = (Lab::with_runs_of(0), RUNS_BYTES.map(Lab::with_runs_of));
    let mut runner = TestRunner::new(config(24));
    let cut = || any::<Index>();
    let outcome = runner.run(&(happenings(), 1..9_usize, cut(), cut(), cut(), 0..TODAY), |case| {
        let (happenings, piece, first, other_first, position, day) = case;
        let log = written(&happenings);
        let head = usize::try_from(log.head().get()).unwrap();
        let some = |index: Index| index.index(head) as u64 + 1;
        let hostile = (HOSTILE.as_slice(), "t");
        for (component, settings) in kith_bundle::views().map(|view| (view.component, "{}")).chain([hostile]) {
            log.read_in_pieces_of(usize::MAX);
            let mut expected = single.view(component, settings, &log);
            catch_up(&mut expected, some(first));
            let expected = Learned::of(&expected, some(position), day);
            for lab in &in_runs {
                log.read_in_pieces_of(piece);
                let mut view = lab.view(component, settings, &log);
                catch_up(&mut view, some(other_first));
                assert_eq!(Learned::of(&view, some(position), day), expected);
            }
        }
        Ok(())
    });
    outcome.unwrap();
}

/// A log of meetings, and a view of it that reads one entry at a time.
fn meetings(lab: &Lab) -> (Arc<MemoryLog>, View) {
    let log = MemoryLog::with_people();
    for day in 0..40_u8 {
        log.met(day.into(), &[0, 1 + usize::from(day) % 4]);
    }
    log.read_in_pieces_of(1);
    let view = lab.view(builtin("strength"), "{}", &log);
    (log, view)
}

#[test]
fn a_run_goes_on_to_the_head_if_there_is_memory_and_rows_are_made_after_it() {
    let lab = Lab::with_runs_of(1 << 20);
    let (log, mut view) = meetings(&lab);
    assert_eq!(view.step(), Step::Advanced);
    assert_eq!((view.handle.cursor().position, view.handle.cursor().day), (log.head(), None));
    // More arrives meanwhile; the rows are as of what was there.
    let position = log.head();
    log.met(50, &[2, 3]);
    assert_eq!(view.step(), Step::Advanced);
    assert_eq!((view.handle.cursor().position, view.handle.cursor().day), (position, Some(Day::new(TODAY))));
    view.catch_up();
    assert_eq!(view.handle.status().unwrap().rows, 5);
}

#[test]
fn a_view_without_a_share_of_the_memory_goes_on_batch_by_batch() {
    let lab = Lab::with_runs_of(1 << 20);
    let (_, mut view) = meetings(&lab);
    while view.follower.step(Position::new(6)).unwrap() == Step::Advanced {}
    let runs = lab.views.places().runs.clone();
    let taken: Vec<_> = std::iter::from_fn(|| runs.take_within(Duration::ZERO, &Cancel::default())).collect();
    assert_eq!(view.step(), Step::Advanced);
    assert_eq!(view.handle.cursor().position, Position::new(7));
    drop(taken);
    assert_eq!(view.step(), Step::Advanced);
    assert!(view.handle.cursor().position.get() > 40);
}

#[test]
fn a_merge_is_a_run_of_its_own() {
    let lab = Lab::with_runs_of(1 << 20);
    let (log, mut view) = meetings(&lab);
    let before = log.head();
    let merge = log.merged(1, 2);
    log.met(41, &[0, 2]);
    let mut positions = Vec::new();
    while view.step() == Step::Advanced {
        positions.push(view.handle.cursor().position.get());
    }
    positions.dedup();
    assert_eq!(positions, [before.get(), merge, merge + 1]);
}

#[test]
fn a_crash_within_a_run_costs_that_run_and_nothing_else() {
    let lab = Lab::with_runs_of(2 * 1_500);
    let (log, mut view) = meetings(&lab);
    assert_eq!(view.step(), Step::Advanced);
    let kept = view.handle.cursor().position;
    assert!(Position::new(2) < kept && kept < log.head(), "{kept}");
    let image = std::fs::read(lab.only_file()).unwrap();
    assert_eq!(view.step(), Step::Advanced);
    let expected = Lab::with_runs_of(0).level(builtin("strength"), &log).digest();
    let network = view.network.clone();
    drop(view);
    std::fs::write(lab.only_file(), image).unwrap();
    let mut view = lab.open_view(network, builtin("strength"), "{}", &log, crate::ViewScope::Network).unwrap();
    assert_eq!(view.handle.cursor().position, kept);
    view.catch_up();
    assert_eq!(view.digest(), expected);
}

/// Two people meet in an event on which the plugin fails.
fn poison(log: &MemoryLog, one: usize, other: usize) -> u64 {
    let attributes = vec![Attribute { key: "poison".into(), value: AttributeValue::Flag(true) }];
    let people = [one, other].map(member).into();
    log.append_event(at(1, 9), Fact::Habit(Habit::Met(Met { people })), Scope::Network, attributes)
}

#[test]
fn a_view_stops_for_what_is_at_the_head_and_not_for_what_was_before_it() {
    let log = crowd(limits::QUARANTINED_KEYS_MAX + 2);
    let poisoned: Vec<u64> = (1..=limits::QUARANTINED_KEYS_MAX).map(|other| poison(&log, 0, other)).collect();
    let stuck = log.head();
    for position in &poisoned[1..] {
        log.retracted(*position);
    }
    log.read_in_pieces_of(10);
    for runs_bytes in [0, 4_000, 1 << 20] {
        let lab = Lab::with_runs_of(runs_bytes);
        let mut view = lab.view(&HOSTILE, "t", &log);
        view.catch_up();
        assert_eq!(view.step(), Step::Level);
        let [key] = &view.handle.status().unwrap().quarantined[..] else { panic!("one key is stuck") };
        assert_eq!((&key.key, key.position), (&vec![member(0), member(1)], Some(Position::new(poisoned[0]))));
        let mut view = lab.view(&HOSTILE, "t", &log);
        let mut step = Step::Advanced;
        while step == Step::Advanced {
            step = view.follower.step(stuck).unwrap();
        }
        assert_eq!(step, Step::Spoilt);
        assert!(view.follower.why_spoilt().contains("100 keys, such as p0, p1 at entry"));
    }
}

#[test]
fn after_a_failure_runs_begin_small_again() {
    let lab = Lab::with_runs_of(1 << 20);
    let (_, mut view) = meetings(&lab);
    let places: Vec<_> = std::iter::from_fn(|| lab.views.places().following.lend(0).ok()).collect();
    view.follower.step(view.log.head()).unwrap_err();
    view.follower.reload().unwrap();
    drop(places);
    let mut positions = vec![view.handle.cursor().position.get()];
    while view.step() == Step::Advanced {
        positions.push(view.handle.cursor().position.get());
    }
    positions.dedup();
    assert_eq!(positions, [0, 1, 3, 7, 15, 31, 46]);
}

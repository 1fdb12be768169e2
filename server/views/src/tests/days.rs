//! The turn of the day: rows of the next day are made in steps, beside those that are shown.

use super::{
    harness::{HOSTILE, Lab, MemoryLog, TODAY, View, at, builtin},
    laws::{config, happenings, written},
};
use crate::{Query, Row, ViewScope, view::follower::Step};
use kith_core::{day::Day, history::History, position::Position};
use proptest::{prelude::*, sample::Index, test_runner::TestRunner};
use std::sync::{Arc, atomic::Ordering};

fn set_day(view: &View, day: i32) {
    view.now.store(at(day, 1), Ordering::Relaxed);
}

/// What a view shows, and how it is.
fn shown(view: &View) -> (crate::ViewDigest, Vec<Row>, [u64; 3], Vec<crate::QuarantinedKey>) {
    let query = Query { page_rows: 10_000, ..Query::default() };
    let status = view.handle.status().unwrap();
    let counts = [status.keys, status.rows, status.state_bytes];
    (view.digest(), view.handle.query(&query).unwrap().rows, counts, status.quarantined)
}

fn go_on_to(view: &mut View, head: Position) {
    while view.follower.step(head).unwrap() == Step::Advanced {}
}

#[test]
fn rows_decay_when_the_day_turns() {
    let log = MemoryLog::with_people();
    log.met(TODAY, &[0, 1]);
    let mut view = Lab::open().level(builtin("strength"), &log);
    let before = view.digest();
    let rows = view.rows(Query::default());
    view.now.store(at(TODAY + 1, 0), Ordering::Relaxed);
    view.catch_up();
    assert_eq!(view.digest().day, Day::new(TODAY + 1));
    assert_ne!(view.rows(Query::default()), rows);
    assert_eq!(view.handle.digest(Some(Day::new(TODAY)), None).unwrap(), before);
    view.now.store(at(TODAY, 23), Ordering::Relaxed);
    view.catch_up();
    assert_eq!(view.digest(), before, "a clock set back is followed");
}

#[test]
fn entries_of_tomorrow_wait_for_it() {
    let log = MemoryLog::with_people();
    log.met(TODAY, &[0, 1]);
    log.met(TODAY + 1, &[0, 1]);
    let mut view = Lab::open().level(builtin("strength"), &log);
    assert!(view.rows(Query::default())[0].ends_with("of 1"));
    view.now.store(at(TODAY + 1, 0), Ordering::Relaxed);
    view.catch_up();
    assert!(view.rows(Query::default())[0].ends_with("of 2"));
}

#[test]
fn during_a_turn_rows_are_of_the_day_before_and_after_it_as_if_they_had_been_made_at_once() {
    let lab = Lab::open();
    let mut runner = TestRunner::new(config(12));
    let turns = proptest::collection::vec((1..40_i32, any::<Index>(), 0..5_usize), 1..4);
    let outcome = runner.run(&(happenings(), turns, 1..4_usize), |(happenings, turns, keys)| {
        let log = written(&happenings);
        log.read_in_pieces_of(1);
        let head = usize::try_from(log.head().get()).unwrap();
        let hostile = ["t", "r"].map(|settings| (HOSTILE.as_slice(), settings));
        for (component, settings) in kith_bundle::views().map(|view| (view.component, "{}")).chain(hostile) {
            let [mut view, mut at_once] = [(); 2].map(|()| lab.view(component, settings, &log));
            (view.follower.day_step_keys, at_once.follower.day_step_keys) = (keys, usize::MAX);
            let (mut day, mut until) = (TODAY, Position::ZERO);
            for (days, further, steps) in &turns {
                until = until.max(Position::new(further.index(head) as u64 + 1));
                for _ in 0..*steps {
                    view.follower.step(until).unwrap();
                    let cursor = view.handle.cursor();
                    if let Some(day) = cursor.day {
                        let mut built = lab.view(component, settings, &log);
                        set_day(&built, day.number());
                        go_on_to(&mut built, cursor.position);
                        assert_eq!(shown(&view), shown(&built), "keys: {keys}");
                    }
                }
                for view in [&mut view, &mut at_once] {
                    go_on_to(view, until);
                }
                assert_eq!(shown(&view), shown(&at_once), "keys: {keys}");
                day += days;
                set_day(&view, day);
                set_day(&at_once, day);
            }
        }
        Ok(())
    });
    outcome.unwrap();
}

/// A view whose day begins to turn: the rows of some keys are made.
fn turning(log: &Arc<MemoryLog>, lab: &Lab) -> View {
    let mut view = lab.level(builtin("strength"), log);
    set_day(&view, TODAY + 1);
    assert_eq!(view.step(), Step::Advanced);
    view
}

fn full_log() -> Arc<MemoryLog> {
    let log = MemoryLog::with_people();
    log.met(TODAY - 3, &[0, 1, 2, 3, 4, 5]);
    log
}

#[test]
fn nobody_waits_for_a_turn_that_takes_long() {
    let (log, lab) = (full_log(), Lab::open());
    let mut view = lab.level(builtin("strength"), &log);
    let is_recent = |view: &View| view.handle.shared.is_recent(view.handle.cursor());
    set_day(&view, TODAY + 1);
    assert!(!is_recent(&view), "rows may soon be as of today");
    let mut moved = view.handle.cursor_watch();
    view.step();
    assert!(moved.has_changed().unwrap(), "whoever waits looks again");
    assert!(is_recent(&view));
    assert_eq!(view.handle.cursor().day, Some(Day::new(TODAY)));
    set_day(&view, TODAY + 2);
    assert!(!is_recent(&view), "yesterday is another day");
    view.catch_up();
    assert!(is_recent(&view));
    assert_eq!(view.handle.cursor().day, Some(Day::new(TODAY + 2)));
    moved.mark_unchanged();
    view.step();
    assert!(!moved.has_changed().unwrap());
    set_day(&view, TODAY + 3);
    view.step();
    set_day(&view, TODAY + 2);
    assert_eq!(view.step(), Step::Level, "a clock that is set back ends the turn");
    set_day(&view, TODAY + 3);
    assert!(!is_recent(&view));
}

#[test]
fn a_turn_that_is_cut_off_begins_anew() {
    let (log, lab) = (full_log(), Lab::open());
    let view = turning(&log, &lab);
    let network = view.network.clone();
    drop(view);
    log.met(TODAY - 1, &[0, 1]);
    log.retracted(7);
    let mut view = lab.open_view(network, builtin("strength"), "{}", &log, ViewScope::Network).unwrap();
    assert_eq!(view.handle.cursor().day, Some(Day::new(TODAY)));
    set_day(&view, TODAY + 1);
    view.catch_up();
    let built = lab.view(builtin("strength"), "{}", &log);
    set_day(&built, TODAY + 1);
    let mut built = built;
    built.catch_up();
    assert_eq!(shown(&view), shown(&built));
}

#[test]
fn a_turn_goes_on_after_a_failure() {
    let (log, lab) = (full_log(), Lab::open());
    let mut view = turning(&log, &lab);
    view.follower.reload().unwrap();
    let mut steps = 1;
    while view.step() == Step::Advanced {
        steps += 1;
    }
    assert_eq!(steps, 15_usize.div_ceil(2), "no key is read twice");
}

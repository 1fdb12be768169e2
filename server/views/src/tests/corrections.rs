//! Retractions and merges: keys are folded again, and earlier positions still show what was known then.

use super::harness::{Lab, MemoryLog, View, at, builtin, person};
use crate::{Query, Value};
use kith_core::{day::Day, event::Answer, position::Position};
use std::sync::Arc;

fn strength(log: &Arc<MemoryLog>) -> View {
    Lab::open().level(builtin("strength"), log)
}

/// The keys of all rows, as of a position.
fn keys(view: &View, as_of: Option<u64>) -> Vec<String> {
    let query = Query { as_of: as_of.map(Position::new), ..Query::default() };
    let rows = view.rows(query);
    rows.iter().map(|row| row.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn a_withdrawn_entry_does_not_count() {
    let log = MemoryLog::with_people();
    let once = log.met(10, &[0, 1]);
    let twice = log.met(20, &[0, 1, 2]);
    let mut view = strength(&log);
    log.retracted(twice);
    view.catch_up();
    assert_eq!(keys(&view, None), ["ann-ben"]);
    assert_eq!(keys(&view, Some(twice)), ["ann-ben", "ann-cem", "ben-cem"]);
    log.retracted(once);
    view.catch_up();
    assert_eq!(keys(&view, None), [""; 0]);
    assert_eq!(view.handle.status().unwrap().keys, 0);
}

#[test]
fn merged_people_are_one_from_then_on() {
    let log = MemoryLog::with_people();
    log.met(10, &[0, 2]);
    let last = log.met(11, &[1, 2]);
    let mut view = strength(&log);
    let merge = log.merged(0, 1);
    view.catch_up();
    assert_eq!(keys(&view, None), ["ann-cem"]);
    assert_eq!(keys(&view, Some(last)), ["ann-cem", "ben-cem"]);
    for id in [0, 1] {
        let of = Query { person: Some(person(id)), ..Query::default() };
        assert_eq!(view.rows(of).len(), 1, "either id finds the row");
    }
    assert!(view.rows(Query::default())[0].ends_with("of 2"), "entries of both count");
    log.retracted(merge);
    view.catch_up();
    assert_eq!(keys(&view, None), ["ann-cem", "ben-cem"]);
    assert_eq!(keys(&view, Some(merge)), ["ann-cem"]);
}

#[test]
fn a_merge_that_was_undone_in_the_same_batch_is_still_seen_between() {
    let log = MemoryLog::with_people();
    log.met(10, &[2, 3]);
    log.met(11, &[5, 3]);
    let merge = log.merged(2, 5);
    log.retracted(merge);
    let view = strength(&log);
    assert_eq!(keys(&view, None), ["cem-dia", "dia-fin"]);
    assert_eq!(keys(&view, Some(merge)), ["cem-dia"]);
    let then = strength(&log.prefix(merge));
    assert_eq!(view.handle.digest(None, Some(Position::new(merge))).unwrap(), then.digest());
}

#[test]
fn a_merge_counts_others_anew_in_keys_of_other_people() {
    let (log, twin) = (MemoryLog::with_people(), MemoryLog::with_people());
    log.met(10, &[0, 1, 2, 3]);
    log.merged(0, 1);
    twin.met(10, &[0, 2, 3]);
    twin.merged(4, 5);
    let of = Query { key: Some(vec![person(3), person(2)]), ..Query::default() };
    assert_eq!(strength(&log).rows(of.clone()), strength(&twin).rows(of));
}

#[test]
fn a_referrer_who_is_merged_is_shown_as_the_one_who_stays() {
    let log = MemoryLog::with_people();
    log.referred(10, 5, 1, 2);
    let mut view = Lab::open().level(builtin("introductions"), &log);
    log.merged(0, 5);
    view.catch_up();
    let rows = view.handle.query(&Query::default()).unwrap().rows;
    assert_eq!(rows[0].values[2], Value::Person(person(0)));
}

#[test]
fn an_answer_to_a_withdrawn_referral_has_no_effect() {
    let log = MemoryLog::with_people();
    let kept = log.referred(10, 0, 1, 2);
    let referral = log.referred(11, 3, 1, 2);
    log.answered(at(12, 9), referral, 1, Answer::Accepted);
    let mut view = Lab::open().level(builtin("introductions"), &log);
    let states = |view: &View| {
        let rows = view.handle.query(&Query::default()).unwrap().rows;
        rows.into_iter().map(|row| (row.item.unwrap().get(), row.values[0].clone())).collect::<Vec<_>>()
    };
    let text = |state: &str| Value::Text(state.into());
    assert_eq!(states(&view), [(kept, text("unanswered")), (referral, text("accepted"))]);
    log.retracted(referral);
    view.catch_up();
    assert_eq!(states(&view), [(kept, text("unanswered"))]);
}

#[test]
fn a_late_entry_is_folded_in_its_place() {
    let log = MemoryLog::with_people();
    let referral = log.referred(10, 0, 1, 2);
    log.answered(at(20, 9), referral, 1, Answer::Declined);
    let mut view = Lab::open().level(builtin("introductions"), &log);
    log.met(15, &[1, 2]);
    view.catch_up();
    let mut rebuilt = Lab::open().view(builtin("introductions"), "{}", &log);
    rebuilt.catch_up();
    assert_eq!(view.rows(Query::default()), rebuilt.rows(Query::default()));
    let rows = view.handle.query(&Query::default()).unwrap().rows;
    assert_eq!(rows[0].values[4], Value::Day(Day::new(15)), "they met before the answer");
}

#[test]
fn a_pair_with_itself_is_dropped() {
    let log = MemoryLog::with_people();
    log.met(10, &[0, 1]);
    let mut view = strength(&log);
    log.merged(0, 1);
    view.catch_up();
    assert_eq!(keys(&view, None), [""; 0]);
}

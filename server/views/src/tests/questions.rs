//! Questions: filters, orders, pages, days, evidence, changes.

use super::harness::{HOSTILE, Lab, MemoryLog, TODAY, View, at, builtin, person};
use crate::{
    ChangeReader, Direction, Explain, ExplainError, OrderBy, Query, QueryError, Row, SnapshotError, Value, ViewScope,
};
use kith_core::{
    day::Day,
    event::{Answer, DirectoryFact, Fact, Habit, Met, PersonChanged, Scope},
    id::PersonId,
    position::Position,
};
use std::sync::Arc;

/// Ann met ben often, cem once, and dia met eva.
fn log() -> Arc<MemoryLog> {
    let log = MemoryLog::with_people();
    for day in [70, 80, 90] {
        log.met(day, &[0, 1]);
    }
    log.met(60, &[0, 2]);
    log.met(95, &[3, 4]);
    log
}

fn strength(log: &Arc<MemoryLog>) -> View {
    Lab::open().level(builtin("strength"), log)
}

fn keys(view: &View, query: &Query) -> Vec<String> {
    let rows = view.handle.query(query).unwrap().rows;
    rows.iter().map(|row| row.key.iter().map(PersonId::as_str).collect::<Vec<_>>().join("-")).collect()
}

#[test]
fn rows_come_strongest_first_unless_ordered_otherwise() {
    let view = strength(&log());
    let by =
        |field: &str, direction| Query { order: Some(OrderBy { field: field.into(), direction }), ..Query::default() };
    assert_eq!(keys(&view, &Query::default()), ["ann-ben", "dia-eva", "ann-cem"]);
    assert_eq!(keys(&view, &by("score", Direction::Ascending)), ["ann-cem", "dia-eva", "ann-ben"]);
    assert_eq!(keys(&view, &by("last_contact", Direction::Descending)), ["dia-eva", "ann-ben", "ann-cem"]);
    assert_eq!(keys(&view, &by("met", Direction::Ascending)), ["ann-cem", "dia-eva", "ann-ben"]);
    let unknown = view.handle.query(&by("nothing", Direction::Ascending));
    let unknown = unknown.expect_err("there is no such field").to_string();
    assert!(unknown.starts_with("there is no field `nothing`: the fields are score, days_in_contact, "), "{unknown}");
}

#[test]
fn filters_name_people_keys_and_organisations() {
    let log = log();
    let mut view = strength(&log);
    let of_cem = Query { person: Some(person(2)), ..Query::default() };
    assert_eq!(keys(&view, &of_cem), ["ann-cem"]);
    let of_key = Query { key: Some(vec![person(4), person(3)]), ..Query::default() };
    assert_eq!(keys(&view, &of_key), ["dia-eva"]);
    let of_trust = Query { organisation: Some("trust".parse().unwrap()), ..Query::default() };
    assert_eq!(keys(&view, &of_trust), ["ann-ben", "dia-eva", "ann-cem"]);
    let of_surgery = Query { organisation: Some("surgery".parse().unwrap()), ..Query::default() };
    assert_eq!(keys(&view, &of_surgery), ["ann-ben", "dia-eva"]);
    let moved =
        PersonChanged { person: person(2), organisation: Some("surgery".parse().unwrap()), role: String::new() };
    log.append(0, Fact::Directory(DirectoryFact::PersonChanged(moved)));
    view.catch_up();
    assert_eq!(keys(&view, &of_surgery), ["ann-ben", "dia-eva", "ann-cem"]);
    let both = Query { key: of_key.key, ..of_cem };
    assert_eq!(keys(&view, &both), [""; 0]);
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let view = strength(&log());
    let ask = |query: Query| view.handle.query(&query).unwrap_err();
    let stranger = Query { person: Some("zoe".parse().unwrap()), ..Query::default() };
    assert!(matches!(ask(stranger), QueryError::PersonAhead(_)));
    let short = Query { key: Some(vec![person(0)]), ..Query::default() };
    assert!(matches!(ask(short), QueryError::KeyShape { found: 1, .. }));
    let empty = Query { page_rows: 0, ..Query::default() };
    assert!(matches!(ask(empty), QueryError::PageRows { found: 0 }));
    let token = Query { page_token: Some("00".into()), ..Query::default() };
    assert!(matches!(ask(token), QueryError::PageToken));
    let ahead = Query { as_of: Some(Position::new(99)), ..Query::default() };
    let cursor = view.handle.cursor().position;
    assert!(
        matches!(ask(ahead), QueryError::Snapshot(SnapshotError::PositionAhead { cursor: found }) if found == cursor)
    );
}

#[test]
fn a_view_that_is_being_built_says_so() {
    let log = log();
    log.read_in_pieces_of(2);
    let mut view = Lab::open().view(builtin("strength"), "{}", &log);
    view.step();
    let building = view.handle.query(&Query::default());
    assert!(matches!(building, Err(QueryError::Snapshot(SnapshotError::Building { .. }))));
    assert_eq!(view.handle.status().unwrap().state, crate::ViewState::Building);
    view.catch_up();
    assert_eq!(view.handle.status().unwrap().state, crate::ViewState::Running);
}

#[test]
fn pages_stay_with_the_position_and_day_of_the_first() {
    let log = log();
    let mut view = strength(&log);
    let first = view.handle.query(&Query { page_rows: 1, ..Query::default() }).unwrap();
    assert_eq!((first.rows.len(), first.total), (1, 3));
    log.met(TODAY, &[2, 5]);
    log.met(TODAY, &[0, 2]);
    view.now.store(at(TODAY + 1, 1), std::sync::atomic::Ordering::Relaxed);
    view.catch_up();
    let mut rows = first.rows.clone();
    let mut token = first.next_page_token.clone();
    while let Some(page_token) = token {
        let page = Query { page_rows: 1, page_token: Some(page_token), ..Query::default() };
        let next = view.handle.query(&page).unwrap();
        assert_eq!((next.position, next.day, next.total), (first.position, first.day, 3));
        rows.extend(next.rows);
        token = next.next_page_token;
    }
    let found: Vec<&str> = rows.iter().map(|row| row.key[1].as_str()).collect();
    assert_eq!(found, ["ben", "eva", "cem"]);
    let other = Query { page_rows: 1, page_token: first.next_page_token, person: Some(person(0)), ..Query::default() };
    assert!(matches!(view.handle.query(&other), Err(QueryError::PageToken)));
}

#[test]
fn rows_know_when_they_changed() {
    let log = log();
    let last = log.met(99, &[0, 1]);
    let view = strength(&log);
    let top = |query: &Query| view.handle.query(query).unwrap().rows[0].changed;
    assert_eq!(top(&Query::default()), Some(Position::new(last)));
    assert_eq!(top(&Query { day: Some(Day::new(TODAY)), ..Query::default() }), Some(Position::new(last)));
    assert_eq!(top(&Query { day: Some(Day::new(TODAY - 1)), ..Query::default() }), None);
}

#[test]
fn explanations_list_entries_newest_first_with_shares() {
    let log = log();
    let view = strength(&log);
    let explain = |day| Explain { key: vec![person(1), person(0)], item: None, day, as_of: None };
    let explanation = view.handle.explain(&explain(None)).unwrap();
    let positions: Vec<u64> = explanation.evidence.iter().map(|evidence| evidence.position.get()).collect();
    assert_eq!(positions, [9, 8, 7]);
    assert_eq!(explanation.share_of.as_deref(), Some("score"));
    let Value::Number(score) = explanation.rows[0].values[0] else { panic!("a score") };
    assert_eq!(explanation.total, Some(score));
    let shares: Vec<f64> = explanation.evidence.iter().map(|evidence| evidence.share.unwrap()).collect();
    assert!(shares.iter().all(|share| *share > 0.0), "{shares:?}");
    assert!(shares[0] > shares[1] && shares[0] > shares[2], "without the last day the silence is longer: {shares:?}");
    let mut without = strength(&log);
    log.retracted(9);
    without.catch_up();
    let key = Query { key: Some(explain(None).key), ..Query::default() };
    let Value::Number(rest) = without.handle.query(&key).unwrap().rows[0].values[0] else { panic!("a score") };
    assert!((shares[0] - (score - rest)).abs() < 1e-12, "a share is what a retraction removes");
    let earlier = view.handle.explain(&explain(Some(Day::new(85)))).unwrap();
    assert_eq!(earlier.evidence.len(), 2);
    let unknown = view.handle.explain(&Explain { key: vec![person(2), person(3)], ..explain(None) });
    assert!(matches!(unknown, Err(ExplainError::RowUnknown)));
}

#[test]
fn explanations_pick_one_of_several_rows() {
    let log = MemoryLog::with_people();
    let one = log.referred(50, 0, 1, 2);
    let other = log.referred(60, 3, 1, 2);
    log.answered(at(61, 9), other, 2, Answer::Accepted);
    let view = Lab::open().level(builtin("introductions"), &log);
    let explain = |item| Explain { key: vec![person(1), person(2)], item, day: None, as_of: None };
    assert_eq!(view.handle.explain(&explain(None)).unwrap().rows.len(), 2);
    let picked = view.handle.explain(&explain(Some(Position::new(one)))).unwrap();
    assert_eq!((picked.rows.len(), picked.rows[0].item), (1, Some(Position::new(one))));
    let unknown = view.handle.explain(&explain(Some(Position::new(1))));
    assert!(matches!(unknown, Err(ExplainError::RowUnknown)));
}

#[test]
fn only_the_newest_entries_have_shares() {
    let log = MemoryLog::with_people();
    let entries = crate::limits::SHARES_MAX + 5;
    for hour in 0..i64::try_from(entries).unwrap() {
        log.append(at(1, hour), Fact::Habit(Habit::Met(Met { people: vec![person(0), person(1)] })));
    }
    let lab = Lab::open();
    let view = lab.level(&HOSTILE, &log);
    let explain = Explain { key: vec![person(0), person(1)], item: None, day: None, as_of: None };
    let evidence = view.handle.explain(&explain).unwrap().evidence;
    assert_eq!(evidence.len(), entries);
    let shares: Vec<Option<f64>> = evidence.iter().map(|evidence| evidence.share).collect();
    assert!(shares[..crate::limits::SHARES_MAX].iter().all(|share| *share == Some(1.0)));
    assert!(shares[crate::limits::SHARES_MAX..].iter().all(Option::is_none));
}

#[test]
fn changes_come_in_order_and_name_rows_that_are_gone() {
    let log = log();
    let mut view = strength(&log);
    let changed_since = |view: &View, after, bytes| ChangeReader::new(after).read(&view.handle, bytes).unwrap();
    let some = changed_since(&view, Position::ZERO, 1);
    assert_eq!((some.rows.len(), some.position), (1, Position::new(9)));
    let rest = changed_since(&view, some.position, usize::MAX);
    assert_eq!((rest.rows.len(), rest.position), (2, view.handle.cursor().position));
    let none = changed_since(&view, rest.position, usize::MAX);
    assert_eq!((none.rows.len(), none.removed.len()), (0, 0));
    log.retracted(11);
    let met = log.met(97, &[0, 1, 5]);
    view.catch_up();
    let news = changed_since(&view, rest.position, usize::MAX);
    assert_eq!((news.rows.len(), news.removed.len(), news.position), (3, 1, Position::new(met)));
    assert_eq!(news.removed[0].key, [person(3), person(4)]);
    assert!(news.rows.iter().all(|row| row.changed == Some(Position::new(met))));
}

/// The log of a meeting of everyone that followed two others.
fn one_large_meeting() -> (Arc<MemoryLog>, u64) {
    let log = MemoryLog::with_people();
    log.met(70, &[0, 1]);
    log.met(70, &[4, 5]);
    let met = log.met(80, &[0, 1, 2, 3, 4, 5]);
    (log, met)
}

#[test]
fn parts_of_one_position_are_together_what_is_told_at_once() {
    let (log, met) = one_large_meeting();
    let view = strength(&log);
    let whole = ChangeReader::new(Position::ZERO).read(&view.handle, usize::MAX).unwrap();
    assert_eq!((whole.rows.len(), whole.position), (15, Position::new(met)));
    for bytes in [1, 1_000, 2_500, 100_000] {
        let (mut reader, mut rows, mut parts) = (ChangeReader::new(Position::ZERO), Vec::new(), 0);
        while reader.has_news(view.handle.cursor()) {
            assert_eq!(reader.is_new(), parts == 0);
            let part = reader.read(&view.handle, bytes).unwrap();
            assert!(!part.rows.is_empty() && part.removed.is_empty());
            rows.extend(part.rows);
            parts += 1;
            let expected = if rows.len() < 15 { met - 1 } else { met };
            assert_eq!((part.position, reader.position()), (Position::new(expected), part.position));
        }
        assert_eq!(rows, whole.rows, "{bytes} bytes");
        assert!(if bytes == 1 { parts == 15 } else { parts < 15 }, "{parts} parts of {bytes} bytes");
    }
}

#[test]
fn what_changes_while_a_position_is_told_is_told_too() {
    let keys_of = |rows: &[Row]| rows.iter().map(|row| row.key.clone()).collect::<Vec<_>>();
    for told in 1..15 {
        let (log, met) = one_large_meeting();
        let mut view = strength(&log);
        let mut reader = ChangeReader::new(Position::ZERO);
        let mut known = Vec::new();
        for _ in 0..told {
            known.extend(keys_of(&reader.read(&view.handle, 1).unwrap().rows));
        }
        log.retracted(met);
        view.catch_up();
        let part = reader.read(&view.handle, usize::MAX).unwrap();
        assert_eq!(keys_of(&part.rows), [[person(0), person(1)], [person(4), person(5)]]);
        let gone: Vec<_> = part.removed.into_iter().map(|removed| removed.key).collect();
        known.retain(|key| !gone.contains(key));
        assert!(known.iter().all(|key| keys_of(&part.rows).contains(key)), "{told} told: {known:?}");
        assert!(!reader.has_news(view.handle.cursor()));
    }
}

#[test]
fn a_row_that_went_is_told_at_the_later_position_of_its_key() {
    let log = log();
    let mut view = strength(&log);
    let mut reader = ChangeReader::new(view.handle.cursor().position);
    assert_eq!(reader.read(&view.handle, 1).unwrap().rows, []);
    log.retracted(11);
    view.catch_up();
    // The key no longer has a row and changes again, which moves it behind that of ann and ben.
    log.met(50, &[0, 1]);
    let met = log.met(50, &[3, 4]);
    log.retracted(met);
    view.catch_up();
    let mut removed = Vec::new();
    while reader.has_news(view.handle.cursor()) {
        removed.extend(reader.read(&view.handle, 1).unwrap().removed);
    }
    assert_eq!(removed.iter().map(|row| row.key.clone()).collect::<Vec<_>>(), [[person(3), person(4)]]);
}

#[test]
fn a_new_day_within_a_position_tells_all_again() {
    let (log, _) = one_large_meeting();
    let mut view = strength(&log);
    let mut reader = ChangeReader::new(Position::ZERO);
    reader.read(&view.handle, 1).unwrap();
    view.now.store(at(TODAY + 1, 1), std::sync::atomic::Ordering::Relaxed);
    view.catch_up();
    let again = reader.read(&view.handle, usize::MAX).unwrap();
    assert_eq!((again.rows.len(), again.day), (15, Day::new(TODAY + 1)));
    assert!(!reader.has_news(view.handle.cursor()));
}

#[test]
fn a_view_folds_what_its_scope_lets_through() {
    let log = MemoryLog::with_people();
    let met = |people: [usize; 2], scope| {
        let fact = Fact::Habit(Habit::Met(Met { people: people.map(person).into() }));
        log.append_event(at(50, 1), fact, scope, Vec::new());
    };
    met([0, 1], Scope::Network);
    met([0, 2], Scope::Organisation);
    let lab = Lab::open();
    let check = |scope, expected: &[&str]| {
        let network = "scoped".parse().unwrap();
        let mut view = lab.open_view(network, builtin("strength"), "{}", &log, scope).unwrap();
        view.catch_up();
        assert_eq!(keys(&view, &Query::default()), expected);
    };
    check(ViewScope::Network, &["ann-ben"]);
    check(ViewScope::Organisation("trust".parse().unwrap()), &["ann-ben", "ann-cem"]);
    check(ViewScope::Organisation("surgery".parse().unwrap()), &["ann-ben"]);
}

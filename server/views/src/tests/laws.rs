//! Rows depend only on the log: not on batches, crashes, order of arrival or the time of a query.

use super::harness::{HOSTILE, Lab, MemoryLog, PEOPLE, TODAY, View, at, builtin, person};
use crate::{ChangeReader, Query, Row, Value, view::follower::Step};
use kith_core::{
    day::Day,
    event::{
        Answer, Asked, Attribute, AttributeValue, Custom, DirectoryFact, Fact, FollowedUp, Habit, Helped, Met,
        Referred, Scope,
    },
    history::History,
    id::PersonId,
    position::Position,
};
use proptest::{prelude::*, sample::Index, strategy::ValueTree};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, atomic::Ordering},
};

/// Something that may happen, expressed so that it is always possible.
#[derive(Debug, Clone)]
pub(super) enum Happening {
    Met(BTreeSet<usize>),
    FollowedUp(usize, BTreeSet<usize>),
    Asked(usize, BTreeSet<usize>),
    Helped(usize, usize),
    Referred([usize; 3]),
    Answered(Index, bool),
    Visited(BTreeSet<usize>),
    /// People meet in an event on which the hostile plugin fails.
    Poisoned(BTreeSet<usize>),
    Retracted(Index),
    Merged(usize, usize),
}

fn happening() -> impl Strategy<Value = (i64, Happening)> {
    let someone = || 0..PEOPLE.len();
    let some = |least| proptest::collection::btree_set(someone(), least..=4);
    let three =
        Just([0, 1, 2, 3, 4, 5]).prop_shuffle().prop_map(|people: [usize; 6]| [people[0], people[1], people[2]]);
    let what = prop_oneof![
        6 => some(2).prop_map(Happening::Met),
        3 => (someone(), some(1)).prop_map(|(by, with)| Happening::FollowedUp(by, with)),
        1 => (someone(), some(1)).prop_map(|(by, of)| Happening::Asked(by, of)),
        3 => (someone(), someone()).prop_map(|(helper, helped)| Happening::Helped(helper, helped)),
        4 => three.prop_map(Happening::Referred),
        3 => (any::<Index>(), any::<bool>()).prop_map(|(referral, yes)| Happening::Answered(referral, yes)),
        1 => some(1).prop_map(Happening::Visited),
        1 => proptest::collection::btree_set(someone(), 2..=2).prop_map(Happening::Poisoned),
        2 => any::<Index>().prop_map(Happening::Retracted),
        1 => (someone(), someone()).prop_map(|(kept, merged)| Happening::Merged(kept, merged)),
    ];
    ((0..i64::from(TODAY) * 24).prop_map(|hour| at(0, hour)), what)
}

pub(super) fn happenings() -> impl Strategy<Value = Vec<(i64, Happening)>> {
    proptest::collection::vec(happening(), 1..40)
}

/// What was written so far, for later happenings to refer to.
#[derive(Default)]
struct Written {
    referrals: Vec<(u64, usize, i64)>,
    retractable: Vec<u64>,
    kept: HashMap<usize, usize>,
    merges: HashMap<u64, usize>,
}

impl Written {
    fn root(&self, someone: usize) -> usize {
        self.kept.get(&someone).map_or(someone, |kept| self.root(*kept))
    }

    fn append(&mut self, log: &MemoryLog, at: i64, happening: &Happening) {
        let people = |some: &BTreeSet<usize>| some.iter().copied().map(person).collect::<Vec<_>>();
        let others = |by: usize, some: &BTreeSet<usize>| {
            let mut some = some.clone();
            some.remove(&by);
            people(&some)
        };
        let position = match happening {
            Happening::Met(all) => log.append(at, Fact::Habit(Habit::Met(Met { people: people(all) }))),
            Happening::FollowedUp(by, with) if !others(*by, with).is_empty() => {
                let fact = FollowedUp { by: person(*by), with: others(*by, with), about: None };
                log.append(at, Fact::Habit(Habit::FollowedUp(fact)))
            }
            Happening::Asked(by, of) if !others(*by, of).is_empty() => {
                let fact = Asked { by: person(*by), of: others(*by, of), category: "it".parse().unwrap() };
                log.append(at, Fact::Habit(Habit::Asked(fact)))
            }
            Happening::Helped(by, whom) if by != whom => {
                let fact = Helped { helper: person(*by), helped: person(*whom), category: None, about: None };
                log.append(at, Fact::Habit(Habit::Helped(fact)))
            }
            Happening::Referred([referrer, introduced, to]) => {
                let fact = Referred { referrer: person(*referrer), person: person(*introduced), to: person(*to) };
                let position = log.append(at, Fact::Habit(Habit::Referred(fact)));
                self.referrals.push((position, *introduced, at));
                position
            }
            Happening::Answered(referral, yes) if !self.referrals.is_empty() => {
                let (referral, by, referred_at) = self.referrals[referral.index(self.referrals.len())];
                let answer = if *yes { Answer::Accepted } else { Answer::Declined };
                log.answered(at.max(referred_at), referral, by, answer)
            }
            Happening::Visited(all) => {
                let fact = Custom { type_name: "org.example/visit.v1".into(), people: people(all) };
                log.append(at, Fact::Custom(fact))
            }
            Happening::Poisoned(pair) => {
                let attributes = vec![Attribute { key: "poison".into(), value: AttributeValue::Flag(true) }];
                log.append_event(at, Fact::Habit(Habit::Met(Met { people: people(pair) })), Scope::Network, attributes)
            }
            Happening::Retracted(target) if !self.retractable.is_empty() => {
                let target = self.retractable.swap_remove(target.index(self.retractable.len()));
                if let Some(merged) = self.merges.remove(&target) {
                    self.kept.remove(&merged);
                }
                log.retracted(target);
                return;
            }
            Happening::Merged(kept, merged) if self.root(*kept) != *merged && self.root(*merged) == *merged => {
                let position = log.merged(*kept, *merged);
                self.kept.insert(*merged, *kept);
                self.merges.insert(position, *merged);
                position
            }
            Happening::FollowedUp(..)
            | Happening::Asked(..)
            | Happening::Helped(..)
            | Happening::Answered(..)
            | Happening::Retracted(_)
            | Happening::Merged(..) => return,
        };
        self.retractable.push(position);
    }
}

pub(super) fn written(happenings: &[(i64, Happening)]) -> Arc<MemoryLog> {
    let (log, mut written) = (MemoryLog::with_people(), Written::default());
    for (at, happening) in happenings {
        written.append(&log, *at, happening);
    }
    log
}

pub(super) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Checks a law on random histories with every built-in plugin.
fn hold<S: Strategy>(cases: u32, extra: S, law: impl Fn(&Lab, &[u8], &[(i64, Happening)], S::Value))
where
    S::Value: Clone,
{
    let lab = Lab::open();
    let mut runner = proptest::test_runner::TestRunner::new(config(cases));
    let outcome = runner.run(&(happenings(), extra), |(happenings, extra)| {
        for builtin in kith_bundle::views() {
            law(&lab, builtin.component, &happenings, extra.clone());
        }
        Ok(())
    });
    outcome.unwrap();
}

fn assert_same_rows(found: &View, expected: &View) {
    assert_eq!(found.rows(Query::default()), expected.rows(Query::default()));
    assert_eq!(found.digest(), expected.digest());
}

#[test]
fn rows_do_not_depend_on_batches() {
    hold(12, 1..9_usize, |lab, component, happenings, piece| {
        let log = written(happenings);
        let rebuilt = lab.level(component, &log);
        log.read_in_pieces_of(piece);
        let mut live = lab.view(component, "{}", &log);
        live.catch_up();
        assert_same_rows(&live, &rebuilt);
    });
}

#[test]
fn rows_and_their_positions_do_not_depend_on_when_the_view_was_built() {
    hold(12, any::<Index>(), |lab, component, happenings, cut| {
        let log = written(happenings);
        let rebuilt = lab.level(component, &log);
        let mut live = lab.view(component, "{}", &log);
        let head = log.head().get();
        let built_at = cut.index(usize::try_from(head).unwrap()) as u64;
        for until in built_at..=head {
            while live.follower.step(Position::new(until)).unwrap() == Step::Advanced {}
        }
        assert_same_rows(&live, &rebuilt);
        let changed = |view: &View| {
            let rows = view.handle.query(&Query { page_rows: 10_000, ..Query::default() }).unwrap().rows;
            rows.into_iter().map(|row| (row.key, row.item, row.changed)).collect::<Vec<_>>()
        };
        assert_eq!(changed(&live), changed(&rebuilt));
        let everything = ChangeReader::new(Position::ZERO).read(&live.handle, usize::MAX).unwrap();
        assert_eq!(everything.rows.len() as u64, live.handle.status().unwrap().rows);
    });
}

/// A watcher, with the rows that it has received.
struct Watcher {
    reader: ChangeReader,
    rows: BTreeMap<(Vec<PersonId>, Option<Position>), Row>,
}

impl Watcher {
    /// Receives up to `parts` parts of up to `bytes` each.
    fn hear(&mut self, view: &View, parts: usize, bytes: usize) {
        for _ in 0..parts {
            if !self.reader.has_news(view.handle.cursor()) {
                return;
            }
            let changes = self.reader.read(&view.handle, bytes).unwrap();
            self.rows.extend(changes.rows.into_iter().map(|row| ((row.key.clone(), row.item), row)));
            for removed in changes.removed {
                self.rows.remove(&(removed.key, removed.item));
            }
        }
    }

    fn assert_has_all_rows_of(&self, view: &View) {
        let query = Query { page_rows: 10_000, ..Query::default() };
        let rows = view.handle.query(&query).unwrap().rows;
        let expected: BTreeMap<_, _> = rows.into_iter().map(|row| ((row.key.clone(), row.item), row)).collect();
        assert_eq!(self.rows, expected);
    }
}

#[test]
fn changes_put_together_are_the_rows_however_they_are_cut() {
    let parts = proptest::collection::vec(0..4_usize, 1..20);
    let extra = (any::<Index>(), any::<Index>(), parts, 1..1_000_usize, 1..6_usize);
    hold(12, extra, |lab, component, happenings, (built_at, day_turns, parts, bytes, stride)| {
        let log = written(happenings);
        // So that a view that is some entries behind processes them in a run.
        log.read_in_pieces_of(1);
        let mut view = lab.view(component, "{}", &log);
        let head = log.head().get();
        let some = |index: Index| index.index(usize::try_from(head).unwrap()) as u64;
        let mut watcher = Watcher { reader: ChangeReader::new(Position::ZERO), rows: BTreeMap::new() };
        let heads = (some(built_at)..head).step_by(stride).chain([head]);
        for (until, parts) in heads.zip(parts.into_iter().cycle()) {
            if until >= some(day_turns) {
                view.now.store(at(TODAY + 40, 1), Ordering::Relaxed);
            }
            while view.follower.step(Position::new(until)).unwrap() == Step::Advanced {}
            watcher.hear(&view, parts, bytes);
            if !watcher.reader.has_news(view.handle.cursor()) {
                watcher.assert_has_all_rows_of(&view);
                // A reader that comes back knows all of this.
                watcher.reader = ChangeReader::new(watcher.reader.position());
                watcher.hear(&view, 1, bytes);
            }
        }
        watcher.hear(&view, usize::MAX, bytes);
        watcher.assert_has_all_rows_of(&view);
    });
}

#[test]
fn quarantine_does_not_depend_on_batches() {
    let quarantined = |view: &View| {
        let status = view.handle.status().unwrap();
        status.quarantined.into_iter().map(|key| (key.key, key.position, key.message)).collect::<Vec<_>>()
    };
    let lab = Lab::open();
    let mut runner = proptest::test_runner::TestRunner::new(config(60));
    let outcome = runner.run(&(happenings(), 1..9_usize), |(happenings, piece)| {
        let log = written(&happenings);
        let mut rebuilt = lab.view(&HOSTILE, "t", &log);
        rebuilt.catch_up();
        log.read_in_pieces_of(piece);
        let mut live = lab.view(&HOSTILE, "t", &log);
        live.catch_up();
        assert_same_rows(&live, &rebuilt);
        assert_eq!(quarantined(&live), quarantined(&rebuilt));
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn a_crash_after_any_batch_costs_nothing_but_work() {
    let lab = Lab::open();
    let mut runner = proptest::test_runner::TestRunner::new(config(6));
    let outcome = runner.run(&(happenings(), 1..6_usize), |(happenings, piece)| {
        let log = written(&happenings);
        let rebuilt = lab.level(builtin("strength"), &log);
        log.read_in_pieces_of(piece);
        let crashing = Lab::open();
        let mut view = crashing.view(builtin("strength"), "{}", &log);
        let network = view.network.clone();
        for _ in 0..4 {
            let _ = view.step();
            let file = crashing.only_file();
            let image = std::fs::read(&file).unwrap();
            drop(view);
            std::fs::write(&file, image).unwrap();
            view = crashing
                .open_view(network.clone(), builtin("strength"), "{}", &log, crate::ViewScope::Network)
                .unwrap();
        }
        view.catch_up();
        assert_same_rows(&view, &rebuilt);
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn a_position_is_asked_for_as_if_the_log_ended_there() {
    hold(12, any::<Index>(), |lab, component, happenings, cut| {
        let log = written(happenings);
        let first = PEOPLE.len();
        let position = (first + cut.index(usize::try_from(log.head().get()).unwrap() + 1 - first)) as u64;
        let view = lab.level(component, &log);
        let then = lab.level(component, &log.prefix(position));
        let as_of = Some(Position::new(position));
        assert_eq!(view.handle.digest(None, as_of).unwrap(), then.digest());
        for someone in 0..PEOPLE.len() {
            let of = Query { person: Some(person(someone)), ..Query::default() };
            assert_eq!(view.rows(Query { as_of, ..of.clone() }), then.rows(of));
        }
    });
}

#[test]
fn a_day_is_asked_for_as_if_nothing_happened_after_it() {
    hold(12, 0..TODAY, |lab, component, happenings, day| {
        let end = at(day + 1, 0) - 1;
        let log = written(happenings);
        let until = log.with_replaced(|event| {
            let is_correction =
                matches!(event.fact, Fact::Retracted(_) | Fact::Directory(DirectoryFact::PeopleMerged(_)));
            !is_correction && event.occurred_at.millis() > end
        });
        let view = lab.level(component, &log);
        let mut then = lab.view(component, "{}", &until);
        then.now.store(end, std::sync::atomic::Ordering::Relaxed);
        then.catch_up();
        assert_eq!(view.handle.digest(Some(Day::new(day)), None).unwrap(), then.digest());
    });
}

#[test]
fn arrival_does_not_matter() {
    let lab = Lab::open();
    let contact = happening().prop_filter("a contact", |(_, happening)| {
        matches!(happening, Happening::Met(_) | Happening::Helped(..) | Happening::FollowedUp(..))
    });
    let contacts = proptest::collection::vec(contact, 1..30);
    let shuffled = contacts.prop_flat_map(|contacts| (Just(contacts.clone()), Just(contacts).prop_shuffle()));
    let mut runner = proptest::test_runner::TestRunner::new(config(16));
    let outcome = runner.run(&(shuffled, 1..9_usize), |((one, other), piece)| {
        let (one, other) = (written(&one), written(&other));
        other.read_in_pieces_of(piece);
        for builtin in kith_bundle::views() {
            let (one, other) = (lab.level(builtin.component, &one), lab.level(builtin.component, &other));
            assert_eq!(without_items(&one), without_items(&other), "{}", builtin.name);
        }
        Ok(())
    });
    outcome.unwrap();
}

/// Rows as text without their items: positions depend on the order of arrival.
fn without_items(view: &View) -> Vec<String> {
    let without = |row: String| {
        let (key, values) = row.split_once(' ').expect("a row has values");
        format!("{} {values}", key.split('#').next().unwrap_or(key))
    };
    let mut rows: Vec<String> = view.rows(Query::default()).into_iter().map(without).collect();
    rows.sort();
    rows
}

#[test]
fn every_built_in_view_has_rows_of_the_happenings_of_the_laws() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = proptest::collection::vec(happening(), 60);
    let lab = Lab::open();
    let log = written(&strategy.new_tree(&mut runner).unwrap().current());
    for builtin in kith_bundle::views() {
        let rows = lab.level(builtin.component, &log).rows(Query::default());
        assert!(!rows.is_empty(), "{} has no rows", builtin.name);
    }
}

#[test]
fn rows_hold_finite_scores_in_their_range() {
    let log = MemoryLog::with_people();
    log.met(TODAY, &[0, 1]);
    let view = Lab::open().level(builtin("strength"), &log);
    let rows = view.handle.query(&Query::default()).unwrap().rows;
    assert!(matches!(rows[0].values[0], Value::Number(score) if (0.0..=100.0).contains(&score) && score > 0.0));
}

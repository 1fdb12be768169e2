//! The first rows of an order are found without reading all of them.

use super::{
    harness::{Lab, MemoryLog, TODAY, View, at, builtin},
    quarantine::{crowd, member},
};
use crate::{
    Direction, OrderBy, Query, Row,
    ask::{
        page::{Page, RowOrder},
        query::see_zones,
        snapshot::Snapshot,
    },
};
use kith_core::event::{DirectoryFact, Fact, Habit, Met, PeopleMerged};
use std::sync::atomic::Ordering;

/// Enough people for many zones.
const PEOPLE: usize = 150;

/// Numbers that are the same in each run, and look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

fn meet(log: &MemoryLog, numbers: &mut Numbers, times: usize) -> Vec<u64> {
    let mut positions = Vec::new();
    for _ in 0..times {
        let (one, other) = (numbers.below(PEOPLE), numbers.below(PEOPLE));
        if one != other {
            let day = TODAY - i32::try_from(numbers.below(400)).unwrap();
            let people = vec![member(one), member(other)];
            positions.push(log.append(at(day, 9), Fact::Habit(Habit::Met(Met { people }))));
        }
    }
    positions
}

/// All pages of an order.
fn paged(view: &View, order: &OrderBy, page_rows: usize) -> Vec<Row> {
    let (mut rows, mut page_token) = (Vec::new(), None);
    loop {
        let query = Query { order: Some(order.clone()), page_rows, page_token, ..Query::default() };
        let page = view.handle.query(&query).unwrap();
        assert_eq!(page.total, view.handle.status().unwrap().rows);
        rows.extend(page.rows);
        page_token = page.next_page_token;
        if page_token.is_none() {
            return rows;
        }
    }
}

/// Checks every order by every column, in pages of several sizes.
fn assert_pages_are_the_rows(view: &View) {
    for field in view.handle.fields() {
        for direction in [Direction::Ascending, Direction::Descending] {
            let order = OrderBy { field: field.name.clone(), direction };
            let all = paged(view, &order, 10_000);
            assert_eq!(all.len() as u64, view.handle.status().unwrap().rows);
            for page_rows in [1, 7, 60] {
                let first = Query { order: Some(order.clone()), page_rows, ..Query::default() };
                let first = view.handle.query(&first).unwrap().rows;
                assert_eq!(first, all[..page_rows.min(all.len())], "{order:?} {page_rows}");
            }
            assert_eq!(paged(view, &order, 97), all, "{order:?}");
        }
    }
}

#[test]
fn pages_are_the_rows_in_every_order_whatever_changed() {
    let lab = Lab::open();
    for name in ["strength", "keep_in_touch", "follow_ups"] {
        let (log, mut numbers) = (crowd(PEOPLE), Numbers(7));
        let mut met = meet(&log, &mut numbers, 700);
        // Built in one step,
        let mut view = lab.level(builtin(name), &log);
        assert_pages_are_the_rows(&view);
        // then changed step by step: higher values, lower ones, rows that go,
        met.extend(meet(&log, &mut numbers, 100));
        for position in met.iter().step_by(5) {
            log.retracted(*position);
            view.catch_up();
        }
        let merged = PeopleMerged { kept: member(3), merged: member(140) };
        log.append(at(TODAY, 1), Fact::Directory(DirectoryFact::PeopleMerged(merged)));
        view.catch_up();
        assert_pages_are_the_rows(&view);
        // and made anew for another day.
        view.now.store(at(TODAY + 1, 9), Ordering::SeqCst);
        view.catch_up();
        assert_pages_are_the_rows(&view);
    }
}

#[test]
fn the_first_rows_are_found_in_few_zones() {
    let (log, mut numbers) = (crowd(PEOPLE), Numbers(7));
    meet(&log, &mut numbers, 700);
    let view = Lab::open().level(builtin("strength"), &log);
    let order = RowOrder { column: Some(0), direction: Direction::Descending };
    let snapshot = Snapshot::open(&view.handle.shared, None, None).unwrap();
    let zones = snapshot.zones_by(order).unwrap().unwrap();
    let visited = see_zones(&snapshot, &zones, &mut Page::new(order, 3, None)).unwrap();
    assert!(zones.len() > 30, "{}", zones.len());
    assert!(visited < zones.len() / 3, "{visited} of {}", zones.len());
}

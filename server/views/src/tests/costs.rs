//! Results of a plugin are read a little at a time, however large they are.

use super::harness::{FAT_TEXT, Lab, MemoryLog, TODAY, View, component};
use crate::{ChangeReader, Query, limits, share::cancel::Cancel, view::follower::Step, wire};
use kith_core::{
    day::Day,
    event::{DirectoryFact, Fact, Habit, Met, PersonAdded},
    id::PersonId,
    position::Position,
};
use prost::Message;
use std::{sync::Arc, thread, time::Duration};

/// A log with one meeting of this many people.
fn meeting(people: usize) -> Arc<MemoryLog> {
    let log = MemoryLog::empty();
    let people: Vec<PersonId> = (0..people).map(|number| format!("p{number}").parse().unwrap()).collect();
    for person in people.clone() {
        log.append(
            0,
            Fact::Directory(DirectoryFact::PersonAdded(PersonAdded {
                person,
                organisation: None,
                role: String::new(),
            })),
        );
    }
    log.append(0, Fact::Habit(Habit::Met(Met { people })));
    log
}

/// The plugin with a single row of 16 kB per key.
fn one_row_a_key() -> Vec<u8> {
    let no_item = "(i32.store8 offset=8 (local.get $row) (i32.const 1))";
    assert!(FAT_TEXT.contains(no_item));
    component(&FAT_TEXT.replace("(i32.const 1000)", "(i32.const 1)").replace(no_item, &no_item.replace("1))", "0))")))
}

fn status_of_fat(view: &View) -> (usize, u64, u64) {
    let status = view.handle.status().unwrap();
    (status.quarantined.len(), status.keys, status.rows)
}

#[test]
fn rows_of_gigabytes_are_refused_key_by_key() {
    let lab = Lab::open();
    let mut view = lab.view(&component(FAT_TEXT), "{}", &meeting(12));
    view.catch_up();
    let keys = 66;
    assert_eq!(status_of_fat(&view), (keys, keys as u64, 0));
    let status = view.handle.status().unwrap();
    assert!(status.quarantined.iter().all(|key| key.message.contains("names entry 1, which is not")));
    assert_eq!(view.step(), Step::Level, "too few keys to stop for");
}

#[test]
fn a_view_that_gives_much_waits_for_another_that_does_and_views_that_give_little_go_on() {
    let lab = Lab::open();
    let mut fat = lab.view(&component(FAT_TEXT), "{}", &meeting(4));
    let mut modest = lab.view(&one_row_a_key(), "{}", &meeting(12));
    let mut much = fat.handle.shared.plugin.places().following.memory().begin(&Cancel::default()).hold();
    much.add(limits::FOLLOWING_LARGE_WORK_BYTES).unwrap();
    let waiting = thread::spawn(move || {
        fat.catch_up();
        status_of_fat(&fat)
    });
    modest.catch_up();
    assert_eq!(status_of_fat(&modest), (0, 66, 66));
    thread::sleep(Duration::from_millis(100));
    assert!(!waiting.is_finished(), "the rows of one key are more than a view has without the large part");
    drop(much);
    assert_eq!(waiting.join().unwrap(), (6, 6, 0));
}

#[test]
fn a_page_ends_where_its_bytes_do_and_the_next_goes_on() {
    let lab = Lab::open();
    let mut view = lab.view(&one_row_a_key(), "{}", &meeting(36));
    view.catch_up();
    let keys = 630;
    assert_eq!(status_of_fat(&view), (0, keys as u64, keys as u64));
    assert_eq!(
        view.handle.status().unwrap().faults,
        0,
        "rows of many keys that are too large for one call are no fault"
    );
    for day in [None, Some(Day::new(TODAY - 1))] {
        let (mut pages, mut rows, mut page_token) = (0, 0, None);
        loop {
            let query = Query { day, page_rows: limits::PAGE_ROWS_MAX, page_token, ..Query::default() };
            let answer = view.handle.query(&query).unwrap();
            assert_eq!(answer.total, keys as u64);
            assert!(answer.rows.len() * 16_000 <= limits::PAGE_BYTES_MAX);
            (pages, rows) = (pages + 1, rows + answer.rows.len());
            page_token = answer.next_page_token;
            if page_token.is_none() {
                break;
            }
        }
        assert_eq!((pages, rows), (4, keys), "3 MiB hold 194 rows of 16 kB");
    }
}

#[test]
fn changes_of_one_position_come_in_parts_within_their_bytes() {
    let lab = Lab::open();
    let mut view = lab.view(&one_row_a_key(), "{}", &meeting(36));
    view.catch_up();
    let met = view.handle.cursor().position;
    let (mut reader, mut parts, mut rows) = (ChangeReader::new(Position::ZERO), 0, 0);
    while reader.has_news(view.handle.cursor()) {
        let part = reader.read(&view.handle, limits::CHANGES_BYTES_MAX).unwrap();
        (parts, rows) = (parts + 1, rows + part.rows.len());
        assert_eq!(part.position == met, rows == 630, "{rows} rows at {}", part.position);
        let rows = part.rows.into_iter().map(wire::row).collect();
        let message = kith_proto::v1::WatchViewResponse { rows, ..Default::default() };
        assert!(message.encoded_len() <= limits::CHANGES_BYTES_MAX);
    }
    assert_eq!((parts, rows), (40, 630), "256 KiB hold 16 rows of 16 kB");
}

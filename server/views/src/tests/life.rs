//! The life of a view: its thread, changes of the day, a lost log, unusable files.

use super::harness::{Lab, MemoryLog, TODAY, at, builtin};
use crate::{
    Config, FollowError, Following, Priority, Query, SandboxLimits, ViewScope, ViewState, Views, view::follower::Step,
};
use bytes::Bytes;
use kith_core::{day::Day, filter::Filter, history::History, id::NetworkName, position::Position};
use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};
use tokio::sync::watch;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

fn following(log: &Arc<MemoryLog>, head: watch::Receiver<Position>) -> Following {
    Following {
        name: "sums".to_owned(),
        network: "followed".parse().unwrap(),
        scope: ViewScope::Network,
        component: Bytes::from_static(builtin("strength")),
        settings: "{}".into(),
        history: Arc::clone(log) as Arc<dyn History>,
        held: Filter::default(),
        head,
        clock: Arc::new(|| at(TODAY, 1)),
    }
}

#[test]
fn a_followed_view_takes_in_what_is_appended() {
    let log = MemoryLog::with_people();
    let lab = Lab::open();
    let head = watch::Sender::new(log.head());
    let view = lab.views.follow(following(&log, head.subscribe())).unwrap();
    block_on(view.wait_for(log.head())).unwrap();
    log.met(50, &[0, 1]);
    head.send_replace(log.head());
    let cursor = block_on(view.wait_for(log.head())).unwrap();
    assert_eq!((cursor.position, cursor.day), (log.head(), Some(Day::new(TODAY))));
    assert_eq!(view.query(&Query::default()).unwrap().total, 1);
    let status = view.status().unwrap();
    assert_eq!((status.state, status.lag, status.keys, status.rows), (ViewState::Running, 0, 1, 1));
    assert_eq!((status.events_folded, status.faults), (1, 0));
    assert!(status.fuel > 0 && status.state_bytes > 0);
    view.stop();
    assert!(block_on(view.wait_for(log.head().next())).is_err());
    assert_eq!(view.query(&Query::default()).unwrap().total, 1, "it can be queried without the thread");
}

/// The niceness of a view's thread, as its clock is read there.
#[cfg(target_os = "linux")]
fn niceness(priority: Priority) -> i32 {
    let folder = tempfile::tempdir().unwrap();
    let views = Views::open(Config { priority, ..Lab::config(&folder, SandboxLimits::default()) }).unwrap();
    let log = MemoryLog::with_people();
    let seen = Arc::new(AtomicI32::new(0));
    let clock = Arc::clone(&seen);
    let (_head, watched) = watch::channel(log.head());
    let clock = move || {
        let is_view = std::thread::current().name().is_some_and(|name| name.starts_with("view-"));
        if is_view {
            clock.store(rustix::process::getpriority_process(None).unwrap(), Ordering::Relaxed);
        }
        at(TODAY, 1)
    };
    let view = views.follow(Following { clock: Arc::new(clock), ..following(&log, watched) }).unwrap();
    block_on(view.wait_for(log.head())).unwrap();
    seen.load(Ordering::Relaxed)
}

#[cfg(target_os = "linux")]
#[test]
fn a_view_that_somebody_waits_for_does_not_let_others_run_first() {
    let own = rustix::process::getpriority_process(None).unwrap();
    assert_eq!(niceness(Priority::Usual), own);
    assert!(niceness(Priority::OthersFirst) > own);
}

#[test]
fn a_view_is_followed_once() {
    let log = MemoryLog::with_people();
    let lab = Lab::open();
    let head = watch::Sender::new(log.head());
    let view = lab.views.follow(following(&log, head.subscribe())).unwrap();
    assert!(matches!(lab.views.follow(following(&log, head.subscribe())), Err(FollowError::Store(_))));
    drop(view);
    lab.views.follow(following(&log, head.subscribe())).unwrap();
}

#[test]
fn a_file_of_one_history_does_not_go_on_with_another() {
    let (long, short) = (MemoryLog::with_people(), MemoryLog::with_people());
    long.met(50, &[0, 1]);
    long.met(51, &[2, 3]);
    short.met(50, &[4, 5]);
    let lab = Lab::open();
    let open = |log| {
        let mut view =
            lab.open_view("same".parse().unwrap(), builtin("strength"), "{}", log, ViewScope::Network).unwrap();
        view.catch_up();
        view.rows(Query::default())
    };
    let rows = [&long, &short, &long].map(open);
    assert_eq!(rows.each_ref().map(Vec::len), [2, 1, 2]);
    assert_eq!(rows[0], rows[2]);
}

#[test]
fn a_file_with_damaged_bytes_is_built_anew_or_used() {
    let log = MemoryLog::with_people();
    for day in 1..40 {
        log.met(day, &[0, 1, 2]);
    }
    let lab = Lab::open();
    let network: NetworkName = "damaged".parse().unwrap();
    let open = || lab.open_view(network.clone(), builtin("strength"), "{}", &log, ViewScope::Network);
    let mut view = open().unwrap();
    view.catch_up();
    let rows = view.rows(Query::default());
    drop(view);
    let file = lab.only_file();
    let whole = std::fs::read(&file).unwrap();
    for begin in (0..whole.len()).step_by(whole.len() / 64) {
        let mut bytes = whole.clone();
        let end = whole.len().min(begin + 200);
        bytes[begin..end].iter_mut().for_each(|byte| *byte ^= 0x5a);
        std::fs::write(&file, &bytes).unwrap();
        drop(open().unwrap());
    }
    // The storage engine's own pages: nothing can be read, and the file is rebuilt.
    let mut bytes = whole;
    bytes[9..4_096].fill(0x5a);
    std::fs::write(&file, &bytes).unwrap();
    let mut view = open().unwrap();
    assert_eq!(view.handle.cursor().position, Position::ZERO);
    view.catch_up();
    assert_eq!(view.rows(Query::default()), rows);
}

#[test]
fn a_view_that_was_stopped_goes_on_where_it_was() {
    let log = MemoryLog::with_people();
    log.met(50, &[0, 1]);
    let lab = Lab::open();
    let head = watch::Sender::new(log.head());
    let view = lab.views.follow(following(&log, head.subscribe())).unwrap();
    block_on(view.wait_for(log.head())).unwrap();
    drop(view);
    let view = lab.views.follow(following(&log, head.subscribe())).unwrap();
    assert_eq!(view.cursor().position, log.head());
    assert_eq!(view.query(&Query::default()).unwrap().total, 1, "rows are there at once");
    assert_eq!(view.status().unwrap().events_folded, 0);
}

#[test]
fn whoever_waits_for_a_view_gets_rows_as_of_today() {
    let log = MemoryLog::with_people();
    log.met(50, &[0, 1]);
    let lab = Lab::open();
    let head = watch::Sender::new(log.head());
    let view = lab.views.follow(following(&log, head.subscribe())).unwrap();
    block_on(view.wait_for(log.head())).unwrap();
    drop(view);
    // Days later its file has every entry, and rows as of the day on which it was left.
    let clock: crate::Clock = Arc::new(|| at(TODAY + 3, 1));
    let view = lab.views.follow(Following { clock, ..following(&log, head.subscribe()) }).unwrap();
    let cursor = block_on(view.wait_for(log.head())).unwrap();
    assert_eq!((cursor.position, cursor.day), (log.head(), Some(Day::new(TODAY + 3))));
    assert_eq!(view.query(&Query::default()).unwrap().day, Day::new(TODAY + 3));
}

#[test]
fn a_view_stands_still_goes_on_and_is_deleted() {
    let log = MemoryLog::with_people();
    let lab = Lab::open();
    let head = watch::Sender::new(log.head());
    let still = lab.views.hold(&following(&log, head.subscribe())).unwrap();
    assert_eq!((still.cursor().position, still.cursor().day), (Position::ZERO, None));
    still.resume(head.subscribe()).unwrap();
    still.resume(head.subscribe()).unwrap();
    block_on(still.wait_for(log.head())).unwrap();
    still.stop();
    let before = log.head();
    log.met(50, &[0, 1]);
    head.send_replace(log.head());
    assert_eq!((still.cursor().position, still.query(&Query::default()).unwrap().total), (before, 0));
    still.resume(head.subscribe()).unwrap();
    block_on(still.wait_for(log.head())).unwrap();
    assert_eq!(still.query(&Query::default()).unwrap().total, 1);
    let file = lab.only_file();
    still.delete().unwrap();
    assert!(!file.exists());
    assert_eq!(still.query(&Query::default()).unwrap().total, 1, "it can still be queried through its handle");
}

#[test]
fn two_versions_are_compared_as_of_one_position_and_day() {
    let log = MemoryLog::with_people();
    log.met(TODAY - 10, &[0, 1]);
    log.met(TODAY - 40, &[2, 3]);
    let lab = Lab::open();
    let mut slow = lab.view(builtin("strength"), "{}", &log);
    let mut fast = lab.view(builtin("strength"), r#"{"half_life_days":5}"#, &log);
    let mut other = lab.view(builtin("keep_in_touch"), "{}", &log);
    slow.catch_up();
    let until = log.head();
    log.met(TODAY - 1, &[0, 1, 2]);
    for view in [&mut fast, &mut other] {
        view.catch_up();
    }
    let same = slow.handle.compare(&slow.handle, 5).unwrap();
    assert_eq!((same.equal, same.changed, same.added, same.removed, same.moves.len()), (2, 0, 0, 0, 0));
    let found = slow.handle.compare(&fast.handle, 1).unwrap();
    assert_eq!((found.position, found.day), (until, Day::new(TODAY)));
    assert_eq!((found.equal, found.changed, found.added, found.removed), (0, 2, 0, 0));
    let [moved] = &found.moves[..] else { panic!("one was asked for: {found:?}") };
    assert_eq!((moved.column.as_str(), moved.item), ("score", None));
    assert!(moved.from > moved.to, "{moved:?}");
    let found = slow.handle.compare(&other.handle, 1).unwrap();
    assert!(found.columns_removed.contains(&"score".to_owned()) && found.columns_added.contains(&"silence".to_owned()));
}

#[test]
fn a_log_that_lost_entries_is_taken_in_anew() {
    let log = MemoryLog::with_people();
    log.met(50, &[0, 1]);
    log.met(51, &[2, 3]);
    let mut view = Lab::open().level(builtin("strength"), &log);
    log.truncate(6);
    log.met(50, &[4, 5]);
    view.catch_up();
    let mut rebuilt = Lab::open().view(builtin("strength"), "{}", &log);
    rebuilt.catch_up();
    assert_eq!(view.digest(), rebuilt.digest());
    assert_eq!(view.rows(Query::default()).len(), 1);
}

#[test]
fn gaps_of_a_partial_history_are_passed_over() {
    let log = MemoryLog::with_people();
    let mut view = Lab::open().level(builtin("strength"), &log);
    assert_eq!(view.follower.step(Position::new(50)).unwrap(), Step::Advanced);
    assert_eq!(view.handle.cursor().position, Position::new(50));
}

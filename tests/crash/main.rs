//! Kills a real `kithd` (SIGKILL) under load, again and again, and looks at what is there after each restart.
//!
//! `KITH_CRASH_CYCLES` says how often (50), `KITH_CRASH_SEED` repeats the events and the moments of a run.

mod history;
mod load;

use history::History;
use kith_proto::v1;
use kith_tests::{
    events::{person_added, sent},
    random::Random,
    raw::Raw,
    server::{DataFolder, Server, kithd},
};
use load::{Load, PEOPLE};
use std::{env, fs, sync::Arc};

/// 2026-06-01, a day after everything that happens here.
const AS_OF: i32 = 20_605;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_servers_lose_and_repeat_nothing() {
    let cycles: u32 = env::var("KITH_CRASH_CYCLES").map_or(50, |text| text.parse().expect("a number of cycles"));
    let mut random = Random::from_env("KITH_CRASH_SEED");
    let data = with_people().await;
    let mut history = History::default();
    for cycle in 0..cycles {
        let server = Server::start_on(Arc::clone(&data), &[]);
        let raw = Raw::connect(&server.url(), &server.token()).await;
        history.check(&raw).await;
        let load = Load::start(&raw, &mut random, history.referrals());
        load.acknowledged(20 + random.below(180)).await;
        drop(server.kill());
        history.expect(load.end().await);
        eprintln!("cycle {cycle}: {} appended, {} acknowledged", history.appended_count(), history.acked_count());
    }
    check_end(&data, &mut history).await;
}

/// A data folder with a network that knows everybody.
async fn with_people() -> Arc<DataFolder> {
    let server = Server::start();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    let people = PEOPLE.iter().map(|id| sent(&person_added(id, ""))).collect();
    raw.append(people).await.expect("people can be added");
    let data = server.data();
    assert!(server.terminate().success());
    data
}

/// Everything is still there, the file is whole, and the views are what they would be had nothing happened.
async fn check_end(data: &Arc<DataFolder>, history: &mut History) {
    let server = Server::start_on(Arc::clone(data), &[]);
    let raw = Raw::connect(&server.url(), &server.token()).await;
    history.check(&raw).await;
    let rows = all_rows(&raw, history.head()).await;
    assert!(rows.iter().all(|rows| !rows.is_empty()), "both views have rows");
    assert!(server.terminate().success());

    kithd(&["check", "--data", data.path().to_str().expect("a plain path")]).ok();

    fs::remove_dir_all(data.path().join("views")).expect("views can be deleted");
    let server = Server::start_on(Arc::clone(data), &[]);
    let raw = Raw::connect(&server.url(), &server.token()).await;
    assert_eq!(all_rows(&raw, history.head()).await, rows, "a fresh build gives the same rows");
}

/// The rows of both views, without the position at which each was written.
async fn all_rows(raw: &Raw, head: u64) -> [Vec<v1::Row>; 2] {
    let mut views = [Vec::new(), Vec::new()];
    for (rows, view) in views.iter_mut().zip(["strength", "introductions"]) {
        *rows = raw.rows_at(view, Some(AS_OF), head).await.expect("views can be queried");
        for row in rows.iter_mut() {
            row.position = 0;
        }
        rows.sort_by(|a, b| (&a.key, a.item).cmp(&(&b.key, b.item)));
    }
    views
}

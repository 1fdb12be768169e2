//! Calls that no good client makes: of every RPC, by everybody, with fields that are random, mutated and malformed. And
//! ([`decoders`]) bytes that no encoder writes.
//!
//! None may end or hold up the server, be answered as a fault of the server, or leave memory behind. A few thousand calls
//! run with the other tests; `KITH_FUZZ_CALLS=1000000` makes more, `KITH_FUZZ_SEED` others. Each call follows from the
//! seed and its number, so that `KITH_FUZZ_FIRST` with `KITH_FUZZ_CALLS=1` makes one of them again.

mod answers;
mod decoders;
mod messages;
mod mutation;
mod place;
mod requests;
mod schema;

use futures_util::future::join_all;
use kith_tests::{process::resident_bytes, random::Random};
use place::Place;
use schema::Schema;
use std::{
    collections::BTreeMap,
    env,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tonic::transport::Endpoint;

/// Calls at a time.
const WORKERS: u64 = 6;
/// Bytes that memory may grow by once a fifth of the calls has been made: caches of pages fill, what was recorded is
/// indexed.
const GROWTH_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What it may grow by beside that for each view of the networks and plugins that calls made: each has a store of its own.
const VIEW_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Calls whose problems are told in full.
const PROBLEMS_TOLD: usize = 12;

fn setting(variable: &str, otherwise: u64) -> u64 {
    env::var(variable)
        .map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")))
}

/// Calls by their number, and what became of them.
struct Run {
    schema: Schema,
    place: Place,
    seed: u64,
    next: AtomicU64,
    end: u64,
    counts: Mutex<BTreeMap<(String, String), u64>>,
    problems: Mutex<Vec<String>>,
}

impl Run {
    /// Makes calls up to a number.
    async fn work(&self, until: u64) {
        let endpoint = Endpoint::from_shared(self.place.server.url().to_owned()).expect("servers tell their address");
        let mut channel = endpoint.connect().await.expect("the server listens");
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= until {
                return;
            }
            let mut random = Random::new(self.seed.wrapping_add(number.wrapping_mul(0x9e37_79b9)));
            let sent = requests::request(&self.schema, &self.place.events, &self.place.callers, &mut random);
            let outcome = answers::ask(&mut channel, &sent).await;
            self.note(number, &sent, outcome);
        }
    }

    fn note(&self, number: u64, sent: &requests::Sent, outcome: Result<tonic::Code, String>) {
        let told = match outcome {
            Ok(code) => format!("{code:?}"),
            Err(problem) => {
                let start = hex::encode(&sent.body[..sent.body.len().min(200)]);
                let line = format!("call {number}, {} by {}: {problem}; {start}", sent.method.path, sent.who);
                self.problems.lock().expect("nobody panics with it").push(line);
                "a problem".to_owned()
            }
        };
        let mut counts = self.counts.lock().expect("nobody panics with it");
        *counts.entry((sent.method.path.clone(), told)).or_default() += 1;
    }

    /// Makes calls with all workers up to a number.
    async fn work_together(&self, until: u64) {
        join_all((0..WORKERS).map(|_| self.work(until))).await;
        // Each worker took a number that it did not use.
        self.next.store(until, Ordering::Relaxed);
    }

    fn tell(&self) {
        for ((path, code), count) in &*self.counts.lock().expect("nobody panics with it") {
            println!("{count:>8} {code:<20} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_ends_or_holds_up_the_server_or_is_told_as_its_fault() {
    let (first, calls) = (setting("KITH_FUZZ_FIRST", 0), setting("KITH_FUZZ_CALLS", 3_000));
    let run = Run {
        schema: Schema::load(),
        place: Place::start().await,
        seed: setting("KITH_FUZZ_SEED", 7),
        next: AtomicU64::new(first),
        end: first + calls,
        counts: Mutex::default(),
        problems: Mutex::default(),
    };
    assert!(run.schema.methods.len() > 30, "the calls are found");
    let (pid, begun) = (run.place.server.process().id(), Instant::now());
    run.work_together(first + calls / 5).await;
    let (before, views) = (resident_bytes(pid).expect("the server runs"), run.place.views());
    run.work_together(run.end).await;
    let after = resident_bytes(pid).expect("the server still runs");
    run.tell();
    let made = run.place.views().saturating_sub(views);
    println!("{calls} calls in {:?}, memory {before} then {after} bytes, {made} views made", begun.elapsed());

    let said = run.place.server.said_meanwhile();
    assert!(!said.contains("panicked"), "{said}");
    let problems = run.problems.lock().expect("nobody panics with it");
    let some: Vec<_> = problems.iter().take(PROBLEMS_TOLD).collect();
    assert!(problems.is_empty(), "{} problems: {some:#?}\n{said}", problems.len());
    let growth_max = GROWTH_BYTES_MAX + made * VIEW_BYTES_MAX;
    assert!(after < before + growth_max, "memory grew from {before} to {after} bytes");
    let called: std::collections::BTreeSet<_> =
        run.counts.lock().expect("nobody panics with it").keys().map(|(path, _)| path.clone()).collect();
    let missing = run.schema.methods.iter().filter(|method| !called.contains(&method.path)).count();
    assert!(missing == 0 || calls < 1_000, "{missing} calls were never made");
}

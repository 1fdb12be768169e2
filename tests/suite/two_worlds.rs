//! Two worlds that differ only in what somebody must not see look the same to them, whatever they request.
//!
//! Both start as copies of one data folder, so that keys and tokens are the same, and continue with one seeded history.
//! In one of them Riverside's own events are as they happened; in the other each is replaced by a blank event of
//! Riverside's at the same position, recorded at another moment. `KITH_WORLDS=500` makes more worlds,
//! `KITH_WORLDS_SEED` sets the first seed.

mod answers;
mod history;
mod http;

use answers::answers;
use history::{History, PEOPLE};
use kith_core::timestamp::Timestamp;
use kith_proto::v1;
use kith_tests::{
    events::{NOON, organisation_added, person_added, sent},
    node::{InProcess, SetClock},
    random::Random,
    raw::Raw,
    server::DataFolder,
    worlds::COMPARED,
};
use std::{collections::BTreeSet, env, fs, path::Path, sync::Arc};

/// Networks in one server, each with its own history.
const AT_ONCE: u64 = 10;

fn setting(variable: &str, otherwise: u64) -> u64 {
    env::var(variable).map_or(otherwise, |text| text.parse().expect("it is a number"))
}

/// A token of each network for each observer.
struct Tokens {
    owner: String,
    riverside: Vec<String>,
    hillside: Vec<String>,
    analyst: Vec<String>,
    auditor: Vec<String>,
}

/// A server with only a directory and tokens in each network.
async fn begin(clock: &SetClock, seeds: &[u64]) -> (Arc<DataFolder>, Tokens) {
    let server = InProcess::start(clock);
    let owner = Raw::connect(&server.url(), &server.token()).await;
    let mut tokens = Tokens {
        owner: server.token(),
        riverside: Vec::new(),
        hillside: Vec::new(),
        analyst: Vec::new(),
        auditor: Vec::new(),
    };
    for seed in seeds {
        let raw = owner.network(&name(*seed));
        owner.networks().create_network(v1::CreateNetworkRequest { name: name(*seed) }).await.unwrap();
        let mut directory = vec![organisation_added("riverside"), organisation_added("hillside")];
        directory.extend(PEOPLE.iter().map(|(person, organisation)| person_added(person, organisation)));
        raw.append(directory.iter().map(sent).collect()).await.unwrap();
        tokens.riverside.push(issue(&raw, v1::Role::Recorder, "riverside").await);
        tokens.hillside.push(issue(&raw, v1::Role::Recorder, "hillside").await);
        tokens.analyst.push(issue(&raw, v1::Role::Analyst, "hillside").await);
        tokens.auditor.push(issue(&raw, v1::Role::Auditor, "hillside").await);
    }
    (server.data(), tokens)
}

async fn issue(raw: &Raw, role: v1::Role, organisation: &str) -> String {
    let organisation = organisation.to_owned();
    raw.issue_token(v1::IssueTokenRequest { role: role.into(), organisation, ..Default::default() }).await.unwrap().1
}

fn name(seed: u64) -> String {
    format!("seed-{seed}")
}

fn copy(from: &Path, to: &Path) {
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let place = to.join(item.file_name());
        if item.path().is_dir() {
            fs::create_dir_all(&place).unwrap();
            copy(&item.path(), &place);
        } else {
            fs::copy(item.path(), place).unwrap();
        }
    }
}

fn copied(data: &DataFolder) -> Arc<DataFolder> {
    let copied: Arc<DataFolder> = Arc::default();
    copy(data.path(), copied.path());
    copied
}

/// One of the two worlds.
struct World {
    server: InProcess,
    clock: SetClock,
}

impl World {
    fn begin(data: &DataFolder) -> Self {
        let clock = SetClock::at(NOON);
        Self { server: InProcess::start_on(copied(data), &clock), clock }
    }

    fn again(self) -> Self {
        let (data, clock) = (self.server.data(), self.clock);
        drop(self.server);
        Self { server: InProcess::start_on(data, &clock), clock }
    }

    async fn raw(&self, token: &str, seed: u64) -> Raw {
        Raw::connect(&self.server.url(), token).await.network(&name(seed))
    }

    /// Records a history. Hidden events are recorded `late` milliseconds later than in the other world.
    async fn record(&self, tokens: &Tokens, place: usize, seed: u64, history: &History, late: i64, real: bool) {
        let owner = self.raw(&tokens.owner, seed).await;
        let riverside = self.raw(&tokens.riverside[place], seed).await;
        let hillside = self.raw(&tokens.hillside[place], seed).await;
        for (at, step) in history.steps.iter().enumerate() {
            let late = if step.is_hidden() { late } else { 0 };
            let time = NOON.millis() + 1_000 * i64::try_from(at).unwrap() + late;
            self.clock.set(Timestamp::from_millis(time));
            let raw = match step.recorder() {
                history::Recorder::Owner => &owner,
                history::Recorder::Riverside => &riverside,
                history::Recorder::Hillside => &hillside,
            };
            raw.append(vec![step.event(real).clone()]).await.unwrap();
        }
    }
}

/// The answers that everybody gets in one world, and from which calls.
async fn told(world: &World, token: &str, seed: u64, history: &History) -> Vec<(String, String)> {
    let mut told = answers(&world.raw(token, seed).await, &mut Random::new(seed), history).await;
    told.extend(http::answers(&world.server.url(), token, &name(seed), history));
    told
}

/// Where the answers differ. The number of calls depends on the answers: pages, and rows to explain.
fn differences(one: &[(String, String)], other: &[(String, String)]) -> Vec<String> {
    let differ = one.iter().zip(other).filter(|(one, other)| one != other);
    differ.map(|((call, one), (_, other))| format!("{call}\n  {one}\n  {other}")).collect()
}

/// Compares the worlds of some seeds; returns the names of the calls that were made.
async fn compare(seeds: &[u64]) -> BTreeSet<String> {
    let clock = SetClock::at(NOON);
    let (data, tokens) = begin(&clock, seeds).await;
    let (mut real, mut blank) = (World::begin(&data), World::begin(&data));
    let histories: Vec<_> = seeds.iter().map(|seed| History::of(&mut Random::new(*seed))).collect();
    for (place, (seed, history)) in seeds.iter().zip(&histories).enumerate() {
        real.record(&tokens, place, *seed, history, 0, true).await;
        blank.record(&tokens, place, *seed, history, 400, false).await;
    }
    let mut calls = BTreeSet::new();
    for state in ["from memory", "after a restart"] {
        for (place, (seed, history)) in seeds.iter().zip(&histories).enumerate() {
            let of_hillside = [&tokens.hillside, &tokens.analyst, &tokens.auditor];
            let member = &of_hillside[usize::try_from(seed % 3).unwrap()][place];
            for token in [&tokens.owner, member] {
                let one = told(&real, token, *seed, history).await;
                let other = told(&blank, token, *seed, history).await;
                let differ = differences(&one, &other);
                assert!(differ.is_empty(), "seed {seed}, {state}: {}", differ.join("\n"));
                assert_eq!(one.len(), other.len(), "seed {seed}, {state}: as many calls in both worlds");
                calls.extend(one.iter().map(|(call, _)| call.split(' ').next().unwrap().to_owned()));
            }
        }
        for (place, (seed, history)) in seeds.iter().zip(&histories).enumerate().take(1) {
            let token = &tokens.riverside[place];
            let one = told(&real, token, *seed, history).await;
            let other = told(&blank, token, *seed, history).await;
            assert!(one != other, "seed {seed}: who may see the difference sees it");
        }
        (real, blank) = (real.again(), blank.again());
    }
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_differs_in_hidden_entries_alone_is_the_same_to_others() {
    let (count, first) = (setting("KITH_WORLDS", 50), setting("KITH_WORLDS_SEED", 1));
    let seeds: Vec<u64> = (first..first + count).collect();
    for some in seeds.chunks(usize::try_from(AT_ONCE).unwrap()) {
        let made = compare(some).await;
        assert_eq!(made.iter().map(String::as_str).collect::<Vec<_>>(), COMPARED, "every call is made");
    }
}

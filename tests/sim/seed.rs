//! One simulation, from its seed to its verdict.
//!
//! Invariant: everything that is drawn comes from the seed, and all of it runs on one thread.

use crate::{
    chance, check, device,
    disk::Machine,
    faults::Faults,
    server,
    trace::{Shown, Trace},
    wire::Cable,
    world::{self, Clock, Device, Phase, Place, Syncs, World, lock},
};
use kith_client::replica::Planted;
use kith_core::{
    event::{HabitKind, Kind},
    filter::{Filter, PeopleMatch},
};
use kith_log::Secrets;
use kith_tests::random::Random;
use kith_words::PERSON_KEYS;
use redb::{ReadableDatabase, ReadableTable};
use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;
use turmoil::{Builder, Sim};

/// How finely time passes.
const TICK: Duration = Duration::from_millis(10);
/// How long everybody has to agree when nothing fails any more.
const QUIET_MS: u64 = 180_000;
/// How long the server has to make its network.
const START_MS: u64 = 20_000;

/// What a simulation came to.
pub(crate) struct Verdict {
    pub(crate) trace: String,
    pub(crate) summary: String,
    pub(crate) coverage: String,
    pub(crate) wrong: Vec<String>,
}

/// Runs a simulation in this process, which must do nothing else before or after.
pub(crate) fn run(seed: u64, planted: Option<Planted>, shown: Shown) -> Verdict {
    chance::begin(seed);
    kith_log::work_in_place();
    let mut random = Random::new(seed);
    let folder = std::env::temp_dir().join(format!("kith-sim-{}", std::process::id()));
    let world = Arc::new(make_world(&mut random, planted, shown, folder));
    let mut sim = make_sim(&world, &mut random);
    let mut faults = Faults::new(world.clone(), random.number());
    let work_ms = 8_000 + random.below(10_000) as u64;
    let ran = play(&mut sim, &world, &mut faults, work_ms);
    drop(sim);
    let mut wrong = check::check(&world);
    wrong.extend(ran.err());
    wrong.extend(check_files(&world));
    wrong.extend(world.devices.iter().filter_map(|device| check_keys(&world, device)));
    // What is left of a folder is nobody's problem.
    drop(fs::remove_dir_all(&world.folder));
    verdict(&world, wrong)
}

fn verdict(world: &World, wrong: Vec<String>) -> Verdict {
    let history = world.history();
    let summary = format!(
        "devices={} recorded={} entries={} answers={} looks={} simulated_ms={}",
        world.devices.len(),
        history.told.len(),
        history.seen_count(),
        history.answers.len(),
        history.claims.len(),
        world.trace.now_ms()
    );
    Verdict { trace: world.trace.digest(), summary, coverage: world.coverage.to_string(), wrong }
}

fn make_world(random: &mut Random, planted: Option<Planted>, shown: Shown, folder: PathBuf) -> World {
    let trace = Arc::new(Trace::new(shown));
    let mut place = |name, signing| {
        let mut root_key = [0; 32];
        root_key[0] = 7;
        Arc::new(Place {
            name,
            machine: Machine::new(2, random.number()),
            secrets: Secrets { root_key, signing_seed: [signing; 32] },
            clock: Clock::new(trace.clone()),
            runs: AtomicBool::new(name == "server"),
            stop: Notify::new(),
        })
    };
    let places = [place("server", 1), place("impostor", 2)];
    let count = 2 + random.below(3);
    let devices = (0..count).map(|number| Arc::new(make_device(number, random, planted, &trace))).collect();
    World::new(trace, places, devices, folder)
}

fn make_device(number: usize, random: &mut Random, planted: Option<Planted>, trace: &Arc<Trace>) -> Device {
    Device {
        number,
        name: format!("device-{number}"),
        machine: Machine::new(2, random.number()),
        clock: Clock::new(trace.clone()),
        cable: Arc::new(Cable::to("server")),
        filter: make_filter(number, random),
        organisation: server::ORGANISATIONS[number % 2].parse().expect("the ids are well formed"),
        syncs: if random.below(3) == 0 { Syncs::NowAndThen } else { Syncs::Following },
        planted,
        random: Mutex::new(Random::new(random.number())),
        token: Mutex::default(),
        shown: Mutex::default(),
    }
}

/// The first device holds everything that it may see; others a part.
fn make_filter(number: usize, random: &mut Random) -> Filter {
    let part = if number == 0 { 0 } else { random.below(4) };
    let mut people = server::PEOPLE;
    random.shuffle(&mut people);
    let person = |place: usize| people[place].parse().expect("the ids are well formed");
    match part {
        0 => Filter::default(),
        1 => Filter { people: vec![person(0), person(1)], ..Filter::default() },
        2 => Filter { kinds: vec![Kind::Habit(HabitKind::Met), Kind::Habit(HabitKind::Referred)], ..Filter::default() },
        _ => Filter {
            kinds: vec![
                Kind::Habit(HabitKind::FollowedUp),
                Kind::Habit(HabitKind::Asked),
                Kind::Habit(HabitKind::Helped),
                Kind::Habit(HabitKind::Met),
            ],
            people: vec![person(0)],
            people_match: PeopleMatch::All,
            ..Filter::default()
        },
    }
}

fn make_sim(world: &Arc<World>, random: &mut Random) -> Sim<'static> {
    let mut sim = Builder::new()
        .rng_seed(random.number())
        .tick_duration(TICK)
        .simulation_duration(Duration::from_hours(1))
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(30))
        .tcp_capacity(4_096)
        .build();
    for place in [&world.server, &world.impostor] {
        let (world, of_host) = (world.clone(), place.clone());
        sim.host(place.name, move || server::run(world.clone(), of_host.clone()));
    }
    for device in &world.devices {
        let (world, of_host) = (world.clone(), device.clone());
        sim.host(device.name.as_str(), move || device::run(world.clone(), of_host.clone()));
    }
    sim
}

/// Lets everybody work while faults strike, then heals everything and waits until all agree.
fn play(sim: &mut Sim<'_>, world: &World, faults: &mut Faults, work_ms: u64) -> Result<(), String> {
    let started = || world.devices.iter().all(|device| !lock(&device.token).is_empty());
    until(sim, world, START_MS, started).map_err(|()| "the server did not make its network".to_owned())?;
    world.set_phase(Phase::Working);
    let end = world.trace.now_ms() + work_ms;
    while world.trace.now_ms() < end {
        step(sim, world);
        faults.step(sim);
    }
    faults.end(sim);
    world.set_phase(Phase::Quiet);
    // What was recorded in the last moments is told to everybody by then.
    let quiet = world.trace.now_ms() + 1_000;
    let agree = || world.trace.now_ms() > quiet && agree(world);
    until(sim, world, QUIET_MS, agree).map_err(|()| format!("not everybody came to agree: {}", levels(world)))?;
    world.set_phase(Phase::Showing);
    let all_shown = || world.devices.iter().all(|device| lock(&device.shown).all.is_some());
    until(sim, world, 5_000, all_shown).map_err(|()| "not everybody shows what it holds".to_owned())
}

fn until(sim: &mut Sim<'_>, world: &World, limit_ms: u64, done: impl Fn() -> bool) -> Result<(), ()> {
    let end = world.trace.now_ms() + limit_ms;
    while !done() {
        if world.trace.now_ms() > end {
            return Err(());
        }
        step(sim, world);
    }
    Ok(())
}

fn step(sim: &mut Sim<'_>, world: &World) {
    if let Err(error) = sim.step() {
        world.wrong(format!("the simulation broke: {error}"));
    }
    let tick = u64::try_from(TICK.as_millis()).expect("ticks are short");
    world.trace.set_now_ms(world.trace.now_ms() + tick);
    chance::set_passed_ms(i64::try_from(world.trace.now_ms()).expect("simulations are short"));
}

/// How far everybody is.
fn levels(world: &World) -> String {
    let server = world.history().seen_count();
    let level = |device: &Arc<Device>| {
        let shown = lock(&device.shown);
        let size = shown.held.as_ref().map_or(0, |(_, size)| *size);
        format!("{} holds {size} and {} are on their way", device.name, shown.pending)
    };
    let levels: Vec<_> = world.devices.iter().map(level).collect();
    format!("the server has {server}, {}", levels.join(", "))
}

/// Whether everybody holds what the server has, and nothing is on its way.
fn agree(world: &World) -> bool {
    let history = world.history();
    let Some(log) = history.logs.last() else { return false };
    let level = Some((log.key.clone(), log.entries.len() as u64));
    world.devices.iter().all(|device| {
        let shown = lock(&device.shown);
        shown.held == level && shown.pending == 0
    })
}

/// The server's files are whole, as `kithd check` finds.
fn check_files(world: &World) -> Option<String> {
    let place: &world::Place = &world.server;
    place.machine.end_process();
    place.runs.store(false, Ordering::Relaxed);
    let (log, keys) = (place.machine.handle(0), place.machine.handle(1));
    match kith_log::check_on(log, keys, place.secrets.root_key, |_| ()) {
        Ok(report) if report.problems.is_empty() => None,
        Ok(report) => Some(format!("the server's files: {:?}", report.problems)),
        Err(error) => Some(format!("the server's files: {error}")),
    }
}

/// A device has no key of anybody who is erased.
fn check_keys(world: &World, device: &Device) -> Option<String> {
    let erased = check::erased(world);
    device.machine.end_process();
    let keys = redb::Builder::new().create_with_backend(device.machine.handle(1)).map_err(redb::Error::from);
    let people = keys.and_then(|keys| {
        let people = keys.begin_read()?.open_table(PERSON_KEYS)?;
        people.iter()?.map(|row| Ok(row?.0.value().1.to_owned())).collect::<Result<Vec<String>, redb::Error>>()
    });
    match people {
        Ok(people) => {
            let kept = people.into_iter().find(|person| erased.contains(person.as_str()))?;
            Some(format!("{} has a key of {kept}, who is erased", device.name))
        }
        Err(redb::Error::TableDoesNotExist(_)) => None,
        Err(error) => Some(format!("the keys of {}: {error}", device.name)),
    }
}

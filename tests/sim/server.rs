//! The server of a simulation: the real log on a simulated disk, behind the real services on a simulated network.
//!
//! Invariant: it stops only when it is told to or its machine ends; after an error it is started again, as a service
//! manager would.

use crate::{
    coverage::Seen,
    wire::Listener,
    world::{Phase, Place, World, lock, network},
};
use anyhow::Context;
use kith_core::{
    decide::{Command, Origin},
    event::{Administration, Event, Grant, Role, Scope},
    history::Budget,
    may::{Credential, Principal, Reach},
    position::Position,
    prepare::Prepared,
};
use kith_log::{Log, Network, NewToken};
use kith_node::{
    Config, Node,
    config::{Flags, Sources},
};
use kith_tests::events::{met, organisation_added, person_added};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// Who is in the network.
pub(crate) const PEOPLE: [&str; 10] =
    ["amina", "ben", "chloe", "dinesh", "esra", "farid", "grace", "hamza", "ines", "jonas"];
/// People whom only words are about, and who are erased one after the other.
pub(crate) const LEAVING: [&str; 4] = ["kofi", "lena", "milo", "nora"];
/// Between two erasures.
const ERASE_EVERY: Duration = Duration::from_millis(2_700);
/// Organisations of the devices.
pub(crate) const ORGANISATIONS: [&str; 2] = ["riverside", "hilltop"];
/// Between the end of a process and the next one.
const PAUSE: Duration = Duration::from_millis(200);
/// Entries read at once.
const PAGE: Budget = Budget { entries: 1_000, bytes: usize::MAX };

/// What runs on a server's host.
pub(crate) async fn run(world: Arc<World>, place: Arc<Place>) -> turmoil::Result {
    loop {
        if place.runs.load(Ordering::Relaxed) {
            match serve(&world, &place).await {
                Ok(()) => world.trace.line(format_args!("{} has stopped", place.name)),
                Err(error) => world.trace.line(format_args!("{} failed: {error:#}", place.name)),
            }
            place.machine.end_process();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The settings of a server: short times, so that simulations are short too.
pub(crate) fn config(folder: PathBuf) -> Config {
    let (environment, flags) = (BTreeMap::new(), Flags::default());
    let sources = Sources { data_default: Some(folder), file: None, environment: &environment, flags };
    let mut config = Config::read(sources).expect("the defaults are valid").config;
    config.limits.heartbeat_ms = 1_000;
    config.limits.stall_ms = 5_000;
    config.limits.drain_ms = 500;
    config.limits.keepalive_interval_s = 3;
    config.limits.keepalive_timeout_s = 3;
    config
}

async fn serve(world: &Arc<World>, place: &Arc<Place>) -> anyhow::Result<()> {
    let config = config(world.folder.clone());
    let clock = place.clone();
    let clock: kith_log::Clock = Arc::new(move || clock.clock.now());
    let (log, keys) = (place.machine.handle(0), place.machine.handle(1));
    let log = Log::open_on(log, keys, &place.secrets, &config.log, clock.clone())?;
    let network = match log.network(&network()) {
        Some(network) => network,
        None => found(&log, world).await?,
    };
    let is_impostor = place.name == world.impostor.name;
    let tasks = if is_impostor {
        append(&network, (0..8).map(|place| met(&[PEOPLE[place], PEOPLE[place + 1]])).collect()).await?;
        Vec::new()
    } else {
        world.history().serves(&network.origin(), &network.verifier_key().to_string(), world.trace.now_ms());
        let mirror = tokio::spawn(mirror(world.clone(), network.clone()));
        vec![mirror, tokio::spawn(erase(world.clone(), network.clone()))]
    };
    world.trace.line(format_args!("{} starts at {}", place.name, network.head()));
    drop(network);
    let node = Node::on_log(log, &config, clock).await?;
    let served = node.serve(Listener::bind().await?, place.stop.notified()).await;
    for task in tasks {
        task.abort();
    }
    Ok(served?)
}

/// Tells the history what readers see.
async fn mirror(world: Arc<World>, network: Network) {
    let (mut after, mut head) = (Position::ZERO, network.watch_head());
    loop {
        let until = *head.borrow_and_update();
        while after < until {
            let Ok(entries) = network.history().read(after, until, PAGE) else { return };
            let place = usize::try_from(after.get()).expect("logs in memory are small");
            after = Position::new(after.get() + entries.len() as u64);
            let contradiction = world.history().sees(place, entries);
            if let Some(contradiction) = contradiction {
                world.wrong(format!("on the server, {contradiction}"));
            }
        }
        let seen = world.history().seen_count() as u64;
        if seen > after.get() {
            world.wrong(format!("the server lost entries: {seen} were seen, {after} are there"));
        }
        if head.changed().await.is_err() {
            return;
        }
    }
}

/// Erases one after the other of those who leave.
async fn erase(world: Arc<World>, network: Network) {
    loop {
        tokio::time::sleep(ERASE_EVERY).await;
        let erasures = network.erasures();
        let next = LEAVING.iter().map(|id| id.parse().expect("the ids are well formed"));
        let next = next.into_iter().find(|person| erasures.of(person).is_none());
        let Some(person) = next.filter(|_| world.phase() == Phase::Working) else { continue };
        world.trace.line(format_args!("{person} is erased"));
        let reason = "withdrawn".parse().expect("the reason is well formed");
        let fact = Administration::PersonErased { person, reason, reference: None };
        match network.administer(&owner(), Scope::Network, vec![fact]).await {
            Ok(_) => world.saw(Seen::Erased),
            Err(error) => world.trace.line(format_args!("not erased: {error}")),
        }
    }
}

/// Makes the network with its directory and a token for each device.
async fn found(log: &Log, world: &World) -> anyhow::Result<Network> {
    let network = log.create_network(&network()).await?;
    let organisations = ORGANISATIONS.iter().map(|id| organisation_added(id));
    let people =
        PEOPLE.iter().chain(&LEAVING).enumerate().map(|(place, id)| person_added(id, ORGANISATIONS[place % 2]));
    append(&network, organisations.chain(people).collect()).await?;
    for device in &world.devices {
        let organisation = Some(device.organisation.clone());
        let token = NewToken { grant: Grant::Role(Role::Recorder), person: None, organisation, expires_at: None };
        *lock(&device.token) = network.issue_token(&owner(), token).await?.secret;
    }
    Ok(network)
}

async fn append(network: &Network, events: Vec<Event>) -> anyhow::Result<()> {
    let prepare = |event: &Event| Prepared::from_event(event, &[]);
    let events = events.iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
    let command = Command { principal: owner(), events, condition: None, origin: Origin::Client };
    network.append(command).await.context("the owner's events are taken")?;
    Ok(())
}

fn owner() -> Principal {
    Principal {
        id: "owner".parse().expect("small letters are allowed in principal ids"),
        credential: Credential::Program,
        reach: Reach::Server,
        role: Role::Owner,
        person: None,
        organisation: None,
    }
}

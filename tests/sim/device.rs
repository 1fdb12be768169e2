//! A device of a simulation: a real replica on a simulated disk, that records, syncs and says what it holds.
//!
//! Invariant: a device tells the history of an event before it records it, and that it is kept only when the replica
//! said so.

use crate::{
    coverage::Seen,
    history::Claim,
    wire::Wire,
    workload::Recorded,
    world::{Device, Everything, Phase, Syncs, World, lock, network},
};
use hyper_util::rt::TokioIo;
use kith_client::{
    Client, Options, Outcome, ReadOptions, Retry, Timeouts,
    replica::{Environment, Happening, Replica, ReplicaOptions, Stage, StoreError},
};
use kith_core::event::{Administration, Fact};
use std::{collections::BTreeSet, io, sync::Arc, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// Between two attempts to open a replica whose disk fails.
const PAUSE: Duration = Duration::from_millis(300);
/// Entries read at once.
const PAGE: u32 = 10_000;
/// One in so many times that entries come, everything is looked at.
const LOOKS: usize = 4;

/// What runs on a device's host.
pub(crate) async fn run(world: Arc<World>, device: Arc<Device>) -> turmoil::Result {
    while world.phase() == Phase::Starting {
        tokio::time::sleep(PAUSE).await;
    }
    let replica = open(&world, &device).await;
    let happenings = replica.happenings();
    look(&world, &device, &replica);
    let client = connect(&world, &device)?;
    tokio::join!(
        sync(&world, &device, &replica, &client),
        record(&world, &device, &replica),
        listen(&world, &device, &replica, happenings),
        show(&world, &device, &replica),
    );
    Ok(())
}

async fn open(world: &Arc<World>, device: &Arc<Device>) -> Replica {
    loop {
        let (file, keys) = (device.machine.clone(), device.machine.clone());
        match Replica::open_on(move || file.handle(0), move || keys.handle(1), None, options(device)) {
            Ok(replica) => return replica,
            Err(error) => world.trace.line(format_args!("{} is not opened: {error}", device.name)),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn options(device: &Arc<Device>) -> ReplicaOptions {
    let (clock, random) = (device.clone(), device.clone());
    let environment = Environment::new(
        move || clock.clock.now(),
        move |bytes| {
            let mut random = lock(&random.random);
            for part in bytes.chunks_mut(8) {
                part.copy_from_slice(&random.number().to_le_bytes()[..part.len()]);
            }
        },
    );
    ReplicaOptions {
        filter: device.filter.clone(),
        retry: Retry { delay_max: Duration::from_secs(2), ..Retry::default() },
        environment: environment.with_planted(device.planted),
        ..ReplicaOptions::new(network())
    }
}

/// The real client on a connection of the simulated network, with less patience than usual.
fn connect(world: &Arc<World>, device: &Arc<Device>) -> Result<Client, kith_client::Error> {
    let timeouts =
        Timeouts { connect: Duration::from_secs(2), call: Duration::from_secs(3), silence: Duration::from_secs(5) };
    let token = lock(&device.token).clone();
    // The simulated network is trusted: it speaks no TLS.
    let options = Options::new("http://server:7420", token.as_str(), network());
    let options = Options { timeouts, allow_plaintext: true, ..options };
    let endpoint = kith_client::endpoint(&options)?
        .http2_keep_alive_interval(Duration::from_secs(3))
        .keep_alive_timeout(Duration::from_secs(3));
    let (world, device) = (world.clone(), device.clone());
    let connector = tower::service_fn(move |_| {
        let (cable, name, trace) = (device.cable.clone(), device.name.clone(), world.trace.clone());
        async move { Ok::<TokioIo<Wire>, io::Error>(TokioIo::new(cable.connect(name, trace).await?)) }
    });
    Client::on_channel(endpoint.connect_with_connector_lazy(connector), options)
}

async fn sync(world: &World, device: &Device, replica: &Replica, client: &Client) {
    loop {
        match device.syncs {
            Syncs::Following => {
                let error = replica.follow(client).await;
                world.trace.line(format_args!("{} follows no more: {error}", device.name));
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Syncs::NowAndThen => {
                match replica.sync(client).await {
                    Ok(report) => world.trace.line(format_args!("{} synced: {report:?}", device.name)),
                    Err(error) => world.trace.line(format_args!("{} did not sync: {error}", device.name)),
                }
                let pause = 200 + lock(&device.random).below(1_500) as u64;
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
        }
    }
}

async fn record(world: &World, device: &Device, replica: &Replica) {
    let mut recorded = Recorded::default();
    while world.phase() == Phase::Working {
        let pause = 20 + lock(&device.random).below(700) as u64;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let burst = lock(&device.random).below(12) == 0;
        for _ in 0..if burst { 6 } else { 1 } {
            record_one(world, device, replica, &mut recorded);
        }
    }
}

fn record_one(world: &World, device: &Device, replica: &Replica, recorded: &mut Recorded) {
    let mut random = lock(&device.random).clone();
    let event = match recorded.next(replica, &mut random) {
        Ok(event) => event,
        Err(error) => return world.wrong(format!("{} makes a bad event: {error}", device.name)),
    };
    lock(&device.random).number();
    let id = event.id();
    world.history().tells(device.number, id, event.to_proto().event);
    match replica.record(&event) {
        Ok(recording) => {
            world.history().kept(&id);
            world.trace.line(format_args!("{} records {id}: {recording:?}", device.name));
        }
        Err(error) => {
            world.saw(Seen::RecordFailed);
            world.trace.line(format_args!("{} does not record {id}: {error}", device.name));
        }
    }
}

async fn listen(world: &World, device: &Device, replica: &Replica, mut happenings: Receiver<Happening>) {
    loop {
        match happenings.recv().await {
            Ok(happening) => note(world, device, replica, happening),
            Err(RecvError::Lagged(missed)) => world.wrong(format!("{} missed {missed} happenings", device.name)),
            Err(RecvError::Closed) => return,
        }
    }
}

fn note(world: &World, device: &Device, replica: &Replica, happening: Happening) {
    match happening {
        Happening::Answered { id, result: Ok(outcome) } => {
            let (Outcome::Accepted(position) | Outcome::Duplicate(position)) = outcome;
            if matches!(outcome, Outcome::Duplicate(_)) {
                world.saw(Seen::DuplicateAnswer);
            }
            world.trace.line(format_args!("{} hears of {id}: {outcome:?}", device.name));
            // Who listens a moment later may hear an answer that came before the connection was cut.
            let now = world.trace.now_ms();
            let from_impostor =
                lock(&device.shown).masked_until_ms.is_some_and(|until| now <= until.saturating_add(10));
            if from_impostor {
                world.history().misled.insert(id);
            } else {
                world.history().answered(id, position, now);
            }
        }
        Happening::Answered { id, result: Err(why) } => {
            world.saw(Seen::Refused);
            world.trace.line(format_args!("{} hears that {id} is refused: {:?}", device.name, why.reason));
        }
        Happening::Entries { after, until, count } => {
            world.trace.line(format_args!("{} has {count} entries after {after} up to {until}", device.name));
            let looks = lock(&device.random).below(LOOKS) == 0;
            if looks {
                look(world, device, replica);
            }
        }
        Happening::WordsDropped(id) => {
            world.saw(Seen::WordsDropped);
            world.trace.line(format_args!("{} drops words of {id}", device.name));
        }
        Happening::Reset { returned } => {
            world.coverage.add(Seen::Returned, returned);
            world.trace.line(format_args!("{} begins anew, {returned} events go back", device.name));
        }
        Happening::Alarm(alarm) => {
            world.saw(Seen::Alarm);
            world.trace.line(format_args!("{} raises an alarm: {}", device.name, alarm.finding));
        }
        Happening::Synced(_) => look(world, device, replica),
        Happening::Recorded(_) | Happening::Connection(_) => {}
    }
}

/// Tells what the replica holds, and what is wrong with that on its own. A disk that fails now says nothing.
fn look(world: &World, device: &Device, replica: &Replica) {
    // Other errors are those of the disk.
    let Ok(Some(claim)) = claim(world, device, replica) else { return };
    let mut shown = lock(&device.shown);
    if let Some((key, size)) = &shown.looked
        && *key == claim.key
        && claim.size < *size
    {
        world.wrong(format!("{} went back from position {size} to {}", device.name, claim.size));
    }
    shown.looked = Some((claim.key.clone(), claim.size));
    world.history().claims.push(claim);
}

fn claim(world: &World, device: &Device, replica: &Replica) -> Result<Option<Claim>, StoreError> {
    let (status, checked) = (replica.status()?, replica.check()?);
    for problem in &checked.problems {
        world.wrong(format!("{} at position {}: {problem}", device.name, checked.position));
    }
    let Some(key) = status.key else { return Ok(None) };
    let mut options = ReadOptions { limit: PAGE, ..ReadOptions::default() };
    let (mut positions, mut erased, mut subjects) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    loop {
        let page = replica.read(&options)?;
        let entries = page.entries.decode().map_err(|_| StoreError::Damaged("an entry cannot be read"))?;
        for recorded in entries {
            positions.push(recorded.entry.position.get());
            subjects.extend(recorded.details.into_iter().flat_map(|detail| detail.subjects));
            if let Fact::Administration(Administration::PersonErased { person, .. }) = recorded.event.fact {
                erased.insert(person);
            }
        }
        if page.end {
            break;
        }
        options.after = page.next;
    }
    for pending in replica.pending()? {
        // Words that were recorded after an erasure stay until the server refuses them.
        if matches!(pending.stage, Stage::Accepted(_)) {
            subjects.extend(pending.event.details().iter().flat_map(|detail| detail.subjects.clone()));
        }
    }
    if let Some(person) = erased.intersection(&subjects).next() {
        world.wrong(format!("{} at position {} has words about {person}, who is erased", device.name, status.position));
    }
    Ok(Some(Claim {
        device: device.number,
        at_ms: world.trace.now_ms(),
        key: key.to_string(),
        size: status.position.get(),
        root: status.root,
        positions,
    }))
}

/// Shows how far the replica is, now and then, and everything at the end.
async fn show(world: &World, device: &Device, replica: &Replica) {
    loop {
        if let Ok(status) = replica.status() {
            let mut shown = lock(&device.shown);
            shown.pending = status.pending;
            shown.held = status.key.map(|key| (key.to_string(), status.position.get()));
        }
        if world.phase() == Phase::Showing && lock(&device.shown).all.is_none() {
            look(world, device, replica);
            if let (Ok(pending), Ok(refused)) = (replica.pending(), replica.refused()) {
                lock(&device.shown).all = Some(Everything { pending, refused });
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

//! What everybody in a simulation shares: machines, clocks, cables, what is known of them, and the trace.
//!
//! Invariant: nothing here knows what is right; it is what `check.rs` holds against the rules.

use crate::{
    coverage::{Coverage, Seen},
    disk::Machine,
    history::History,
    trace::Trace,
    wire::Cable,
};
use kith_client::replica::{Pending, Planted, Refusal};
use kith_core::{filter::Filter, id::NetworkName, id::OrganisationId, timestamp::Timestamp};
use kith_log::Secrets;
use kith_tests::{events::NOON, random::Random};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering},
    },
};
use tokio::sync::Notify;

/// Name of the network.
pub(crate) const NETWORK: &str = "north";

/// The network of every simulation.
pub(crate) fn network() -> NetworkName {
    NETWORK.parse().expect("the name is well formed")
}

/// How far a simulation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The server makes its network.
    Starting,
    /// Devices record, and faults strike.
    Working,
    /// Nothing is recorded, nothing fails: everybody must come to agree.
    Quiet,
    /// Everybody shows what it holds.
    Showing,
}

/// Everything shared.
pub(crate) struct World {
    pub(crate) trace: Arc<Trace>,
    pub(crate) coverage: Coverage,
    pub(crate) server: Arc<Place>,
    /// Somebody with a copy of the server's log, but not its key.
    pub(crate) impostor: Arc<Place>,
    pub(crate) devices: Vec<Arc<Device>>,
    /// A folder of this run, for what is not simulated.
    pub(crate) folder: PathBuf,
    history: Mutex<History>,
    phase: AtomicU8,
}

/// A server's machine and process.
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) machine: Machine,
    pub(crate) secrets: Secrets,
    pub(crate) clock: Clock,
    /// Whether there is a server at all.
    pub(crate) runs: AtomicBool,
    /// Tells the process to end as on SIGTERM.
    pub(crate) stop: Notify,
}

/// A device with its replica.
pub(crate) struct Device {
    pub(crate) number: usize,
    pub(crate) name: String,
    pub(crate) machine: Machine,
    pub(crate) clock: Clock,
    pub(crate) cable: Arc<Cable>,
    pub(crate) filter: Filter,
    pub(crate) organisation: OrganisationId,
    pub(crate) syncs: Syncs,
    pub(crate) planted: Option<Planted>,
    pub(crate) random: Mutex<Random>,
    /// The secret of its token.
    pub(crate) token: Mutex<String>,
    pub(crate) shown: Mutex<Shown>,
}

/// How a device keeps its replica level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syncs {
    /// With one call that goes on for ever.
    Following,
    /// With a call now and then.
    NowAndThen,
}

/// What a device last said of its replica.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// The log's key and how far the replica came when it was last looked at as a whole, before a crash too.
    pub(crate) looked: Option<(String, u64)>,
    /// The log's key and how far the replica comes.
    pub(crate) held: Option<(String, u64)>,
    /// Events on their way.
    pub(crate) pending: u64,
    /// When an impostor last stood in the server's place, in simulated milliseconds.
    pub(crate) masked_until_ms: Option<u64>,
    /// Everything, at the end.
    pub(crate) all: Option<Everything>,
}

/// What a replica holds at the end.
#[derive(Debug)]
pub(crate) struct Everything {
    pub(crate) pending: Vec<Pending>,
    pub(crate) refused: Vec<Refusal>,
}

/// A clock that can jump.
#[derive(Debug)]
pub(crate) struct Clock {
    trace: Arc<Trace>,
    offset_ms: AtomicI64,
}

impl Clock {
    pub(crate) fn new(trace: Arc<Trace>) -> Self {
        Self { trace, offset_ms: AtomicI64::new(0) }
    }

    pub(crate) fn jump(&self, by_ms: i64) {
        self.offset_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.trace.now_ms()).expect("simulations are short");
        Timestamp::from_millis(NOON.millis() + passed + self.offset_ms.load(Ordering::Relaxed))
    }
}

/// Locks, whoever panicked before.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn new(
        trace: Arc<Trace>,
        [server, impostor]: [Arc<Place>; 2],
        devices: Vec<Arc<Device>>,
        folder: PathBuf,
    ) -> Self {
        let (coverage, history) = (Coverage::default(), Mutex::default());
        Self { trace, coverage, server, impostor, devices, folder, history, phase: AtomicU8::new(0) }
    }

    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    pub(crate) fn saw(&self, what: Seen) {
        self.coverage.add(what, 1);
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Starting,
            1 => Phase::Working,
            2 => Phase::Quiet,
            _ => Phase::Showing,
        }
    }

    pub(crate) fn set_phase(&self, phase: Phase) {
        self.trace.line(format_args!("phase {phase:?}"));
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Something that must never be.
    pub(crate) fn wrong(&self, what: impl Into<String>) {
        let what = what.into();
        self.trace.line(format_args!("WRONG: {what}"));
        self.history().problems.push(format!("at {} ms: {what}", self.trace.now_ms()));
    }
}

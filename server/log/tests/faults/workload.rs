//! The work on a log while its machine fails: one step after the other, with the expected state after each.

use crate::{
    disk::{Disk, KEYS, LOG, Machine},
    support::*,
};
use kith_core::{
    detail::DetailKind,
    event::{Grant, Role},
    id::NetworkName,
    position::Position,
    prepare::Prepared,
    tree::Hash,
};
use kith_log::{CommitMode, Config, Log, Network, NewServerToken, NewToken, OpenError, Secrets, new_secret};
use std::collections::BTreeMap;

pub(crate) const ROOT_KEY: [u8; 32] = [3; 32];
/// The secrets of the log.
pub(crate) const SECRETS: Secrets = Secrets { root_key: ROOT_KEY, signing_seed: [4; 32] };

/// Something that is acknowledged as a whole.
pub(crate) enum Step {
    Make(&'static str),
    Append(&'static str, Vec<Prepared>),
    Issue(&'static str),
    Revoke(&'static str),
    ServerToken,
}

/// What a log holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    /// The networks with their last position and the root of their tree.
    pub(crate) networks: BTreeMap<NetworkName, (Position, Hash)>,
    pub(crate) server_tokens: usize,
}

/// A step that was acknowledged.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    /// Number of calls to the disks so far.
    pub(crate) calls: usize,
    pub(crate) seen: Seen,
}

/// Opens a log on the disks of a machine, as servers do by default.
pub(crate) fn open(machine: &Machine) -> Result<Log, OpenError> {
    open_in(CommitMode::default(), machine)
}

/// Opens a log with a commit mode.
pub(crate) fn open_in(commit_mode: CommitMode, machine: &Machine) -> Result<Log, OpenError> {
    let (log, keys): (Disk, Disk) = (machine.disk(LOG), machine.disk(KEYS));
    let config = Config { commit_mode, tail_bytes_max: 0, ..Config::default() };
    Log::open_on(log, keys, &SECRETS, &config, ticking())
}

/// Everything that a log does: networks, people, words, batches, corrections, tokens.
pub(crate) fn everything() -> Vec<Step> {
    let named = detail(DetailKind::Name, &["amina"], "Amina Diallo");
    let meetings =
        |from: u64, count: u64| (from..from + count).map(|number| meets(number, &["amina", "ben"])).collect();
    let noted = |number| meets_with_note(number, &["amina", "chloe"], &format!("note {number}"));
    vec![
        Step::Make("north"),
        Step::Append("north", vec![joins(1, "amina"), joins(2, "ben"), joins(3, "chloe")]),
        Step::Append("north", vec![noted(10)]),
        Step::Append("north", meetings(100, 50)),
        Step::Issue("north"),
        Step::Append(
            "north",
            vec![founds(20, "riverside"), prepare(event(21, referred("amina", "ben", "chloe")), &[])],
        ),
        Step::Append("north", vec![prepare(event(22, answered("chloe", 21)), &[]), retracts(23, 100)]),
        Step::Append("north", vec![prepare(event(24, merged("ben", "chloe")), &[])]),
        Step::ServerToken,
        Step::Make("south"),
        Step::Append("south", vec![joins(1, "amina"), joins(2, "dana"), meets(3, &["amina", "dana"])]),
        Step::Revoke("north"),
        Step::Append("north", vec![changes(25, "amina", &[named])]),
        Step::Append("north", (200..220).map(noted).collect()),
    ]
}

/// Batches that cross the end of a chunk of the index, for a log made by [`almost_a_chunk`].
pub(crate) fn over_a_chunk() -> Vec<Step> {
    let batch =
        |number: u64| (number..number + 12).map(|number| meets(number * 7 % 100_003, &["ben", "chloe"])).collect();
    (0..9).map(|step| Step::Append("north", batch(20_000 + 12 * step))).collect()
}

/// A machine with an empty log.
pub(crate) async fn empty() -> Machine {
    let machine = Machine::default();
    open(&machine).unwrap().shutdown().await;
    machine
}

/// A machine whose log ends shortly before the end of a chunk of the index.
pub(crate) async fn almost_a_chunk() -> Machine {
    let machine = Machine::default();
    let log = open(&machine).unwrap();
    let network = north(&log).await;
    append(&network, vec![joins(1, "amina"), joins(2, "ben"), joins(3, "chloe")]).await;
    for first in (0..4_050).step_by(450) {
        append(&network, (first..first + 450).map(|number| meets(200_000 + number, &["amina", "ben"])).collect()).await;
    }
    log.shutdown().await;
    machine
}

impl Step {
    /// Takes the step; returns whether it was acknowledged.
    pub(crate) async fn take(&self, log: &Log) -> bool {
        match self {
            Self::Make(name) => log.create_network(&name.parse().unwrap()).await.is_ok(),
            Self::Append(name, events) => {
                let Some(network) = find(log, name) else { return false };
                network.append(command(events.clone())).await.is_ok()
            }
            Self::Issue(name) => {
                let Some(network) = find(log, name) else { return false };
                let token =
                    NewToken { grant: Grant::Role(Role::Reader), person: None, organisation: None, expires_at: None };
                network.issue_token(&owner(), token).await.is_ok()
            }
            Self::Revoke(name) => {
                let Some(network) = find(log, name) else { return false };
                let Some(token) = network.tokens(&owner()).first().cloned() else { return false };
                network.revoke_token(&owner(), &token.id).await.is_ok()
            }
            Self::ServerToken => {
                let id = "first".parse().unwrap();
                let token = NewServerToken { id, secret: new_secret(), role: Role::Owner, expires_at: None };
                log.put_server_token(token).await.is_ok()
            }
        }
    }

    /// By how much it moves a network's head, and how many server tokens it adds.
    fn effect(&self) -> (Option<(&'static str, u64)>, usize) {
        match self {
            Self::Make(name) => (Some((name, 0)), 0),
            Self::Append(name, events) => (Some((name, events.len() as u64)), 0),
            Self::Issue(name) | Self::Revoke(name) => (Some((name, 1)), 0),
            Self::ServerToken => (None, 1),
        }
    }
}

fn find(log: &Log, name: &str) -> Option<Network> {
    log.network(&name.parse().unwrap())
}

impl Seen {
    /// What a log shows.
    pub(crate) fn of(log: &Log) -> Self {
        let networks = log.networks().into_iter().map(|network| {
            let summary = network.summary();
            (network.name().clone(), (summary.position, summary.root))
        });
        Self { networks: networks.collect(), server_tokens: log.server_tokens().len() }
    }

    /// Whether one step leads from another state to this one, as far as can be known in advance: without the roots.
    pub(crate) fn is_after(&self, before: &Self, step: &Step) -> bool {
        let heads = |seen: &Self| -> BTreeMap<_, _> {
            seen.networks.iter().map(|(name, (position, _))| (name.clone(), position.get())).collect()
        };
        let (moved, tokens) = step.effect();
        let mut expected = heads(before);
        if let Some((name, events)) = moved {
            *expected.entry(name.parse().unwrap()).or_default() += events;
        }
        heads(self) == expected && self.server_tokens == before.server_tokens + tokens
    }
}

/// Takes steps until one is not acknowledged; returns those that were.
pub(crate) async fn run(log: &Log, machine: &Machine, steps: &[Step]) -> Vec<Mark> {
    let mut marks = Vec::new();
    for step in steps {
        if !step.take(log).await {
            break;
        }
        let calls = machine.calls_count();
        marks.push(Mark { calls, seen: Seen::of(log) });
    }
    marks
}

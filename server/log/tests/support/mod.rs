//! Events, principals and folders for the tests of the log.
//!
//! Invariant: every event made here obeys the rules that do not depend on a log.
#![allow(dead_code, reason = "every test binary uses a part of it")]

use kith_core::{
    decide::{Command, Origin, Outcome},
    detail::{Detail, DetailKind},
    event::{
        Answer, Answered, DirectoryFact, Event, Fact, FollowedUp, Habit, Met, OrganisationAdded, PeopleMerged,
        PersonAdded, PersonChanged, Referred, Retracted, RetractionReason, Role, Scope,
    },
    history::Budget,
    id::{EventId, NetworkName, PersonId},
    may::{Credential, Principal, Reach},
    position::Position,
    prepare::Prepared,
    timestamp::Timestamp,
};
use kith_log::{AppendError, Clock, CommitMode, Config, Log, Network};
use kith_proto::v1::NewEvent;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use tempfile::TempDir;

/// When the clock of the tests starts.
pub(crate) const START_MS: i64 = 1_800_000_000_000;

/// Room for everything.
pub(crate) const ALL: Budget = Budget { entries: usize::MAX, bytes: usize::MAX };

/// The largest possible position.
pub(crate) const END: Position = Position::new(u64::MAX);

/// A log in a folder of its own.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) config: Config,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        Self { folder, config }
    }

    pub(crate) fn open(&self) -> Log {
        Log::open(&self.config, ticking()).unwrap()
    }

    /// Opens it with a network `north` in it.
    pub(crate) async fn network(&self) -> (Log, Network) {
        let log = self.open();
        let network = north(&log).await;
        (log, network)
    }
}

pub(crate) fn config(data: &Path) -> Config {
    let (disk_reserve_bytes, disk_reserve_per_cent) = (0, 0);
    let commit_mode = CommitMode::OnePhase;
    Config { data: data.to_owned(), commit_mode, disk_reserve_bytes, disk_reserve_per_cent, ..Config::default() }
}

/// The network `north`, created if it does not exist.
pub(crate) async fn north(log: &Log) -> Network {
    let name: NetworkName = "north".parse().unwrap();
    match log.network(&name) {
        Some(network) => network,
        None => log.create_network(&name).await.unwrap(),
    }
}

/// A clock that advances by a millisecond each time it is read.
pub(crate) fn ticking() -> Clock {
    let now = AtomicI64::new(START_MS);
    Arc::new(move || Timestamp::from_millis(now.fetch_add(1, Ordering::Relaxed)))
}

pub(crate) fn principal(role: Role, organisation: Option<&str>) -> Principal {
    Principal {
        id: "person:recorder".parse().unwrap(),
        credential: Credential::Program,
        reach: Reach::Network("north".parse().unwrap()),
        role,
        person: None,
        organisation: organisation.map(|id| id.parse().unwrap()),
    }
}

pub(crate) fn owner() -> Principal {
    principal(Role::Owner, None)
}

pub(crate) fn command(events: Vec<Prepared>) -> Command {
    Command { principal: owner(), events, condition: None, origin: Origin::Client }
}

/// Appends events, all of which must be new; returns their positions.
pub(crate) async fn append(network: &Network, events: Vec<Prepared>) -> Vec<Position> {
    let outcomes = network.append(command(events)).await.unwrap();
    outcomes.into_iter().map(accepted).collect()
}

pub(crate) fn accepted(outcome: Outcome) -> Position {
    match outcome {
        Outcome::Accepted(position) => position,
        Outcome::Duplicate(position) => panic!("a duplicate of {position}"),
    }
}

pub(crate) async fn refused(network: &Network, command: Command) -> kith_core::decide::Refused {
    match network.append(command).await {
        Err(AppendError::Refused(refused)) => refused,
        other => panic!("not refused: {other:?}"),
    }
}

pub(crate) fn id(number: u64) -> EventId {
    let mut bytes = [0; 16];
    bytes[6] = 0x70;
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    bytes[8] = 0x80;
    EventId::from_bytes(bytes).unwrap()
}

pub(crate) fn person(name: &str) -> PersonId {
    name.parse().unwrap()
}

/// The event with number `number`.
pub(crate) fn event(number: u64, fact: Fact) -> Event {
    Event {
        id: id(number),
        occurred_at: Timestamp::from_millis(START_MS - 1_000 + i64::try_from(number % 1_000).unwrap()),
        scope: Scope::Network,
        caused_by: Vec::new(),
        attributes: Vec::new(),
        salt: [5; 16],
        details: Vec::new(),
        fact,
    }
}

/// Prepares an event with its details, as a client would send it.
pub(crate) fn prepare(mut event: Event, details: &[Detail]) -> Prepared {
    event.details = details.iter().map(Detail::commitment).collect();
    let details = details.iter().map(Detail::to_proto).collect();
    Prepared::new(&NewEvent { event: event.encode().into(), details, signature: Vec::new() }).unwrap()
}

pub(crate) fn joins(number: u64, name: &str) -> Prepared {
    let fact = PersonAdded { person: person(name), organisation: None, role: String::new() };
    prepare(event(number, Fact::Directory(DirectoryFact::PersonAdded(fact))), &[])
}

/// A person is described again, perhaps with a name.
pub(crate) fn changes(number: u64, name: &str, details: &[Detail]) -> Prepared {
    let fact = PersonChanged { person: person(name), organisation: None, role: String::new() };
    prepare(event(number, Fact::Directory(DirectoryFact::PersonChanged(fact))), details)
}

/// A person joins an organisation.
pub(crate) fn moves(number: u64, name: &str, organisation: &str) -> Prepared {
    let organisation = Some(organisation.parse().unwrap());
    let fact = PersonChanged { person: person(name), organisation, role: String::new() };
    prepare(event(number, Fact::Directory(DirectoryFact::PersonChanged(fact))), &[])
}

pub(crate) fn founds(number: u64, organisation: &str) -> Prepared {
    let fact = OrganisationAdded { organisation: organisation.parse().unwrap(), name: organisation.into() };
    prepare(event(number, Fact::Directory(DirectoryFact::OrganisationAdded(fact))), &[])
}

pub(crate) fn met(people: &[&str]) -> Fact {
    Fact::Habit(Habit::Met(Met { people: people.iter().map(|name| person(name)).collect() }))
}

pub(crate) fn meets(number: u64, people: &[&str]) -> Prepared {
    prepare(event(number, met(people)), &[])
}

pub(crate) fn merged(kept: &str, gone: &str) -> Fact {
    Fact::Directory(DirectoryFact::PeopleMerged(PeopleMerged { kept: person(kept), merged: person(gone) }))
}

pub(crate) fn retracted(number: u64) -> Fact {
    Fact::Retracted(Retracted { event: id(number), reason: RetractionReason::Mistake })
}

pub(crate) fn retracts(number: u64, target: u64) -> Prepared {
    prepare(event(number, retracted(target)), &[])
}

pub(crate) fn followed_up(by: &str, with: &str, about: Option<u64>) -> Fact {
    Fact::Habit(Habit::FollowedUp(FollowedUp { by: person(by), with: vec![person(with)], about: about.map(id) }))
}

pub(crate) fn referred(referrer: &str, one: &str, to: &str) -> Fact {
    Fact::Habit(Habit::Referred(Referred { referrer: person(referrer), person: person(one), to: person(to) }))
}

pub(crate) fn answered(by: &str, referral: u64) -> Fact {
    Fact::Habit(Habit::Answered(Answered { referral: id(referral), by: person(by), answer: Answer::Accepted }))
}

pub(crate) fn detail(kind: DetailKind, subjects: &[&str], text: &str) -> Detail {
    let mut subjects: Vec<_> = subjects.iter().map(|name| person(name)).collect();
    subjects.sort_unstable();
    let salt = std::array::from_fn(|index| u8::try_from(index).unwrap().wrapping_mul(37) ^ text.as_bytes()[0]);
    Detail { kind, subjects, text: text.into(), salt }
}

/// A meeting of two with a note about it.
pub(crate) fn meets_with_note(number: u64, people: &[&str], text: &str) -> Prepared {
    prepare(event(number, met(people)), &[detail(DetailKind::Note, people, text)])
}

/// Amina, Ben and Chloe join, at positions 1 to 3 of an empty log.
pub(crate) async fn three_join(network: &Network) {
    append(network, vec![joins(1, "amina"), joins(2, "ben"), joins(3, "chloe")]).await;
}

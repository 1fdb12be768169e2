//! An in-memory log, a small network to write to it, and views that are stepped by hand.

use crate::{
    Config, FollowError, Following, SandboxLimits, ViewDigest, ViewHandle, ViewScope, Views,
    view::follower::{Follower, Step},
};
use bytes::Bytes;
use kith_core::{
    entry::Entry,
    event::{
        Answer, Answered, Attribute, DirectoryFact, Event, Fact, Habit, Met, OrganisationAdded, PeopleMerged,
        PersonAdded, Referred, Retracted, RetractionReason, Scope,
    },
    filter::Filter,
    history::{Budget, History, HistoryId, Unreadable},
    id::{EventId, NetworkName, PersonId},
    position::Position,
    timestamp::{DAY_MS, Timestamp},
};
use std::{
    path::PathBuf,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
};
use tempfile::TempDir;
use tokio::sync::watch;

/// People of the small network, in the order they are added, with handles 1, 2, 3 ...
pub(super) const PEOPLE: [&str; 6] = ["ann", "ben", "cem", "dia", "eva", "fin"];

/// The last day on which anything happens, unless a test says otherwise.
pub(super) const TODAY: i32 = 100;

pub(super) fn person(number: usize) -> PersonId {
    PEOPLE[number].parse().unwrap()
}

/// The time in milliseconds of an hour on a day.
pub(super) fn at(day: i32, hour: i64) -> i64 {
    i64::from(day) * DAY_MS + hour * 3_600_000
}

/// An in-memory log; a read returns a limited number of entries.
pub(super) struct MemoryLog {
    id: HistoryId,
    entries: Mutex<Vec<(Bytes, EventId)>>,
    entries_per_read: AtomicUsize,
}

impl MemoryLog {
    pub(super) fn empty() -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = HistoryId(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)).to_le_bytes());
        Arc::new(Self { id, entries: Mutex::default(), entries_per_read: AtomicUsize::new(usize::MAX) })
    }

    /// A log with everyone in it: half of them in `trust`, half in `surgery`.
    pub(super) fn with_people() -> Arc<Self> {
        let log = Self::empty();
        for (number, _) in PEOPLE.iter().enumerate() {
            let organisation = Some(["trust", "surgery"][number % 2].parse().unwrap());
            log.append(
                0,
                Fact::Directory(DirectoryFact::PersonAdded(PersonAdded {
                    person: person(number),
                    organisation,
                    role: String::new(),
                })),
            );
        }
        log
    }

    /// The same log up to a position.
    pub(super) fn prefix(&self, position: u64) -> Arc<Self> {
        let log = Self::empty();
        let entries = self.entries.lock().unwrap();
        log.entries.lock().unwrap().extend_from_slice(&entries[..usize::try_from(position).unwrap()]);
        log
    }

    /// The same log with some entries replaced by ones that no view folds.
    pub(super) fn with_replaced(&self, replace: impl Fn(&Event) -> bool) -> Arc<Self> {
        let log = Self::empty();
        for (bytes, id) in self.entries.lock().unwrap().iter() {
            let event = Entry::decode(bytes).unwrap().event().unwrap();
            if replace(&event) {
                let organisation = "filler".parse().unwrap();
                log.append(
                    0,
                    Fact::Directory(DirectoryFact::OrganisationAdded(OrganisationAdded {
                        organisation,
                        name: "x".into(),
                    })),
                );
            } else {
                log.entries.lock().unwrap().push((bytes.clone(), *id));
            }
        }
        log
    }

    pub(super) fn read_in_pieces_of(&self, entries: usize) {
        self.entries_per_read.store(entries, Ordering::Relaxed);
    }

    pub(super) fn truncate(&self, position: usize) {
        self.entries.lock().unwrap().truncate(position);
    }

    /// Appends a fact that happened at a time; returns its position.
    pub(super) fn append(&self, occurred_at: i64, fact: Fact) -> u64 {
        self.append_event(occurred_at, fact, Scope::Network, Vec::new())
    }

    pub(super) fn append_event(&self, occurred_at: i64, fact: Fact, scope: Scope, attributes: Vec<Attribute>) -> u64 {
        let mut entries = self.entries.lock().unwrap();
        let position = entries.len() as u64 + 1;
        let event = Event {
            id: event_id(position),
            occurred_at: Timestamp::from_millis(occurred_at),
            scope,
            caused_by: Vec::new(),
            attributes,
            salt: [1; 16],
            details: Vec::new(),
            fact,
        };
        let entry = Entry {
            position: Position::new(position),
            recorded_at: Timestamp::from_millis(at(TODAY, 0)),
            recorded_by: "person:ann".parse().unwrap(),
            organisation: Some("trust".parse().unwrap()),
            event_bytes: event.encode().into(),
            signature: None,
        };
        entries.push((entry.encode(), event.id));
        position
    }

    pub(super) fn met(&self, day: i32, people: &[usize]) -> u64 {
        self.append(at(day, 9), Fact::Habit(Habit::Met(Met { people: people.iter().copied().map(person).collect() })))
    }

    pub(super) fn referred(&self, day: i32, referrer: usize, introduced: usize, to: usize) -> u64 {
        let (referrer, introduced, to) = (person(referrer), person(introduced), person(to));
        self.append(at(day, 9), Fact::Habit(Habit::Referred(Referred { referrer, person: introduced, to })))
    }

    pub(super) fn answered(&self, at: i64, referral: u64, by: usize, answer: Answer) -> u64 {
        let referral = event_id(referral);
        self.append(at, Fact::Habit(Habit::Answered(Answered { referral, by: person(by), answer })))
    }

    pub(super) fn merged(&self, kept: usize, merged: usize) -> u64 {
        self.append(
            at(TODAY, 1),
            Fact::Directory(DirectoryFact::PeopleMerged(PeopleMerged { kept: person(kept), merged: person(merged) })),
        )
    }

    pub(super) fn retracted(&self, position: u64) -> u64 {
        let (event, reason) = (event_id(position), RetractionReason::Mistake);
        self.append(at(TODAY, 1), Fact::Retracted(Retracted { event, reason }))
    }
}

fn event_id(position: u64) -> EventId {
    let mut bytes = u128::from(position).to_be_bytes();
    bytes[6] = 0x80;
    bytes[8] |= 0x80;
    EventId::from_bytes(bytes).unwrap()
}

impl History for MemoryLog {
    fn id(&self) -> Result<HistoryId, Unreadable> {
        Ok(self.id)
    }

    fn head(&self) -> Position {
        Position::new(self.entries.lock().unwrap().len() as u64)
    }

    fn read(&self, after: Position, until: Position, budget: Budget) -> Result<Vec<Bytes>, Unreadable> {
        let entries = self.entries.lock().unwrap();
        let until = usize::try_from(until.get()).unwrap().min(entries.len());
        let from = usize::try_from(after.get()).unwrap().min(until);
        let most = budget.entries.min(self.entries_per_read.load(Ordering::Relaxed));
        Ok(entries[from..until].iter().take(most).map(|(bytes, _)| bytes.clone()).collect())
    }

    fn read_at(&self, positions: &[Position]) -> Result<Vec<Bytes>, Unreadable> {
        let entries = self.entries.lock().unwrap();
        let find = |position: &Position| entries.get(usize::try_from(position.get()).unwrap() - 1);
        Ok(positions.iter().filter_map(find).map(|(bytes, _)| bytes.clone()).collect())
    }

    fn position_of(&self, id: &EventId) -> Result<Option<Position>, Unreadable> {
        let entries = self.entries.lock().unwrap();
        let index = entries.iter().position(|(_, known)| known == id);
        Ok(index.map(|index| Position::new(index as u64 + 1)))
    }
}

/// A plugin host in a folder of its own.
pub(super) struct Lab {
    pub(super) views: Views,
    pub(super) folder: TempDir,
    networks: AtomicU64,
}

impl Lab {
    pub(super) fn open() -> Self {
        Self::open_with(SandboxLimits::default())
    }

    pub(super) fn open_with(sandbox: SandboxLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Self::config(&folder, sandbox);
        Self::of(folder, config)
    }

    /// A host whose views have this much memory for more than one batch in a transaction.
    pub(super) fn with_runs_of(runs_bytes_max: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { runs_bytes_max, ..Self::config(&folder, SandboxLimits::default()) };
        Self::of(folder, config)
    }

    fn of(folder: TempDir, config: Config) -> Self {
        Self { views: Views::open(config).unwrap(), folder, networks: AtomicU64::new(0) }
    }

    pub(super) fn config(folder: &TempDir, sandbox: SandboxLimits) -> Config {
        let (views, cache) = (folder.path().join("views"), folder.path().join("cache"));
        Config { store_cache_bytes: 1 << 20, sandbox, ..Config::new(views, cache) }
    }

    /// A view of a log, in a network of its own, not stepped yet.
    pub(super) fn view(&self, component: &[u8], settings: &str, log: &Arc<MemoryLog>) -> View {
        let network = format!("n-{}", self.networks.fetch_add(1, Ordering::Relaxed)).parse().unwrap();
        self.open_view(network, component, settings, log, ViewScope::Network).unwrap()
    }

    /// A view that has caught up with a log.
    pub(super) fn level(&self, component: &[u8], log: &Arc<MemoryLog>) -> View {
        let mut view = self.view(component, "{}", log);
        view.catch_up();
        view
    }

    pub(super) fn open_view(
        &self,
        network: NetworkName,
        component: &[u8],
        settings: &str,
        log: &Arc<MemoryLog>,
        scope: ViewScope,
    ) -> Result<View, FollowError> {
        let now = Arc::new(AtomicI64::new(at(TODAY, 12)));
        let clock = Arc::clone(&now);
        let following = Following {
            name: "sums".to_owned(),
            network: network.clone(),
            scope,
            component: Bytes::copy_from_slice(component),
            settings: settings.to_owned(),
            history: Arc::clone(log) as Arc<dyn History>,
            held: Filter::default(),
            head: watch::Sender::new(Position::ZERO).subscribe(),
            clock: Arc::new(move || clock.load(Ordering::Relaxed)),
        };
        let (mut follower, shared) = self.views.prepare(&following)?;
        // So that the day turns in several steps.
        follower.day_step_keys = 2;
        Ok(View { follower, handle: ViewHandle::without_thread(shared), log: Arc::clone(log), now, network })
    }

    /// The file of the only view.
    pub(super) fn only_file(&self) -> PathBuf {
        let mut files = std::fs::read_dir(self.folder.path().join("views")).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none(), "there is more than one view");
        file
    }
}

/// A view that is stepped by hand.
pub(super) struct View {
    pub(super) follower: Follower,
    pub(super) handle: ViewHandle,
    pub(super) log: Arc<MemoryLog>,
    pub(super) now: Arc<AtomicI64>,
    pub(super) network: NetworkName,
}

impl View {
    pub(super) fn step(&mut self) -> Step {
        self.follower.step(self.log.head()).unwrap()
    }

    pub(super) fn catch_up(&mut self) {
        while self.step() == Step::Advanced {}
    }

    pub(super) fn digest(&self) -> ViewDigest {
        self.handle.digest(None, None).unwrap()
    }

    /// Rows as text, in the order of their keys.
    pub(super) fn rows(&self, query: crate::Query) -> Vec<String> {
        let mut rows: Vec<String> = self
            .handle
            .query(&crate::Query { page_rows: 10_000, ..query })
            .unwrap()
            .rows
            .into_iter()
            .map(|row| {
                let key: Vec<&str> = row.key.iter().map(PersonId::as_str).collect();
                let item = row.item.map(|item| format!("#{item}")).unwrap_or_default();
                format!("{}{item} {:?} of {}", key.join("-"), row.values, row.evidence_count)
            })
            .collect();
        rows.sort();
        rows
    }
}

/// A component that comes with the server.
pub(super) fn builtin(name: &str) -> &'static [u8] {
    kith_bundle::BUILTINS.iter().find(|builtin| builtin.name == name).unwrap().component
}

/// A plugin that misbehaves on demand.
pub(super) static HOSTILE: LazyLock<Vec<u8>> = LazyLock::new(|| component(HOSTILE_TEXT));

/// Its source.
pub(super) const HOSTILE_TEXT: &str = include_str!("hostile.wat");

/// The source of a plugin that returns far more than a view can hold: 1,000 rows of 16 kB for every key.
pub(super) const FAT_TEXT: &str = include_str!("fat.wat");

/// Assembles a component.
pub(super) fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

//! The part of a network in memory: head, newest entries, directory.
//!
//! Invariant: nothing of an entry is here before it is on disk, and readers see one consistent state.

use crate::{
    rows::{
        chunk::{Chunk, Growth},
        row::NetworkRow,
        tree_rows::LargeRoots,
    },
    state::clock_watch::ClockWatch,
};
use bytes::Bytes;
use kith_core::{
    authority::Authority,
    directory::Directory,
    entry::Entry,
    erasures::Erasures,
    event::{Event, Fact},
    header::Header,
    id::{NetworkName, PersonId},
    plugins::Plugins,
    position::Position,
    timestamp::Timestamp,
    tree::{EMPTY_ROOT, Hash},
};
use kith_words::Incarnation;
use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};
use tokio::sync::watch;

/// Estimated bytes of an entry's header, in addition to the entry's own.
const HEADER_BYTES: usize = 512;

/// A log's last position, and what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last position; 0 in an empty log.
    pub position: Position,
    /// Root of the hash tree over all entries.
    pub root: Hash,
    /// Random id of the log; a different id means a different history.
    pub incarnation: [u8; 16],
    /// When the last entry was recorded; `None` in an empty log.
    pub recorded_at: Option<Timestamp>,
}

impl Head {
    /// The head of an empty log.
    pub(crate) fn empty(row: &NetworkRow) -> Self {
        Self { position: Position::ZERO, root: EMPTY_ROOT, incarnation: row.incarnation, recorded_at: None }
    }
}

/// A network in memory.
pub(crate) struct Live {
    pub(crate) name: NetworkName,
    pub(crate) ordinal: u32,
    pub(crate) created_at: Timestamp,
    pub(crate) incarnation: Incarnation,
    pub(crate) key_incarnation: Incarnation,
    /// Cached roots for proofs.
    pub(crate) large: Arc<LargeRoots>,
    pub(crate) clock_watch: ClockWatch,
    tail_bytes_max: usize,
    published: RwLock<Published>,
    head: watch::Sender<Position>,
    credentials: watch::Sender<()>,
}

/// What readers see of a network.
pub(crate) struct Published {
    pub(crate) head: Head,
    pub(crate) directory: Arc<Directory>,
    pub(crate) plugins: Arc<Plugins>,
    pub(crate) erasures: Arc<Erasures>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) tail: Tail,
    /// Index of the chunk that the head lies in.
    pub(crate) open: Arc<Chunk>,
}

/// An entry in memory.
#[derive(Clone)]
pub(crate) struct Recent {
    pub(crate) bytes: Bytes,
    pub(crate) header: Arc<Header>,
    pub(crate) has_details: bool,
}

/// The newest entries, up to the head.
#[derive(Default)]
pub(crate) struct Tail {
    entries: VecDeque<Recent>,
    bytes: usize,
}

/// A commit that is on disk and not yet visible to readers.
pub(crate) struct Committed {
    pub(crate) head: Head,
    pub(crate) entries: Vec<Recent>,
    pub(crate) index: Growth,
    /// Events that change the directory and the plugins, with their entries.
    pub(crate) common: Vec<(Event, Entry)>,
}

/// Directory, plugins, erasures and authority, as derived from their entries.
#[derive(Default)]
pub(crate) struct Common {
    pub(crate) directory: Directory,
    pub(crate) plugins: Plugins,
    pub(crate) erasures: Erasures,
    pub(crate) authority: Authority,
}

impl Common {
    /// Applies an event. Events must be applied in order of position.
    pub(crate) fn apply(&mut self, event: &Event, entry: &Entry) {
        self.directory.apply(event, entry.position);
        self.plugins.apply(event, entry);
        self.erasures.apply(event, entry);
        self.authority.apply(event, entry);
    }
}

impl Live {
    pub(crate) fn new(
        name: NetworkName,
        row: &NetworkRow,
        head: Head,
        Common { directory, plugins, erasures, authority }: Common,
        open: Arc<Chunk>,
        tail_bytes_max: usize,
    ) -> Self {
        let published = Published {
            head,
            directory: Arc::new(directory),
            plugins: Arc::new(plugins),
            erasures: Arc::new(erasures),
            authority: Arc::new(authority),
            tail: Tail::default(),
            open,
        };
        Self {
            name,
            ordinal: row.ordinal,
            created_at: row.created_at,
            incarnation: row.incarnation,
            key_incarnation: row.key_incarnation,
            large: Arc::default(),
            clock_watch: ClockWatch::default(),
            tail_bytes_max,
            head: watch::Sender::new(head.position),
            credentials: watch::Sender::new(()),
            published: RwLock::new(published),
        }
    }

    /// Locks the published state for reading; delays the publication of the next commit while held.
    pub(crate) fn published(&self) -> RwLockReadGuard<'_, Published> {
        self.published.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn head(&self) -> Head {
        self.published().head
    }

    pub(crate) fn directory(&self) -> Arc<Directory> {
        self.published().directory.clone()
    }

    pub(crate) fn plugins(&self) -> Arc<Plugins> {
        self.published().plugins.clone()
    }

    pub(crate) fn erasures(&self) -> Arc<Erasures> {
        self.published().erasures.clone()
    }

    pub(crate) fn authority(&self) -> Arc<Authority> {
        self.published().authority.clone()
    }

    /// Counts a person as erased whose erasure the log lacks.
    pub(crate) fn add_lost(&self, person: PersonId) {
        let mut published = self.published.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut published.erasures).add_lost(person);
    }

    /// The network's row.
    pub(crate) fn row(&self) -> NetworkRow {
        NetworkRow {
            ordinal: self.ordinal,
            created_at: self.created_at,
            incarnation: self.incarnation,
            key_incarnation: self.key_incarnation,
        }
    }

    /// The index of the chunk that the head lies in.
    pub(crate) fn open_chunk(&self) -> Arc<Chunk> {
        self.published().open.clone()
    }

    pub(crate) fn watch_head(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }

    /// Changes whenever who may act in the network has.
    pub(crate) fn watch_credentials(&self) -> watch::Receiver<()> {
        self.credentials.subscribe()
    }

    /// Makes a commit visible to readers, then wakes those waiting for the head. Returns the entries that left memory.
    /// Only the writer calls this.
    pub(crate) fn publish(&self, committed: Committed) -> Vec<Recent> {
        let copied = self.copied_directory(&committed.common);
        let mut published = self.published.write().unwrap_or_else(PoisonError::into_inner);
        match copied {
            Some(directory) => published.directory = directory,
            None => apply(&mut published.directory, &committed.common),
        }
        apply_plugins(&mut published.plugins, &committed.common);
        apply_erasures(&mut published.erasures, &committed.common);
        let lets_in = apply_authority(&mut published.authority, &committed.common);
        published.head = committed.head;
        committed.index.bring_to_date(&mut published.open);
        published.tail.extend(committed.entries);
        let left = published.tail.shrink_to(self.tail_bytes_max);
        drop(published);
        self.head.send_replace(committed.head.position);
        if lets_in {
            self.credentials.send_replace(());
        }
        left
    }

    /// A changed copy of the directory, if a reader holds a snapshot of it: made before readers are blocked.
    fn copied_directory(&self, events: &[(Event, Entry)]) -> Option<Arc<Directory>> {
        if events.is_empty() || Arc::strong_count(&self.published().directory) == 1 {
            return None;
        }
        let mut directory = self.directory();
        apply(&mut directory, events);
        Some(directory)
    }
}

/// Changes a directory in place, or a copy if it is shared.
fn apply(directory: &mut Arc<Directory>, events: &[(Event, Entry)]) {
    if events.is_empty() {
        return;
    }
    let directory = Arc::make_mut(directory);
    for (event, entry) in events {
        directory.apply(event, entry.position);
    }
}

/// Changes the erasures, which are rare.
fn apply_erasures(erasures: &mut Arc<Erasures>, events: &[(Event, Entry)]) {
    for (event, entry) in events {
        if matches!(&event.fact, Fact::Administration(fact) if fact.is_about_records()) {
            Arc::make_mut(erasures).apply(event, entry);
        }
    }
}

/// Changes the authority, which is rare. Returns whether there was a change.
fn apply_authority(authority: &mut Arc<Authority>, events: &[(Event, Entry)]) -> bool {
    let mut is_changed = false;
    for (event, entry) in events {
        if matches!(&event.fact, Fact::Administration(fact) if fact.is_about_authority()) {
            Arc::make_mut(authority).apply(event, entry);
            is_changed = true;
        }
    }
    is_changed
}

/// Changes the plugins; there are few, and they rarely change.
fn apply_plugins(plugins: &mut Arc<Plugins>, events: &[(Event, Entry)]) {
    for (event, entry) in events {
        if matches!(event.fact, Fact::Administration(_)) {
            Arc::make_mut(plugins).apply(event, entry);
        }
    }
}

impl Published {
    /// The entries after `after` up to `until` if all of them are in memory. Neither bound may exceed the head.
    pub(crate) fn recent(&self, after: Position, until: Position) -> Option<impl DoubleEndedIterator<Item = &Recent>> {
        let first = self.head.position.get() - self.tail.entries.len() as u64;
        let place =
            |position: Position| position.get().checked_sub(first).and_then(|place| usize::try_from(place).ok());
        let (from, to) = (place(after)?, place(until)?);
        (from <= to).then(|| self.tail.entries.range(from..to))
    }

    /// Whether all entries after `after` up to `until` are in memory, and none of them has details.
    pub(crate) fn are_without_details(&self, after: Position, until: Position) -> bool {
        let recent = if until <= self.head.position { self.recent(after, until) } else { None };
        recent.is_some_and(|mut entries| entries.all(|entry| !entry.has_details))
    }
}

impl Tail {
    fn extend(&mut self, entries: Vec<Recent>) {
        self.bytes += entries.iter().map(Recent::size_bytes).sum::<usize>();
        self.entries.extend(entries);
    }

    /// Removes and returns the oldest entries beyond a size.
    fn shrink_to(&mut self, bytes_max: usize) -> Vec<Recent> {
        let mut count = 0;
        for entry in &self.entries {
            if self.bytes <= bytes_max {
                break;
            }
            self.bytes -= entry.size_bytes();
            count += 1;
        }
        self.entries.drain(..count).collect()
    }
}

impl Recent {
    fn size_bytes(&self) -> usize {
        self.bytes.len() + HEADER_BYTES
    }
}

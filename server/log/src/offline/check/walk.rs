//! Walks the entries of one network and looks up every row that must follow from them.
//!
//! Invariant: the expected rows are computed from the entries read so far, never taken from an index.

use super::{
    PROGRESS_ENTRIES, Problem, Report,
    erased::{Erased, MISSING_KEYS},
    rows::Expected,
    tokens,
};
use crate::{
    error::ReadError,
    limits,
    rows::{
        chunk::Chunk,
        ids,
        outline::Outline,
        row::HeadRow,
        tables::{self, chunk_of},
        tree_rows::{NodesError, ROW_LEAVES},
    },
    state::snapshot::Snapshot,
};
use bytes::Bytes;
use kith_blocks::BlocksError;
use kith_core::{
    authority::Authority,
    detail::DetailKind,
    directory::Directory,
    entry::Entry,
    event::{DirectoryFact, Event, Fact},
    header::Header,
    id::{EventId, NetworkName, PersonId},
    position::Position,
    timestamp::Timestamp,
    tree::{Frontier, Nodes, SUBTREE_LEAVES, Subtree, leaf_hash},
};
use kith_words::{Binding, Incarnation, Keys, Stored};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// A network's entries, read so far. The snapshot's open chunk is that of the last entry.
pub(super) struct Walk<'a> {
    name: &'a NetworkName,
    key_incarnation: Incarnation,
    snapshot: Snapshot,
    keys: Option<&'a Keys>,
    position: Position,
    recorded_at: Timestamp,
    directory: Directory,
    frontier: Frontier,
    retractions: BTreeMap<u64, u64>,
    names: BTreeMap<u32, u64>,
    authority: Authority,
    erased: Erased,
    expected: Expected,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        name: &'a NetworkName,
        key_incarnation: Incarnation,
        snapshot: Snapshot,
        keys: Option<&'a Keys>,
    ) -> Self {
        Self {
            name,
            key_incarnation,
            snapshot,
            keys,
            position: Position::ZERO,
            recorded_at: Timestamp::MIN,
            directory: Directory::default(),
            frontier: Frontier::new(),
            retractions: BTreeMap::new(),
            names: BTreeMap::new(),
            authority: Authority::default(),
            erased: Erased::default(),
            expected: Expected::default(),
        }
    }

    /// Checks every entry and its rows.
    pub(super) fn check_all(&mut self, report: &mut Report, mut progress: impl FnMut(u64)) -> Result<(), ReadError> {
        loop {
            let part = self.read_part(report)?;
            if part.is_empty() {
                return Ok(());
            }
            for (position, bytes) in part {
                if position != self.position.next() {
                    self.report(report, Some(position), "entries", "an entry before this one is missing");
                }
                self.position = position;
                self.check_entry(&bytes, report)?;
                report.entries += 1;
                if report.entries.is_multiple_of(PROGRESS_ENTRIES) {
                    progress(report.entries);
                }
            }
        }
    }

    /// The next entries; a malformed block is reported and skipped.
    fn read_part(&self, report: &mut Report) -> Result<Vec<(Position, Bytes)>, ReadError> {
        let mut part = Vec::new();
        for entry in self.snapshot.range(self.position, Position::new(u64::MAX))?.take(limits::CHECK_ENTRIES_AT_ONCE) {
            match entry {
                Ok(entry) => part.push(entry),
                Err(BlocksError::Malformed) => {
                    let after = part.last().map_or(self.position, |(position, _)| *position);
                    self.report(report, Some(after.next()), "entries", "the block with this entry is malformed");
                }
                Err(BlocksError::Storage(error)) => return Err(error.into()),
            }
        }
        Ok(part)
    }

    fn report(
        &self,
        report: &mut Report,
        position: Option<Position>,
        table: &'static str,
        what: impl Into<Cow<'static, str>>,
    ) {
        report.add(Problem { network: Some(self.name.clone()), position, table: table.into(), what: what.into() });
    }

    fn wrong(&self, report: &mut Report, table: &'static str, what: &'static str) {
        self.report(report, Some(self.position), table, what);
    }

    fn check_entry(&mut self, bytes: &Bytes, report: &mut Report) -> Result<(), ReadError> {
        self.check_leaf(bytes, report)?;
        let Ok(entry) = Entry::decode(bytes) else {
            self.wrong(report, "entries", "the entry does not decode");
            return Ok(());
        };
        if entry.encode() != *bytes {
            self.wrong(report, "entries", "the entry is not in canonical form");
        }
        if entry.position != self.position {
            self.wrong(report, "entries", "the entry states another position");
        }
        if entry.recorded_at < self.recorded_at {
            self.wrong(report, "entries", "the entry was recorded before the one before it");
        }
        self.recorded_at = entry.recorded_at;
        let Ok(event) = entry.event() else {
            self.wrong(report, "entries", "the event does not decode");
            return Ok(());
        };
        self.check_event(&entry, &event, report)
    }

    fn check_event(&mut self, entry: &Entry, event: &Event, report: &mut Report) -> Result<(), ReadError> {
        if self.snapshot.recorded(&event.id)?.is_some_and(|position| position < self.position) {
            self.wrong(report, "entries", "the event was recorded before");
        }
        if !self.apply(entry, event) {
            self.wrong(report, "entries", "the event names somebody or something that did not exist");
            return Ok(());
        }
        self.check_outline(entry, event, report)?;
        if self.erased.apply(entry, event, &self.snapshot)? {
            self.wrong(report, "details", "a detail that this entry erases is still there");
        }
        self.check_details(event, report)
    }

    fn check_leaf(&mut self, bytes: &Bytes, report: &mut Report) -> Result<(), ReadError> {
        let (leaf, index) = (leaf_hash(bytes), self.frontier.size());
        let nodes = self.snapshot.nodes()?;
        if stored(nodes.leaves(index, index + 1))? != Some(vec![leaf]) {
            self.wrong(report, "leaves", "the hash of the entry is missing or wrong");
        }
        if let Some(Subtree { start, hash, .. }) = self.frontier.push(leaf) {
            let number = start / SUBTREE_LEAVES;
            if stored(nodes.subtrees(number, number + 1))? != Some(vec![hash]) {
                self.wrong(report, "subtrees", "the root of the subtree that ends here is missing or wrong");
            }
        }
        Ok(())
    }

    /// Applies what an event says about directory, tokens and retractions; returns false if it contradicts what came
    /// before.
    fn apply(&mut self, entry: &Entry, event: &Event) -> bool {
        match &event.fact {
            Fact::Directory(DirectoryFact::PersonChanged(changed))
                if self.directory.person(&changed.person).is_none() =>
            {
                return false;
            }
            Fact::Retracted(retracted) => match self.snapshot.recorded(&retracted.event) {
                Ok(Some(target)) if target < self.position => {
                    self.retractions.entry(target.get()).or_insert(self.position.get());
                }
                Ok(Some(_) | None) | Err(_) => return false,
            },
            Fact::Administration(_) => self.authority.apply(event, entry),
            Fact::Habit(_) | Fact::Custom(_) | Fact::Directory(_) | Fact::Newer(_) => {}
        }
        self.directory.apply(event, self.position);
        true
    }

    fn handle_of(&self, person: &PersonId) -> Option<u32> {
        self.directory.person(person).map(|person| person.handle)
    }

    fn check_outline(&mut self, entry: &Entry, event: &Event, report: &mut Report) -> Result<(), ReadError> {
        let header = Header::resolve(entry, event, |id| match self.snapshot.recorded(id)? {
            Some(position) => {
                let entry = self.snapshot.entry(position)?;
                Ok(entry.event().ok().map(|event| (entry, event)))
            }
            None => Ok::<_, ReadError>(None),
        });
        let header = match header {
            Ok(header) => header,
            Err(ReadError::Damaged(_)) => {
                self.wrong(report, "entries", "the event that this one names cannot be read");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let Some(outline) = Outline::of(&header, event, |person| self.handle_of(person)) else {
            self.wrong(report, "entries", "somebody in the event is not in the directory");
            return Ok(());
        };
        self.index(event.id, &outline, report)?;
        self.check_index_rows(&outline, report)
    }

    /// Adds an entry to the index of its chunk; if it begins a new chunk, compares the rows of the previous one.
    fn index(&mut self, id: EventId, outline: &Outline, report: &mut Report) -> Result<(), ReadError> {
        if chunk_of(self.position.get()) != self.snapshot.open_chunk().number() {
            let next = self.snapshot.open_chunk().next(self.position);
            let complete = std::mem::replace(self.snapshot.open_chunk_mut(), next);
            self.check_chunk(&complete, report)?;
        }
        self.snapshot.open_chunk_mut().add(self.position, id, &outline.people);
        Ok(())
    }

    fn check_chunk(&mut self, chunk: &Chunk, report: &mut Report) -> Result<(), ReadError> {
        let (n, transaction) = (self.snapshot.network(), self.snapshot.transaction());
        let (ids, people) = (transaction.open_table(tables::IDS)?, transaction.open_table(tables::PEOPLE)?);
        for (id, position) in chunk.sorted_ids() {
            self.expected.ids += 1;
            if ids::find(&ids, n, id)? != Some(position) {
                let position = Some(Position::new(position));
                self.report(report, position, "ids", "the row of the event's id is missing or wrong");
            }
        }
        for (first, row) in chunk.people_rows() {
            self.expected.people += 1;
            if people.get((n, chunk.number(), first))?.is_none_or(|found| found.value() != row) {
                let from = Some(chunk.first());
                self.report(report, from, "people", "the row of people in the chunk from here is missing or wrong");
            }
        }
        Ok(())
    }

    fn check_index_rows(&mut self, outline: &Outline, report: &mut Report) -> Result<(), ReadError> {
        let (n, at, transaction) = (self.snapshot.network(), self.position.get(), self.snapshot.transaction());
        if outline.common {
            self.expected.common += 1;
            if transaction.open_table(tables::COMMON)?.get((n, at))?.is_none() {
                self.wrong(report, "common", "the row of the entry is missing");
            }
        }
        if let Some(organisation) = &outline.restricted {
            self.expected.restricted += 1;
            let row = transaction.open_table(tables::RESTRICTED)?.get((n, at))?;
            if row.is_none_or(|row| row.value() != organisation.as_str().as_bytes()) {
                self.wrong(report, "restricted", "the row of the entry is missing or names another organisation");
            }
        }
        Ok(())
    }

    fn check_details(&mut self, event: &Event, report: &mut Report) -> Result<(), ReadError> {
        if event.details.is_empty() {
            return Ok(());
        }
        self.expected.details += 1;
        let stored = match self.snapshot.details(self.position) {
            Ok(stored) if stored.len() == event.details.len() => stored,
            Ok(_) | Err(ReadError::Damaged(_)) => {
                self.wrong(report, "details", "the row is missing, malformed or has another number of details");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for detail in &stored {
            let named = match detail {
                Stored::Sealed(sealed) => event.names(sealed.kind, &sealed.subjects),
                Stored::Erased { kind: DetailKind::Name, .. } => event.person_described(),
                Stored::Erased { .. } => None,
            };
            if let Some(handle) = named.and_then(|person| self.handle_of(person)) {
                self.names.insert(handle, self.position.get());
            }
        }
        self.check_stored(event, &stored, report)
    }

    fn check_stored(&mut self, event: &Event, stored: &[Stored], report: &mut Report) -> Result<(), ReadError> {
        let subjects: BTreeSet<_> =
            stored.iter().filter_map(Stored::sealed).flat_map(|sealed| &sealed.subjects).collect();
        let subjects: Vec<_> = subjects.into_iter().collect();
        let keys = self.keys.map(|keys| keys.find_people(self.key_incarnation, &subjects)).transpose()?;
        for (index, stored) in stored.iter().enumerate() {
            let sealed = match stored {
                Stored::Sealed(sealed) => sealed,
                Stored::Erased { by, .. } => {
                    report.details_erased += 1;
                    self.erased.note_gone(self.position, event.id, index, *by);
                    continue;
                }
            };
            let keyless =
                sealed.subjects.iter().filter(|person| keys.as_ref().is_some_and(|keys| !keys.contains_key(*person)));
            self.erased.note_there(self.position, &sealed.subjects, keyless);
            let Some(keys) = keys.as_ref().filter(|keys| sealed.has_keys(keys)) else {
                report.details_closed += 1;
                continue;
            };
            match sealed.open(Binding { incarnation: self.key_incarnation, event: event.id, index }, keys) {
                Some(detail) if detail.commitment() == event.details[index] => report.details_opened += 1,
                Some(_) => self.wrong(report, "details", "a detail does not match its commitment"),
                None => self.wrong(report, "details", "a detail does not open with the keys of its subjects"),
            }
        }
        Ok(())
    }

    /// Checks the rows that follow from all entries together, and adds up the expected rows.
    pub(super) fn finish(mut self, report: &mut Report, expected: &mut Expected) -> Result<(), ReadError> {
        self.check_head(report)?;
        self.check_retractions(report)?;
        self.forget_erased_names()?;
        self.check_names(report)?;
        for (position, table, what) in self.erased.finish(self.keys, self.key_incarnation)? {
            report.keys_missing += u64::from(table == MISSING_KEYS);
            self.report(report, position, table, what);
        }
        for what in tokens::compare(&self.authority, &self.snapshot)? {
            self.report(report, None, "tokens", what);
        }
        let own = &mut self.expected;
        own.heads = u64::from(self.position != Position::ZERO);
        own.entries = count_blocks(&self.snapshot)?;
        own.retractions = self.retractions.len() as u64;
        own.names = self.names.len() as u64;
        own.tokens = tokens::count(&self.authority);
        own.leaves = self.frontier.size().div_ceil(ROW_LEAVES);
        own.subtrees = self.frontier.size() / SUBTREE_LEAVES;
        expected.add(own);
        Ok(())
    }

    fn check_head(&self, report: &mut Report) -> Result<(), ReadError> {
        let table = self.snapshot.transaction().open_table(tables::HEADS)?;
        let found = table.get(self.snapshot.network())?;
        let expected = (self.position != Position::ZERO).then(|| {
            let (position, recorded_at) = (self.position, self.recorded_at);
            HeadRow { position, recorded_at, frontier: self.frontier.clone() }
        });
        if found.map(|row| row.value().to_vec()) != expected.map(|row| row.encode()) {
            self.report(report, None, "heads", "the head is not that of the entries");
        }
        Ok(())
    }

    fn check_retractions(&self, report: &mut Report) -> Result<(), ReadError> {
        let (n, table) = (self.snapshot.network(), self.snapshot.transaction().open_table(tables::RETRACTIONS)?);
        for (target, by) in &self.retractions {
            if table.get((n, *target))?.map(|row| row.value()) != Some(*by) {
                let position = Some(Position::new(*target));
                self.report(report, position, "retractions", "the row is missing or names another retraction");
            }
        }
        Ok(())
    }

    /// Names of people go with their erasure: when exactly is up to the server until it is completed.
    fn forget_erased_names(&mut self) -> Result<(), ReadError> {
        let (done, pending) = self.erased.people();
        let handle = |person: &&PersonId| self.directory.person(person).map(|person| person.handle);
        let mut gone: BTreeSet<_> = done.iter().filter_map(handle).collect();
        for handle in pending.iter().filter_map(handle) {
            if self.snapshot.named_at(handle)?.is_none() {
                gone.insert(handle);
            }
        }
        self.names.retain(|handle, _| !gone.contains(handle));
        Ok(())
    }

    fn check_names(&self, report: &mut Report) -> Result<(), ReadError> {
        for (handle, at) in &self.names {
            if self.snapshot.named_at(*handle)? != Some(Position::new(*at)) {
                let position = Some(Position::new(*at));
                self.report(report, position, "names", "the row of a person's newest name is missing or wrong");
            }
        }
        Ok(())
    }
}

/// Number of blocks of the network.
fn count_blocks(snapshot: &Snapshot) -> Result<u64, ReadError> {
    let (n, table) = (snapshot.network(), &snapshot.entries().table);
    Ok(table.range((n, 0)..=(n, u64::MAX))?.count() as u64)
}

/// Hashes that could be read; `None` if they are missing.
fn stored<T>(hashes: Result<T, NodesError>) -> Result<Option<T>, ReadError> {
    match hashes {
        Ok(hashes) => Ok(Some(hashes)),
        Err(NodesError::Missing) => Ok(None),
        Err(NodesError::Storage(error)) => Err(error.into()),
    }
}

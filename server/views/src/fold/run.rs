//! The entries that a view processes in one transaction: near the head those that came in, far behind it as many as
//! there is memory for.
//!
//! The result does not depend on how many they are. A transaction writes a page of a table once, however many of its
//! entries change, so far behind the head larger runs mean that much less to write.

use super::{
    evaluate::EvaluateError,
    grouping::Grouped,
    intake::Intake,
    source::{Batch, Source, SourceError},
};
use crate::{
    contract::key::Key,
    file::people::Meaning,
    limits,
    plugin::abi::batch::FoldEvent,
    share::{cancel::Cancel, places::Places, portions::Portion, run_places::RunPlace},
};
use kith_core::{history::Budget, position::Position};
use std::{collections::BTreeMap, time::Duration};

/// Entries that are processed in one transaction, grouped by key.
pub(crate) struct Run {
    /// The position of the last one.
    pub(crate) last: Position,
    /// What they change besides the keys of their events.
    pub(crate) intake: Intake,
    /// Their events.
    pub(crate) grouped: Grouped,
    /// The keys of entries that they withdraw, with the position of the last such retraction.
    pub(crate) withdrawn: BTreeMap<Key, Position>,
    /// How many batches they are.
    pub(crate) batches: u32,
    /// Bytes of an event, and of what is collected for its key.
    event_bytes: usize,
    /// Memory for one batch, and for what is made of it.
    _batch: Portion,
    /// Memory for what is made of more.
    room: Option<RunPlace>,
}

/// Where a run begins and may end.
pub(crate) struct Span<'a> {
    /// The last position before it.
    pub(crate) after: Position,
    /// The head of the log.
    pub(crate) head: Position,
    /// The person each handle meant before it.
    pub(crate) meaning: &'a Meaning,
    /// Bytes that are collected for a key.
    pub(crate) key_bytes: usize,
    /// The most batches it may have.
    pub(crate) batches_max: u32,
    /// How long it may wait for memory for more than one.
    pub(crate) patience: Duration,
}

impl Run {
    /// Reads the next entries. Merges and their withdrawal change the keys of other entries, so they come in runs of a
    /// single batch.
    pub(crate) fn read(
        span: &Span<'_>,
        source: &Source,
        places: &Places,
        cancel: &Cancel,
    ) -> Result<Self, EvaluateError> {
        let portion = places.batches.take();
        let bytes = portion.bytes();
        let part_of = |most: usize| most / (limits::BATCH_BYTES_MAX / bytes);
        let budget = Budget { entries: part_of(limits::BATCH_ENTRIES_MAX), bytes };
        let next = |after: Position| -> Result<Batch, SourceError> {
            let mut batch = source.read(after, span.head, budget)?;
            batch.cut(source.routes(), part_of(limits::BATCH_EVENTS_MAX));
            if batch.last == after {
                batch.last = span.head.max(after);
            }
            Ok(batch)
        };
        let mut run = Self {
            last: span.after,
            intake: Intake::new(span.meaning.clone()),
            grouped: Grouped::default(),
            withdrawn: BTreeMap::new(),
            batches: 0,
            event_bytes: size_of::<FoldEvent>() + span.key_bytes,
            _batch: portion,
            room: None,
        };
        loop {
            let batch = next(run.last)?;
            let moves = batch.moves_people(source)?;
            if moves && run.batches > 0 {
                break;
            }
            run.take(&batch, source)?;
            let is_whole = moves || run.last >= span.head || run.batches >= span.batches_max;
            if is_whole || !run.has_room(part_of(limits::BATCH_EVENTS_MAX), span, places, cancel) {
                break;
            }
            cancel.check()?;
        }
        run.grouped.sort();
        Ok(run)
    }

    /// Whether there is memory to go on with a batch of up to `events`, which is counted as a batch and not as a run.
    fn has_room(&mut self, events: usize, span: &Span<'_>, places: &Places, cancel: &Cancel) -> bool {
        if self.room.is_none() {
            self.room = places.runs.take_within(span.patience, cancel);
            if let Some(room) = &self.room {
                self.grouped.reserve(room.bytes() / self.event_bytes + events);
            }
        }
        self.room.as_ref().is_some_and(|room| self.bytes() < room.bytes())
    }

    /// Whether it is a single batch for want of memory for more.
    pub(crate) fn lacks_memory(&self, head: Position) -> bool {
        self.room.is_none() && self.last < head
    }

    fn take(&mut self, batch: &Batch, source: &Source) -> Result<(), SourceError> {
        let known = self.intake.withdrawn.len();
        self.intake.take(&batch.entries, source)?;
        self.grouped.add(&batch.entries, source, &self.intake.meaning)?;
        let withdrawn = self.intake.withdrawn[known..].to_vec();
        for withdrawn in withdrawn.chunks(limits::ANEW_READ_ENTRIES) {
            self.note_withdrawn(withdrawn, source)?;
        }
        self.last = batch.last;
        self.batches += 1;
        Ok(())
    }

    /// Notes the keys of withdrawn entries. Includes keys that appear and disappear within the run: they can be queried
    /// as of positions in between.
    fn note_withdrawn(&mut self, withdrawn: &[(Position, Position)], source: &Source) -> Result<(), SourceError> {
        let positions: BTreeMap<Position, Position> = withdrawn.iter().copied().collect();
        let targets: Vec<Position> = withdrawn.iter().map(|(target, _)| *target).collect();
        for routable in source.routables_at(&targets)? {
            let position = positions[&routable.order.position];
            for key in routable.keys(&self.intake.meaning) {
                self.withdrawn.entry(key).and_modify(|last| *last = position.max(*last)).or_insert(position);
            }
        }
        Ok(())
    }

    /// Bytes of memory that the run takes until it is stored.
    fn bytes(&self) -> usize {
        /// A key in a tree, with its position and its share of the nodes.
        const WITHDRAWN_BYTES: usize = 48;
        self.grouped.bytes(self.event_bytes) + self.intake.bytes() + self.withdrawn.len() * WITHDRAWN_BYTES
    }
}

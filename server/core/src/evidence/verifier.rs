//! Verifies a bundle line by line.
//!
//! Invariant: what it keeps does not grow with the number of lines, apart from the erasures that details name.

use super::{EntryLine, EvidenceInvalid, Heading, Line, ShownDetail};
use crate::{
    checkpoint::{Checkpoint, VerifierKey},
    detail::{self, Detail},
    entry::Entry,
    event::{Administration, Event, Fact},
    id::EventId,
    limits::EVIDENCE_ERASURES_MAX,
    position::Position,
    tree::{Frontier, Subtree, leaf_hash},
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// The state of a verification.
#[derive(Debug)]
pub struct Verifier {
    checkpoint: Checkpoint,
    range: Option<(Position, Position)>,
    frontier: Frontier,
    /// What later entries must erase.
    claims: BTreeMap<Position, Claim>,
}

/// Details that are said to be erased by one entry.
#[derive(Debug)]
struct Claim {
    event: EventId,
    indexes: BTreeSet<usize>,
    /// Whether details of other events are said to be erased by it, too: only the erasure of a person does that.
    of_several: bool,
}

/// What a line shows. It counts once the whole bundle is verified.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// An entry.
    Entry(Box<ShownEntry>),
    /// Nothing of the entries in a subtree.
    LeftOut(Subtree),
}

/// An entry as a bundle shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownEntry {
    /// Its bytes.
    pub bytes: Bytes,
    /// The entry.
    pub entry: Entry,
    /// Its event.
    pub event: Event,
    /// The details that are disclosed, by index among the event's commitments.
    pub details: Vec<(usize, Detail)>,
    /// The details that are no more: index among the event's commitments, and position of the entry that erased them.
    pub erased: Vec<(usize, Position)>,
}

/// Whether an event erases a detail of another: it erases that detail, or all words about somebody. Whom an erased
/// detail was about is not known any more.
pub fn erases(event: &Event, of: EventId, index: usize) -> bool {
    match &event.fact {
        Fact::Administration(Administration::PersonErased { .. }) => true,
        Fact::Administration(Administration::DetailsErased { event, details, .. }) => {
            *event == of && details.iter().any(|erased| usize::try_from(*erased) == Ok(index))
        }
        Fact::Habit(_)
        | Fact::Custom(_)
        | Fact::Retracted(_)
        | Fact::Directory(_)
        | Fact::Administration(_)
        | Fact::Newer(_) => false,
    }
}

impl Verifier {
    /// Begins a bundle, if a key signed its checkpoint. The key in the heading does not count.
    pub fn begin(heading: &Heading, key: &VerifierKey) -> Result<Self, EvidenceInvalid> {
        let checkpoint = heading.checkpoint.verify(key)?.clone();
        let range = heading.complete_range();
        if let Some((first, last)) = range.filter(|(_, last)| last.get() > checkpoint.size) {
            return Err(EvidenceInvalid::RangeIncomplete { first, last });
        }
        Ok(Self { checkpoint, range, frontier: Frontier::new(), claims: BTreeMap::new() })
    }

    /// Takes the next line. After an error nothing more may be taken.
    pub fn take(&mut self, line: Line) -> Result<Shown, EvidenceInvalid> {
        match line {
            Line::LeftOut(subtree) => {
                self.leave_out(subtree)?;
                Ok(Shown::LeftOut(subtree))
            }
            Line::Entry(line) => Ok(Shown::Entry(Box::new(self.take_entry(line)?))),
        }
    }

    /// The checkpoint, if everything up to it was there and unchanged.
    pub fn finish(self) -> Result<Checkpoint, EvidenceInvalid> {
        let (found, size) = (self.frontier.size(), self.checkpoint.size);
        if found != size {
            return Err(EvidenceInvalid::CutOff { found, size });
        }
        if let Some(position) = self.claims.into_keys().next() {
            return Err(EvidenceInvalid::NotErased { position });
        }
        if self.frontier.root() != self.checkpoint.root {
            return Err(EvidenceInvalid::OtherRoot);
        }
        Ok(self.checkpoint)
    }

    fn leave_out(&mut self, subtree: Subtree) -> Result<(), EvidenceInvalid> {
        let size = self.checkpoint.size;
        let leaves = 1_u64.checked_shl(subtree.level.into());
        let end = leaves.and_then(|leaves| subtree.start.checked_add(leaves));
        let end = end.filter(|end| *end <= size).ok_or(EvidenceInvalid::BeyondCheckpoint { size })?;
        if let Some((first, last)) = self.range
            && subtree.start < last.get()
            && end >= first.get()
        {
            return Err(EvidenceInvalid::RangeIncomplete { first, last });
        }
        self.frontier.push_subtree(subtree)?;
        Ok(())
    }

    fn take_entry(&mut self, line: EntryLine) -> Result<ShownEntry, EvidenceInvalid> {
        let size = self.checkpoint.size;
        if self.frontier.size() >= size {
            return Err(EvidenceInvalid::BeyondCheckpoint { size });
        }
        let expected = Position::new(self.frontier.size()).next();
        let entry = Entry::decode(&line.entry).map_err(|_| EvidenceInvalid::malformed("an entry cannot be read"))?;
        for found in [line.position, entry.position] {
            if found != expected {
                return Err(EvidenceInvalid::OutOfPlace { expected, found });
            }
        }
        let event = entry.event().map_err(|_| EvidenceInvalid::malformed("an event cannot be read"))?;
        self.frontier.push(leaf_hash(&line.entry));
        self.settle(expected, &event)?;
        let (expected, found) = (event.details.len(), line.details.len());
        if expected != found {
            return Err(EvidenceInvalid::OtherDetails { expected, found });
        }
        let mut shown = ShownEntry { bytes: line.entry, entry, event, details: Vec::new(), erased: Vec::new() };
        for (index, detail) in line.details.into_iter().enumerate() {
            match detail {
                ShownDetail::Withheld => {}
                ShownDetail::Disclosed { salt, rest } => {
                    if detail::commitment_of(&salt, &rest) != shown.event.details[index] {
                        return Err(EvidenceInvalid::OtherWords { index });
                    }
                    let detail = Detail::read_apart(salt, &rest);
                    let detail = detail.map_err(|_| EvidenceInvalid::malformed("words cannot be read"))?;
                    shown.details.push((index, detail));
                }
                ShownDetail::Erased(by) => {
                    self.claim(shown.entry.position, by, shown.event.id, index)?;
                    shown.erased.push((index, by));
                }
            }
        }
        Ok(shown)
    }

    /// Notes that a later entry must erase a detail.
    fn claim(&mut self, at: Position, by: Position, event: EventId, index: usize) -> Result<(), EvidenceInvalid> {
        if by <= at || by.get() > self.checkpoint.size {
            return Err(EvidenceInvalid::NotErased { position: by });
        }
        if self.claims.len() >= EVIDENCE_ERASURES_MAX && !self.claims.contains_key(&by) {
            return Err(EvidenceInvalid::TooManyErasures);
        }
        let claim = self.claims.entry(by).or_insert(Claim { event, indexes: BTreeSet::new(), of_several: false });
        if claim.event == event {
            claim.indexes.insert(index);
        } else {
            claim.of_several = true;
        }
        Ok(())
    }

    /// Checks what was said about the entry at a position.
    fn settle(&mut self, position: Position, event: &Event) -> Result<(), EvidenceInvalid> {
        let Some(claim) = self.claims.remove(&position) else { return Ok(()) };
        let is_person = matches!(event.fact, Fact::Administration(Administration::PersonErased { .. }));
        let erases_all = claim.indexes.iter().all(|index| erases(event, claim.event, *index));
        if erases_all && (is_person || !claim.of_several) {
            return Ok(());
        }
        Err(EvidenceInvalid::NotErased { position })
    }
}

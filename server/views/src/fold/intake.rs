//! Processes the people, merges and retractions in a run of entries, before any of it is folded.
//!
//! Done at once for the whole run: a run ends with the state at its last position, however it was cut.

use super::source::{Source, SourceError};
use crate::{
    contract::Handle,
    file::{
        people::{Meaning, Merge, People},
        store::{StoreError, encode_person},
        tables::{MERGES, PEOPLE, RETRACTIONS},
    },
};
use kith_core::{
    event::{DirectoryFact, Event, Fact},
    id::{OrganisationId, PersonId},
    position::Position,
};
use redb::WriteTransaction;
use std::collections::{BTreeMap, HashMap};

/// Bytes of a person's record in memory, besides the record itself.
const PERSON_BYTES: usize = 48;

/// What a run changes besides the keys of its events.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    people: BTreeMap<Handle, Vec<u8>>,
    people_bytes: usize,
    merges: Vec<(Position, Merge)>,
    retractions: Vec<(Position, Position)>,
    /// The person each handle means after the run.
    pub(crate) meaning: Meaning,
    /// The changes that led to it, in order.
    pub(crate) moves: Vec<Move>,
    /// Withdrawn entries, except for merges, with the positions of their retractions.
    pub(crate) withdrawn: Vec<(Position, Position)>,
}

/// An entry that changes which people handles mean.
#[derive(Debug)]
pub(crate) struct Move {
    /// The entry.
    pub(crate) position: Position,
    /// The handles that mean somebody else from then on.
    pub(crate) handles: Vec<Handle>,
    cause: Cause,
}

#[derive(Debug, Clone, Copy)]
enum Cause {
    Merged(Merge),
    MergeWithdrawn,
}

impl Move {
    /// Updates the meaning from before the entry to after it.
    pub(crate) fn apply(&self, meaning: &mut Meaning, people: &People) {
        match self.cause {
            Cause::Merged(merge) => drop(meaning.merge(merge)),
            Cause::MergeWithdrawn => *meaning = people.meaning(self.position),
        }
    }
}

impl Intake {
    /// Nothing yet; handles mean these people.
    pub(crate) fn new(meaning: Meaning) -> Self {
        Self { meaning, ..Self::default() }
    }

    /// Processes the next entries in order of position; new people are known at once.
    pub(crate) fn take(&mut self, entries: &[(Position, Event)], source: &Source) -> Result<(), SourceError> {
        let mut targets = HashMap::new();
        for (position, event) in entries {
            let Fact::Retracted(retracted) = &event.fact else { continue };
            let target = source.position_of(&retracted.event)?;
            targets.extend(target.filter(|target| target < position).map(|target| (*position, target)));
        }
        let mut people = source.people_mut();
        for (position, event) in entries {
            self.take_fact(*position, &event.fact, &targets, &mut people);
        }
        Ok(())
    }

    /// Bytes of memory that this takes, except for merges.
    pub(crate) fn bytes(&self) -> usize {
        self.people_bytes + self.retractions.len() * size_of::<(Position, Position)>() * 2
    }

    fn take_fact(
        &mut self,
        position: Position,
        fact: &Fact,
        targets: &HashMap<Position, Position>,
        people: &mut People,
    ) {
        match fact {
            Fact::Directory(DirectoryFact::PersonAdded(added)) => {
                let organisation = added.organisation.as_ref();
                let handle = people.add(added.person.clone(), organisation);
                self.note_person(handle, organisation, &added.person);
            }
            Fact::Directory(DirectoryFact::PersonChanged(changed)) => {
                if let Some(handle) = people.handle(&changed.person) {
                    let organisation = changed.organisation.as_ref();
                    people.join(handle, organisation);
                    self.note_person(handle, organisation, &changed.person);
                }
            }
            Fact::Directory(DirectoryFact::PeopleMerged(merged)) => {
                if let (Some(kept), Some(merged)) = (people.handle(&merged.kept), people.handle(&merged.merged)) {
                    self.take_merge(position, Merge { kept, merged }, people);
                }
            }
            Fact::Retracted(_) => {
                if let Some(target) = targets.get(&position) {
                    self.take_retraction(*target, position, people);
                }
            }
            Fact::Habit(_)
            | Fact::Custom(_)
            | Fact::Directory(DirectoryFact::OrganisationAdded(_))
            | Fact::Administration(_)
            | Fact::Newer(_) => {}
        }
    }

    fn note_person(&mut self, handle: Handle, organisation: Option<&OrganisationId>, id: &PersonId) {
        let record = encode_person(organisation, id);
        self.people_bytes += record.len() + PERSON_BYTES;
        if let Some(before) = self.people.insert(handle, record) {
            self.people_bytes -= before.len() + PERSON_BYTES;
        }
    }

    fn take_merge(&mut self, position: Position, merge: Merge, people: &mut People) {
        people.merge(position, merge);
        self.merges.push((position, merge));
        let handles = self.meaning.merge(merge);
        self.moves.push(Move { position, handles, cause: Cause::Merged(merge) });
    }

    fn take_retraction(&mut self, target: Position, position: Position, people: &mut People) {
        if people.is_retracted(target, position) {
            return;
        }
        people.retract(target, position);
        self.retractions.push((target, position));
        if people.merge_at(target).is_none() {
            self.withdrawn.push((target, position));
            return;
        }
        let meaning = people.meaning(position);
        let handles = self.meaning.difference(&meaning);
        self.moves.push(Move { position, handles, cause: Cause::MergeWithdrawn });
        self.meaning = meaning;
    }

    /// Stores the changes.
    pub(crate) fn write(&self, write: &WriteTransaction) -> Result<(), StoreError> {
        if !self.people.is_empty() {
            let mut people = write.open_table(PEOPLE)?;
            for (handle, record) in &self.people {
                people.insert(handle, record.as_slice())?;
            }
        }
        if !self.merges.is_empty() {
            let mut merges = write.open_table(MERGES)?;
            for (position, merge) in &self.merges {
                merges.insert(position.get(), (merge.kept, merge.merged))?;
            }
        }
        if !self.retractions.is_empty() {
            let mut retractions = write.open_table(RETRACTIONS)?;
            for (target, position) in &self.retractions {
                retractions.insert(target.get(), position.get())?;
            }
        }
        Ok(())
    }
}

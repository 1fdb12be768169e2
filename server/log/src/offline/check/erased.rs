//! What must be gone, and what must not: details, keys and names, compared with the erasures of the entries.
//!
//! Invariant: what is missing without an entry that erases it is a problem, and so is what a completed erasure left.

use crate::{error::ReadError, state::snapshot::Snapshot};
use kith_core::{
    entry::Entry,
    erasures::Erasures,
    event::{Administration, Event, Fact},
    id::{EventId, PersonId},
    position::Position,
};
use kith_words::{Incarnation, Keys, Stored};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// The table of problems that are only of the keys.
pub(super) const MISSING_KEYS: &str = "person_keys";

/// What is wrong, where, and in which table.
pub(super) type Finding = (Option<Position>, &'static str, Cow<'static, str>);

/// What the entries read so far erase, and what was found of details.
#[derive(Default)]
pub(super) struct Erased {
    erasures: Erasures,
    /// An entry for each place where a detail is erased, by the position of the entry that did it.
    gone: BTreeMap<Position, Vec<(Position, EventId, usize)>>,
    /// Everybody whom a detail is about, with the first of them.
    subjects: BTreeMap<PersonId, Position>,
    /// Those without a key, with the first detail that needs it.
    keyless: BTreeMap<PersonId, Position>,
}

impl Erased {
    /// Applies an event. Returns whether it erases a detail that is still there.
    pub(super) fn apply(&mut self, entry: &Entry, event: &Event, snapshot: &Snapshot) -> Result<bool, ReadError> {
        self.erasures.apply(event, entry);
        let Fact::Administration(Administration::DetailsErased { event, details, .. }) = &event.fact else {
            return Ok(false);
        };
        let Some(position) = snapshot.recorded(event)? else { return Ok(true) };
        let row = snapshot.details(position)?;
        Ok(details.iter().any(|index| !matches!(row.get(*index as usize), Some(Stored::Erased { .. }))))
    }

    /// Notes a detail that is erased.
    pub(super) fn note_gone(&mut self, position: Position, event: EventId, index: usize, by: Position) {
        self.gone.entry(by).or_default().push((position, event, index));
    }

    /// Notes a detail that is there, and which of its subjects have no key.
    pub(super) fn note_there<'a>(
        &mut self,
        position: Position,
        subjects: &[PersonId],
        keyless: impl Iterator<Item = &'a PersonId>,
    ) {
        for subject in subjects {
            self.subjects.entry(subject.clone()).or_insert(position);
        }
        for subject in keyless {
            self.keyless.entry(subject.clone()).or_insert(position);
        }
    }

    /// The people whose erasure is completed, whose names must be gone, and those whose erasure is not.
    pub(super) fn people(&self) -> (BTreeSet<&PersonId>, BTreeSet<&PersonId>) {
        let (mut done, mut pending) = (BTreeSet::new(), BTreeSet::new());
        for (person, erasure) in self.erasures.people() {
            if erasure.completion.is_some() {
                done.insert(person)
            } else {
                pending.insert(person)
            };
        }
        (done, pending)
    }

    /// What is wrong once all entries were read.
    pub(super) fn finish(&self, keys: Option<&Keys>, incarnation: Incarnation) -> Result<Vec<Finding>, ReadError> {
        let mut wrong = Vec::new();
        let of_people: BTreeSet<_> = self.erasures.people().map(|(_, erasure)| erasure.position).collect();
        for (by, details) in &self.gone {
            if of_people.contains(by) {
                continue;
            }
            for (position, event, index) in details {
                if self.erasures.detail(event, *index) != Some(*by) {
                    wrong.push((Some(*position), "details", "a detail is erased by no entry".into()));
                }
            }
        }
        // A log that was restored may be older than the erasure, which the keys remember.
        let remembered = keys.map(Keys::erased).transpose()?.unwrap_or_default();
        let remembered: BTreeSet<_> = remembered
            .into_iter()
            .filter(|doomed| doomed.incarnation == incarnation)
            .map(|doomed| doomed.person)
            .collect();
        for (person, position) in &self.keyless {
            if self.erasures.of(person).is_none() && !remembered.contains(person) {
                let what = format!("the key of {person} is missing, and no entry erases them");
                wrong.push((Some(*position), MISSING_KEYS, what.into()));
            }
        }
        let (done, _) = self.people();
        for person in &done {
            if let Some(position) = self.subjects.get(*person) {
                let what = format!("a detail about {person} is there, who was erased");
                wrong.push((Some(*position), "details", what.into()));
            }
        }
        if let Some(keys) = keys {
            let done: Vec<_> = done.into_iter().collect();
            for (person, _) in keys.find_people(incarnation, &done)? {
                wrong.push((None, "erased", format!("the key of {person} is there, who was erased").into()));
            }
        }
        Ok(wrong)
    }
}

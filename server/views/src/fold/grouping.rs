//! Groups events by their keys, and writes the index in which they are found again.
//!
//! The index names people as entries do, so merges and their withdrawal never change it.

use super::{
    evaluate::{EvaluateError, meant_key},
    intake::Intake,
    routing::Routable,
    source::{Source, SourceError},
};
use crate::{
    contract::{Handle, KeyShape, key::Key},
    file::{
        people::Meaning,
        place::Place,
        store::StoreError,
        tables::{MENTIONS, PLACES, SECONDS, mention_bytes},
    },
    plugin::abi::batch::FoldEvent,
    share::cancel::Cancel,
};
use kith_core::{event::Event, position::Position};
use redb::WriteTransaction;

/// Events by key, and their places in the index.
#[derive(Debug, Default)]
pub(crate) struct Grouped {
    /// The places of events that may be folded under other keys than those of the index.
    places: Vec<Place>,
    mentions: Vec<(Handle, Position)>,
    events: Vec<FoldEvent>,
    /// Whether events may be folded under other keys than those of the index.
    is_merged: bool,
    extras_bytes: usize,
}

impl Grouped {
    /// Adds entries after merges are resolved; the same people mean the same for all that are added.
    pub(crate) fn add(
        &mut self,
        entries: &[(Position, Event)],
        source: &Source,
        meaning: &Meaning,
    ) -> Result<(), SourceError> {
        self.is_merged = !meaning.is_plain();
        for (position, event) in entries {
            if let Some(routable) = source.routable(*position, event)? {
                self.add_one(&routable, meaning);
            }
        }
        Ok(())
    }

    fn add_one(&mut self, routable: &Routable, meaning: &Meaning) {
        let (events, places) = (self.events.len(), self.places.len());
        routable.route(meaning, |event| self.events.push(event));
        if self.is_merged {
            let order = routable.order;
            self.places.extend(routable.keys(&Meaning::default()).into_iter().map(|key| Place { key, order }));
        }
        let (events, places) = (&self.events[events..], &self.places[places..]);
        self.extras_bytes += events.first().map_or(0, |event| event.extras.bytes());
        let is_shown = |person: Handle| {
            let has = |key: Key| key.a == person || key.b == person;
            if self.is_merged {
                places.iter().any(|place| has(place.key))
            } else {
                events.iter().any(|event| has(event.key))
            }
        };
        let hidden = routable.people().into_iter().filter(|person| !is_shown(*person));
        self.mentions.extend(hidden.map(|person| (person, routable.order.position)));
    }

    /// Sorts what was added. Must be called before the following.
    pub(crate) fn sort(&mut self) {
        self.places.sort_unstable();
        self.mentions.sort_unstable();
        self.events.sort_unstable();
    }

    /// Makes room for a number of events. Room that is not used takes no memory.
    pub(crate) fn reserve(&mut self, fit: usize) {
        self.events.reserve_exact(fit.saturating_sub(self.events.len()));
    }

    /// Bytes of memory that this takes, if an event takes so many.
    pub(crate) fn bytes(&self, event_bytes: usize) -> usize {
        let (places, mentions) = (self.places.len(), self.mentions.len());
        let lists = places * size_of::<Place>() + mentions * size_of::<(Handle, Position)>();
        self.events.len() * event_bytes + 2 * lists + self.extras_bytes
    }

    /// Leaves out events of entries that are withdrawn as of a position. Their places stay in the index.
    pub(crate) fn drop_withdrawn(&mut self, source: &Source, as_of: Position) {
        let people = source.people();
        self.events.retain(|event| !people.is_retracted(event.order.position, as_of));
    }

    /// Each key with its events in fold order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (Key, &[FoldEvent])> {
        self.events.chunk_by(|one, other| one.key == other.key).map(|events| (events[0].key, events))
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        let events = if self.is_merged { &[] } else { self.events.as_slice() };
        self.places.iter().copied().chain(events.iter().map(|event| Place { key: event.key, order: event.order }))
    }

    /// Stores the places. The second people of keys are stored later with the keys' records, unless the entries of a
    /// key are folded under another key, or the run itself looks up entries of people who mean somebody else now.
    pub(crate) fn write(
        &self,
        write: &WriteTransaction,
        intake: &Intake,
        shape: KeyShape,
        cancel: &Cancel,
    ) -> Result<(), EvaluateError> {
        self.write_places(write, cancel)?;
        Ok(self.write_people(write, intake, shape)?)
    }

    fn write_places(&self, write: &WriteTransaction, cancel: &Cancel) -> Result<(), EvaluateError> {
        let mut places = write.open_table(PLACES).map_err(StoreError::from)?;
        let mut last = None;
        for (step, place) in self.places().enumerate() {
            cancel.check_at(step)?;
            // An entry may come under a key by several routes.
            if last.replace(place) != Some(place) {
                places.insert(&place.to_bytes(), ()).map_err(StoreError::from)?;
            }
        }
        Ok(())
    }

    fn write_people(&self, write: &WriteTransaction, intake: &Intake, shape: KeyShape) -> Result<(), StoreError> {
        if !(intake.meaning.is_plain() && intake.moves.is_empty()) {
            let mut seconds = write.open_table(SECONDS)?;
            let mut last = None;
            for key in self.places().map(|place| place.key) {
                if last.replace(key) == Some(key) {
                    continue;
                }
                let comes_under_another = meant_key(key, &intake.meaning, shape) != Some(key);
                if key.b != 0 && (comes_under_another || !intake.moves.is_empty()) {
                    seconds.insert(&key.swapped().to_bytes(), ())?;
                }
            }
        }
        if !self.mentions.is_empty() {
            let mut mentions = write.open_table(MENTIONS)?;
            for (handle, position) in &self.mentions {
                mentions.insert(&mention_bytes(*handle, *position), ())?;
            }
        }
        Ok(())
    }
}

//! Groups events by their keys, and writes the index in which they are found again.
//!
//! The index names people as entries do, so merges and their withdrawal never change it.

use super::{
    evaluate::meant_key,
    intake::Intake,
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
    /// Whether events are folded under the keys of the index.
    is_plain: bool,
}

impl Grouped {
    /// Groups entries after merges are resolved, with retractions as of a position.
    pub(crate) fn of(entries: &[(Position, Event)], source: &Source, meaning: &Meaning) -> Result<Self, SourceError> {
        let mut grouped = Self { is_plain: meaning.is_plain(), ..Self::default() };
        for (position, event) in entries {
            grouped.add(*position, event, source, meaning)?;
        }
        grouped.places.sort_unstable();
        grouped.mentions.sort_unstable();
        grouped.events.sort_unstable();
        Ok(grouped)
    }

    fn add(
        &mut self,
        position: Position,
        event: &Event,
        source: &Source,
        meaning: &Meaning,
    ) -> Result<(), SourceError> {
        let Some(routable) = source.routable(position, event)? else { return Ok(()) };
        let (events, places) = (self.events.len(), self.places.len());
        routable.route(meaning, |event| self.events.push(event));
        if !self.is_plain {
            let order = routable.order;
            self.places.extend(routable.keys(&Meaning::default()).into_iter().map(|key| Place { key, order }));
        }
        let (events, places) = (&self.events[events..], &self.places[places..]);
        let is_shown = |person: Handle| {
            let is_in = |key: Key| key.people().any(|in_key| in_key == person);
            if self.is_plain {
                events.iter().any(|event| is_in(event.key))
            } else {
                places.iter().any(|place| is_in(place.key))
            }
        };
        let hidden = routable.people().into_iter().filter(|person| !is_shown(*person));
        self.mentions.extend(hidden.map(|person| (person, position)));
        Ok(())
    }

    /// Leaves out events of entries that are withdrawn as of a position. Their places stay in the index.
    pub(crate) fn without_withdrawn(mut self, source: &Source, as_of: Position) -> Self {
        let people = source.people();
        self.events.retain(|event| !people.is_retracted(event.order.position, as_of));
        self
    }

    /// Each key with its events in fold order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (Key, &[FoldEvent])> {
        self.events.chunk_by(|one, other| one.key == other.key).map(|events| (events[0].key, events))
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        let events = if self.is_plain { self.events.as_slice() } else { &[] };
        self.places.iter().copied().chain(events.iter().map(|event| Place { key: event.key, order: event.order }))
    }

    /// Stores the places. The second people of keys are stored later with the keys' records, unless the entries of a
    /// key are folded under another key, or the batch itself looks up entries of people who mean somebody else now.
    pub(crate) fn write(&self, write: &WriteTransaction, intake: &Intake, shape: KeyShape) -> Result<(), StoreError> {
        let mut places = write.open_table(PLACES)?;
        let mut last = None;
        for place in self.places() {
            // An entry may come under a key by several routes.
            if last.replace(place) != Some(place) {
                places.insert(&place.to_bytes(), ())?;
            }
        }
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

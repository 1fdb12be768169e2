//! Groups a batch's events by their keys, and writes the index in which they are found again.
//!
//! The index names people as entries do, so merges and their withdrawal never change it.

use super::{
    evaluate::{meant_key, sort_events},
    intake::Intake,
    source::{Source, SourceError},
};
use crate::{
    contract::{
        Handle, KeyShape,
        key::{Key, Order},
    },
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
use std::collections::{BTreeMap, BTreeSet};

/// Events by key, and their places in the index.
#[derive(Debug, Default)]
pub(crate) struct Grouped {
    places: Vec<Place>,
    mentions: Vec<(Handle, Position)>,
    /// Each key's events that are not withdrawn, in fold order.
    pub(crate) events: BTreeMap<Key, Vec<FoldEvent>>,
}

impl Grouped {
    /// Groups entries after merges are resolved, with retractions as of a position.
    pub(crate) fn of(
        entries: &[(Position, Event)],
        source: &Source,
        meaning: &Meaning,
        as_of: Position,
    ) -> Result<Self, SourceError> {
        let mut grouped = Self::default();
        let named = Meaning::default();
        for (position, event) in entries {
            let Some(routable) = source.routable(*position, event)? else { continue };
            let order = Order { at: routable.at, position: routable.position };
            let keys = routable.keys(&named);
            grouped.places.extend(keys.iter().map(|key| Place { key: *key, order }));
            let shown: BTreeSet<Handle> = keys.iter().flat_map(|key| key.people()).collect();
            let hidden = routable.people().into_iter().filter(|person| !shown.contains(person));
            grouped.mentions.extend(hidden.map(|person| (person, *position)));
            if !source.people().is_retracted(*position, as_of) {
                routable.route(meaning, |key, event| grouped.events.entry(key).or_default().push(event));
            }
        }
        grouped.places.sort_unstable();
        grouped.events.values_mut().for_each(|events| sort_events(events));
        Ok(grouped)
    }

    /// Stores the places. The second people of keys are stored later with the keys' records, unless the entries of a
    /// key are folded under another key, or the batch itself looks up entries of people who mean somebody else now.
    pub(crate) fn write(&self, write: &WriteTransaction, intake: &Intake, shape: KeyShape) -> Result<(), StoreError> {
        let mut places = write.open_table(PLACES)?;
        for place in &self.places {
            places.insert(&place.to_bytes(), ())?;
        }
        if !(intake.meaning.is_plain() && intake.moves.is_empty()) {
            let mut seconds = write.open_table(SECONDS)?;
            for key in self.places.chunk_by(|one, other| one.key == other.key).map(|places| places[0].key) {
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

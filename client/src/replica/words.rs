//! Personal words at rest: sealed under the keys of the people they are about, which lie in `keys/` beside the replica's
//! file.
//!
//! Invariant: words can be read only while the keys of all the people they are about are there. Everything that is sealed
//! belongs to one sealing, a random number in the replica's state: a new sealing ends all keys of the one before, so that
//! what free pages of the file still hold does not open.

use super::{
    erase::Erased,
    error::StoreError,
    keyring::Keyring,
    limits,
    rows::{OwnEvent, Pending, Refused},
    store::{Writing, change_state, decode},
    tables::{DETAILS, ENTRIES, NETWORK, OUTBOX, REFUSED, SETTLED},
};
use crate::{builder::NewEvent, entries::Recorded};
use kith_blocks::StoredEntries;
use kith_core::{
    detail::{Detail, DetailKind},
    event::Event,
    id::{EventId, PersonId},
    position::Position,
};
use kith_proto::v1;
use kith_words::{Binding, Doomed, Incarnation, Keys, Sealed, SharedKey, Stored, decode_all, encode_all};
use prost::Message;
use redb::{ReadableTable, TableDefinition};
use std::collections::{BTreeSet, HashMap};

/// Stands in a row for a detail that did not come with its entry: a server may have lost a key.
const ABSENT: Stored = Stored::Erased { kind: DetailKind::Words, by: Position::ZERO };

/// A detail in its row, opened.
pub(super) enum Word {
    There(Detail),
    /// It was erased by the entry at a position.
    Erased(Position),
    /// It did not come with its entry.
    Absent,
}

/// Seals and opens words in one state of the replica.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    pub(super) ring: &'a Keyring,
    pub(super) sealing: Incarnation,
}

impl<'a> Words<'a> {
    fn keys(&self) -> Result<&'a Keys, StoreError> {
        self.ring.keys(self.sealing)
    }

    /// The row of an entry's details; `None` if it has none.
    fn seal_entry(
        &self,
        recorded: &Recorded,
        keys: &HashMap<PersonId, SharedKey>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        if recorded.details.is_empty() && recorded.erased.is_empty() {
            return Ok(None);
        }
        let mut row = vec![ABSENT; recorded.event.details.len()];
        for (index, by) in &recorded.erased {
            let place = row.get_mut(*index).ok_or(StoreError::Damaged("a detail has no commitment"))?;
            *place = Stored::Erased { kind: DetailKind::Words, by: *by };
        }
        for detail in &recorded.details {
            let commitment = detail.commitment();
            let index = recorded.event.details.iter().position(|found| *found == commitment);
            let index = index.ok_or(StoreError::Damaged("a detail has no commitment"))?;
            row[index] = self.seal(recorded.event.id, index, detail, keys);
        }
        Ok(Some(encode_all(&row)))
    }

    /// Makes the keys that the details of entries need: all at once, since each time waits for the disk.
    pub(super) fn make_keys<'e>(&self, entries: impl Iterator<Item = &'e Recorded>) -> Result<(), StoreError> {
        self.keys_of(entries.flat_map(|recorded| &recorded.details)).map(drop)
    }

    /// The rows of the details of entries, for those that have any. All keys that they need are on disk afterwards.
    pub(super) fn seal_entries(&self, entries: &[Recorded]) -> Result<Vec<(Position, Vec<u8>)>, StoreError> {
        let keys = self.keys_of(entries.iter().flat_map(|recorded| &recorded.details))?;
        let mut rows = Vec::new();
        for recorded in entries {
            if let Some(row) = self.seal_entry(recorded, &keys)? {
                rows.push((recorded.entry.position, row));
            }
        }
        Ok(rows)
    }

    /// Events of this device, as they are kept. All keys that they need are on disk afterwards.
    pub(super) fn seal_own(&self, events: &[&NewEvent]) -> Result<Vec<OwnEvent>, StoreError> {
        let keys = self.keys_of(events.iter().flat_map(|event| event.details()))?;
        let seal = |event: &&NewEvent| {
            let details = event.details().iter().enumerate();
            let row: Vec<_> = details.map(|(index, detail)| self.seal(event.id(), index, detail, &keys)).collect();
            OwnEvent { event: event.event().encode(), words: encode_all(&row) }
        };
        Ok(events.iter().map(seal).collect())
    }

    /// Opens an event of this device. Without details that were erased since it is another form of the same event.
    pub(super) fn open_own(&self, own: &OwnEvent) -> Result<NewEvent, StoreError> {
        let mut event = own.event()?;
        let words = self.open(event.id, &own.words)?;
        let (mut commitments, mut details) = (Vec::new(), Vec::new());
        for (commitment, word) in event.details.iter().zip(words) {
            if let Word::There(detail) = word {
                commitments.push(*commitment);
                details.push(detail);
            }
        }
        event.details = commitments;
        Ok(NewEvent::from_stored(event, details))
    }

    /// Opens a row of details.
    pub(super) fn open(&self, event: EventId, row: &[u8]) -> Result<Vec<Word>, StoreError> {
        let row = decode_all(row).ok_or(StoreError::Damaged("a row of words cannot be read"))?;
        let subjects: BTreeSet<_> = row.iter().filter_map(Stored::sealed).flat_map(|sealed| &sealed.subjects).collect();
        let keys = if subjects.is_empty() {
            HashMap::new()
        } else {
            self.keys()?.find_people(self.sealing, &Vec::from_iter(subjects))?
        };
        let open = |(index, stored): (usize, &Stored)| match stored {
            Stored::Erased { by: Position::ZERO, .. } => Ok(Word::Absent),
            Stored::Erased { by, .. } => Ok(Word::Erased(*by)),
            Stored::Sealed(sealed) if sealed.has_keys(&keys) => {
                let binding = Binding { incarnation: self.sealing, event, index };
                let detail = sealed.open(binding, &keys).ok_or(StoreError::Damaged("words do not open"))?;
                Ok(Word::There(detail))
            }
            Stored::Sealed(sealed) => self.erased_by(sealed).map(Word::Erased),
        };
        row.iter().enumerate().map(open).collect()
    }

    /// Which entry erased somebody whose key is gone.
    fn erased_by(&self, sealed: &Sealed) -> Result<Position, StoreError> {
        let mut first = None;
        for subject in &sealed.subjects {
            let by = self.keys()?.erased_at(self.sealing, subject)?;
            first = [first, by].into_iter().flatten().min();
        }
        first.ok_or(StoreError::Keys("the key of words that are here is missing"))
    }

    /// Those of some people who are erased, as far as is known here, with the positions of the entries that did it.
    pub(super) fn erased_among<'p>(&self, people: impl Iterator<Item = &'p PersonId>) -> Result<Erased, StoreError> {
        let keys = self.keys()?;
        let mut erased = Erased::new();
        for person in people.collect::<BTreeSet<_>>() {
            erased.extend(keys.erased_at(self.sealing, person)?.map(|position| (person.clone(), position)));
        }
        Ok(erased)
    }

    /// Destroys the keys of people.
    pub(super) fn destroy(&self, people: &Erased) -> Result<(), StoreError> {
        let doom = |(person, position): (&PersonId, &Position)| Doomed {
            incarnation: self.sealing,
            person: person.clone(),
            position: *position,
        };
        Ok(self.keys()?.destroy(&people.iter().map(doom).collect::<Vec<_>>())?)
    }

    fn seal(&self, event: EventId, index: usize, detail: &Detail, keys: &HashMap<PersonId, SharedKey>) -> Stored {
        Stored::Sealed(Sealed::seal(detail, Binding { incarnation: self.sealing, event, index }, keys))
    }

    fn keys_of<'d>(
        &self,
        details: impl Iterator<Item = &'d Detail>,
    ) -> Result<HashMap<PersonId, SharedKey>, StoreError> {
        let subjects: BTreeSet<_> = details.flat_map(|detail| &detail.subjects).collect();
        if subjects.is_empty() {
            return Ok(HashMap::new());
        }
        Ok(self.keys()?.find_or_make_people(self.sealing, &Vec::from_iter(subjects))?)
    }

    /// A row of details that were opened.
    fn seal_row(&self, event: EventId, words: &[Word], keys: &HashMap<PersonId, SharedKey>) -> Vec<u8> {
        let seal = |(index, word): (usize, &Word)| match word {
            Word::There(detail) => self.seal(event, index, detail, keys),
            Word::Erased(by) => Stored::Erased { kind: DetailKind::Words, by: *by },
            Word::Absent => ABSENT,
        };
        encode_all(&words.iter().enumerate().map(seal).collect::<Vec<_>>())
    }
}

impl Word {
    fn detail(&self) -> Option<&Detail> {
        match self {
            Self::There(detail) => Some(detail),
            Self::Erased(_) | Self::Absent => None,
        }
    }
}

impl OwnEvent {
    /// The event, which may commit to words that were erased since.
    pub(super) fn event(&self) -> Result<Event, StoreError> {
        Event::decode(&self.event).map_err(|_| StoreError::Damaged("an event of the outbox breaks a rule"))
    }
}

/// Words as the server sends them.
pub(super) fn to_proto(position: Position, words: Vec<Word>) -> v1::EntryDetails {
    let mut row = v1::EntryDetails { position: position.get(), ..v1::EntryDetails::default() };
    for (index, word) in (0..).zip(words) {
        match word {
            Word::There(detail) => row.details.push(detail.to_proto()),
            Word::Erased(by) => row.erased.push(v1::ErasedDetail { index, position: by.get() }),
            Word::Absent => {}
        }
    }
    row
}

/// What is known of erasures under a new sealing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Erasures {
    /// What was known under the one before.
    Kept,
    /// Nothing: the log that said so is discarded.
    Forgotten,
}

impl Writing<'_> {
    /// Seals everything that is here anew. The keys of the sealing before are to be ended once this is committed: see
    /// [`super::store::Store::end_old_sealings`].
    pub(super) fn seal_anew(&self, sealing: Incarnation, erasures: Erasures) -> Result<(), StoreError> {
        let old = self.words()?;
        let new = Words { sealing, ..old };
        // They are opened with the sealing that is committed.
        let keys = old.keys()?;
        keys.make_network(sealing)?;
        if erasures == Erasures::Kept {
            let known = keys.erased()?.into_iter().filter(|doomed| doomed.incarnation == old.sealing);
            keys.destroy(&known.map(|doomed| Doomed { incarnation: sealing, ..doomed }).collect::<Vec<_>>())?;
        }
        let entries = StoredEntries { network: NETWORK, table: self.open_table(ENTRIES)? };
        let details = |position, row: &[u8]| {
            let bytes = entries.find(Position::new(position))?.ok_or(StoreError::Damaged("words have no entry"))?;
            let recorded = Recorded::decode(&bytes).map_err(|_| StoreError::Damaged("an entry cannot be read"))?;
            Ok((recorded.event.id, row.to_vec()))
        };
        self.reseal(DETAILS, [old, new], details, |_, sealed| Ok(sealed))?;
        drop(entries);
        self.reseal_own(OUTBOX, [old, new], |row: &mut Pending| row.event.as_mut())?;
        self.reseal_own(REFUSED, [old, new], |row: &mut Refused| row.event.as_mut())?;
        self.reseal_own(SETTLED, [old, new], |row: &mut OwnEvent| Some(row))?;
        change_state(self, |state| state.sealing = sealing.to_vec())
    }

    /// Seals the words in the rows of a table anew. `words` gives them with their event, and `put` puts them back.
    fn reseal(
        &self,
        table: TableDefinition<'_, u64, &'static [u8]>,
        [old, new]: [Words<'_>; 2],
        words: impl Fn(u64, &[u8]) -> Result<(EventId, Vec<u8>), StoreError>,
        put: impl Fn(&[u8], Vec<u8>) -> Result<Vec<u8>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut table = self.open_table(table)?;
        let mut next = 0;
        loop {
            let mut rows = Vec::new();
            for row in table.range(next..)?.take(limits::RESEALED_AT_ONCE) {
                let (key, value) = row?;
                let (event, sealed) = words(key.value(), value.value())?;
                rows.push((key.value(), value.value().to_vec(), event, old.open(event, &sealed)?));
            }
            let Some((last, ..)) = rows.last() else { return Ok(()) };
            next = last + 1;
            // All keys at once, since each time waits for the disk.
            let keys = new.keys_of(rows.iter().flat_map(|(.., words)| words).filter_map(Word::detail))?;
            for (key, row, event, words) in rows {
                table.insert(key, put(&row, new.seal_row(event, &words, &keys))?.as_slice())?;
            }
        }
    }

    fn reseal_own<M: Message + Default>(
        &self,
        table: TableDefinition<'_, u64, &'static [u8]>,
        words: [Words<'_>; 2],
        own: fn(&mut M) -> Option<&mut OwnEvent>,
    ) -> Result<(), StoreError> {
        const NO_EVENT: StoreError = StoreError::Damaged("a row of the outbox has no event");
        let found = |_, row: &[u8]| {
            let mut row: M = decode(row)?;
            let own = own(&mut row).ok_or(NO_EVENT)?;
            Ok((own.event()?.id, std::mem::take(&mut own.words)))
        };
        let put = |row: &[u8], sealed| {
            let mut row: M = decode(row)?;
            own(&mut row).ok_or(NO_EVENT)?.words = sealed;
            Ok(row.encode_to_vec())
        };
        self.reseal(table, words, found, put)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::EventBuilder;
    use kith_core::{event::Met, timestamp::Timestamp};
    use kith_words::Key;
    use redb::backends::InMemoryBackend;
    use std::sync::Arc;

    const SEALING: Incarnation = [1; 16];

    fn ring() -> Keyring {
        let open = || {
            let database = redb::Builder::new().create_with_backend(InMemoryBackend::new())?;
            Ok(Keys::with_database(database, Key::new([7; 32]), None)?)
        };
        Keyring::new(Arc::new(open))
    }

    fn person(id: &str) -> PersonId {
        id.parse().unwrap()
    }

    fn event() -> NewEvent {
        let people = vec![person("amina"), person("ben")];
        let met = EventBuilder::new(Met { people: people.clone() }, Timestamp::from_millis(1));
        met.detail(DetailKind::Note, people, "both")
            .detail(DetailKind::Note, vec![person("ben")], "ben")
            .build()
            .unwrap()
    }

    #[test]
    fn an_event_without_the_words_is_the_same_event_to_the_log() {
        let (ring, event) = (ring(), event());
        let words = Words { ring: &ring, sealing: SEALING };
        let own = words.seal_own(&[&event]).unwrap().pop().unwrap();
        assert_eq!(words.open_own(&own).unwrap(), event);
        words.destroy(&HashMap::from([(person("amina"), Position::new(7))])).unwrap();
        let without = words.open_own(&own).unwrap();
        assert_eq!(without.event().content_hash(), event.event().content_hash());
        assert_eq!(without.details().iter().map(|detail| detail.text.as_str()).collect::<Vec<_>>(), ["ben"]);
        assert_eq!(without.event().details, [without.details()[0].commitment()]);
    }

    #[test]
    fn rows_keep_the_indexes_of_the_event_whatever_came_with_it() {
        let (ring, event) = (ring(), event());
        let words = Words { ring: &ring, sealing: SEALING };
        let mut recorded = Recorded {
            bytes: bytes::Bytes::new(),
            entry: kith_core::entry::Entry {
                position: Position::new(3),
                recorded_at: Timestamp::from_millis(2),
                recorded_by: "token:a".parse().unwrap(),
                organisation: None,
                event_bytes: event.to_proto().event,
                signature: None,
            },
            event: event.event().clone(),
            details: vec![event.details()[1].clone()],
            erased: Vec::new(),
        };
        let open = |recorded: &Recorded| {
            let rows = words.seal_entries(std::slice::from_ref(recorded)).unwrap();
            let opened = to_proto(rows[0].0, words.open(event.id(), &rows[0].1).unwrap());
            let erased = opened.erased.iter().map(|one| (one.index, one.position)).collect::<Vec<_>>();
            (opened.details.len(), erased)
        };
        assert_eq!(open(&recorded), (1, vec![]), "the first did not come");
        recorded.erased = vec![(0, Position::new(9))];
        assert_eq!(open(&recorded), (1, vec![(0, 9)]));
        let rows = words.seal_entries(std::slice::from_ref(&recorded)).unwrap();
        words.destroy(&HashMap::from([(person("ben"), Position::new(11))])).unwrap();
        let opened = to_proto(rows[0].0, words.open(event.id(), &rows[0].1).unwrap());
        let erased: Vec<_> = opened.erased.iter().map(|one| (one.index, one.position)).collect();
        assert_eq!(erased, [(0, 9), (1, 11)], "a key that is gone is an erasure");
        words.keys().unwrap().keep_network([2; 16]).unwrap();
        assert!(matches!(words.open(event.id(), &rows[0].1), Err(StoreError::Keys(_))));
    }
}

//! Entries as they arrive: the server's bytes, decoded on request.

use crate::error::Error;
use bytes::Bytes;
use kith_core::{detail::Detail, entry::Entry, event::Event, evidence::ShownEntry, position::Position};
use kith_proto::v1;
use std::collections::HashMap;

/// The entries of one message, in the requested order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entries {
    /// Each entry's bytes, exactly as stored and hashed.
    pub bytes: Vec<Bytes>,
    details: Vec<v1::EntryDetails>,
}

/// A decoded entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The entry's bytes.
    pub bytes: Bytes,
    /// The entry.
    pub entry: Entry,
    /// Its event.
    pub event: Event,
    /// The details that exist, as far as the caller may see them.
    pub details: Vec<Detail>,
    /// The details that are no more: index among the event's commitments, and position of the entry that erased them.
    pub erased: Vec<(usize, Position)>,
}

impl Recorded {
    /// Decodes an entry, without its details.
    pub fn decode(bytes: &Bytes) -> Result<Self, Error> {
        let entry = Entry::decode(bytes).map_err(Error::answer)?;
        let event = entry.event().map_err(Error::answer)?;
        Ok(Self { bytes: bytes.clone(), entry, event, details: Vec::new(), erased: Vec::new() })
    }

    /// An entry as an evidence bundle shows it.
    pub fn of_shown(shown: ShownEntry) -> Self {
        let ShownEntry { bytes, entry, event, details, erased } = shown;
        Self { bytes, entry, event, details: details.into_iter().map(|(_, detail)| detail).collect(), erased }
    }

    /// Decodes an entry that a row stands on, with its details.
    pub fn of_evidence(evidence: &v1::Evidence) -> Result<Self, Error> {
        Ok(Self { details: read(&evidence.details)?, ..Self::decode(&evidence.entry)? })
    }
}

impl Entries {
    pub(crate) fn new(bytes: Vec<Bytes>, details: Vec<v1::EntryDetails>) -> Self {
        Self { bytes, details }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Decodes all of them.
    pub fn decode(&self) -> Result<Vec<Recorded>, Error> {
        let details: HashMap<_, _> = self.details.iter().map(|entry| (entry.position, entry)).collect();
        let open = |bytes| {
            let mut recorded = Recorded::decode(bytes)?;
            if let Some(details) = details.get(&recorded.entry.position.get()) {
                recorded.details = read(&details.details)?;
                recorded.erased = details.erased.iter().map(erased).collect();
            }
            Ok(recorded)
        };
        self.bytes.iter().map(open).collect()
    }
}

fn erased(erased: &v1::ErasedDetail) -> (usize, Position) {
    (erased.index as usize, Position::new(erased.position))
}

fn read(details: &[v1::Detail]) -> Result<Vec<Detail>, Error> {
    details.iter().map(Detail::read).collect::<Result<_, _>>().map_err(Error::answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{builder::EventBuilder, error::Kind};
    use kith_core::{
        detail::DetailKind,
        event::{Fact, Habit, Met},
        timestamp::Timestamp,
    };

    #[test]
    fn details_find_their_entries() {
        let people = vec!["amina".parse().unwrap(), "ben".parse().unwrap()];
        let event =
            EventBuilder::new(Fact::Habit(Habit::Met(Met { people: people.clone() })), Timestamp::from_millis(1))
                .detail(DetailKind::Note, people, "spoke")
                .build()
                .unwrap();
        let entry = |position| Entry {
            position: Position::new(position),
            recorded_at: Timestamp::from_millis(2),
            recorded_by: "token:a".parse().unwrap(),
            organisation: None,
            event_bytes: event.to_proto().event,
            signature: None,
        };
        let gone = v1::ErasedDetail { index: 1, position: 9 };
        let details = v1::EntryDetails { position: 8, details: event.to_proto().details, erased: vec![gone] };
        let entries = Entries::new(vec![entry(7).encode(), entry(8).encode()], vec![details]);
        let opened = entries.decode().unwrap();
        assert!(opened[0].details.is_empty());
        assert_eq!(opened[1].details[0].text, "spoke");
        assert_eq!(opened[1].erased, [(1, Position::new(9))]);
        assert_eq!(opened[1].event.id, event.id());
        let evidence = v1::Evidence { entry: entry(8).encode(), share: None, details: event.to_proto().details };
        assert_eq!(Recorded::of_evidence(&evidence).unwrap(), Recorded { erased: Vec::new(), ..opened[1].clone() });
    }

    #[test]
    fn bytes_that_are_no_entry_are_a_malformed_answer() {
        let entries = Entries::new(vec![Bytes::from_static(b"\xff\xff")], Vec::new());
        assert_eq!(entries.decode().unwrap_err().kind(), Kind::AnswerInvalid);
    }
}

//! What erasures remove from a replica: details of entries, and words of events that are kept to be sent again.
//!
//! Invariant: they go in the transaction that stores the entry which erases them.

use super::{
    error::StoreError,
    outbox,
    part::id_key,
    rows,
    store::decode,
    tables::{DETAILS, IDS, OUTBOX, REFUSED, SETTLED},
};
use crate::entries::Recorded;
use kith_core::{
    event::{Administration, Fact},
    id::EventId,
    position::Position,
};
use kith_proto::v1;
use prost::Message;
use redb::{ReadableTable, WriteTransaction};
use std::collections::HashMap;

/// Removes what new entries erase: all at once, because every detail is looked at.
pub(super) fn erase_all(transaction: &WriteTransaction, entries: &[Recorded]) -> Result<(), StoreError> {
    let mut people = HashMap::new();
    for recorded in entries {
        match &recorded.event.fact {
            Fact::Administration(Administration::PersonErased { person, .. }) => {
                people.entry(person.as_str()).or_insert(recorded.entry.position);
            }
            Fact::Administration(Administration::DetailsErased { event, details, .. }) => {
                erase_single(transaction, event, details, recorded.entry.position)?;
            }
            _ => {}
        }
    }
    if people.is_empty() {
        return Ok(());
    }
    erase_about(transaction, &people)?;
    erase_settled(transaction, &people)?;
    erase_waiting(transaction, &people)
}

/// The position of the entry that erased one of a detail's subjects: the first, if there are several.
fn erased_by(detail: &v1::Detail, people: &HashMap<&str, Position>) -> Option<Position> {
    detail.subjects.iter().filter_map(|subject| people.get(subject.as_str())).min().copied()
}

fn erase_single(
    transaction: &WriteTransaction,
    event: &EventId,
    details: &[u32],
    by: Position,
) -> Result<(), StoreError> {
    let position = transaction.open_table(IDS)?.get(id_key(event))?.map(|position| position.value());
    let Some(position) = position else { return Ok(()) };
    let mut table = transaction.open_table(DETAILS)?;
    let row = table.get(position)?.map(|row| decode(row.value())).transpose()?;
    let Some(mut row) = row else { return Ok(()) };
    if erase_from(&mut row, |index, _| details.contains(&index).then_some(by)) {
        table.insert(position, row.encode_to_vec().as_slice())?;
    }
    Ok(())
}

fn erase_about(transaction: &WriteTransaction, people: &HashMap<&str, Position>) -> Result<(), StoreError> {
    let mut table = transaction.open_table(DETAILS)?;
    let mut changed = Vec::new();
    for row in table.iter()? {
        let (position, value) = row?;
        let mut row: v1::EntryDetails = decode(value.value())?;
        if erase_from(&mut row, |_, detail| erased_by(detail, people)) {
            changed.push((position.value(), row));
        }
    }
    for (position, row) in changed {
        table.insert(position, row.encode_to_vec().as_slice())?;
    }
    Ok(())
}

fn erase_settled(transaction: &WriteTransaction, people: &HashMap<&str, Position>) -> Result<(), StoreError> {
    let mut table = transaction.open_table(SETTLED)?;
    let mut changed = Vec::new();
    for row in table.iter()? {
        let (number, value) = row?;
        let mut event = decode(value.value())?;
        if take_out(&mut event, people)? {
            changed.push((number.value(), event));
        }
    }
    for (number, event) in changed {
        table.insert(number, event.encode_to_vec().as_slice())?;
    }
    Ok(())
}

/// Takes words out of what waits to be sent or was refused.
fn erase_waiting(transaction: &WriteTransaction, people: &HashMap<&str, Position>) -> Result<(), StoreError> {
    let mut outbox = transaction.open_table(OUTBOX)?;
    let mut changed = Vec::new();
    for row in outbox.iter()? {
        let (number, value) = row?;
        let mut row: rows::Pending = decode(value.value())?;
        if row.event.as_mut().map_or(Ok(false), |event| take_out(event, people))? {
            changed.push((number.value(), row.encode_to_vec()));
        }
    }
    for (number, row) in changed {
        outbox.insert(number, row.as_slice())?;
    }
    let mut refused = transaction.open_table(REFUSED)?;
    let mut changed = Vec::new();
    for row in refused.iter()? {
        let (number, value) = row?;
        let mut row: rows::Refused = decode(value.value())?;
        if row.event.as_mut().map_or(Ok(false), |event| take_out(event, people))? {
            changed.push((number.value(), row.encode_to_vec()));
        }
    }
    for (number, row) in changed {
        refused.insert(number, row.as_slice())?;
    }
    Ok(())
}

/// Takes the details about people out of an event: it is made anew under the same id, without their commitments, and
/// remains the same event to the log. Returns whether there were any.
fn take_out(event: &mut v1::NewEvent, people: &HashMap<&str, Position>) -> Result<bool, StoreError> {
    if event.details.iter().all(|detail| erased_by(detail, people).is_none()) {
        return Ok(false);
    }
    let mut made = outbox::open(Some(event))?.event().clone();
    let commitments = made.details.iter().zip(&event.details);
    let kept = commitments.filter(|(_, detail)| erased_by(detail, people).is_none());
    made.details = kept.map(|(commitment, _)| *commitment).collect();
    event.details.retain(|detail| erased_by(detail, people).is_none());
    event.event = made.encode().into();
    Ok(true)
}

/// Turns those details of an entry, with their indexes, into erased ones for which `erased_by` gives the position of the
/// entry that erases them. Returns whether there were any. Details are in the order of the event's commitments, and those
/// missing among them are the erased ones.
fn erase_from(row: &mut v1::EntryDetails, mut erased_by: impl FnMut(u32, &v1::Detail) -> Option<Position>) -> bool {
    let gone: Vec<u32> = row.erased.iter().map(|erased| erased.index).collect();
    let mut indexes = (0_u32..).filter(|index| !gone.contains(index));
    let erased = &mut row.erased;
    row.details.retain(|detail| {
        let index = indexes.next().expect("there are more numbers than details");
        let by = erased_by(index, detail);
        erased.extend(by.map(|by| v1::ErasedDetail { index, position: by.get() }));
        by.is_none()
    });
    row.erased.sort_by_key(|erased| erased.index);
    row.erased.len() > gone.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(subject: &str) -> v1::Detail {
        v1::Detail { subjects: vec![subject.to_owned()], ..v1::Detail::default() }
    }

    #[test]
    fn an_event_without_the_words_is_the_same_event_to_the_log() {
        use crate::builder::EventBuilder;
        use kith_core::{detail::DetailKind, event::Met, timestamp::Timestamp};
        let people = vec!["amina".parse().unwrap(), "ben".parse().unwrap()];
        let met = EventBuilder::new(Met { people: people.clone() }, Timestamp::from_millis(1));
        let both =
            met.detail(DetailKind::Note, people, "both").detail(DetailKind::Note, vec!["ben".parse().unwrap()], "ben");
        let event = both.build().unwrap();
        let mut proto = event.to_proto();
        assert!(take_out(&mut proto, &HashMap::from([("amina", Position::new(7))])).unwrap());
        let without = outbox::open(Some(&proto)).unwrap();
        assert_eq!(without.event().content_hash(), event.event().content_hash());
        assert_eq!(without.details().iter().map(|detail| detail.text.as_str()).collect::<Vec<_>>(), ["ben"]);
        assert_eq!(without.event().details, [without.details()[0].commitment()]);
        assert!(!take_out(&mut proto, &HashMap::from([("amina", Position::new(7))])).unwrap());
    }

    #[test]
    fn indexes_are_those_of_the_event_whatever_was_erased_before() {
        let mut row = v1::EntryDetails {
            position: 1,
            details: ["amina", "ben", "amina", "chidi"].map(detail).to_vec(),
            erased: Vec::new(),
        };
        let amina = |position| HashMap::from([("amina", Position::new(position))]);
        assert!(erase_from(&mut row, |_, detail| erased_by(detail, &amina(7))));
        assert!(!erase_from(&mut row, |_, detail| erased_by(detail, &amina(8))));
        assert!(erase_from(&mut row, |index, _| (index == 3).then_some(Position::new(9))));
        let erased: Vec<_> = row.erased.iter().map(|erased| (erased.index, erased.position)).collect();
        assert_eq!(erased, [(0, 7), (2, 7), (3, 9)]);
        assert_eq!(row.details, [detail("ben")]);
    }
}

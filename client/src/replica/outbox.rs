//! The outbox: events queued, answered, settled or refused.
//!
//! Invariant: an event leaves the outbox only in the transaction that stores it as an entry, records its refusal, or
//! drops it on request. Events are numbered and sent in the order in which they were recorded.

use super::{
    Inner, RecordError,
    erase::{Erased, change_rows},
    error::StoreError,
    events::Happening,
    part::id_key,
    rows::{self, OwnEvent, Pending as PendingRow},
    settle::settle_held,
    store::{Writing, change_state, decode},
    tables::{IDS, NETWORK, NUMBERS, OUTBOX, REFUSED, SETTLED},
    words::Words,
};
use crate::{
    append_stream::{EventRefused, EventResult},
    builder::NewEvent,
    entries::Recorded,
};
use kith_blocks::StoredEntries;
use kith_core::reason::{Reason, may_pass};
use kith_core::{
    decide::Outcome,
    event::Event,
    id::{EventId, PersonId},
    position::Position,
    timestamp::Timestamp,
};
use prost::Message;
use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};
use std::collections::BTreeSet;

/// An event of this device that is not among the entries here yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// Its number: events are sent in this order.
    pub number: u64,
    /// The event, with its details.
    pub event: NewEvent,
    /// When it was recorded here.
    pub recorded_at: Timestamp,
    /// How far it has got.
    pub stage: Stage,
}

/// How far an event has got on its way into the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is waiting to be sent.
    Queued,
    /// The log lost it, and it is waiting to be sent again.
    Returned,
    /// The server has it at this position; the next sync fetches the entry.
    Accepted(Position),
}

/// An event that the server refused. It stays here until it is dropped, retried or recorded again.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Its number.
    pub number: u64,
    /// The event, with its details.
    pub event: NewEvent,
    /// When it was recorded here.
    pub recorded_at: Timestamp,
    /// Why it was refused.
    pub why: EventRefused,
}

/// The result of recording an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// It is in the outbox, on disk.
    Queued,
    /// The same event was already in the outbox.
    AlreadyQueued,
    /// The same event is in the log at this position.
    AlreadyRecorded(Position),
}

/// The result of dropping an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// It was dropped.
    Gone,
    /// The server has it: retract it instead.
    Accepted,
    /// There is no such event in the outbox.
    Unknown,
}

impl Inner {
    /// Adds an event to the outbox.
    pub(super) fn record(&self, event: &NewEvent) -> Result<Recording, RecordError> {
        let mut recorded = self.record_all(std::slice::from_ref(event))?;
        recorded.pop().expect("each event has its result")
    }

    /// Adds events to the outbox in one transaction.
    pub(super) fn record_all(&self, events: &[NewEvent]) -> Result<Vec<Result<Recording, RecordError>>, StoreError> {
        let now = self.environment.now();
        let recorded = self.store.write(|transaction| {
            let words = transaction.words()?;
            let erased = words.erased_among(events.iter().flat_map(named))?;
            let allowed: Vec<_> = events.iter().filter(|event| erased_in(event, &erased).is_none()).collect();
            let mut own = words.seal_own(&allowed)?.into_iter();
            let record = |event: &NewEvent| match erased_in(event, &erased) {
                Some(person) => refuse_erased(transaction, event, person),
                None => record(transaction, event, own.next().expect("each has its own"), now),
            };
            events.iter().map(record).collect::<Result<Vec<_>, StoreError>>()
        })?;
        let queued = events.iter().zip(&recorded).filter(|(_, result)| matches!(result, Ok(Recording::Queued)));
        let ids: Vec<EventId> = queued.map(|(event, _)| event.id()).collect();
        if !ids.is_empty() {
            self.wake_sender();
        }
        for id in ids {
            self.tell(Happening::Recorded(id));
        }
        Ok(recorded)
    }

    /// The events in the outbox, in the order of recording.
    pub(super) fn pending(&self) -> Result<Vec<Pending>, StoreError> {
        self.store.read(|transaction| {
            let (table, words) = (transaction.open_table(OUTBOX)?, transaction.words()?);
            let rows = table.iter()?;
            rows.map(|row| {
                let (number, value) = row?;
                pending(number.value(), &decode(value.value())?, words)
            })
            .collect()
        })
    }

    /// Up to `count` events waiting to be sent, after a number.
    pub(super) fn queued(&self, after: u64, count: usize) -> Result<Vec<(u64, NewEvent)>, StoreError> {
        self.store.read(|transaction| {
            let (table, words) = (transaction.open_table(OUTBOX)?, transaction.words()?);
            let mut queued = Vec::new();
            for row in table.range(after + 1..)? {
                let (number, value) = row?;
                let row: PendingRow = decode(value.value())?;
                if row.position == 0 {
                    queued.push((number.value(), words.open_own(own(row.event.as_ref())?)?));
                }
                if queued.len() == count {
                    break;
                }
            }
            Ok(queued)
        })
    }

    /// Number of events in the outbox, and of those refused.
    pub(super) fn outbox_counts(&self) -> Result<(u64, u64), StoreError> {
        self.store
            .read(|transaction| Ok((transaction.open_table(OUTBOX)?.len()?, transaction.open_table(REFUSED)?.len()?)))
    }

    /// What the server refused, in the order of recording.
    pub(super) fn refused(&self) -> Result<Vec<Refusal>, StoreError> {
        self.store.read(|transaction| {
            let (table, words) = (transaction.open_table(REFUSED)?, transaction.words()?);
            let rows = table.iter()?;
            rows.map(|row| {
                let (number, value) = row?;
                refusal(number.value(), &decode(value.value())?, words)
            })
            .collect()
        })
    }

    /// Removes an event from the outbox or from the refused ones.
    pub(super) fn drop_event(&self, id: &EventId) -> Result<Dropped, StoreError> {
        let dropped = self.store.write(|transaction| {
            let mut numbers = transaction.open_table(NUMBERS)?;
            let Some(number) = numbers.get(id_key(id))?.map(|number| number.value()) else {
                return Ok(Dropped::Unknown);
            };
            let mut outbox = transaction.open_table(OUTBOX)?;
            let waiting = outbox.get(number)?.map(|value| decode::<PendingRow>(value.value())).transpose()?;
            let dropped = match waiting {
                Some(row) if row.position > 0 => return Ok(Dropped::Accepted),
                Some(_) => outbox.remove(number)?.is_some(),
                None => transaction.open_table(REFUSED)?.remove(number)?.is_some(),
            };
            if !dropped {
                return Ok(Dropped::Unknown);
            }
            numbers.remove(id_key(id))?;
            Ok(Dropped::Gone)
        })?;
        Ok(dropped)
    }

    /// Drops all events that the server refused; returns how many there were.
    pub(super) fn drop_refused(&self) -> Result<u64, StoreError> {
        let ids: Vec<EventId> = self.refused()?.iter().map(|refusal| refusal.event.id()).collect();
        self.store.write(|transaction| {
            let (mut refused, mut numbers) = (transaction.open_table(REFUSED)?, transaction.open_table(NUMBERS)?);
            let mut count = 0;
            for id in &ids {
                let Some(number) = numbers.get(id_key(id))?.map(|number| number.value()) else { continue };
                if refused.remove(number)?.is_some() {
                    numbers.remove(id_key(id))?;
                    count += 1;
                }
            }
            Ok(count)
        })
    }

    /// Queues the wanted ones among the refused events again; returns how many there were.
    fn return_refused(&self, is_wanted: impl Fn(&rows::Refused, &Event) -> bool) -> Result<u64, StoreError> {
        let is_nothing = self.store.read(|transaction| Ok(transaction.open_table(REFUSED)?.is_empty()?))?;
        if is_nothing {
            return Ok(0);
        }
        let returned = self.store.write(|transaction| return_refused(transaction, is_wanted))?;
        if returned > 0 {
            self.wake_sender();
        }
        Ok(returned)
    }

    /// Has what is queued sent.
    fn wake_sender(&self) {
        self.outbox_moved.send_modify(|count| *count += 1);
    }

    /// Queues one event that the server refused to be sent again; returns whether there was one.
    pub(super) fn retry_event(&self, id: &EventId) -> Result<bool, StoreError> {
        Ok(self.return_refused(|_, event| event.id == *id)? > 0)
    }

    /// Queues all events that the server refused to be sent again.
    pub(super) fn retry_refused(&self) -> Result<u64, StoreError> {
        self.return_refused(|_, _| true)
    }

    /// Queues events that the server refused for a possibly temporary reason to be sent again.
    pub(super) fn retry_what_may_pass(&self) -> Result<u64, StoreError> {
        self.return_refused(|refused, _| {
            Reason::try_from(refused.reason).is_ok_and(|reason| may_pass(reason, &refused.field))
        })
    }

    /// Stores the server's answers in one transaction.
    pub(super) fn take_answers(&self, results: &[EventResult]) -> Result<(), StoreError> {
        self.store.write(|transaction| {
            #[cfg_attr(not(feature = "faults"), expect(unused_mut, reason = "only a mistake on purpose writes to it"))]
            let mut numbers = transaction.open_table(NUMBERS)?;
            let mut accepted = Vec::new();
            for result in results {
                let Some(number) = numbers.get(id_key(&result.id))?.map(|number| number.value()) else { continue };
                #[cfg(feature = "faults")]
                if self.renames(transaction, &mut numbers, (number, result))? {
                    continue;
                }
                match &result.result {
                    Ok(Outcome::Accepted(position) | Outcome::Duplicate(position)) => {
                        accept(transaction, number, *position)?;
                        accepted.push(number);
                    }
                    Err(refused) => refuse(transaction, number, refused)?,
                }
            }
            settle_held(transaction, &accepted)
        })?;
        for result in results {
            self.tell(Happening::Answered { id: result.id, result: result.result.clone() });
        }
        Ok(())
    }

    /// Tells which events of this device lost words, and has them sent.
    pub(super) fn tell_dropped(&self, events: &[EventId]) {
        for id in events {
            self.tell(Happening::WordsDropped(*id));
        }
        if !events.is_empty() {
            self.wake_sender();
        }
    }
}

/// Queues the wanted ones among the refused events again, under their old numbers; returns how many there were.
pub(super) fn return_refused(
    transaction: &WriteTransaction,
    is_wanted: impl Fn(&rows::Refused, &Event) -> bool,
) -> Result<u64, StoreError> {
    let (mut refused, mut outbox) = (transaction.open_table(REFUSED)?, transaction.open_table(OUTBOX)?);
    let mut wanted = Vec::new();
    for row in refused.iter()? {
        let (number, value) = row?;
        let row: rows::Refused = decode(value.value())?;
        if is_wanted(&row, &own(row.event.as_ref())?.event()?) {
            wanted.push((number.value(), row));
        }
    }
    for (number, row) in &wanted {
        let (event, recorded_at) = (row.event.clone(), row.recorded_at);
        let row = PendingRow { event, recorded_at, position: 0, returned: false };
        outbox.insert(number, row.encode_to_vec().as_slice())?;
        refused.remove(number)?;
    }
    Ok(wanted.len() as u64)
}

/// The people who take part in an event, and those whom its words are about.
fn named(event: &NewEvent) -> impl Iterator<Item = &PersonId> {
    event.event().people().into_iter().chain(event.details().iter().flat_map(|detail| &detail.subjects))
}

/// Somebody who is erased and named by an event.
fn erased_in(event: &NewEvent, erased: &Erased) -> Option<PersonId> {
    named(event).find(|person| erased.contains_key(*person)).cloned()
}

/// What comes of an event with somebody who is erased: nothing new is recorded with them.
fn refuse_erased(
    transaction: &WriteTransaction,
    event: &NewEvent,
    person: PersonId,
) -> Result<Result<Recording, RecordError>, StoreError> {
    Ok(find_known(transaction, event)?.unwrap_or(Err(RecordError::PersonErased { person })))
}

fn record(
    transaction: &WriteTransaction,
    event: &NewEvent,
    own: OwnEvent,
    now: Timestamp,
) -> Result<Result<Recording, RecordError>, StoreError> {
    if let Some(known) = find_known(transaction, event)? {
        return Ok(known);
    }
    let number = change_state(transaction, |state| {
        state.next_number += 1;
        state.next_number
    })?;
    let row = PendingRow { event: Some(own), recorded_at: now.millis(), position: 0, returned: false };
    transaction.open_table(OUTBOX)?.insert(number, row.encode_to_vec().as_slice())?;
    transaction.open_table(NUMBERS)?.insert(id_key(&event.id()), number)?;
    Ok(Ok(Recording::Queued))
}

/// What is already known of an event about to be recorded.
fn find_known(
    transaction: &WriteTransaction,
    event: &NewEvent,
) -> Result<Option<Result<Recording, RecordError>>, StoreError> {
    let id = event.id();
    let verdict = |same: bool, recording| if same { Ok(recording) } else { Err(RecordError::IdReused { id }) };
    let content = event.event().content_hash();
    if let Some(position) =
        transaction.open_table(IDS)?.get(id_key(&id))?.map(|position| Position::new(position.value()))
    {
        let table = transaction.open_table(super::tables::ENTRIES)?;
        let bytes = StoredEntries { network: NETWORK, table }.find(position)?;
        let held = bytes.and_then(|bytes| Recorded::decode(&bytes).ok());
        let held = held.ok_or(StoreError::Damaged("an entry is missing"))?;
        let same = held.event.content_hash() == content;
        return Ok(Some(verdict(same, Recording::AlreadyRecorded(position))));
    }
    let Some(number) = transaction.open_table(NUMBERS)?.get(id_key(&id))?.map(|number| number.value()) else {
        return Ok(None);
    };
    let waiting = transaction.open_table(OUTBOX)?.get(number)?.map(|value| decode::<PendingRow>(value.value()));
    if let Some(row) = waiting.transpose()? {
        let same = own(row.event.as_ref())?.event()?.content_hash() == content;
        return Ok(Some(verdict(same, Recording::AlreadyQueued)));
    }
    // It was refused and is now recorded again: the new one takes its place.
    transaction.open_table(REFUSED)?.remove(number)?;
    Ok(None)
}

pub(super) fn accept(transaction: &WriteTransaction, number: u64, position: Position) -> Result<(), StoreError> {
    let mut outbox = transaction.open_table(OUTBOX)?;
    let Some(mut row) = outbox.get(number)?.map(|value| decode::<PendingRow>(value.value())).transpose()? else {
        return Ok(());
    };
    row.position = position.get();
    outbox.insert(number, row.encode_to_vec().as_slice())?;
    Ok(())
}

pub(super) fn refuse(transaction: &WriteTransaction, number: u64, why: &EventRefused) -> Result<(), StoreError> {
    let removed = transaction.open_table(OUTBOX)?.remove(number)?.map(|value| decode::<PendingRow>(value.value()));
    let Some(row) = removed.transpose()? else { return Ok(()) };
    let refused = rows::Refused {
        event: row.event,
        recorded_at: row.recorded_at,
        reason: why.reason.map_or(0, |reason| reason as i32),
        field: why.field.clone(),
        message: why.message.clone(),
    };
    transaction.open_table(REFUSED)?.insert(number, refused.encode_to_vec().as_slice())?;
    Ok(())
}

/// Returns everything that this device recorded to the outbox; returns how many events that is.
pub(super) fn return_all(transaction: &WriteTransaction) -> Result<u64, StoreError> {
    let mut settled = transaction.open_table(SETTLED)?;
    let mut outbox = transaction.open_table(OUTBOX)?;
    let mut back = Vec::new();
    for row in settled.iter()? {
        let (number, value) = row?;
        let event: OwnEvent = decode(value.value())?;
        let row = PendingRow { event: Some(event), recorded_at: 0, position: 0, returned: true };
        back.push((number.value(), row));
    }
    for row in outbox.iter()? {
        let (number, value) = row?;
        let row: PendingRow = decode(value.value())?;
        if row.position > 0 {
            back.push((number.value(), PendingRow { position: 0, returned: true, ..row }));
        }
    }
    for (number, row) in &back {
        outbox.insert(number, row.encode_to_vec().as_slice())?;
    }
    settled.retain(|_, _| false)?;
    Ok(back.len() as u64)
}

/// Refuses everything that this device has recorded and the server has not answered, and drops all words of what is
/// refused; what the server accepted is forgotten with the log.
pub(super) fn refuse_all(transaction: &Writing<'_>, why: &EventRefused) -> Result<(), StoreError> {
    let mut waiting = Vec::new();
    for row in transaction.open_table(OUTBOX)?.iter()? {
        let (number, value) = row?;
        let row: PendingRow = decode(value.value())?;
        if row.position == 0 {
            waiting.push(number.value());
        }
    }
    for number in waiting {
        refuse(transaction, number, why)?;
    }
    transaction.open_table(OUTBOX)?.retain(|_, _| false)?;
    transaction.open_table(SETTLED)?.retain(|_, _| false)?;
    let mut kept = BTreeSet::new();
    change_rows(transaction, REFUSED, |row| {
        let mut row: rows::Refused = decode(row)?;
        row.event.as_mut().ok_or(NO_EVENT)?.drop_words()?;
        Ok(Some(row.encode_to_vec()))
    })?;
    for row in transaction.open_table(REFUSED)?.iter()? {
        kept.insert(row?.0.value());
    }
    transaction.open_table(NUMBERS)?.retain(|_, number| kept.contains(&number))?;
    Ok(())
}

/// A row that no program wrote.
const NO_EVENT: StoreError = StoreError::Damaged("a row of the outbox has no event");

/// The event of a row.
pub(super) fn own(event: Option<&OwnEvent>) -> Result<&OwnEvent, StoreError> {
    event.ok_or(NO_EVENT)
}

fn pending(number: u64, row: &PendingRow, words: Words<'_>) -> Result<Pending, StoreError> {
    let stage = match (row.position, row.returned) {
        (0, false) => Stage::Queued,
        (0, true) => Stage::Returned,
        (position, _) => Stage::Accepted(Position::new(position)),
    };
    let event = words.open_own(own(row.event.as_ref())?)?;
    Ok(Pending { number, event, recorded_at: Timestamp::from_millis(row.recorded_at), stage })
}

fn refusal(number: u64, row: &rows::Refused, words: Words<'_>) -> Result<Refusal, StoreError> {
    let reason = Reason::try_from(row.reason).ok().filter(|reason| *reason != Reason::Unspecified);
    let why = EventRefused { reason, field: row.field.clone(), message: row.message.clone() };
    let event = words.open_own(own(row.event.as_ref())?)?;
    Ok(Refusal { number, event, recorded_at: Timestamp::from_millis(row.recorded_at), why })
}

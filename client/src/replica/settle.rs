//! How events leave the outbox once they are in the log: as fetched entries, or by answers that the fetched entries do
//! not contradict.
//!
//! Invariant: an answer alone never settles an event that passes the filter: its entry must be here.

use super::{
    Inner,
    error::StoreError,
    outbox::{own, refuse},
    part::id_key,
    reading::{self, decode_frontier},
    rows::Pending as PendingRow,
    store::{change_state, decode},
    tables::{ENTRIES, IDS, NETWORK, NUMBERS, OUTBOX, SETTLED},
};
use crate::{append_stream::EventRefused, entries::Recorded};
use kith_blocks::StoredEntries;
use kith_core::reason::Reason;
use kith_core::{
    entry::Entry,
    event::{Event, Scope},
    filter::Filter,
    header::Header,
    position::Position,
    timestamp::Timestamp,
};
use prost::Message;
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

/// The outcome for a waiting event, now that the log is here up to some position.
enum Settled {
    /// It is in the log.
    Recorded,
    /// Its id belongs to another event.
    IdReused,
    /// It is not where the server said it was: the answer did not come from the server of this log.
    Denied,
}

/// Removes from the outbox the events among these entries, and those that the server has up to a position and that do
/// not pass the filter. Events that pass the filter and are not here, although the server said it has them, are queued
/// again.
pub(super) fn settle_up_to(
    transaction: &WriteTransaction,
    entries: &[Recorded],
    until: Position,
) -> Result<(), StoreError> {
    let mut done = Vec::new();
    {
        let outbox = transaction.open_table(OUTBOX)?;
        if outbox.is_empty()? {
            return Ok(());
        }
        let numbers = transaction.open_table(NUMBERS)?;
        for recorded in entries {
            let Some(number) = numbers.get(id_key(&recorded.event.id))?.map(|number| number.value()) else { continue };
            let Some(value) = outbox.get(number)? else { continue };
            let row: PendingRow = decode(value.value())?;
            let own = own(row.event.as_ref())?.event()?;
            let same = own.content_hash() == recorded.event.content_hash();
            done.push((number, row, if same { Settled::Recorded } else { Settled::IdReused }));
        }
        let absence = Absence::new(transaction)?;
        for row in outbox.iter()? {
            let (number, value) = row?;
            let row: PendingRow = decode(value.value())?;
            let known = done.iter().any(|(done, ..)| *done == number.value());
            if !known && let Some(settled) = absence.judge(&row, until)? {
                done.push((number.value(), row, settled));
            }
        }
    }
    settle_all(transaction, done)
}

/// Removes from the outbox those of these events that the server has at positions already here: no entry will arrive
/// for them any more.
pub(super) fn settle_held(transaction: &WriteTransaction, numbers: &[u64]) -> Result<(), StoreError> {
    let frontier = change_state(transaction, |state| state.frontier.clone())?;
    let until = Position::new(decode_frontier(&frontier)?.size());
    let mut done = Vec::new();
    {
        let (outbox, absence) = (transaction.open_table(OUTBOX)?, Absence::new(transaction)?);
        for number in numbers {
            let Some(value) = outbox.get(number)? else { continue };
            let row: PendingRow = decode(value.value())?;
            if let Some(settled) = absence.judge(&row, until)? {
                done.push((*number, row, settled));
            }
        }
    }
    settle_all(transaction, done)
}

fn settle_all(transaction: &WriteTransaction, done: Vec<(u64, PendingRow, Settled)>) -> Result<(), StoreError> {
    for (number, row, settled) in done {
        match settled {
            Settled::Recorded => settle(transaction, number, &row)?,
            Settled::IdReused => {
                let message = "the id belongs to another event in the log".to_owned();
                let why = EventRefused { reason: Some(Reason::EventIdReused), field: "event.id".to_owned(), message };
                refuse(transaction, number, &why)?;
            }
            Settled::Denied => {
                let row = PendingRow { position: 0, returned: true, ..row };
                transaction.open_table(OUTBOX)?.insert(number, row.encode_to_vec().as_slice())?;
            }
        }
    }
    Ok(())
}

fn settle(transaction: &WriteTransaction, number: u64, row: &PendingRow) -> Result<(), StoreError> {
    transaction.open_table(OUTBOX)?.remove(number)?;
    let event = row.event.clone().unwrap_or_default();
    transaction.open_table(SETTLED)?.insert(number, event.encode_to_vec().as_slice())?;
    Ok(())
}

impl Inner {
    /// How many events are waiting to be sent.
    pub(super) fn waiting_count(&self) -> Result<u64, StoreError> {
        self.store.read(|transaction| {
            let mut count = 0;
            for row in transaction.open_table(OUTBOX)?.iter()? {
                count += u64::from(decode::<PendingRow>(row?.1.value())?.position == 0);
            }
            Ok(count)
        })
    }

    /// Queues again the events that the server claimed to have at positions that its log has not reached, although it
    /// was read up to its head since then; returns how many there were.
    pub(super) fn deny_beyond_head(&self) -> Result<u64, StoreError> {
        let head = self.frontier()?.size();
        let beyond = |row: &PendingRow| row.position > head;
        let denied = self.store.read(|transaction| {
            let mut denied: Vec<(u64, PendingRow)> = Vec::new();
            for row in transaction.open_table(OUTBOX)?.iter()? {
                let (number, value) = row?;
                let row: PendingRow = decode(value.value())?;
                if beyond(&row) {
                    denied.push((number.value(), PendingRow { position: 0, returned: true, ..row }));
                }
            }
            Ok(denied)
        })?;
        if denied.is_empty() {
            return Ok(0);
        }
        self.store.write(|transaction| {
            let mut outbox = transaction.open_table(OUTBOX)?;
            for (number, row) in &denied {
                // It may have been dropped in the meantime.
                if outbox.get(number)?.is_some() {
                    outbox.insert(number, row.encode_to_vec().as_slice())?;
                }
            }
            Ok(denied.len() as u64)
        })
    }
}

/// Finds what should be here by now and is not.
struct Absence<'a> {
    filter: Filter,
    ids: Table<'a, u128, u64>,
    entries: StoredEntries<Table<'a, (u32, u64), &'static [u8]>>,
}

impl<'a> Absence<'a> {
    fn new(transaction: &'a WriteTransaction) -> Result<Self, StoreError> {
        let filter = change_state(transaction, |state| state.filter.clone())?.unwrap_or_default();
        Ok(Self {
            filter: Filter::from_proto(&filter).map_err(|_| StoreError::Damaged("its filter breaks a rule"))?,
            ids: transaction.open_table(IDS)?,
            entries: StoredEntries { network: NETWORK, table: transaction.open_table(ENTRIES)? },
        })
    }

    /// The outcome for an event that the server says it has, when the log is here up to a position; `None` for an event
    /// that is waiting or whose position is beyond it.
    fn judge(&self, row: &PendingRow, until: Position) -> Result<Option<Settled>, StoreError> {
        if !(1..=until.get()).contains(&row.position) {
            return Ok(None);
        }
        let denied = self.denies(&own(row.event.as_ref())?.event()?, Position::new(row.position))?;
        Ok(Some(if denied { Settled::Denied } else { Settled::Recorded }))
    }

    /// Whether an event cannot be in the log at a position, because its entry would be here. If that depends on the
    /// token or the recorder's organisation, it is not known.
    fn denies(&self, event: &Event, position: Position) -> Result<bool, StoreError> {
        let known = event.scope == Scope::Network && self.filter.organisations.is_empty();
        if !known || self.ids.get(id_key(&event.id))?.is_some() {
            return Ok(false);
        }
        let entry = Entry {
            position,
            recorded_at: Timestamp::MIN,
            recorded_by: "device".parse().map_err(|_| StoreError::Damaged("a name breaks a rule"))?,
            organisation: None,
            event_bytes: event.encode().into(),
            signature: None,
        };
        let header = Header::resolve(&entry, event, |id| {
            let Some(position) = self.ids.get(id_key(id))?.map(|position| position.value()) else { return Ok(None) };
            let bytes = self.entries.find(Position::new(position))?;
            bytes.as_ref().map(reading::open).transpose()
        })?;
        Ok(self.filter.passes(&header))
    }
}

#[cfg(all(test, feature = "faults"))]
mod tests {
    use super::*;
    use crate::{
        append_stream::EventResult,
        replica::{Replica, ReplicaOptions, Stage, outbox::accept},
    };
    use kith_core::{
        decide::Outcome,
        event::{Fact, Habit, HabitKind, Kind, Met},
        tree::{Frontier, Hash},
    };
    use redb::backends::InMemoryBackend;

    /// The stage of an event in a replica with a filter, after the answer that it is at position 5, when everything up
    /// to 9 arrived without it.
    fn stage(filter: Filter, scope: Scope) -> Option<Stage> {
        let options = ReplicaOptions { filter, ..ReplicaOptions::new("north".parse().unwrap()) };
        let replica = Replica::open_on(InMemoryBackend::new, InMemoryBackend::new, None, options).unwrap();
        let met = Fact::Habit(Habit::Met(Met { people: vec!["amina".parse().unwrap(), "ben".parse().unwrap()] }));
        let event = replica.event(met).scope(scope).build().unwrap();
        replica.record(&event).unwrap();
        let settled = replica.0.store.write(|transaction| {
            accept(transaction, 1, Position::new(5))?;
            settle_up_to(transaction, &[], Position::new(9))
        });
        settled.unwrap();
        replica.pending().unwrap().first().map(|pending| pending.stage)
    }

    /// How many events are queued again when the log ends before the position in the answer.
    fn denied_beyond(filter: Filter) -> u64 {
        let options = ReplicaOptions { filter, ..ReplicaOptions::new("north".parse().unwrap()) };
        let replica = Replica::open_on(InMemoryBackend::new, InMemoryBackend::new, None, options).unwrap();
        let met = Fact::Habit(Habit::Met(Met { people: vec!["amina".parse().unwrap(), "ben".parse().unwrap()] }));
        replica.record(&replica.event(met).build().unwrap()).unwrap();
        replica.0.store.write(|transaction| accept(transaction, 1, Position::new(5))).unwrap();
        let denied = replica.0.deny_beyond_head().unwrap();
        assert_eq!(replica.pending().unwrap()[0].stage, Stage::Returned);
        denied
    }

    #[test]
    fn an_answer_settles_nothing_that_the_filter_lets_pass() {
        let people = |id: &str| Filter { people: vec![id.parse().unwrap()], ..Filter::default() };
        let kinds = |kind| Filter { kinds: vec![kind], ..Filter::default() };
        for here in [Filter::default(), people("ben"), kinds(Kind::Habit(HabitKind::Met))] {
            assert_eq!(stage(here.clone(), Scope::Network), Some(Stage::Returned), "{here:?}");
            assert_eq!(stage(here.clone(), Scope::Organisation), None, "the token decides: {here:?}");
        }
        for beyond in [Filter::default(), people("chloe")] {
            assert_eq!(denied_beyond(beyond), 1);
        }
        for elsewhere in [people("chloe"), kinds(Kind::Habit(HabitKind::Asked))] {
            assert_eq!(stage(elsewhere.clone(), Scope::Network), None, "{elsewhere:?}");
        }
    }

    #[test]
    fn an_answer_for_a_part_of_the_log_that_is_here_settles_at_once() {
        let elsewhere = Filter { people: vec!["chloe".parse().unwrap()], ..Filter::default() };
        for (filter, left) in [(elsewhere, None), (Filter::default(), Some(Stage::Returned))] {
            let options = ReplicaOptions { filter, ..ReplicaOptions::new("north".parse().unwrap()) };
            let replica = Replica::open_on(InMemoryBackend::new, InMemoryBackend::new, None, options).unwrap();
            let met = Fact::Habit(Habit::Met(Met { people: vec!["amina".parse().unwrap(), "ben".parse().unwrap()] }));
            let event = replica.event(met).build().unwrap();
            replica.record(&event).unwrap();
            let mut tree = Frontier::new();
            for _ in 0..9 {
                tree.push(Hash::new([0; 32]));
            }
            replica
                .0
                .store
                .write(|transaction| change_state(transaction, |state| state.frontier = tree.encode()))
                .unwrap();
            let answer = EventResult { number: 1, id: event.id(), result: Ok(Outcome::Duplicate(Position::new(5))) };
            replica.0.take_answers(&[answer]).unwrap();
            assert_eq!(replica.pending().unwrap().first().map(|pending| pending.stage), left);
        }
    }
}

//! A log in memory: pairs of people who meet again and again.
//!
//! Invariant: the same sizes give the same story; only the ids of events are random.

use bytes::Bytes;
use kith_client::random_bytes;
use kith_core::{
    day::Day,
    entry::Entry,
    event::Event,
    history::{Budget, History, HistoryId, Unreadable},
    id::EventId,
    position::Position,
    timestamp::{DAY_MS, Timestamp},
};
use kith_tests::events::{met, person_added};
use std::sync::Arc;

/// Days that it covers: no more than `strength` keeps.
pub(crate) const DAYS: usize = 730;
/// The first of them, days since 1970-01-01.
pub(crate) const FIRST_DAY: i64 = 19_723;
/// A step through the pairs that is prime to their number, so that all come by in turn.
pub(crate) const STEP: usize = 7_919;

/// The day after the last one.
pub(crate) const TODAY: Day = Day::new(20_454);
/// Entries of the pair that is explained.
pub(crate) const EXPLAINED_ENTRIES: usize = 50;

/// Entries in memory.
pub(crate) struct MemoryLog {
    id: HistoryId,
    entries: Vec<Bytes>,
}

impl MemoryLog {
    /// So many meetings after the people, spread over the pairs of `people` of them.
    pub(crate) fn meetings(meetings: usize, people: usize) -> Arc<Self> {
        let mut log = Self { id: HistoryId(random_bytes()), entries: Vec::with_capacity(meetings + people + 2) };
        for number in 0..people + 2 {
            log.push(person_added(&person(number), ""), FIRST_DAY * DAY_MS);
        }
        let every = (meetings / EXPLAINED_ENTRIES).max(1);
        for number in 0..meetings {
            let (a, b) = if number.is_multiple_of(every) { explained(people) } else { pair(number * STEP, people) };
            let hours = i64::try_from(number * DAYS * 24 / meetings).expect("two years of hours");
            log.push(met(&[&person(a), &person(b)]), FIRST_DAY * DAY_MS + hours * DAY_MS / 24);
        }
        Arc::new(log)
    }

    fn push(&mut self, event: Event, at: i64) {
        let position = Position::new(self.entries.len() as u64 + 1);
        let at = Timestamp::from_millis(at);
        let entry = Entry {
            position,
            recorded_at: at,
            recorded_by: "token:bench".parse().expect("it has the form of a principal"),
            organisation: None,
            event_bytes: Event { occurred_at: at, ..event }.encode().into(),
            signature: None,
        };
        self.entries.push(entry.encode());
    }
}

/// The pair that has [`EXPLAINED_ENTRIES`] entries, beside those of so many people.
pub(crate) fn explained(people: usize) -> (usize, usize) {
    (people, people + 1)
}

/// A person's id.
pub(crate) fn person(number: usize) -> String {
    format!("person-{number}")
}

/// A pair of the first `people` people by its number, which goes round.
pub(crate) fn pair(number: usize, people: usize) -> (usize, usize) {
    let number = number % (people * (people - 1) / 2);
    let a = (0..people).find(|a| number < pairs_up_to(*a, people)).expect("the number is below all pairs");
    (a, people - (pairs_up_to(a, people) - number))
}

/// Pairs whose first person is at most this one.
fn pairs_up_to(a: usize, people: usize) -> usize {
    (a + 1) * (2 * people - a - 2) / 2
}

impl History for MemoryLog {
    fn id(&self) -> Result<HistoryId, Unreadable> {
        Ok(self.id)
    }

    fn head(&self) -> Position {
        Position::new(self.entries.len() as u64)
    }

    fn read(&self, after: Position, until: Position, budget: Budget) -> Result<Vec<Bytes>, Unreadable> {
        let place = |position: Position| usize::try_from(position.get()).expect("it is in memory");
        let mut bytes = 0;
        let fits = |entry: &&Bytes| {
            bytes += entry.len();
            bytes <= budget.bytes
        };
        let range = place(after)..place(until).min(self.entries.len());
        Ok(self.entries[range].iter().take(budget.entries).take_while(fits).cloned().collect())
    }

    fn read_at(&self, positions: &[Position]) -> Result<Vec<Bytes>, Unreadable> {
        let place = |position: &Position| usize::try_from(position.get()).ok()?.checked_sub(1);
        Ok(positions.iter().filter_map(|position| self.entries.get(place(position)?).cloned()).collect())
    }

    fn position_of(&self, _: &EventId) -> Result<Option<Position>, Unreadable> {
        // Nothing in this story names another event.
        Ok(None)
    }
}

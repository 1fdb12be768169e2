//! The rows of one key on many days: its entries are folded once, in order of time, and read on each day.
//!
//! Invariant: a point has the rows that a query of the key has as of that day.

use super::{
    answer::Row,
    query::QueryError,
    snapshot::{Snapshot, SnapshotError, Table, row_bytes},
};
use crate::{
    contract::key::{Key, Order},
    file::{
        row::{RowKey, StoredRow},
        store::StoreError,
        tables::Record,
    },
    fold::evaluate::{AsOf, EvaluateError, Evaluation, Folded},
    limits,
    share::{cancel::Cancel, work::Hold},
    view::handle::ViewHandle,
};
use kith_core::{day::Day, id::PersonId, position::Position, timestamp::Timestamp};
use redb::ReadableTable;
use std::collections::{BTreeSet, VecDeque};

/// A question for the rows of a key on several days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// One or two people; for directed pairs in their direction.
    pub key: Vec<PersonId>,
    /// The row's item, in views with several rows per key; `None` for every row of the key.
    pub item: Option<Position>,
    /// The first day; `None` for as early as the most points reach.
    pub from: Option<Day>,
    /// The last day; `None` for the current one.
    pub until: Option<Day>,
    /// Days from one point to the next, at least 1.
    pub step: i32,
    /// As known at this position.
    pub as_of: Option<Position>,
}

/// The rows of a key on some days.
#[derive(Debug, Clone, PartialEq)]
pub struct Traced {
    /// Each day with the key's rows, oldest first.
    pub points: Vec<(Day, Vec<Row>)>,
    /// The position that the rows are as of.
    pub position: Position,
}

/// Why a key cannot be traced.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The question does not fit this view, or the view cannot be queried.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The first day comes after the last.
    #[error("must not be later than the last day, {until}")]
    FromLater {
        /// The last day.
        until: i32,
    },
    /// There are too many days.
    #[error("a trace has {} points at most, not {found}: make steps of more days", limits::TRACE_POINTS_MAX)]
    TooManyPoints {
        /// The points asked for.
        found: usize,
    },
    /// The rows are too large for one answer.
    #[error(
        "the rows of the trace have more than {} bytes: ask for fewer days, or for one item",
        limits::TRACE_BYTES_MAX
    )]
    TooLarge,
}

impl From<SnapshotError> for TraceError {
    fn from(error: SnapshotError) -> Self {
        Self::Query(error.into())
    }
}

impl From<EvaluateError> for TraceError {
    fn from(error: EvaluateError) -> Self {
        SnapshotError::from(error).into()
    }
}

impl From<StoreError> for TraceError {
    fn from(error: StoreError) -> Self {
        SnapshotError::from(error).into()
    }
}

/// The rows found so far, as stored, for each day.
struct Points {
    rows: Vec<(Day, Table)>,
    item: Option<Position>,
    hold: Hold,
    sent_bytes: usize,
}

impl Points {
    fn add(&mut self, row_key: RowKey, row: &[u8]) -> Result<(), TraceError> {
        if self.item.is_some_and(|item| item != row_key.item) {
            return Ok(());
        }
        self.sent_bytes += StoredRow::sent_bytes_max(row);
        if self.sent_bytes > limits::TRACE_BYTES_MAX {
            return Err(TraceError::TooLarge);
        }
        self.hold.add(row_bytes(row)).map_err(EvaluateError::from)?;
        let (_, rows) = self.rows.last_mut().expect("a day was begun");
        rows.push((row_key, row.to_vec()));
        Ok(())
    }
}

impl ViewHandle {
    /// Traces the rows of a key, until it is cancelled.
    pub fn trace_until(&self, trace: &Trace, cancel: &Cancel) -> Result<Traced, TraceError> {
        let snapshot = Snapshot::open(&self.shared, None, trace.as_of)?.until(cancel);
        let key = self.key(&trace.key, &snapshot.meaning)?;
        let days = days(trace, snapshot.day)?;
        let mut points = Points { rows: Vec::new(), item: trace.item, hold: snapshot.hold(), sent_bytes: 0 };
        let stored = snapshot.stored_record(key)?;
        let places = snapshot.places()?;
        let mut runner = snapshot.runner();
        let mut evaluation = snapshot.evaluation(&places, &mut runner);
        let mut folding = Folding::begin(&mut evaluation, key)?;
        for day in days {
            cancel.check().map_err(EvaluateError::from)?;
            points.rows.push((day, Table::new()));
            if stored.is_some() && day == snapshot.day {
                visit_stored(&snapshot, key, &mut points)?;
                continue;
            }
            evaluation.as_of = AsOf::day(snapshot.position, day);
            let record = match &stored {
                Some(record) if record.last.at <= evaluation.as_of.end => record,
                Some(_) | None => folding.up_to_end(&mut evaluation)?,
            };
            read(&mut evaluation, day, (key, record), &mut points)?;
        }
        Ok(self.traced(&snapshot, points))
    }

    fn traced(&self, snapshot: &Snapshot<'_>, points: Points) -> Traced {
        let people = self.shared.source.people();
        let complete = self.complete(&self.shared.held, &people, &snapshot.meaning);
        let row = |day: Day, (row_key, row): (RowKey, Vec<u8>)| {
            let mut row = Row::of(row_key, StoredRow::decode(&row)?, &people, &complete);
            row.changed = row.changed.filter(|_| snapshot.is_current() && day == snapshot.day);
            Some(row)
        };
        let points = points.rows.into_iter().map(|(day, rows)| {
            let rows = rows.into_iter().filter_map(|stored| row(day, stored));
            (day, rows.collect())
        });
        Traced { points: points.collect(), position: snapshot.position }
    }
}

/// The entries of a key, folded up to a time that only moves on.
struct Folding {
    key: Key,
    orders: VecDeque<Order>,
    folded: Folded,
}

impl Folding {
    fn begin<P>(evaluation: &mut Evaluation<'_, P>, key: Key) -> Result<Self, StoreError>
    where
        P: ReadableTable<&'static [u8; 24], ()>,
    {
        evaluation.as_of = AsOf::any_day(evaluation.as_of.position);
        let orders = evaluation.counting().orders(key)?.into();
        Ok(Self { key, orders, folded: Folded::default() })
    }

    /// The key as of the time that counts now.
    fn up_to_end<P>(&mut self, evaluation: &mut Evaluation<'_, P>) -> Result<&Record, EvaluateError>
    where
        P: ReadableTable<&'static [u8; 24], ()>,
    {
        let count = self.orders.iter().take_while(|order| order.at <= evaluation.as_of.end).count();
        let orders: Vec<Order> = self.orders.drain(..count).collect();
        evaluation.fold_on(self.key, &orders, &mut self.folded)?;
        Ok(&self.folded.record)
    }
}

fn visit_stored(snapshot: &Snapshot<'_>, key: Key, points: &mut Points) -> Result<(), TraceError> {
    let mut added = Ok(());
    snapshot.scan(Some(&BTreeSet::from([key])), |row_key, row| {
        if added.is_ok() {
            added = points.add(row_key, row);
        }
    })?;
    added
}

fn read<P>(
    evaluation: &mut Evaluation<'_, P>,
    day: Day,
    (key, record): (Key, &Record),
    points: &mut Points,
) -> Result<(), TraceError>
where
    P: ReadableTable<&'static [u8; 24], ()>,
{
    let mut added = Ok(());
    evaluation.rows(day, &[(key, record.clone())], |made| {
        added = made.rows.into_iter().try_for_each(|(item, row)| points.add(RowKey { key, item }, &row.encode()));
        Ok(())
    })?;
    evaluation.runner.let_go();
    added
}

/// The days of a trace, oldest first.
fn days(trace: &Trace, today: Day) -> Result<Vec<Day>, TraceError> {
    let until = i64::from(trace.until.unwrap_or(today).number());
    let (step, most) = (i64::from(trace.step), limits::TRACE_POINTS_MAX);
    let earliest = i64::from(Timestamp::MIN.day().number());
    let reach = i64::try_from(most - 1).expect("there are few points") * step;
    let from = trace.from.map_or_else(|| (until - reach).max(earliest), |from| from.number().into());
    if from > until {
        return Err(TraceError::FromLater { until: trace.until.unwrap_or(today).number() });
    }
    let count = usize::try_from((until - from) / step + 1).unwrap_or(usize::MAX);
    if count > most {
        return Err(TraceError::TooManyPoints { found: count });
    }
    let day = |back: usize| {
        let number = until - i64::try_from(back).expect("there are few points") * step;
        Day::new(i32::try_from(number).expect("it lies between two days"))
    };
    Ok((0..count).rev().map(day).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days_of(from: Option<i32>, until: Option<i32>, step: i32) -> Result<Vec<i32>, String> {
        let (from, until) = (from.map(Day::new), until.map(Day::new));
        let trace = Trace { key: Vec::new(), item: None, from, until, step, as_of: None };
        let days = days(&trace, Day::new(100)).map_err(|error| error.to_string())?;
        Ok(days.into_iter().map(Day::number).collect())
    }

    #[test]
    fn points_end_at_the_last_day() {
        assert_eq!(days_of(Some(90), None, 3).unwrap(), [91, 94, 97, 100]);
        assert_eq!(days_of(Some(5), Some(5), 7).unwrap(), [5]);
        assert_eq!(days_of(Some(-2), Some(1), 1).unwrap(), [-2, -1, 0, 1]);
        let all = days_of(None, None, 2).unwrap();
        assert_eq!((all.len(), all[0], all[399]), (400, 100 - 2 * 399, 100));
        let earliest = Timestamp::MIN.day().number();
        assert!(days_of(None, Some(earliest + 10), 5).unwrap().starts_with(&[earliest]), "no earlier than time");
    }

    #[test]
    fn days_that_make_no_trace_are_refused() {
        assert!(days_of(Some(101), None, 1).unwrap_err().contains("not be later than the last day, 100"));
        assert!(days_of(Some(0), Some(400), 1).unwrap_err().contains("400 points at most, not 401"));
        assert_eq!(days_of(Some(0), Some(399), 1).unwrap().len(), 400);
    }
}

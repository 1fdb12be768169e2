//! Explains a row: the entries of its key, and what would change without each of them.

use super::{
    answer::Row,
    query::QueryError,
    snapshot::{Snapshot, SnapshotError},
};
use crate::{
    contract::{
        GuestValue,
        key::{Key, Order},
    },
    file::{row::StoredRow, store::StoreError},
    fold::evaluate::{EvaluateError, Evaluation},
    limits,
    plugin::{abi::batch::FoldEvent, runner::Job},
    share::cancel::Cancel,
    view::handle::ViewHandle,
};
use bytes::Bytes;
use kith_core::{
    day::Day,
    event::Kind,
    id::{EventId, PersonId},
    position::Position,
    timestamp::Timestamp,
};
use redb::ReadableTable;
use std::collections::{BTreeSet, HashMap, HashSet};

/// A question for the evidence of a key's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explain {
    /// One or two people; for directed pairs in their direction.
    pub key: Vec<PersonId>,
    /// The row's item, in views with several rows per key; `None` for every row of the key.
    pub item: Option<Position>,
    /// As of the end of this day.
    pub day: Option<Day>,
    /// As known at this position.
    pub as_of: Option<Position>,
}

/// The evidence of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The rows explained.
    pub rows: Vec<Row>,
    /// The entries, newest first.
    pub evidence: Vec<Evidence>,
    /// Name of the column that shares refer to: the first numeric one, if any.
    pub share_of: Option<String>,
    /// The sum of that column over the rows.
    pub total: Option<f64>,
    /// The position that the rows are as of.
    pub position: Position,
    /// The day that the rows are as of.
    pub day: Day,
}

/// An entry that is evidence of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Its position.
    pub position: Position,
    /// The entry's bytes.
    pub entry: Bytes,
    /// Its event's id.
    pub event: EventId,
    /// The kind of the event.
    pub kind: Kind,
    /// When the event happened.
    pub occurred_at: Timestamp,
    /// How much smaller the total would be without it, negative if it would be larger; for the newest 200 entries of the
    /// key. Shares need not add up.
    pub share: Option<f64>,
}

/// Why rows cannot be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The question does not fit this view, or the view cannot be queried.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The row does not exist.
    #[error("there is no such row")]
    RowUnknown,
}

impl From<SnapshotError> for ExplainError {
    fn from(error: SnapshotError) -> Self {
        Self::Query(error.into())
    }
}

impl From<EvaluateError> for ExplainError {
    fn from(error: EvaluateError) -> Self {
        SnapshotError::from(error).into()
    }
}

impl From<StoreError> for ExplainError {
    fn from(error: StoreError) -> Self {
        SnapshotError::from(error).into()
    }
}

impl ViewHandle {
    /// Explains the rows of a key.
    pub fn explain(&self, explain: &Explain) -> Result<Explanation, ExplainError> {
        self.explain_until(explain, &Cancel::default())
    }

    /// The same, until it is cancelled.
    pub fn explain_until(&self, explain: &Explain, cancel: &Cancel) -> Result<Explanation, ExplainError> {
        let snapshot = Snapshot::open(&self.shared, explain.day, explain.as_of)?.until(cancel);
        let key = self.key(&explain.key, &snapshot.meaning)?;
        let rows = stored_rows(&snapshot, key, explain.item)?;
        if rows.is_empty() {
            return Err(ExplainError::RowUnknown);
        }
        let column = self.shared.plugin.manifest().first_numeric();
        let places = snapshot.places()?;
        let mut runner = snapshot.runner();
        let mut evaluation = snapshot.evaluation(&places, &mut runner);
        let orders = evaluation.counting().orders(key)?;
        let item = explain.item;
        let shares = match column {
            Some(column) => shares(&mut evaluation, key, &orders, Measure { day: snapshot.day, item, column })?,
            None => HashMap::new(),
        };
        let total = column.map(|column| rows.iter().map(|(_, row)| number(&row.values[column])).sum::<f64>());
        let evidence = self.evidence(&evidence_of(&rows, &orders), &shares, total)?;
        let people = self.shared.source.people();
        let complete = self.complete(&self.shared.held, &people, &snapshot.meaning);
        let shown = rows.into_iter().map(|(item, row)| {
            let mut row = Row::of(crate::file::row::RowKey { key, item }, row, &people, &complete);
            row.changed = row.changed.filter(|_| snapshot.is_current());
            row
        });
        Ok(Explanation {
            rows: shown.collect(),
            evidence,
            share_of: column.map(|column| self.fields()[column].name.clone()),
            total,
            position: snapshot.position,
            day: snapshot.day,
        })
    }

    fn evidence(
        &self,
        positions: &[Position],
        without: &HashMap<Position, f64>,
        total: Option<f64>,
    ) -> Result<Vec<Evidence>, EvaluateError> {
        let entries = self.shared.source.read_at(positions)?;
        let evidence = entries.into_iter().map(|(position, entry, event)| Evidence {
            position,
            entry,
            event: event.id,
            kind: event.kind(),
            occurred_at: event.occurred_at,
            share: total.zip(without.get(&position)).map(|(total, without)| total - without),
        });
        Ok(evidence.collect())
    }
}

fn stored_rows(
    snapshot: &Snapshot<'_>,
    key: Key,
    item: Option<Position>,
) -> Result<Vec<(Position, StoredRow)>, SnapshotError> {
    let mut rows = Vec::new();
    snapshot.scan(Some(&BTreeSet::from([key])), |row_key, row| {
        if item.is_none_or(|item| item == row_key.item) {
            rows.extend(StoredRow::decode(row).map(|row| (row_key.item, row)));
        }
    })?;
    Ok(rows)
}

/// Positions of the rows' evidence, newest first: the entries they name, or all entries of the key.
fn evidence_of(rows: &[(Position, StoredRow)], orders: &[Order]) -> Vec<Position> {
    let named: HashSet<Position> = rows.iter().flat_map(|(_, row)| &row.evidence).copied().collect();
    let stands_on_all = rows.iter().any(|(_, row)| row.evidence.is_empty());
    let newest_first = orders.iter().rev().map(|order| order.position);
    newest_first.filter(|position| stands_on_all || named.contains(position)).collect()
}

/// What is measured to determine the share of an entry.
#[derive(Debug, Clone, Copy)]
struct Measure {
    day: Day,
    item: Option<Position>,
    column: usize,
}

/// The measure without each of the newest entries; the entries before them are folded once.
fn shares<P: ReadableTable<&'static [u8; 24], ()>>(
    evaluation: &mut Evaluation<'_, P>,
    key: Key,
    orders: &[Order],
    measure: Measure,
) -> Result<HashMap<Position, f64>, EvaluateError> {
    let (older, newest) = orders.split_at(orders.len().saturating_sub(limits::SHARES_MAX));
    let state = evaluation.fold_orders(key, older)?.record.state;
    let events = evaluation.events(&[(key, newest)])?.pop().unwrap_or_default();
    let without = |position: Position| -> Vec<FoldEvent> {
        events.iter().filter(|event| event.order.position != position).cloned().collect()
    };
    let mut jobs: Vec<Job<'_>> =
        newest.iter().map(|order| Job::new(key, state.clone(), without(order.position))).collect();
    evaluation.runner.fold(&mut jobs)?;
    let with_state = newest.iter().zip(&jobs).filter(|(_, job)| !job.state.is_empty());
    let slots: Vec<(Key, &[u8])> = with_state.clone().map(|(_, job)| (key, job.state.as_slice())).collect();
    let mut measured: HashMap<Position, f64> = newest.iter().map(|order| (order.position, 0.0)).collect();
    let mut positions = with_state.map(|(order, _)| order.position);
    evaluation.runner.read(measure.day, &slots, |rows| {
        let rows = rows.unwrap_or_default();
        let wanted = rows.iter().filter(|row| measure.item.is_none_or(|item| row.item == Some(item)));
        let position = positions.next().expect("every state that is given is read");
        measured.insert(position, wanted.map(|row| number(&row.values[measure.column])).sum());
        Ok::<(), EvaluateError>(())
    })?;
    Ok(measured)
}

/// A numeric value as a number; `None` counts as 0.
#[allow(clippy::cast_precision_loss, reason = "shares are for people to read")]
fn number(value: &GuestValue) -> f64 {
    match value {
        GuestValue::Number(number) => *number,
        GuestValue::Integer(integer) => *integer as f64,
        GuestValue::None
        | GuestValue::Text(_)
        | GuestValue::Flag(_)
        | GuestValue::Day(_)
        | GuestValue::Person(_)
        | GuestValue::Event(_) => 0.0,
    }
}

//! Queries of the rows of a report, answered from its table.

use super::{Report, ReportContext, error::ReportError, table::ReportTable};
use crate::{
    ask::{
        answer::{Row, Value},
        columns::{Chosen, Only},
        complete::Complete,
        page::Direction,
        query::OrderBy,
        snapshot::{Snapshot, SnapshotError},
    },
    contract::{self, Field, GuestValue, key::Key, report_manifest::ReportKey},
    file::row::{RowKey, StoredRow, compare_values},
    plugin::abi::report_v1::GuestReportRow,
    share::cancel::Cancel,
    view::handle::ViewHandle,
};
use kith_core::{
    directory::Directory,
    id::{OrganisationId, PersonId},
};
use std::{
    cmp::Ordering,
    collections::{BTreeSet, HashMap},
};

/// A query of the rows of a report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportQuery {
    /// Only rows about this person.
    pub person: Option<PersonId>,
    /// Only rows about this organisation.
    pub organisation: Option<OrganisationId>,
    /// Only the row of this key, with its ids in any order.
    pub key: Option<Vec<String>>,
    /// Only rows with one of some texts in a column.
    pub only: Option<Only>,
    /// The columns to return, each once; empty for all.
    pub columns: Vec<String>,
    /// The order of rows; `None` for the first numeric column, largest first.
    pub order: Option<OrderBy>,
    /// Number of rows before the page.
    pub skip: usize,
    /// Number of rows on the page.
    pub page_rows: usize,
}

/// A row of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportRow {
    /// Ids of organisations or people.
    pub key: Vec<String>,
    /// One value per column.
    pub values: Vec<Value>,
    /// Number of rows of evidence.
    pub evidence_count: u32,
}

/// A page of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportAnswer {
    /// The columns.
    pub fields: Vec<Field>,
    /// The rows, in order.
    pub rows: Vec<ReportRow>,
    /// Number of rows on all pages.
    pub total: usize,
    /// What the report remarks on its rows.
    pub remarks: Vec<String>,
    /// Number of keys of the views it reads whose plugins fail on them.
    pub failing_keys: u64,
}

/// The evidence of a report's row: rows of each view.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportExplanation {
    /// The row.
    pub row: ReportRow,
    /// For each view its name, columns and rows.
    pub inputs: Vec<InputRows>,
}

/// Rows of one view.
#[derive(Debug, Clone, PartialEq)]
pub struct InputRows {
    /// The view's name in the report's manifest.
    pub view: String,
    /// The view's columns.
    pub fields: Vec<Field>,
    /// The rows.
    pub rows: Vec<Row>,
}

impl Report {
    /// Answers a query. Blocks on the disk and the plugin. Tables are cached, so a second query of the same position
    /// and day is fast.
    pub fn query(&self, context: &ReportContext<'_>, query: &ReportQuery) -> Result<ReportAnswer, ReportError> {
        self.check_columns(query)?;
        self.answer(&*self.table(context, &Cancel::default())?, context.directory, query)
    }

    /// Checks, before anything is computed, that the query's columns exist.
    pub fn check_columns(&self, query: &ReportQuery) -> Result<(), ReportError> {
        self.chosen(query)?;
        self.order(query.order.as_ref()).map(drop)
    }

    fn chosen<'q>(&self, query: &'q ReportQuery) -> Result<Chosen<'q>, ReportError> {
        Ok(Chosen::of(&self.manifest().fields, query.only.as_ref(), &query.columns)?)
    }

    /// Answers a query from a table.
    pub fn answer(
        &self,
        table: &ReportTable,
        directory: &Directory,
        query: &ReportQuery,
    ) -> Result<ReportAnswer, ReportError> {
        let order = self.order(query.order.as_ref())?;
        let chosen = self.chosen(query)?;
        let wanted = query.sorted_key();
        let mut rows: Vec<&GuestReportRow> = table.output.rows.iter().collect();
        rows.retain(|row| {
            chosen.wants(|column| row.values[column].clone())
                && self.is_asked_for(directory, row, (query, wanted.as_deref()))
        });
        rows.sort_by(|one, other| compare(one, other, order));
        let total = rows.len();
        let page = rows.into_iter().skip(query.skip).take(query.page_rows);
        let of_row = |row: ReportRow| ReportRow { values: chosen.of_row(row.values), ..row };
        Ok(ReportAnswer {
            fields: chosen.of_row(self.manifest().fields.clone()),
            rows: page.map(|row| of_row(self.row(directory, row))).collect(),
            total,
            remarks: table.output.remarks.clone(),
            failing_keys: table.failing_keys,
        })
    }

    /// Explains a row by the rows of views that are its evidence.
    pub fn explain(&self, context: &ReportContext<'_>, key: &[String]) -> Result<ReportExplanation, ReportError> {
        let cancel = Cancel::default();
        self.explain_from(&*self.table(context, &cancel)?, context, key, &cancel)
    }

    /// The same, from a table. Stops when cancelled.
    pub fn explain_from(
        &self,
        table: &ReportTable,
        context: &ReportContext<'_>,
        key: &[String],
        cancel: &Cancel,
    ) -> Result<ReportExplanation, ReportError> {
        let query = ReportQuery { key: Some(key.to_vec()), ..ReportQuery::default() };
        let wanted = query.sorted_key();
        let found =
            table.output.rows.iter().find(|row| self.is_asked_for(context.directory, row, (&query, wanted.as_deref())));
        let row = found.ok_or(ReportError::RowUnknown)?;
        let mut inputs = Vec::new();
        for (number, (view, input)) in (0_u32..).zip(context.views.iter().zip(&self.manifest().inputs)) {
            let named = row.evidence.iter().filter(|(of, _)| *of == number).map(|numbers| table.named(*numbers));
            let named: Vec<RowKey> = named.collect();
            let rows = rows_of_view(view, context, &named, cancel).map_err(|error| {
                cancel
                    .check()
                    .map_or(ReportError::Cancelled, |()| ReportError::View { view: input.view.clone(), error })
            })?;
            inputs.push(InputRows { view: input.view.clone(), fields: view.fields().to_vec(), rows });
        }
        Ok(ReportExplanation { row: self.row(context.directory, row), inputs })
    }

    fn order(&self, order: Option<&OrderBy>) -> Result<(Option<usize>, Direction), ReportError> {
        let fields = &self.manifest().fields;
        match order {
            None => Ok((fields.iter().position(|field| field.of.is_numeric()), Direction::Descending)),
            Some(OrderBy { field, direction }) => Ok((Some(contract::column(fields, field)?), *direction)),
        }
    }

    /// Whether a row matches the query; `wanted` is the query's key with its ids sorted.
    fn is_asked_for(
        &self,
        directory: &Directory,
        row: &GuestReportRow,
        (query, wanted): (&ReportQuery, Option<&[&str]>),
    ) -> bool {
        let key = self.key(directory, row.key);
        let about_person = query.person.as_ref().is_none_or(|person| match self.manifest().key {
            ReportKey::Pair | ReportKey::Person => key.iter().any(|id| id == directory.root(person).as_str()),
            ReportKey::OrganisationPair | ReportKey::Organisation => {
                let own = directory.person(person).and_then(|person| person.organisation.as_ref());
                own.is_some_and(|own| key.iter().any(|id| id == own.as_str()))
            }
        });
        let about_organisation = query.organisation.as_ref().is_none_or(|wanted| match self.manifest().key {
            ReportKey::OrganisationPair | ReportKey::Organisation => key.iter().any(|id| id == wanted.as_str()),
            ReportKey::Pair | ReportKey::Person => [row.key.0, row.key.1].into_iter().any(|handle| {
                directory.person_of(handle).is_some_and(|person| person.organisation.as_ref() == Some(wanted))
            }),
        });
        let is_key = wanted.is_none_or(|wanted| {
            let mut key: Vec<&str> = key.iter().map(String::as_str).collect();
            key.sort_unstable();
            wanted == key
        });
        about_person && about_organisation && is_key
    }

    pub(super) fn key(&self, directory: &Directory, (a, b): (u32, u32)) -> Vec<String> {
        let organisation = |ordinal: u32| {
            let place = (ordinal as usize).checked_sub(1);
            place.and_then(|place| directory.organisations().get(place)).map(|found| found.id.to_string())
        };
        let person = |handle: u32| directory.person_of(handle).map(|person| person.id.to_string());
        let parts = match self.manifest().key {
            ReportKey::OrganisationPair => vec![organisation(a), organisation(b)],
            ReportKey::Organisation => vec![organisation(a)],
            ReportKey::Pair => vec![person(a), person(b)],
            ReportKey::Person => vec![person(a)],
        };
        parts.into_iter().map(Option::unwrap_or_default).collect()
    }

    fn row(&self, directory: &Directory, row: &GuestReportRow) -> ReportRow {
        ReportRow {
            key: self.key(directory, row.key),
            values: row.values.iter().map(|value| answer_value(value, directory)).collect(),
            evidence_count: u32::try_from(row.evidence.len()).expect("at most 1,000 are named"),
        }
    }
}

/// Rows of a view as of a report's position and day, in the order in which they are named.
fn rows_of_view(
    view: &ViewHandle,
    context: &ReportContext<'_>,
    named: &[RowKey],
    cancel: &Cancel,
) -> Result<Vec<Row>, SnapshotError> {
    let snapshot = Snapshot::open(&view.shared, Some(context.day), Some(context.position))?.until(cancel);
    let keys: BTreeSet<Key> = named.iter().map(|row_key| row_key.key).collect();
    let mut found = HashMap::with_capacity(named.len());
    snapshot.scan(Some(&keys), |row_key, row| drop(found.insert(row_key, StoredRow::decode(row))))?;
    let rows = named.iter().filter_map(|row_key| Some((*row_key, found.get(row_key)?.clone()?)));
    // Reports are only computed from complete logs.
    Ok(rows.map(|(row_key, row)| Row::of(row_key, row, &view.shared.source.people(), &Complete::Every)).collect())
}

impl ReportQuery {
    /// The requested key, with its ids sorted.
    fn sorted_key(&self) -> Option<Vec<&str>> {
        let mut key: Vec<&str> = self.key.as_ref()?.iter().map(String::as_str).collect();
        key.sort_unstable();
        Some(key)
    }
}

fn answer_value(value: &GuestValue, directory: &Directory) -> Value {
    match value {
        GuestValue::None => Value::None,
        GuestValue::Number(number) => Value::Number(*number),
        GuestValue::Integer(integer) => Value::Integer(*integer),
        GuestValue::Text(text) => Value::Text(text.clone()),
        GuestValue::Flag(flag) => Value::Flag(*flag),
        GuestValue::Day(day) => Value::Day(*day),
        GuestValue::Person(handle) => {
            directory.person_of(*handle).map_or(Value::None, |person| Value::Person(person.id.clone()))
        }
        GuestValue::Event(position) => Value::Event(*position),
    }
}

/// Orders by a column, rows without a value last, then by key.
fn compare(one: &GuestReportRow, other: &GuestReportRow, order: (Option<usize>, Direction)) -> Ordering {
    let value = |row: &GuestReportRow| order.0.map_or(GuestValue::None, |column| row.values[column].clone());
    let values = match (value(one), value(other)) {
        (GuestValue::None, GuestValue::None) => Ordering::Equal,
        (GuestValue::None, _) => Ordering::Greater,
        (_, GuestValue::None) => Ordering::Less,
        (one, other) => match order.1 {
            Direction::Ascending => compare_values(&one, &other),
            Direction::Descending => compare_values(&other, &one),
        },
    };
    values.then(one.key.cmp(&other.key))
}

//! Reports: tables over many keys, computed from the rows of views and the directory when somebody asks.
//!
//! Invariant: every input is of one position and one day, so a report is a function of the log up to there.

pub(crate) mod check;
pub(crate) mod input;
pub(crate) mod page;

use crate::{
    ask::{
        answer::{Row, Value},
        compare::{Comparison, Tables},
        complete::Complete,
        page::Direction,
        query::OrderBy,
        snapshot::{Snapshot, SnapshotError, Table},
    },
    contract::{
        Field, GuestValue,
        key::Key,
        report_manifest::{ReportKey, ReportManifest},
    },
    file::row::{RowKey, StoredRow, compare_values},
    limits,
    plugin::abi::{
        guest::error::GuestError,
        report_v1::{CONTRACT, GuestReportRow, ReportPlugin},
    },
    report::input::Packed,
    share::{
        cancel::Cancel,
        interrupted::Interrupted,
        kept::Corner,
        work::{Hold, Work},
    },
    view::handle::ViewHandle,
};
use kith_core::{
    directory::Directory,
    id::{OrganisationId, PersonId},
    position::Position,
};
use std::{cmp::Ordering, sync::Arc};

/// A report, ready to be computed.
pub struct Report {
    pub(crate) plugin: ReportPlugin,
    kept: Corner,
}

/// What a report is asked with.
pub struct ReportContext<'a> {
    /// The views that the manifest names, in its order.
    pub views: &'a [Arc<ViewHandle>],
    /// The network's directory as of `position`.
    pub directory: &'a Directory,
    /// The position; no view may be behind it.
    pub position: Position,
    /// The day, days since 1970-01-01, UTC.
    pub day: i32,
}

/// A question on the rows of a report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportQuery {
    /// Only rows about this person.
    pub person: Option<PersonId>,
    /// Only rows about this organisation.
    pub organisation: Option<OrganisationId>,
    /// Only the row of this key, its ids in any order.
    pub key: Option<Vec<String>>,
    /// The order of rows; none is by the first numeric column, largest first.
    pub order: Option<OrderBy>,
    /// Rows before the page.
    pub skip: usize,
    /// Rows in the page.
    pub page_rows: usize,
}

/// A row of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportRow {
    /// Ids of organisations or people.
    pub key: Vec<String>,
    /// A value per column.
    pub values: Vec<Value>,
    /// Number of rows it stands on.
    pub evidence_count: u32,
}

/// A page of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportAnswer {
    /// The rows, in order.
    pub rows: Vec<ReportRow>,
    /// Number of rows before they were cut into pages.
    pub total: usize,
}

/// The rows that a row of a report stands on, for each view.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportExplanation {
    /// The row.
    pub row: ReportRow,
    /// The view, its columns, and the rows.
    pub inputs: Vec<InputRows>,
}

/// Rows of one view.
#[derive(Debug, Clone, PartialEq)]
pub struct InputRows {
    /// The view's name, as the report's manifest has it.
    pub view: String,
    /// The view's columns.
    pub fields: Vec<Field>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A view that it needs cannot be asked.
    #[error("the view `{view}`: {error}")]
    View {
        /// The view.
        view: String,
        /// Why.
        error: SnapshotError,
    },
    /// A view has no column that the report reads.
    #[error("the view `{view}` has no field `{field}`, which the report reads")]
    FieldMissing {
        /// The view.
        view: String,
        /// The column.
        field: String,
    },
    /// No instance of it can be made now.
    #[error(transparent)]
    Busy(Interrupted),
    /// The plugin failed.
    #[error("the report failed: {0}")]
    Failed(String),
    /// It takes more memory than one computation may hold.
    #[error(transparent)]
    TooLarge(Interrupted),
    /// Nobody waits for the answer any more.
    #[error("nobody waits for the answer any more")]
    Cancelled,
    /// There is no such column.
    #[error("the report has no field `{0}`")]
    FieldUnknown(String),
    /// The report has no such row.
    #[error("the report has no such row")]
    RowUnknown,
}

impl From<Interrupted> for ReportError {
    fn from(interrupted: Interrupted) -> Self {
        match interrupted {
            Interrupted::TooLarge { .. } => Self::TooLarge(interrupted),
            Interrupted::NoInstance { .. } => Self::Busy(interrupted),
            Interrupted::Cancelled | Interrupted::Deadline => Self::Cancelled,
        }
    }
}

/// The rows of a report as of one position and day.
pub struct ReportTable {
    rows: Vec<GuestReportRow>,
    packed: Packed,
    /// For a table that is too large to be kept: whoever still reads it has the memory for it.
    _hold: Option<Hold>,
}

/// What a table is of: equal ones are the same table. When another version of a view answers, it is another table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TableOf {
    component: [u8; 32],
    settings: String,
    position: Position,
    day: i32,
    views: Vec<[u8; 32]>,
}

impl Report {
    pub(crate) fn new(plugin: ReportPlugin, kept: Corner) -> Self {
        Self { plugin, kept }
    }

    /// What the plugin declares.
    pub fn manifest(&self) -> &ReportManifest {
        self.plugin.manifest()
    }

    /// The contract it is built for.
    pub fn contract(&self) -> &'static str {
        CONTRACT
    }

    /// SHA-256 of the component.
    pub fn component(&self) -> [u8; 32] {
        self.plugin.digest()
    }

    /// Its settings as JSON text.
    pub fn settings(&self) -> &str {
        self.plugin.settings()
    }

    /// How far views have come that are read together: the position and the day of the last one. None while one of them
    /// is being built.
    pub fn reached(views: &[Arc<ViewHandle>]) -> Option<(Position, i32)> {
        let cursors: Vec<_> = views.iter().map(|view| view.cursor()).collect();
        let position = cursors.iter().map(|cursor| cursor.position).min()?;
        Some((position, cursors.iter().map(|cursor| cursor.day).min()??))
    }

    /// What the table of a position and day is of.
    pub fn table_of(&self, views: &[Arc<ViewHandle>], position: Position, day: i32) -> TableOf {
        TableOf {
            component: self.component(),
            settings: self.settings().to_owned(),
            position,
            day,
            views: views.iter().map(|view| view.shared.id()).collect(),
        }
    }

    /// A table that was computed before and is kept.
    pub fn kept(&self, of: &TableOf) -> Option<Arc<ReportTable>> {
        self.kept.find(of)
    }

    /// The table of a position and day, from those kept if it is there. Blocks on the disk and the plugin, for as long as
    /// somebody waits for it. Who asks for the same table meanwhile should wait for this one.
    pub fn table(&self, context: &ReportContext<'_>, cancel: &Cancel) -> Result<Arc<ReportTable>, ReportError> {
        self.table_within(context, &self.work(cancel), cancel)
    }

    /// The same as a part of a piece of work.
    fn table_within(
        &self,
        context: &ReportContext<'_>,
        work: &Work,
        cancel: &Cancel,
    ) -> Result<Arc<ReportTable>, ReportError> {
        let of = self.table_of(context.views, context.position, context.day);
        match self.kept(&of) {
            Some(known) => Ok(known),
            None => self.compute(of, context, work, cancel),
        }
    }

    /// A piece of work that holds nothing yet.
    pub(crate) fn work(&self, cancel: &Cancel) -> Work {
        self.plugin.places().asking.memory().begin(cancel)
    }

    /// Answers a question. Blocks on the disk and the plugin; tables are kept, so a second question of the same position
    /// and day is a look.
    pub fn query(&self, context: &ReportContext<'_>, query: &ReportQuery) -> Result<ReportAnswer, ReportError> {
        self.check_order(query)?;
        self.answer(&*self.table(context, &Cancel::default())?, context.directory, query)
    }

    /// Whether a question names a column that there is: asked before anything is computed.
    pub fn check_order(&self, query: &ReportQuery) -> Result<(), ReportError> {
        self.order(query.order.as_ref()).map(drop)
    }

    /// Answers a question from a table.
    pub fn answer(
        &self,
        table: &ReportTable,
        directory: &Directory,
        query: &ReportQuery,
    ) -> Result<ReportAnswer, ReportError> {
        let order = self.order(query.order.as_ref())?;
        let wanted = query.sorted_key();
        let mut rows: Vec<&GuestReportRow> = table.rows.iter().collect();
        rows.retain(|row| self.is_asked_for(directory, row, (query, wanted.as_deref())));
        rows.sort_by(|one, other| compare(one, other, order));
        let total = rows.len();
        let page = rows.into_iter().skip(query.skip).take(query.page_rows);
        Ok(ReportAnswer { rows: page.map(|row| self.row(directory, row)).collect(), total })
    }

    /// The rows of views that a row stands on.
    pub fn explain(&self, context: &ReportContext<'_>, key: &[String]) -> Result<ReportExplanation, ReportError> {
        self.explain_from(&*self.table(context, &Cancel::default())?, context, key)
    }

    /// The same from a table.
    pub fn explain_from(
        &self,
        table: &ReportTable,
        context: &ReportContext<'_>,
        key: &[String],
    ) -> Result<ReportExplanation, ReportError> {
        let query = ReportQuery { key: Some(key.to_vec()), ..ReportQuery::default() };
        let wanted = query.sorted_key();
        let found =
            table.rows.iter().find(|row| self.is_asked_for(context.directory, row, (&query, wanted.as_deref())));
        let row = found.ok_or(ReportError::RowUnknown)?;
        let mut inputs = Vec::new();
        for (number, (view, input)) in (0_u32..).zip(context.views.iter().zip(&self.manifest().inputs)) {
            let numbers = row.evidence.iter().filter(|(of, _)| *of == number).map(|(_, row)| *row as usize);
            let rows = numbers.map(|row| {
                let (row_key, bytes) = &table.packed.rows(number as usize)[row];
                let stored = StoredRow::decode(bytes).expect("rows that are gone are not scanned");
                // Reports are computed of whole logs only.
                Row::of(*row_key, stored, &view.shared.source.people(), &Complete::Every)
            });
            inputs.push(InputRows { view: input.view.clone(), fields: view.fields().to_vec(), rows: rows.collect() });
        }
        Ok(ReportExplanation { row: self.row(context.directory, row), inputs })
    }

    /// Compares with another report on the same network, each with the views that it reads, as of one position and day,
    /// for as long as somebody waits for the answer.
    pub fn compare(
        &self,
        context: &ReportContext<'_>,
        (other, of_other): (&Self, &ReportContext<'_>),
        moves_max: usize,
        cancel: &Cancel,
    ) -> Result<Comparison, ReportError> {
        let work = self.work(cancel);
        let ours = self.table_within(context, &work, cancel)?;
        let theirs = other.table_within(of_other, &work, cancel)?;
        let tables = Tables {
            ours: &ours.table(),
            theirs: &theirs.table(),
            our_fields: &self.manifest().fields,
            their_fields: &other.manifest().fields,
        };
        let found = tables.compare(moves_max, |key| self.key(context.directory, (key.a, key.b)));
        Ok(Comparison { position: context.position, day: context.day, ..found })
    }

    /// Computes a table, and keeps it if it is not too large.
    fn compute(
        &self,
        of: TableOf,
        context: &ReportContext<'_>,
        work: &Work,
        cancel: &Cancel,
    ) -> Result<Arc<ReportTable>, ReportError> {
        let mut hold = work.hold();
        let packed = self.pack(context, &mut hold, cancel)?;
        let input = packed.encode();
        hold.add(input.len())?;
        let rows = self.rows(context.day, (&input, &packed.row_counts()), &mut hold, cancel)?;
        drop(input);
        let table = ReportTable { rows, packed, _hold: None };
        let bytes = table.bytes();
        if bytes > limits::TABLES_KEPT_BYTES_MAX {
            return Ok(Arc::new(ReportTable { _hold: Some(hold), ..table }));
        }
        let computed = Arc::new(table);
        self.kept.keep(of, Arc::clone(&computed), bytes);
        Ok(computed)
    }

    /// Lets the plugin compute; once more with the large part, if what it gives does not fit otherwise.
    fn rows(
        &self,
        day: i32,
        (input, counts): (&[u8], &[usize]),
        hold: &mut Hold,
        cancel: &Cancel,
    ) -> Result<Vec<GuestReportRow>, ReportError> {
        let fields = &self.manifest().fields;
        let mut compute = |result_bytes_max: usize| {
            hold.add(result_bytes_max)?;
            let instance = self.plugin.instance(cancel);
            let rows =
                instance.and_then(|mut instance| instance.compute(day, (input, counts), fields, result_bytes_max));
            match (cancel.check(), rows) {
                (Ok(()), Err(GuestError::NoInstance(reason))) => {
                    Err(ReportError::Busy(Interrupted::NoInstance { reason }))
                }
                (Ok(()), rows) => Ok(rows),
                (Err(_), _) => Err(ReportError::Cancelled),
            }
        };
        let mut rows = compute(limits::REPORT_RESULT_BYTES)?;
        if let Err(GuestError::Untaken(_)) = rows {
            rows = compute(limits::REPORT_RESULT_BYTES_MAX)?;
        }
        rows.map_err(|error| ReportError::Failed(error.to_string()))
    }

    /// What the plugin gets.
    pub(crate) fn pack(
        &self,
        context: &ReportContext<'_>,
        hold: &mut Hold,
        cancel: &Cancel,
    ) -> Result<Packed, ReportError> {
        let mut packed = Packed::new(context.directory);
        for (view, input) in context.views.iter().zip(&self.manifest().inputs) {
            let failed = |error| match cancel.check() {
                Ok(()) => ReportError::View { view: input.view.clone(), error },
                Err(_) => ReportError::Cancelled,
            };
            let snapshot = Snapshot::open(&view.shared, Some(context.day), Some(context.position)).map_err(failed)?;
            let snapshot = snapshot.until(cancel).within(hold.work());
            let columns = columns(view.fields(), &input.fields, &input.view)?;
            packed.add(snapshot.all_rows(hold).map_err(failed)?, &columns);
        }
        hold.add(packed.bytes_beside_rows())?;
        Ok(packed)
    }

    fn order(&self, order: Option<&OrderBy>) -> Result<(Option<usize>, Direction), ReportError> {
        let fields = &self.manifest().fields;
        match order {
            None => Ok((fields.iter().position(|field| field.of.is_numeric()), Direction::Descending)),
            Some(OrderBy { field, direction }) => {
                let column = fields.iter().position(|known| known.name == *field);
                Ok((Some(column.ok_or_else(|| ReportError::FieldUnknown(field.clone()))?), *direction))
            }
        }
    }

    /// Whether a row is one that is asked for; `wanted` is the question's key with its ids in order.
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

    fn key(&self, directory: &Directory, (a, b): (u32, u32)) -> Vec<String> {
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

impl ReportQuery {
    /// The key that is asked for, its ids in order.
    fn sorted_key(&self) -> Option<Vec<&str>> {
        let mut key: Vec<&str> = self.key.as_ref()?.iter().map(String::as_str).collect();
        key.sort_unstable();
        Some(key)
    }
}

impl ReportTable {
    /// Bytes that it holds.
    fn bytes(&self) -> usize {
        let row = |row: &GuestReportRow| size_of::<GuestReportRow>() + row.bytes();
        self.packed.bytes() + self.rows.iter().map(row).sum::<usize>()
    }

    /// The rows as those of views are kept, to be compared.
    fn table(&self) -> Table {
        let row = |row: &GuestReportRow| {
            let key = RowKey { key: Key::directed(row.key.0, row.key.1), item: 0 };
            let values = row.values.clone();
            (key, StoredRow { changed: 0, values, evidence_count: 0, evidence: Vec::new() }.encode())
        };
        self.rows.iter().map(row).collect()
    }
}

/// The places of the columns that a report reads.
fn columns(fields: &[Field], wanted: &[String], view: &str) -> Result<Vec<usize>, ReportError> {
    let place = |name: &String| {
        let found = fields.iter().position(|field| field.name == *name);
        found.ok_or_else(|| ReportError::FieldMissing { view: view.to_owned(), field: name.clone() })
    };
    wanted.iter().map(place).collect()
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
        GuestValue::Event(position) => Value::Event(Position::new(*position)),
    }
}

/// By a column, rows without a value last, then by key.
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

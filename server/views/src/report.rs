//! Reports: tables over many keys, computed from the rows of views and the directory on demand.
//!
//! Invariant: all inputs have the same position and day, so a report is a function of the log up to that position.

pub(crate) mod answer;
pub(crate) mod check;
mod compare;
pub(crate) mod error;
mod input;
pub(crate) mod page;
pub(crate) mod table;

use self::{
    error::ReportError,
    input::{Columns, Packed, Packing},
    table::{ReportTable, TableOf},
};
use crate::{
    ask::snapshot::Snapshot,
    contract::{
        Field, FieldType,
        report_manifest::{Least, ReportInput, ReportManifest},
    },
    limits,
    plugin::abi::{
        guest::error::GuestError,
        report_v1::{CONTRACT, GuestOutput, ReportPlugin},
    },
    share::{
        cancel::Cancel,
        interrupted::Interrupted,
        kept::Corner,
        work::{Hold, Work},
    },
    view::handle::ViewHandle,
};
use kith_core::{day::Day, directory::Directory, position::Position};
use std::sync::Arc;

/// A report, ready to be computed.
pub struct Report {
    plugin: ReportPlugin,
    kept: Corner,
}

/// The context of a question to a report.
pub struct ReportContext<'a> {
    /// The views that the manifest names, in its order.
    pub views: &'a [Arc<ViewHandle>],
    /// The network's directory as of `position`.
    pub directory: &'a Directory,
    /// The position; every view must have reached it.
    pub position: Position,
    /// The day.
    pub day: Day,
}

impl Report {
    pub(crate) fn new(plugin: ReportPlugin, kept: Corner) -> Self {
        Self { plugin, kept }
    }

    /// What the plugin declares.
    pub fn manifest(&self) -> &ReportManifest {
        self.plugin.manifest()
    }

    /// The contract that the plugin implements.
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

    /// The position and day that all of the views have reached. `None` while one of them is being built.
    pub fn reached(views: &[Arc<ViewHandle>]) -> Option<(Position, Day)> {
        let cursors: Vec<_> = views.iter().map(|view| view.cursor()).collect();
        let position = cursors.iter().map(|cursor| cursor.position).min()?;
        Some((position, cursors.iter().map(|cursor| cursor.day).min()??))
    }

    /// Identifies the table of a position and day.
    pub fn table_of(&self, views: &[Arc<ViewHandle>], position: Position, day: Day) -> TableOf {
        TableOf {
            component: self.component(),
            settings: self.settings().to_owned(),
            position,
            day,
            views: views.iter().map(|view| view.shared.id()).collect(),
        }
    }

    /// A table from the cache.
    pub fn kept(&self, of: &TableOf) -> Option<Arc<ReportTable>> {
        self.kept.find(of)
    }

    /// The table of a position and day, from the cache if possible. Blocks on the disk and the plugin until cancelled.
    /// Callers that want the same table at the same time should share one call.
    pub fn table(&self, context: &ReportContext<'_>, cancel: &Cancel) -> Result<Arc<ReportTable>, ReportError> {
        self.table_within(context, &self.work(cancel), cancel)
    }

    /// The same, as part of a piece of work.
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
    fn work(&self, cancel: &Cancel) -> Work {
        self.plugin.places().asking.memory().begin(cancel)
    }

    /// Computes a table, and caches it unless it is too large.
    fn compute(
        &self,
        of: TableOf,
        context: &ReportContext<'_>,
        work: &Work,
        cancel: &Cancel,
    ) -> Result<Arc<ReportTable>, ReportError> {
        let (packed, failing_keys) = self.pack(context, work, cancel)?;
        let mut hold = work.hold();
        let output = self.output(context.day, &packed, &mut hold, cancel)?;
        let table = ReportTable::new(output, &packed, failing_keys);
        drop(packed);
        let bytes = table.bytes();
        if bytes > limits::TABLES_KEPT_BYTES_MAX {
            return Ok(Arc::new(table.holding(hold)));
        }
        let computed = Arc::new(table);
        self.kept.keep(of, Arc::clone(&computed), bytes);
        Ok(computed)
    }

    /// Has the plugin compute; again with the large part of memory if the result does not fit.
    fn output(&self, day: Day, packed: &Packed, hold: &mut Hold, cancel: &Cancel) -> Result<GuestOutput, ReportError> {
        let fields = &self.manifest().fields;
        let input = (packed.bytes(), &*packed.row_counts());
        let mut compute = |result_bytes_max: usize| {
            hold.add(result_bytes_max)?;
            let instance = self.plugin.instance(cancel);
            let output = instance.and_then(|mut instance| instance.compute(day, input, fields, result_bytes_max));
            match (cancel.check(), output) {
                (Ok(()), Err(GuestError::NoInstance(reason))) => {
                    Err(ReportError::Busy(Interrupted::NoInstance { reason }))
                }
                (Ok(()), output) => Ok(output),
                (Err(_), _) => Err(ReportError::Cancelled),
            }
        };
        let mut output = compute(limits::REPORT_RESULT_BYTES)?;
        if let Err(GuestError::Untaken(_)) = output {
            output = compute(limits::REPORT_RESULT_BYTES_MAX)?;
        }
        output.map_err(failure)
    }

    /// Packs the plugin's input. Returns with it the number of keys that are missing in it or behind, because the
    /// plugins of the views fail on them.
    fn pack(&self, context: &ReportContext<'_>, work: &Work, cancel: &Cancel) -> Result<(Packed, u64), ReportError> {
        let inputs = &self.manifest().inputs;
        let bytes_max = self.plugin.limits().report_input_bytes;
        let mut packing = Packing::new(context.directory, inputs.len(), bytes_max, work.hold())?;
        let mut failing_keys = 0;
        for (view, input) in context.views.iter().zip(inputs) {
            let failed = |error| match (cancel.check(), error) {
                (Err(_), _) => ReportError::Cancelled,
                (Ok(()), error) => ReportError::View { view: input.view.clone(), error },
            };
            let snapshot = Snapshot::open(&view.shared, Some(context.day), Some(context.position)).map_err(failed)?;
            let snapshot = snapshot.until(cancel).within(work);
            let columns = columns(view.fields(), input)?;
            let about = if columns.at_least.is_none() { snapshot.rows_about() } else { Ok(0) };
            let mut rows = packing.rows(&columns, about.map_err(|error| failed(error.into()))?)?;
            let mut unpacked = Ok(());
            // Why a row was not packed is kept beside: any error ends the scan.
            let scanned = snapshot.scan_all(|key, row| {
                rows.add(key, row).map_err(|error| {
                    unpacked = Err(error);
                    Interrupted::Cancelled.into()
                })
            });
            unpacked?;
            scanned.map_err(failed)?;
            rows.end();
            failing_keys += snapshot.failing_keys().map_err(|error| failed(error.into()))?;
        }
        Ok((packing.finish()?, failing_keys))
    }
}

/// Why a computation failed.
fn failure(error: GuestError) -> ReportError {
    match error {
        GuestError::Memory { bytes, bytes_max } => ReportError::Memory { bytes, bytes_max },
        error => ReportError::Failed(error.to_string()),
    }
}

/// The columns that a report reads.
fn columns(fields: &[Field], input: &ReportInput) -> Result<Columns, ReportError> {
    let place = |name: &String| {
        let found = fields.iter().position(|field| field.name == *name);
        found.ok_or_else(|| ReportError::FieldMissing { view: input.view.clone(), field: name.clone() })
    };
    let least = |least: &Least| {
        let column = place(&least.field)?;
        match fields[column].of {
            FieldType::Number | FieldType::Integer | FieldType::Day => Ok((column, least.value)),
            FieldType::Text | FieldType::Flag | FieldType::Person | FieldType::Event => {
                Err(ReportError::NotNarrowed { view: input.view.clone(), field: least.field.clone() })
            }
        }
    };
    Ok(Columns {
        wanted: input.fields.iter().map(place).collect::<Result<_, _>>()?,
        at_least: input.at_least.as_ref().map(least).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_and_rows_narrowed_by_numbers_and_days_only() {
        let field = |name: &str, of| Field { name: name.to_owned(), of, about: String::new() };
        let fields = [field("state", FieldType::Text), field("score", FieldType::Number), field("on", FieldType::Day)];
        let columns = |wanted: &[&str], least: Option<&str>| {
            let at_least = least.map(|field| Least { field: field.to_owned(), value: 1.5 });
            let wanted = wanted.iter().map(|name| (*name).to_owned()).collect();
            columns(&fields, &ReportInput { view: "ties".to_owned(), fields: wanted, at_least })
        };
        let found = columns(&["on", "state"], Some("score")).unwrap();
        assert_eq!((found.wanted, found.at_least), (vec![2, 0], Some((1, 1.5))));
        assert!(columns(&[], Some("on")).is_ok());
        let said = |wanted: &[&str], least| columns(wanted, least).map(drop).unwrap_err().to_string();
        assert_eq!(said(&["luck"], None), "the view `ties` has no field `luck`, which the report reads");
        assert_eq!(said(&[], Some("luck")), "the view `ties` has no field `luck`, which the report reads");
        assert!(said(&["score"], Some("state")).starts_with("the view `ties` has no numbers or days in `state`"));
    }
}

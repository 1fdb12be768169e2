//! The adapter of contract `kith:report@1.0.0`.
//!
//! Everything that a report returns is checked here against the contract and the limits before it is used.

use super::guest::{Configured, Contract, Guest, error::GuestError, exports, words::words};
use crate::{
    contract::{
        Field, GuestValue, check_values,
        manifest::ManifestInvalid,
        report_manifest::{Least, ReportInput, ReportKey, ReportManifest},
    },
    limits,
    plugin::engine::SandboxLimits,
    share::{cancel::Cancel, places::Place},
};
use kith_core::{day::Day, invalid::breaks_line};
use std::collections::HashSet;
use wasmtime::{
    Engine, Store,
    component::{Component, InstancePre},
};

/// The contract's name.
pub(crate) const CONTRACT: &str = "kith:report@1.0.0";

#[allow(missing_docs, clippy::pedantic, reason = "generated from plugins/wit, which carries the documentation")]
mod bindings {
    wasmtime::component::bindgen!({ path: "../../plugins/wit/report-v1", world: "plugin" });
}
use bindings::exports::kith::report::report as wit;

/// A row that a report returned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GuestReportRow {
    /// The key: ordinals of organisations, or handles of people.
    pub(crate) key: (u32, u32),
    /// One value per column.
    pub(crate) values: Vec<GuestValue>,
    /// For each row of evidence, the numbers of its input and of the row.
    pub(crate) evidence: Vec<(u32, u32)>,
}

/// What a report computed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GuestOutput {
    /// The rows, in the order of their keys.
    pub(crate) rows: Vec<GuestReportRow>,
    /// Its remarks for people.
    pub(crate) remarks: Vec<String>,
}

impl GuestOutput {
    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        let row = |row: &GuestReportRow| size_of::<GuestReportRow>() + row.bytes();
        self.rows.iter().map(row).sum::<usize>() + self.remarks.iter().map(String::len).sum::<usize>()
    }
}

impl GuestReportRow {
    /// Bytes of the values and of the evidence.
    pub(crate) fn bytes(&self) -> usize {
        let values: usize = self.values.iter().map(GuestValue::bytes).sum();
        values + self.evidence.len() * size_of::<(u32, u32)>()
    }
}

words!(wit);

/// The contract of reports.
pub(crate) enum ReportV1 {}

/// The plugin of a report.
pub(crate) type ReportPlugin = Configured<ReportV1>;
/// One instance of it, for one computation. Used again only to check that this makes no difference.
pub(crate) type ReportGuest = Guest<ReportV1>;

impl Contract for ReportV1 {
    const EXPORT: &'static str = "kith:report/report@1.0.0";

    type Linked = bindings::PluginPre<Place>;
    type Exports = bindings::Plugin;
    type Manifest = ReportManifest;

    fn limits(sandbox: SandboxLimits) -> SandboxLimits {
        SandboxLimits {
            memory_bytes: sandbox.report_memory_bytes,
            call_fuel: limits::REPORT_FUEL_MAX,
            call_epochs: limits::REPORT_EPOCHS_MAX,
            ..sandbox
        }
    }

    fn link(component: InstancePre<Place>) -> wasmtime::Result<Self::Linked> {
        bindings::PluginPre::new(component)
    }

    fn engine(linked: &Self::Linked) -> &Engine {
        linked.engine()
    }

    fn instantiate(linked: &Self::Linked, store: &mut Store<Place>) -> wasmtime::Result<Self::Exports> {
        linked.instantiate(store)
    }

    fn describe(
        exports: &Self::Exports,
        store: &mut Store<Place>,
    ) -> wasmtime::Result<Result<ReportManifest, ManifestInvalid>> {
        exports.kith_report_report().call_describe(store).map(manifest)
    }

    fn configure(
        exports: &Self::Exports,
        store: &mut Store<Place>,
        settings: &str,
    ) -> wasmtime::Result<Result<(), String>> {
        exports.kith_report_report().call_configure(store, settings)
    }
}

impl ReportPlugin {
    /// Whether a component is a report.
    pub(crate) fn is_one(component: &Component) -> bool {
        exports(component, ReportV1::EXPORT)
    }

    /// A fresh instance in one of the places for questions.
    pub(crate) fn instance(&self, cancel: &Cancel) -> Result<ReportGuest, GuestError> {
        self.instantiate(&self.places().asking, cancel)
    }
}

impl ReportGuest {
    /// Computes rows and remarks, if they do not exceed a number of bytes. `inputs` is the number of rows of each input.
    pub(crate) fn compute(
        &mut self,
        day: Day,
        (input, inputs): (&[u8], &[usize]),
        fields: &[Field],
        result_bytes_max: usize,
    ) -> Result<GuestOutput, GuestError> {
        let computed = self.call(result_bytes_max, |report, store| {
            report.kith_report_report().call_compute(store, day.number(), input)
        })?;
        let computed = computed.map_err(|fault| GuestError::failed(None, &fault.message))?;
        let wit::Output { rows, remarks } = computed;
        let rows = checked_rows(rows, fields, inputs).and_then(|rows| {
            check_remarks(&remarks)?;
            Ok(GuestOutput { rows, remarks })
        });
        rows.map_err(|reason| GuestError::failed(None, &reason))
    }
}

fn check_remarks(remarks: &[String]) -> Result<(), String> {
    if remarks.len() > limits::REPORT_REMARKS_MAX {
        return Err("the report has more than 8 remarks".to_owned());
    }
    let is_line = |remark: &String| {
        (1..=limits::REPORT_REMARK_BYTES_MAX).contains(&remark.len()) && !remark.contains(breaks_line)
    };
    if remarks.iter().all(is_line) { Ok(()) } else { Err("a remark is not one line of 1 to 300 bytes".to_owned()) }
}

fn checked_rows(rows: Vec<wit::Row>, fields: &[Field], inputs: &[usize]) -> Result<Vec<GuestReportRow>, String> {
    if rows.len() > limits::REPORT_ROWS_MAX {
        return Err("the report has more than 100,000 rows".to_owned());
    }
    let mut keys = HashSet::with_capacity(rows.len());
    let mut checked: Vec<GuestReportRow> = Vec::with_capacity(rows.len());
    let mut bytes = 0;
    for row in rows {
        let values: Vec<GuestValue> = row.values.into_iter().map(GuestValue::from).collect();
        check_values(&values, fields)?;
        let texts: usize =
            values.iter().map(|value| if let GuestValue::Text(text) = value { text.len() } else { 0 }).sum();
        if texts + values.len() * 9 > limits::ROW_BYTES_MAX || row.evidence.len() > limits::REPORT_EVIDENCE_MAX {
            return Err("a row has more than 16 KiB, or more than 1,000 rows as evidence".to_owned());
        }
        let is_there =
            |(input, number): &(u32, u32)| inputs.get(*input as usize).is_some_and(|rows| (*number as usize) < *rows);
        if !row.evidence.iter().all(is_there) {
            return Err("a row names a row as evidence that does not exist".to_owned());
        }
        if !keys.insert((row.a, row.b)) {
            return Err("two rows have the same key".to_owned());
        }
        let row = GuestReportRow { key: (row.a, row.b), values, evidence: row.evidence };
        bytes += row.bytes();
        if bytes > limits::REPORT_ROWS_BYTES_MAX {
            return Err("the report has more than 16 MiB of rows".to_owned());
        }
        checked.push(row);
    }
    checked.sort_unstable_by_key(|row| row.key);
    Ok(checked)
}

/// Reads and checks the manifest of a report.
fn manifest(manifest: wit::Manifest) -> Result<ReportManifest, ManifestInvalid> {
    let least = |least: wit::Least| Least { field: least.field, value: least.value };
    let input =
        |input: wit::Input| ReportInput { view: input.view, fields: input.fields, at_least: input.at_least.map(least) };
    let manifest = ReportManifest {
        name: manifest.name,
        version: manifest.version,
        key: match manifest.key_by {
            wit::KeyBy::OrganisationPair => ReportKey::OrganisationPair,
            wit::KeyBy::Organisation => ReportKey::Organisation,
            wit::KeyBy::Pair => ReportKey::Pair,
            wit::KeyBy::Person => ReportKey::Person,
        },
        inputs: manifest.inputs.into_iter().map(input).collect(),
        fields: manifest.fields.into_iter().map(Field::from).collect(),
        settings_schema: manifest.settings,
    };
    manifest.check()?;
    Ok(manifest)
}

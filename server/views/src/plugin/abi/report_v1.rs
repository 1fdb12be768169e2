//! The adapter of contract `kith:report@1.0.0`.
//!
//! Whatever a report gives is checked here against the contract and the limits; nothing else trusts it.

use super::view_v1::{GuestError, check_surface, exports, shortened};
use crate::{
    contract::{
        Field, FieldType, GuestValue,
        manifest::ManifestInvalid,
        report_manifest::{ReportInput, ReportKey, ReportManifest},
    },
    limits,
    plugin::{call_clock::CallClock, compile::Compiled, engine::SandboxLimits, refused::Refused},
    share::{
        cancel::Cancel,
        places::{Lending, Place, Places},
    },
};
use std::collections::HashSet;
use wasmtime::{Store, component::Component, component::Linker};

/// The contract.
pub(crate) const CONTRACT: &str = "kith:report@1.0.0";
/// The interface that a component must export.
pub(crate) const EXPORT: &str = "kith:report/report@1.0.0";

#[allow(missing_docs, clippy::pedantic, reason = "generated from plugins/wit, which carries the documentation")]
mod bindings {
    wasmtime::component::bindgen!({ path: "../../plugins/wit/report-v1", world: "plugin" });
}
use bindings::exports::kith::report::report as wit;

/// A row as a report gives it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GuestReportRow {
    /// The key: ordinals of organisations, or handles of people.
    pub(crate) key: (u32, u32),
    /// A value per column.
    pub(crate) values: Vec<GuestValue>,
    /// Numbers of the input and of its row.
    pub(crate) evidence: Vec<(u32, u32)>,
}

impl GuestReportRow {
    /// Bytes of its values and of what it names as evidence.
    pub(crate) fn bytes(&self) -> usize {
        let values: usize = self.values.iter().map(GuestValue::bytes).sum();
        values + self.evidence.len() * size_of::<(u32, u32)>()
    }
}

/// A report that was compiled, checked and configured once.
pub(crate) struct ReportPlugin {
    pre: bindings::PluginPre<Place>,
    digest: [u8; 32],
    settings: String,
    manifest: ReportManifest,
    memory_bytes: usize,
    places: Places,
    /// Others that load the component find its code as long as this lives.
    _compiled: Compiled,
}

impl ReportPlugin {
    /// Whether a component is a report.
    pub(crate) fn is_one(component: &Component) -> bool {
        exports(component, EXPORT)
    }

    /// Checks a compiled component: no imports, this contract, a valid manifest, and that it takes the settings.
    pub(crate) fn new(
        compiled: &Compiled,
        settings: &str,
        limits: SandboxLimits,
        places: &Places,
    ) -> Result<Self, Refused> {
        let (component, digest) = (compiled.component(), compiled.digest());
        check_surface(component, EXPORT)?;
        let pre = Linker::new(component.engine())
            .instantiate_pre(component)
            .map_err(|error| Refused::no_component(&error))?;
        let pre = bindings::PluginPre::new(pre).map_err(|error| Refused::no_component(&error))?;
        let memory_bytes = limits.memory_bytes;
        let mut guest = Guest::instantiate(&pre, memory_bytes, &places.asking, &Cancel::default())
            .map_err(|error| Refused::failed("instantiate", &error))?;
        let manifest = guest.call(limits::DESCRIBE_BYTES_MAX, |report, store| report.call_describe(store));
        let manifest = manifest_of(manifest.map_err(|error| Refused::failed("describe", &error))?);
        manifest.check()?;
        let configured = guest.call(limits::DESCRIBE_BYTES_MAX, |report, store| report.call_configure(store, settings));
        configured
            .map_err(|error| Refused::failed("configure", &error))?
            .map_err(|reason| Refused::Settings { reason: shortened(&reason) })?;
        Ok(Self {
            pre,
            digest,
            settings: settings.to_owned(),
            manifest,
            memory_bytes,
            places: places.clone(),
            _compiled: compiled.clone(),
        })
    }

    /// SHA-256 of the component.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The settings it is configured with.
    pub(crate) fn settings(&self) -> &str {
        &self.settings
    }

    /// What it declares.
    pub(crate) fn manifest(&self) -> &ReportManifest {
        &self.manifest
    }

    /// Where its instances have their places.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// A fresh instance, configured, whose calls end when nobody waits for them any more.
    pub(crate) fn instance(&self, cancel: &Cancel) -> Result<ReportInstance<'_>, GuestError> {
        let mut guest = Guest::instantiate(&self.pre, self.memory_bytes, &self.places.asking, cancel)?;
        let configured =
            guest.call(limits::DESCRIBE_BYTES_MAX, |report, store| report.call_configure(store, &self.settings))?;
        configured.map_err(|reason| GuestError::failed(None, &reason))?;
        Ok(ReportInstance { guest, manifest: &self.manifest })
    }
}

/// A configured instance, for one computation; for more only where it is tried whether that matters.
pub(crate) struct ReportInstance<'a> {
    guest: Guest,
    manifest: &'a ReportManifest,
}

impl ReportInstance<'_> {
    /// Computes the rows, if they have no more bytes than said. `rows` is the number of rows of each input.
    pub(crate) fn compute(
        &mut self,
        day: i32,
        input: &[u8],
        rows: &[usize],
        result_bytes_max: usize,
    ) -> Result<Vec<GuestReportRow>, GuestError> {
        let computed = self.guest.call(result_bytes_max, |report, store| report.call_compute(store, day, input))?;
        let computed = computed.map_err(|fault| GuestError::failed(None, &fault.message))?;
        checked_rows(computed, self.manifest, rows).map_err(|reason| GuestError::failed(None, reason))
    }

    /// Fuel that the last call took.
    pub(crate) fn fuel(&self) -> u64 {
        limits::REPORT_FUEL_MAX - self.guest.store.get_fuel().expect("the engine counts fuel")
    }
}

/// One instance of a report.
struct Guest {
    store: Store<Place>,
    bindings: bindings::Plugin,
    clock: CallClock,
}

impl Guest {
    fn instantiate(
        pre: &bindings::PluginPre<Place>,
        memory_bytes: usize,
        lending: &Lending,
        cancel: &Cancel,
    ) -> Result<Self, GuestError> {
        let place = lending.lend(memory_bytes).map_err(|none| GuestError::NoInstance(none.to_string()))?;
        let mut store = Store::new(pre.engine(), place);
        store.limiter(|place| place);
        store.set_hostcall_fuel(limits::DESCRIBE_BYTES_MAX);
        refill(&mut store);
        let clock = CallClock::start(&mut store, cancel, limits::REPORT_EPOCHS_MAX);
        let bindings = pre.instantiate(&mut store).map_err(|error| GuestError::of_instantiation(&error))?;
        Ok(Self { store, bindings, clock })
    }

    fn call<T>(
        &mut self,
        result_bytes_max: usize,
        call: impl FnOnce(&wit::Guest, &mut Store<Place>) -> wasmtime::Result<T>,
    ) -> Result<T, GuestError> {
        refill(&mut self.store);
        self.clock.begin(&mut self.store);
        self.store.set_hostcall_fuel(result_bytes_max);
        call(self.bindings.kith_report_report(), &mut self.store).map_err(|error| GuestError::of(&error))
    }
}

fn refill(store: &mut Store<Place>) {
    store.set_fuel(limits::REPORT_FUEL_MAX).expect("the engine counts fuel");
}

fn checked_rows(
    rows: Vec<wit::Row>,
    manifest: &ReportManifest,
    inputs: &[usize],
) -> Result<Vec<GuestReportRow>, &'static str> {
    if rows.len() > limits::REPORT_ROWS_MAX {
        return Err("the report has more than 100,000 rows");
    }
    let mut keys = HashSet::with_capacity(rows.len());
    let mut checked: Vec<GuestReportRow> = Vec::with_capacity(rows.len());
    let mut bytes = 0;
    for row in rows {
        let values: Vec<GuestValue> = row.values.into_iter().map(value).collect();
        let fits = values.iter().zip(&manifest.fields).all(|(value, field)| value.fits(field.of));
        if values.len() != manifest.fields.len() || !fits {
            return Err("a row has not one value of the right type per field, or a number is not finite");
        }
        let texts: usize =
            values.iter().map(|value| if let GuestValue::Text(text) = value { text.len() } else { 0 }).sum();
        if texts + values.len() * 9 > limits::ROW_BYTES_MAX || row.evidence.len() > limits::REPORT_EVIDENCE_MAX {
            return Err("a row has more than 16 KiB, or more than 1,000 rows as evidence");
        }
        let is_there =
            |(input, number): &(u32, u32)| inputs.get(*input as usize).is_some_and(|rows| (*number as usize) < *rows);
        if !row.evidence.iter().all(is_there) {
            return Err("a row names a row as evidence that is not there");
        }
        if !keys.insert((row.a, row.b)) {
            return Err("two rows have one key");
        }
        let row = GuestReportRow { key: (row.a, row.b), values, evidence: row.evidence };
        bytes += row.bytes();
        if bytes > limits::REPORT_ROWS_BYTES_MAX {
            return Err("the report has more than 16 MiB of rows");
        }
        checked.push(row);
    }
    checked.sort_unstable_by_key(|row| row.key);
    Ok(checked)
}

fn value(value: wit::Value) -> GuestValue {
    match value {
        wit::Value::None => GuestValue::None,
        wit::Value::Number(number) => GuestValue::Number(number),
        wit::Value::Integer(integer) => GuestValue::Integer(integer),
        wit::Value::Text(text) => GuestValue::Text(text),
        wit::Value::Flag(flag) => GuestValue::Flag(flag),
        wit::Value::Day(day) => GuestValue::Day(day),
        wit::Value::Person(person) => GuestValue::Person(person),
        wit::Value::Event(position) => GuestValue::Event(position),
    }
}

fn manifest_of(manifest: wit::Manifest) -> ReportManifest {
    let field = |field: wit::Field| Field { name: field.name, of: field_type(field.of), about: field.about };
    let input = |input: wit::Input| ReportInput { view: input.view, fields: input.fields };
    ReportManifest {
        name: manifest.name,
        version: manifest.version,
        key: match manifest.key_by {
            wit::KeyBy::OrganisationPair => ReportKey::OrganisationPair,
            wit::KeyBy::Organisation => ReportKey::Organisation,
            wit::KeyBy::Pair => ReportKey::Pair,
            wit::KeyBy::Person => ReportKey::Person,
        },
        inputs: manifest.inputs.into_iter().map(input).collect(),
        fields: manifest.fields.into_iter().map(field).collect(),
        settings_schema: manifest.settings,
    }
}

fn field_type(of: wit::FieldType) -> FieldType {
    match of {
        wit::FieldType::Number => FieldType::Number,
        wit::FieldType::Integer => FieldType::Integer,
        wit::FieldType::Text => FieldType::Text,
        wit::FieldType::Flag => FieldType::Flag,
        wit::FieldType::Day => FieldType::Day,
        wit::FieldType::Person => FieldType::Person,
        wit::FieldType::Event => FieldType::Event,
    }
}

impl ReportManifest {
    fn check(&self) -> Result<(), ManifestInvalid> {
        crate::contract::manifest::check_name(&self.name)?;
        crate::contract::manifest::check_fields(&self.fields)?;
        crate::contract::manifest::check_schema(&self.settings_schema)?;
        for input in &self.inputs {
            crate::contract::manifest::check_name(&input.view)?;
            input.fields.iter().try_for_each(|field| crate::contract::manifest::check_name(field))?;
        }
        let count = self.inputs.len();
        if (1..=limits::REPORT_INPUTS_MAX).contains(&count) { Ok(()) } else { Err(ManifestInvalid::Inputs(count)) }
    }
}

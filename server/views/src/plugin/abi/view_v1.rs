//! The adapter of contract `kith:view@1.0.0`.
//!
//! Whatever a plugin gives is checked here against the contract and the limits; nothing else trusts it.

use super::batch::{FoldSlot, decode_states, encode_batch};
use crate::{
    contract::{
        Field, FieldType, GuestRow, GuestValue, KeyBy, Route,
        key::Key,
        manifest::{Manifest, ManifestInvalid},
    },
    limits,
    plugin::{call_clock::CallClock, compile::Compiled, engine::SandboxLimits, refused::Refused},
    share::{
        cancel::Cancel,
        places::{Lending, NoPlace, Place, Places},
    },
};
use kith_core::event::Kind;
use std::collections::HashSet;
use wasmtime::{Store, Trap, component::Component, component::Linker};

/// The interface that a component must export.
pub(crate) const CONTRACT: &str = "kith:view@1.0.0";
pub(crate) const EXPORT: &str = "kith:view/view@1.0.0";
/// The slot of a fault that stands for no slot.
const NO_SLOT: u32 = u32::MAX;

#[allow(missing_docs, clippy::pedantic, reason = "generated from plugins/wit, which carries the documentation")]
mod bindings {
    wasmtime::component::bindgen!({ path: "../../plugins/wit/v1", world: "plugin" });
}
use bindings::exports::kith::view::view as wit;

/// Why a call gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GuestError {
    /// The plugin or the sandbox says that these arguments cannot be computed with. The same arguments give the same
    /// failure.
    #[error("{message}")]
    Failed {
        /// The slot at fault, if it is known.
        slot: Option<usize>,
        /// What went wrong.
        message: String,
    },
    /// The result could not be taken: it is too large, or none of its type. The same arguments, and the same limit, give
    /// the same failure.
    #[error("{0}")]
    Untaken(String),
    /// The wall-clock limit was reached: says nothing about the arguments.
    #[error("a call took longer than its wall-clock limit")]
    Deadline,
    /// No instance could be made, or had the memory that it asked for: too many live at once.
    #[error("no plugin instance is free: {0}")]
    NoInstance(String),
}

impl GuestError {
    pub(super) fn failed(slot: Option<usize>, message: &str) -> Self {
        Self::Failed { slot, message: shortened(message) }
    }

    /// Why there is no instance: a trap of the component, or that too many live.
    pub(super) fn of_instantiation(error: &wasmtime::Error) -> Self {
        match Self::of(error) {
            Self::Untaken(message) => Self::NoInstance(message),
            other => other,
        }
    }

    pub(super) fn of(error: &wasmtime::Error) -> Self {
        if let Some(no_place) = error.downcast_ref::<NoPlace>() {
            return Self::NoInstance(no_place.to_string());
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Self::Deadline,
            Some(trap) => Self::failed(None, &trap.to_string()),
            None => Self::Untaken(shortened(&error.root_cause().to_string())),
        }
    }
}

/// A plugin that was compiled, checked and configured once: instances of it can be made at any time.
#[derive(Clone)]
pub(crate) struct Plugin {
    pre: bindings::PluginPre<Place>,
    digest: [u8; 32],
    settings: String,
    manifest: Manifest,
    limits: SandboxLimits,
    places: Places,
    /// Others that load the component find its code as long as this lives.
    _compiled: Compiled,
}

impl Plugin {
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
        let mut guest = Guest::instantiate(&pre, limits, &places.asking, &Cancel::default())
            .map_err(|error| Refused::failed("instantiate", &error))?;
        let manifest = manifest(guest.describe().map_err(|error| Refused::failed("describe", &error))?)?;
        manifest.check()?;
        guest
            .configure(settings)
            .map_err(|error| Refused::failed("configure", &error))?
            .map_err(|reason| Refused::Settings { reason: shortened(&reason) })?;
        Ok(Self {
            pre,
            digest,
            settings: settings.to_owned(),
            manifest,
            limits,
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
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where its instances have their places.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// A fresh, configured instance in a place that is lent, whose calls end when nobody waits for them any more.
    pub(crate) fn instantiate(&self, lending: &Lending, cancel: &Cancel) -> Result<Guest, GuestError> {
        let mut guest = Guest::instantiate(&self.pre, self.limits, lending, cancel)?;
        guest.configure(&self.settings)?.map_err(|reason| GuestError::failed(None, &reason))?;
        Ok(guest)
    }
}

/// Refuses components with imports, or without the interface of their contract.
pub(super) fn check_surface(component: &Component, export: &'static str) -> Result<(), Refused> {
    let (engine, surface) = (component.engine(), component.component_type());
    let names: Vec<String> = surface.imports(engine).map(|(name, _)| name.to_owned()).collect();
    if !names.is_empty() {
        return Err(Refused::Imports { names });
    }
    if exports(component, export) {
        return Ok(());
    }
    Err(Refused::Contract { found: surface.exports(engine).map(|(name, _)| name.to_owned()).collect(), export })
}

/// Whether a component has an interface.
pub(super) fn exports(component: &Component, export: &str) -> bool {
    component.component_type().exports(component.engine()).any(|(name, _)| name == export)
}

/// One instance of a plugin. After a failed call it must not be used again.
pub(crate) struct Guest {
    store: Store<Place>,
    bindings: bindings::Plugin,
    limits: SandboxLimits,
    clock: CallClock,
    fuel_used: u64,
}

impl Guest {
    fn instantiate(
        pre: &bindings::PluginPre<Place>,
        limits: SandboxLimits,
        lending: &Lending,
        cancel: &Cancel,
    ) -> Result<Self, GuestError> {
        let place = lending.lend(limits.memory_bytes).map_err(|none| GuestError::NoInstance(none.to_string()))?;
        let mut store = Store::new(pre.engine(), place);
        store.limiter(|place| place);
        store.set_hostcall_fuel(limits::DESCRIBE_BYTES_MAX);
        refill(&mut store, limits);
        let clock = CallClock::start(&mut store, cancel, limits.call_epochs);
        let bindings = pre.instantiate(&mut store).map_err(|error| GuestError::of_instantiation(&error))?;
        Ok(Self { store, bindings, limits, clock, fuel_used: 0 })
    }

    fn describe(&mut self) -> Result<wit::Manifest, GuestError> {
        self.call(limits::DESCRIBE_BYTES_MAX, |view, store| view.call_describe(store))
    }

    fn configure(&mut self, settings: &str) -> Result<Result<(), String>, GuestError> {
        self.call(limits::DESCRIBE_BYTES_MAX, |view, store| view.call_configure(store, settings))
    }

    /// Folds each slot's events into its state; gives the new states in the order of the slots.
    pub(crate) fn fold(&mut self, slots: &[FoldSlot<'_>]) -> Result<Vec<Vec<u8>>, GuestError> {
        let batch = encode_batch(slots);
        let output = self
            .call(limits::CALL_RESULT_BYTES, |view, store| view.call_fold(store, &batch))?
            .map_err(|fault| fault_of(&fault))?;
        let states =
            decode_states(&output, slots.len()).map_err(|invalid| GuestError::failed(None, &invalid.to_string()))?;
        Ok(states.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// The rows of each key as of the end of a day, in the order of the slots, if they have no more bytes.
    pub(crate) fn read(
        &mut self,
        day: i32,
        slots: &[(Key, &[u8])],
        fields: &[Field],
        result_bytes_max: usize,
    ) -> Result<Vec<Vec<GuestRow>>, GuestError> {
        let states: Vec<u8> = slots.iter().flat_map(|(_, state)| *state).copied().collect();
        let wire: Vec<wit::Slot> = slots.iter().map(|(key, state)| slot(*key, state)).collect();
        let rows = self.call(result_bytes_max, |view, store| view.call_read(store, day, &wire, &states))?;
        rows_by_slot(rows.map_err(|fault| fault_of(&fault))?, slots.len(), fields)
    }

    /// Fuel spent since the last time it was taken.
    pub(crate) fn take_fuel_used(&mut self) -> u64 {
        std::mem::take(&mut self.fuel_used)
    }

    fn call<T>(
        &mut self,
        result_bytes_max: usize,
        call: impl FnOnce(&wit::Guest, &mut Store<Place>) -> wasmtime::Result<T>,
    ) -> Result<T, GuestError> {
        refill(&mut self.store, self.limits);
        self.clock.begin(&mut self.store);
        self.store.set_hostcall_fuel(result_bytes_max);
        let result = call(self.bindings.kith_view_view(), &mut self.store);
        let left = self.store.get_fuel().expect("the engine counts fuel");
        self.fuel_used += self.limits.call_fuel - left;
        result.map_err(|error| GuestError::of(&error))
    }
}

fn refill(store: &mut Store<Place>, limits: SandboxLimits) {
    store.set_fuel(limits.call_fuel).expect("the engine counts fuel");
}

fn slot(key: Key, state: &[u8]) -> wit::Slot {
    let state = u32::try_from(state.len()).expect("states are at most 64 KiB");
    wit::Slot { a: key.a, b: key.b, state }
}

fn fault_of(fault: &wit::Fault) -> GuestError {
    let slot = (fault.slot != NO_SLOT).then_some(fault.slot as usize);
    GuestError::failed(slot, &fault.message)
}

fn rows_by_slot(rows: Vec<wit::Row>, slots: usize, fields: &[Field]) -> Result<Vec<Vec<GuestRow>>, GuestError> {
    let mut by_slot = vec![Vec::new(); slots];
    for row in rows {
        let slot = row.slot as usize;
        let Some(rows) = by_slot.get_mut(slot) else {
            return Err(GuestError::failed(None, "a row names a key that was not asked for"));
        };
        rows.push(checked_row(row, fields).map_err(|reason| GuestError::failed(Some(slot), reason))?);
        if rows.len() > limits::KEY_ROWS_MAX {
            return Err(GuestError::failed(Some(slot), "a key has more than 1,000 rows"));
        }
    }
    for (slot, rows) in by_slot.iter_mut().enumerate() {
        let mut items = HashSet::new();
        if !rows.iter().all(|row| items.insert(row.item)) {
            return Err(GuestError::failed(Some(slot), "two rows of a key have the same item"));
        }
        rows.sort_by_key(|row| row.item);
    }
    Ok(by_slot)
}

fn checked_row(row: wit::Row, fields: &[Field]) -> Result<GuestRow, &'static str> {
    if row.values.len() != fields.len() {
        return Err("a row has not one value per field");
    }
    if row.item == Some(0) {
        return Err("a row's item is 0, which is no position");
    }
    let values: Vec<GuestValue> = row.values.into_iter().map(value).collect();
    if !values.iter().zip(fields).all(|(value, field)| value.fits(field.of)) {
        return Err("a value is not of its field's type, or no finite number");
    }
    let texts: usize = values.iter().map(|value| if let GuestValue::Text(text) = value { text.len() } else { 0 }).sum();
    if texts + values.len() * 9 + row.evidence.len() * 8 > limits::ROW_BYTES_MAX {
        return Err("a row has more than 16 KiB");
    }
    let mut evidence = row.evidence;
    evidence.sort_unstable();
    evidence.dedup();
    Ok(GuestRow { item: row.item, values, evidence })
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

fn manifest(manifest: wit::Manifest) -> Result<Manifest, ManifestInvalid> {
    let routes: Result<Vec<Route>, ManifestInvalid> = manifest.routes.into_iter().map(route).collect();
    let field = |field: wit::Field| Field { name: field.name, of: field_type(field.of), about: field.about };
    Ok(Manifest {
        name: manifest.name,
        version: manifest.version,
        state_version: manifest.state_version,
        routes: routes?,
        fields: manifest.fields.into_iter().map(field).collect(),
        settings_schema: manifest.settings,
    })
}

fn route(route: wit::Route) -> Result<Route, ManifestInvalid> {
    let key_by = match route.key_by {
        wit::KeyBy::Pair => KeyBy::Pair,
        wit::KeyBy::DirectedPair => KeyBy::DirectedPair,
        wit::KeyBy::IntroducedPair => KeyBy::IntroducedPair,
        wit::KeyBy::Actor => KeyBy::Actor,
        wit::KeyBy::Subject => KeyBy::Subject,
        wit::KeyBy::EachPerson => KeyBy::EachPerson,
    };
    let kind = Kind::parse(&route.kind).ok_or(ManifestInvalid::Kind(route.kind))?;
    Ok(Route { kind, key_by })
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

/// A plugin's words, cut to what is kept.
pub(crate) fn shortened(message: &str) -> String {
    let mut end = message.len().min(limits::MESSAGE_BYTES_MAX);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message[..end].to_owned()
}

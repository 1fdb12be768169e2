//! The adapter of contract `kith:view@1.0.0`.
//!
//! Everything that a plugin returns is checked here against the contract and the limits before it is used.

use super::{
    batch::{FoldSlot, decode_states, encode_batch},
    guest::{Configured, Contract, Guest, error::GuestError, words::words},
};
use crate::{
    contract::{
        Field, GuestRow, GuestValue, KeyBy, Route, check_values,
        key::Key,
        manifest::{Manifest, ManifestInvalid},
    },
    limits,
    plugin::engine::SandboxLimits,
    share::places::Place,
};
use kith_core::{day::Day, event::Kind, position::Position};
use std::collections::HashSet;
use wasmtime::{Engine, Store, component::InstancePre};

/// The contract's name.
pub(crate) const CONTRACT: &str = "kith:view@1.0.0";
/// The slot number of a fault without a slot.
const NO_SLOT: u32 = u32::MAX;

#[allow(missing_docs, clippy::pedantic, reason = "generated from plugins/wit, which carries the documentation")]
mod bindings {
    wasmtime::component::bindgen!({ path: "../../plugins/wit/v1", world: "plugin" });
}
use bindings::exports::kith::view::view as wit;

words!(wit);

/// The contract of views.
#[derive(Clone)]
pub(crate) enum ViewV1 {}

/// The plugin of a view.
pub(crate) type Plugin = Configured<ViewV1>;
/// One instance of it.
pub(crate) type ViewGuest = Guest<ViewV1>;

impl Contract for ViewV1 {
    const EXPORT: &'static str = "kith:view/view@1.0.0";

    type Linked = bindings::PluginPre<Place>;
    type Exports = bindings::Plugin;
    type Manifest = Manifest;

    fn limits(sandbox: SandboxLimits) -> SandboxLimits {
        sandbox
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
    ) -> wasmtime::Result<Result<Manifest, ManifestInvalid>> {
        exports.kith_view_view().call_describe(store).map(manifest)
    }

    fn configure(
        exports: &Self::Exports,
        store: &mut Store<Place>,
        settings: &str,
    ) -> wasmtime::Result<Result<(), String>> {
        exports.kith_view_view().call_configure(store, settings)
    }
}

impl ViewGuest {
    /// Folds each slot's events into its state; returns the new states in the order of the slots.
    pub(crate) fn fold(&mut self, slots: &[FoldSlot<'_>]) -> Result<Vec<Vec<u8>>, GuestError> {
        let batch = encode_batch(slots);
        let output = self
            .call(limits::CALL_RESULT_BYTES, |view, store| view.kith_view_view().call_fold(store, &batch))?
            .map_err(|fault| fault_of(&fault))?;
        let states =
            decode_states(&output, slots.len()).map_err(|invalid| GuestError::failed(None, &invalid.to_string()))?;
        Ok(states.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// The rows of each key as of the end of a day, in the order of the slots, if they do not exceed a number of bytes.
    pub(crate) fn read(
        &mut self,
        day: Day,
        slots: &[(Key, &[u8])],
        fields: &[Field],
        result_bytes_max: usize,
    ) -> Result<Vec<Vec<GuestRow>>, GuestError> {
        let states: Vec<u8> = slots.iter().flat_map(|(_, state)| *state).copied().collect();
        let wire: Vec<wit::Slot> = slots.iter().map(|(key, state)| slot(*key, state)).collect();
        let rows = self.call(result_bytes_max, |view, store| {
            view.kith_view_view().call_read(store, day.number(), &wire, &states)
        })?;
        rows_by_slot(rows.map_err(|fault| fault_of(&fault))?, slots.len(), fields)
    }
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
        rows.push(checked_row(row, fields).map_err(|reason| GuestError::failed(Some(slot), &reason))?);
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

fn checked_row(row: wit::Row, fields: &[Field]) -> Result<GuestRow, String> {
    let values: Vec<GuestValue> = row.values.into_iter().map(GuestValue::from).collect();
    check_values(&values, fields)?;
    if row.item == Some(0) {
        return Err("a row's item is 0, which is not a position".to_owned());
    }
    let texts: usize = values.iter().map(|value| if let GuestValue::Text(text) = value { text.len() } else { 0 }).sum();
    if texts + values.len() * 9 + row.evidence.len() * 8 > limits::ROW_BYTES_MAX {
        return Err("a row has more than 16 KiB".to_owned());
    }
    let mut evidence: Vec<Position> = row.evidence.into_iter().map(Position::new).collect();
    evidence.sort_unstable();
    evidence.dedup();
    Ok(GuestRow { item: row.item.map(Position::new), values, evidence })
}

/// Reads and checks the manifest of a plugin.
fn manifest(manifest: wit::Manifest) -> Result<Manifest, ManifestInvalid> {
    let routes: Result<Vec<Route>, ManifestInvalid> = manifest.routes.into_iter().map(route).collect();
    let manifest = Manifest {
        name: manifest.name,
        version: manifest.version,
        state_version: manifest.state_version,
        routes: routes?,
        fields: manifest.fields.into_iter().map(Field::from).collect(),
        settings_schema: manifest.settings,
    };
    manifest.check()?;
    Ok(manifest)
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

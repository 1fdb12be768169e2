//! Runs a view natively through the same packed batches a host sends. The only difference from a
//! host is the sandbox.

use std::collections::BTreeSet;

use crate::batch::{Slot, decode_states, encode_batch};
use crate::calls::{self, SlotFault, StateSlot};
use crate::event::{Event, Key};
use crate::manifest::Row;
use crate::{Manifest, View};
use kith_plugin_words::{Day, Position};

/// A configured view under test. Panics with the reason if the view breaks the contract.
#[derive(Debug)]
pub struct Harness<V> {
    view: V,
}

impl<V: View> Harness<V> {
    /// Configures the view with JSON settings, or returns why it refuses them.
    pub fn new(settings: &str) -> Result<Self, String> {
        check_manifest(&V::MANIFEST);
        calls::configure(settings).map(|view| Self { view })
    }

    /// The configured view.
    pub fn view(&self) -> &V {
        &self.view
    }

    /// An event of a kind the manifest routes, at noon of a day, with one other person.
    pub fn event(&self, kind: &str, position: u64, day: Day) -> Event<'static> {
        let place = V::MANIFEST.routes.iter().position(|route| route.kind == kind);
        let kind = place.unwrap_or_else(|| panic!("the manifest does not route {kind}"));
        Event {
            position: Position(position),
            at: i64::from(day.0) * 86_400_000 + 43_200_000,
            others: 1,
            kind: u16::try_from(kind).expect("a manifest has few routes"),
            ..Event::default()
        }
    }

    /// Folds events, in this order, into a packed state; empty: none.
    pub fn fold(&self, key: Key, state: &[u8], events: &[Event<'_>]) -> Result<Vec<u8>, SlotFault> {
        let batch = encode_batch(&[Slot { key, state, events }]);
        let answer = calls::fold_batch(&self.view, &batch)?;
        let states = decode_states(&answer, 1).expect("the answer has one state");
        assert!(states[0].len() <= 64 * 1024, "a state is at most 64 KiB");
        Ok(states[0].to_vec())
    }

    /// Folds events from no state, in pieces that end before each of these indices.
    pub fn fold_in_pieces(&self, key: Key, events: &[Event<'_>], cuts: &BTreeSet<usize>) -> Result<Vec<u8>, SlotFault> {
        let mut state = Vec::new();
        let mut start = 0;
        for end in cuts.iter().copied().filter(|cut| *cut < events.len()).chain([events.len()]) {
            state = self.fold(key, &state, &events[start..end])?;
            start = end;
        }
        Ok(state)
    }

    /// The rows of a packed state as of the end of a day, checked against the manifest.
    pub fn rows(&self, key: Key, state: &[u8], as_of: Day) -> Result<Vec<Row>, SlotFault> {
        let state_bytes = u32::try_from(state.len()).expect("a state is at most 64 KiB");
        let slot = StateSlot { key, state_bytes };
        let rows = calls::read_rows(&self.view, as_of, [slot], state)?;
        let rows: Vec<Row> = rows.into_iter().map(|row| row.row).collect();
        check_rows(&V::MANIFEST, &rows);
        Ok(rows)
    }
}

fn check_manifest(manifest: &Manifest) {
    let fields = manifest.fields.iter().map(|field| field.name);
    for name in fields.clone().chain([manifest.name]) {
        let letters = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        assert!(letters && name.starts_with(|first: char| first.is_ascii_lowercase()), "name {name:?}");
    }
    assert_eq!(fields.collect::<BTreeSet<_>>().len(), manifest.fields.len(), "a field twice");
    let schema: Result<serde_json::Value, _> = serde_json::from_str(manifest.settings);
    assert!(schema.is_ok_and(|schema| schema.is_object()), "settings are a JSON schema");
}

fn check_rows(manifest: &Manifest, rows: &[Row]) {
    assert!(rows.len() <= 1000, "a key has at most 1,000 rows");
    let items: BTreeSet<_> = rows.iter().map(|row| row.item).collect();
    assert_eq!(items.len(), rows.len(), "rows of a key have different items");
    for row in rows {
        assert_eq!(row.values.len(), manifest.fields.len(), "a row has a value per field");
        for (value, field) in row.values.iter().zip(manifest.fields) {
            let of = value.field_type();
            assert!(of.is_none_or(|of| of == field.of), "{}: {value:?}", field.name);
        }
    }
}

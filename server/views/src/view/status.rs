//! The status of a view: for operators, and for finding out why a row is missing.

use super::{handle::ViewHandle, shared::ViewCursor};
use crate::{
    contract::{Field, key::Key, manifest::Manifest},
    file::{
        people::People,
        store::{StoreError, read_meta, read_quarantine},
        tables::Quarantined,
    },
    fold::source::ViewScope,
};
use kith_core::{id::PersonId, position::Position};
use std::{fmt, sync::atomic::Ordering, time::Duration};

/// Whether a view follows its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewState {
    /// The view is catching up for the first time; there are no rows yet.
    Building,
    /// The view follows the log.
    Running,
    /// The view waits after a failure and will retry.
    Paused {
        /// The failure.
        reason: String,
    },
    /// The view waits for room on the disk, and continues by itself.
    WaitingForRoom {
        /// The room there is, and the room it needs.
        reason: String,
    },
    /// The view no longer follows the log.
    Stopped {
        /// Why.
        reason: String,
    },
}

/// A key on which the plugin fails: it stays at its last good state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedKey {
    /// One or two people.
    pub key: Vec<PersonId>,
    /// The entry that cannot be folded; `None` if the key cannot be read.
    pub position: Option<Position>,
    /// The error of the plugin or the sandbox.
    pub message: String,
}

impl QuarantinedKey {
    pub(super) fn of(key: Key, Quarantined { at, message }: Quarantined, people: &People) -> Self {
        let key = key.people().map(|handle| people.id_in_key(handle)).collect();
        Self { key, position: at.map(|order| order.position), message }
    }
}

impl fmt::Display for QuarantinedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, person) in self.key.iter().enumerate() {
            write!(f, "{}{person}", if place == 0 { "" } else { ", " })?;
        }
        if let Some(position) = self.position {
            write!(f, " at entry {position}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// The status of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewStatus {
    /// The plugin's manifest.
    pub manifest: Manifest,
    /// The contract that the plugin implements.
    pub contract: &'static str,
    /// SHA-256 of the component.
    pub component: [u8; 32],
    /// The settings as JSON text.
    pub settings: String,
    /// The entries that the view folds.
    pub scope: ViewScope,
    /// Whether the view follows its log.
    pub state: ViewState,
    /// How far the view has progressed.
    pub cursor: ViewCursor,
    /// Positions between the cursor and the head.
    pub lag: u64,
    /// Number of keys with a state.
    pub keys: u64,
    /// Number of rows as of the view's day.
    pub rows: u64,
    /// Bytes of all states.
    pub state_bytes: u64,
    /// Events folded since the view was opened.
    pub events_folded: u64,
    /// Time spent folding them: in the plugin, and passing data in and out.
    pub fold_time: Duration,
    /// Fuel spent since the view was opened, on folding and on reading.
    pub fuel: u64,
    /// Calls of the plugin that have failed since the view was opened.
    pub faults: u64,
    /// Keys in quarantine, by key.
    pub quarantined: Vec<QuarantinedKey>,
}

impl ViewStatus {
    /// Events folded per second of the time spent folding; 0 before the first.
    #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
    pub fn events_per_second(&self) -> f64 {
        let seconds = self.fold_time.as_secs_f64();
        if seconds > 0.0 { self.events_folded as f64 / seconds } else { 0.0 }
    }

    /// Fuel spent per event folded, including reading; 0 before the first.
    pub fn fuel_per_event(&self) -> u64 {
        self.fuel.checked_div(self.events_folded).unwrap_or(0)
    }
}

impl ViewHandle {
    /// The plugin's manifest.
    pub fn manifest(&self) -> &Manifest {
        self.shared.plugin.manifest()
    }

    /// Its settings as JSON text.
    pub fn settings(&self) -> &str {
        self.shared.plugin.settings()
    }

    /// SHA-256 of its component.
    pub fn component(&self) -> [u8; 32] {
        self.shared.plugin.digest()
    }

    /// The contract that the plugin implements.
    pub fn contract(&self) -> &'static str {
        crate::plugin::abi::view_v1::CONTRACT
    }

    /// The entries that the view folds.
    pub fn scope(&self) -> &ViewScope {
        &self.shared.scope
    }

    /// Why the view stopped, with its name; `None` while it follows.
    pub fn stopped(&self) -> Option<String> {
        let reason = self.shared.condition().stopped.clone()?;
        Some(format!("the view {} stopped: {reason}", self.shared.name()))
    }

    /// The status of the view.
    pub fn status(&self) -> Result<ViewStatus, StoreError> {
        let shared = &self.shared;
        let read = shared.store.read()?;
        let meta = read_meta(&read)?.unwrap_or_default();
        let mut quarantined = Vec::from_iter(read_quarantine(&read)?);
        quarantined.sort_by_key(|(key, _)| *key);
        let people = shared.source.people();
        let quarantined = quarantined.into_iter().map(|(key, reason)| QuarantinedKey::of(key, reason, &people));
        Ok(ViewStatus {
            manifest: shared.plugin.manifest().clone(),
            contract: crate::plugin::abi::view_v1::CONTRACT,
            component: shared.plugin.digest(),
            settings: shared.plugin.settings().to_owned(),
            scope: shared.scope.clone(),
            state: self.state(meta.day.is_some()),
            cursor: ViewCursor { position: meta.cursor, day: meta.day },
            lag: shared.source.head().since(meta.cursor),
            keys: meta.keys,
            rows: meta.rows,
            state_bytes: meta.state_bytes,
            events_folded: shared.counters.events.load(Ordering::Relaxed),
            fold_time: Duration::from_nanos(shared.counters.fold_ns.load(Ordering::Relaxed)),
            fuel: shared.counters.fuel.load(Ordering::Relaxed),
            faults: shared.counters.faults.load(Ordering::Relaxed),
            quarantined: quarantined.collect(),
        })
    }

    /// The view's columns.
    pub fn fields(&self) -> &[Field] {
        &self.shared.plugin.manifest().fields
    }

    fn state(&self, is_built: bool) -> ViewState {
        let condition = self.shared.condition();
        if let (None, Some(no_room)) = (&condition.stopped, condition.no_room) {
            return ViewState::WaitingForRoom { reason: no_room.to_string() };
        }
        match (&condition.stopped, &condition.paused) {
            (Some(reason), _) => ViewState::Stopped { reason: reason.clone() },
            (None, Some(reason)) => ViewState::Paused { reason: reason.clone() },
            (None, None) if is_built => ViewState::Running,
            (None, None) => ViewState::Building,
        }
    }
}

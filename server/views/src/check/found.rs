//! What to check, and the result.

use crate::{
    contract::manifest::Manifest, fold::source::SourceError, limits, plugin::refused::Refused,
    share::interrupted::Interrupted,
};
use bytes::Bytes;
use kith_core::{day::Day, history::History, id::PersonId, position::Position};
use std::{sync::Arc, time::Duration};

/// A plugin to check, and what to check it with.
pub struct Checking {
    /// The component's bytes.
    pub component: Bytes,
    /// Its settings as JSON text.
    pub settings: String,
    /// Entries to try it on.
    pub sample: Arc<dyn History>,
    /// The day that rows are made as of.
    pub day: Day,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckReport {
    /// The plugin's manifest.
    pub manifest: Manifest,
    /// The contract that the plugin implements.
    pub contract: &'static str,
    /// SHA-256 of the component.
    pub component: [u8; 32],
    /// The size of the sample and of its result.
    pub sample: SampleReport,
    /// The cost of folding the sample.
    pub cost: CostReport,
    /// How the largest state grows; `None` if it is too young to tell.
    pub growth: Option<Growth>,
    /// Keys on which the plugin fails.
    pub faults: Vec<Fault>,
    /// Whether it fails on so many keys that the check was not finished.
    pub gave_up: bool,
    /// Where another way of folding produced different bytes; at most 20.
    pub differences: Vec<Difference>,
    /// Number of all differences.
    pub difference_count: u64,
}

/// The size of a sample and of its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleReport {
    /// Entries.
    pub entries: u64,
    /// Events under their keys: an entry may have several.
    pub events: u64,
    /// Keys.
    pub keys: u64,
    /// Keys with a state.
    pub states: u64,
    /// Rows.
    pub rows: u64,
    /// Bytes of all states.
    pub state_bytes: u64,
    /// Bytes of the largest state; at most 65,536 are allowed.
    pub state_bytes_max: u64,
}

/// The cost of a sample, folded as a server does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostReport {
    /// Average fuel per event.
    pub fuel_per_event: u64,
    /// Fuel of the most expensive call.
    pub fuel_call_max: u64,
    /// Fuel that a call may use.
    pub fuel_call_limit: u64,
    /// Time to create and configure an instance.
    pub instantiate: Duration,
    /// Time of all calls of `fold`.
    pub fold: Duration,
}

/// How the largest state grew over the second half of its key's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// One or two people.
    pub key: Vec<PersonId>,
    /// Events of the key.
    pub events: u64,
    /// Bytes of its state.
    pub state_bytes: u64,
    /// Events at which the state reaches its limit if it continues to grow like that; `None` if it does not grow.
    pub full_at_events: Option<u64>,
}

impl Growth {
    /// The growth of a state that had `half_bytes` after half of its events.
    pub(crate) fn of(key: Vec<PersonId>, events: usize, half_bytes: usize, state_bytes: usize) -> Self {
        let later = (events - events / 2) as u64;
        let left = limits::STATE_BYTES_MAX.saturating_sub(state_bytes) as u64;
        let more = state_bytes.saturating_sub(half_bytes) as u64;
        let full_at_events = (left * later).checked_div(more).map(|until| events as u64 + until);
        Self { key, events: events as u64, state_bytes: state_bytes as u64, full_at_events }
    }

    /// Whether the state would reach its limit too soon.
    pub fn is_too_fast(&self) -> bool {
        self.full_at_events.is_some_and(|events| events < limits::STATE_EVENTS_MIN)
    }
}

/// A key on which the plugin fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// One or two people.
    pub key: Vec<PersonId>,
    /// The entry that cannot be folded; `None` if the key cannot be read.
    pub position: Option<Position>,
    /// The error of the plugin or the sandbox.
    pub message: String,
}

/// A way of folding that must produce the same bytes as every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trial {
    /// Each call in a fresh instance.
    FreshInstances,
    /// Again in an instance that has folded it before.
    UsedInstance,
    /// One event at a time.
    Split,
    /// Each key in calls of its own.
    Alone,
    /// The keys in another order.
    Shuffled,
}

impl Trial {
    pub(super) const ALL: [Self; 5] =
        [Self::FreshInstances, Self::UsedInstance, Self::Split, Self::Alone, Self::Shuffled];
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Differs {
    /// The state, or where folding failed.
    State,
    /// The rows.
    Rows,
}

/// A key for which another way of folding produced a different result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The way of folding.
    pub trial: Trial,
    /// One or two people.
    pub key: Vec<PersonId>,
    /// What differs.
    pub differs: Differs,
}

/// Why a plugin could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The component is refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The sample cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A call could not be completed.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

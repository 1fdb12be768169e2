//! What to look over, and what is found.

use crate::{
    contract::manifest::Manifest, fold::source::SourceError, plugin::refused::Refused, share::interrupted::Interrupted,
};
use bytes::Bytes;
use kith_core::{day::Day, history::History, id::PersonId};
use std::{sync::Arc, time::Duration};

/// What to look over.
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

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckReport {
    /// What the plugin declares.
    pub manifest: Manifest,
    /// The contract it is built for.
    pub contract: &'static str,
    /// SHA-256 of the component.
    pub component: [u8; 32],
    /// What the sample came to.
    pub sample: SampleReport,
    /// What it cost.
    pub cost: CostReport,
    /// Keys that the plugin fails on.
    pub faults: Vec<Fault>,
    /// Where another way of folding gave other bytes; at most 20.
    pub differences: Vec<Difference>,
    /// Number of them, told or not.
    pub difference_count: u64,
}

/// What a sample came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleReport {
    /// Its entries.
    pub entries: u64,
    /// Events under their keys: an entry may come under several.
    pub events: u64,
    /// Keys.
    pub keys: u64,
    /// Rows.
    pub rows: u64,
    /// Bytes of all states.
    pub state_bytes: u64,
    /// Bytes of the largest state; at most 65,536 are allowed.
    pub state_bytes_max: u64,
}

/// What a sample cost, folded as a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostReport {
    /// Fuel an event, on average.
    pub fuel_per_event: u64,
    /// Fuel of the dearest call.
    pub fuel_call_max: u64,
    /// Fuel that a call may cost.
    pub fuel_call_limit: u64,
    /// Time to make an instance and to configure it.
    pub instantiate: Duration,
    /// Time of all calls of `fold`.
    pub fold: Duration,
}

/// A key that the plugin fails on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// One or two people.
    pub key: Vec<PersonId>,
    /// What the plugin or the sandbox said.
    pub message: String,
}

/// A way of folding that must come to the same bytes as every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trial {
    /// Each call in a fresh instance.
    FreshInstances,
    /// Once more in an instance that has folded it before.
    UsedInstance,
    /// An event at a time.
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

/// A key of which another way of folding made something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The way.
    pub trial: Trial,
    /// One or two people.
    pub key: Vec<PersonId>,
    /// What differs.
    pub differs: Differs,
}

/// Why a plugin could not be looked over.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The component is refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The sample cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A call could not be made, or took too long.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

//! Measurements of the log for telemetry.
//!
//! Invariant: numbers only, never a name or an id.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Numbers since the log was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measures {
    /// Requests that wait for the writer now.
    pub queue_requests: usize,
    /// Commits that changed something.
    pub commit_count: u64,
    /// Entries in those commits.
    pub entry_count: u64,
    /// Time spent on those commits, from the first decision to the publication of the head, in microseconds.
    pub commit_latency_us: u64,
}

/// The writer's counters.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    commits: AtomicU64,
    entries: AtomicU64,
    latency_us: AtomicU64,
}

impl Counters {
    pub(crate) fn add_commit(&self, entries: usize, latency: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.entries.fetch_add(entries as u64, Ordering::Relaxed);
        self.latency_us.fetch_add(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn measures(&self, queue_requests: usize) -> Measures {
        Measures {
            queue_requests,
            commit_count: self.commits.load(Ordering::Relaxed),
            entry_count: self.entries.load(Ordering::Relaxed),
            commit_latency_us: self.latency_us.load(Ordering::Relaxed),
        }
    }
}

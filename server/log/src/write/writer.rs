//! The only thread that writes: takes the waiting requests, decides, commits once, publishes, then answers.
//!
//! Invariant: no entry is published or answered before it is on disk, and after a failed commit nothing more is
//! written.

use crate::{
    error::Poison,
    state::health::Health,
    store::{Edges, Store},
    write::{
        CommitFailure,
        commit::{self, Leftovers},
        decision::{self, Answers},
        queue::{Queued, Size},
    },
};
use std::{collections::VecDeque, sync::Arc, time::Instant};
use tokio::sync::mpsc;

/// The writer's own state.
pub(crate) struct Writer {
    store: Arc<Store>,
    edges: Edges,
}

/// A commit failed, and the failure was logged.
struct Failed(Poison);

/// Poisons the log when the writer ends for any reason other than a closed queue, including a panic.
struct PoisonGuard {
    store: Option<Arc<Store>>,
    poison: Poison,
}

impl PoisonGuard {
    fn new(store: &Arc<Store>) -> Self {
        Self { store: Some(store.clone()), poison: Poison::Failure }
    }
}

impl Drop for PoisonGuard {
    fn drop(&mut self) {
        if let Some(store) = &self.store {
            store.health.send_replace(Health::Poisoned(self.poison));
        }
    }
}

impl Writer {
    pub(crate) fn new(store: Arc<Store>, edges: Edges) -> Self {
        Self { store, edges }
    }

    /// Writes until the queue is closed and empty, or a commit fails.
    ///
    /// After a failure the log is poisoned first. Then the waiting callers see the failure, because their channels
    /// close.
    pub(crate) fn run(mut self, mut queue: mpsc::Receiver<Queued>) {
        let (mut batch, mut answers) = (VecDeque::new(), Answers::default());
        let mut guard = PoisonGuard::new(&self.store);
        while let Some(first) = queue.blocking_recv() {
            self.take(first, &mut queue, &mut batch);
            if let Err(Failed(poison)) = self.serve(&mut batch, &mut answers) {
                guard.poison = poison;
                return;
            }
        }
        guard.store = None;
    }

    /// Like `run`, as a task of the caller's runtime. A batch is what waits when its turn comes: no request can arrive
    /// while it is collected.
    #[cfg(feature = "faults")]
    pub(crate) async fn run_in_place(mut self, mut queue: mpsc::Receiver<Queued>) {
        let mut guard = PoisonGuard::new(&self.store);
        while let Some(first) = queue.recv().await {
            let (mut batch, mut answers) = (VecDeque::new(), Answers::default());
            self.take(first, &mut queue, &mut batch);
            if let Err(Failed(poison)) = self.serve(&mut batch, &mut answers) {
                guard.poison = poison;
                return;
            }
        }
        guard.store = None;
    }

    /// Commits a batch and answers its callers.
    fn serve(&mut self, batch: &mut VecDeque<Queued>, answers: &mut Answers) -> Result<(), Failed> {
        let leftovers = self.commit(batch, answers).map_err(|failure| {
            tracing::error!(error = %failure, "commit failed, the log refuses writes until it is reopened");
            Failed(failure.poison())
        })?;
        answers.send();
        drop(leftovers);
        Ok(())
    }

    /// Takes the waiting requests, up to the limits of a batch. It does not wait for more: those that arrive during a
    /// commit are the next batch, and a writer that waits takes the processor from callers who would fill it.
    fn take(&self, first: Queued, queue: &mut mpsc::Receiver<Queued>, batch: &mut VecDeque<Queued>) {
        let config = &self.store.config;
        let Size { mut events, mut bytes } = first.size;
        batch.push_back(first);
        while events < config.batch_events_max && bytes < config.batch_bytes_max {
            let Ok(next) = queue.try_recv() else { break };
            events += next.size.events;
            bytes += next.size.bytes;
            batch.push_back(next);
        }
    }

    /// Decides and stores a batch and makes it visible to readers.
    #[tracing::instrument(level = "debug", skip_all, fields(batch.requests = batch.len(), batch.entries))]
    fn commit(&mut self, batch: &mut VecDeque<Queued>, answers: &mut Answers) -> Result<Leftovers, CommitFailure> {
        let started = Instant::now();
        let staged = decision::decide(&self.store, batch, answers)?;
        if staged.is_empty() {
            return Ok(Leftovers::default());
        }
        let entries = staged.entries_count();
        tracing::Span::current().record("batch.entries", entries);
        let leftovers = commit::write(&self.store, &self.edges, staged)?.publish(&self.store, &mut self.edges);
        self.store.counters.add_commit(entries, started.elapsed());
        Ok(leftovers)
    }
}

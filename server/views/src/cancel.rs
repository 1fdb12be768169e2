//! When nobody waits for an answer any more: long work looks here between its steps, and plugins within theirs.

use crate::{limits, runner::Interrupted};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use wasmtime::{Store, UpdateDeadline};

/// Tells work that nobody waits for it any more. Clones tell the same work.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Ends the work soon: a plugin within an epoch, everything else at its next step.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether nobody waits any more.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Fails once nobody waits any more: for loops over what may be large.
    pub(crate) fn check(&self) -> Result<(), Interrupted> {
        if self.is_cancelled() { Err(Interrupted::Cancelled) } else { Ok(()) }
    }

    /// The same for each step of a loop of small ones, so that most of them cost nothing.
    pub(crate) fn check_at(&self, step: usize) -> Result<(), Interrupted> {
        if step.is_multiple_of(limits::STEPS_PER_CHECK) { self.check() } else { Ok(()) }
    }
}

/// Ends calls of a plugin that take too long, or that nobody waits for any more.
pub(crate) struct CallClock {
    cancel: Cancel,
    epochs_max: u64,
    epochs_left: Arc<AtomicU64>,
}

impl CallClock {
    /// Watches the calls of a store, each of which may take so many epochs.
    pub(crate) fn start<T>(store: &mut Store<T>, cancel: &Cancel, epochs_max: u64) -> Self {
        let clock = Self { cancel: cancel.clone(), epochs_max, epochs_left: Arc::default() };
        let (cancel, left) = (clock.cancel.clone(), Arc::clone(&clock.epochs_left));
        store.epoch_deadline_callback(move |_| {
            let is_over = left.fetch_sub(1, Ordering::Relaxed) <= 1;
            Ok(if is_over || cancel.is_cancelled() { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) })
        });
        clock.begin(store);
        clock
    }

    /// A call begins now.
    pub(crate) fn begin<T>(&self, store: &mut Store<T>) {
        self.epochs_left.store(self.epochs_max, Ordering::Relaxed);
        store.set_epoch_deadline(1);
    }
}

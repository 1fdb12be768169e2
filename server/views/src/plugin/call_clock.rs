//! The wall-clock limit of calls of a plugin, which also end when nobody waits for them any more.

use crate::share::cancel::Cancel;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use wasmtime::{Store, UpdateDeadline};

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

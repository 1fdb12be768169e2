//! The wall-clock limit of plugin calls. A call also ends when it is cancelled.

use crate::share::cancel::Cancel;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use wasmtime::{Store, UpdateDeadline};

/// Ends plugin calls that take too long or are cancelled.
pub(crate) struct CallClock {
    cancel: Cancel,
    epochs_max: u64,
    epochs_left: Arc<AtomicU64>,
}

impl CallClock {
    /// Watches the calls of a store, each of which may take `epochs_max` epochs.
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

    /// Starts timing a call.
    pub(crate) fn begin<T>(&self, store: &mut Store<T>) {
        self.epochs_left.store(self.epochs_max, Ordering::Relaxed);
        store.set_epoch_deadline(1);
    }
}

//! Where work that waits for the disk is done: on threads of its own, or, in a simulation, where it is asked for.
//!
//! Invariant: outside of a simulation nothing here changes what runs where.

#[cfg(feature = "faults")]
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(feature = "faults")]
static IN_PLACE: AtomicBool = AtomicBool::new(false);

/// Lets this process do all disk work in place from now on: logs that are opened afterwards write and sign in tasks of
/// the runtime that opens them, and no thread is started. Simulated time then stands still while the disk works, and
/// the same inputs give the same order of everything. For a process that does nothing but simulate.
#[cfg(feature = "faults")]
pub fn work_in_place() {
    IN_PLACE.store(true, Ordering::Release);
}

/// Whether this process works in place.
#[cfg(feature = "faults")]
pub fn in_place() -> bool {
    IN_PLACE.load(Ordering::Acquire)
}

/// Whether this process works in place: never, without the feature that simulations ask for.
#[cfg(not(feature = "faults"))]
pub fn in_place() -> bool {
    false
}

/// Does what waits for the disk where that holds nobody up.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    if in_place() {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

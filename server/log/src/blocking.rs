//! Where blocking disk work runs: on threads of its own, or, in a simulation, on the thread that asks for it.
//!
//! Invariant: outside a simulation nothing here changes where work runs.

#[cfg(feature = "faults")]
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(feature = "faults")]
static IN_PLACE: AtomicBool = AtomicBool::new(false);

/// Makes this process do all disk work in place from now on: logs opened afterwards write and sign in tasks of the
/// runtime that opens them, and start no thread. Simulated time then stands still during disk work, and the same inputs
/// give the same order of events. Only for a process that does nothing but simulate.
#[cfg(feature = "faults")]
pub fn work_in_place() {
    IN_PLACE.store(true, Ordering::Release);
}

/// Whether this process works in place.
#[cfg(feature = "faults")]
pub fn in_place() -> bool {
    IN_PLACE.load(Ordering::Acquire)
}

/// Whether this process works in place: never without the feature for simulations.
#[cfg(not(feature = "faults"))]
pub fn in_place() -> bool {
    false
}

/// Runs blocking work where it delays no other task.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    if in_place() {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

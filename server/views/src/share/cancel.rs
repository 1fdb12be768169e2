//! Cancellation: long work checks between its steps, and during calls of plugins, whether anybody still waits for it.

use super::interrupted::Interrupted;
use crate::limits;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Cancels work that nobody waits for any more. Clones cancel the same work.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Ends the work soon: a plugin's call within an epoch, everything else at its next step.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the work was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Fails once the work is cancelled: for long loops.
    pub(crate) fn check(&self) -> Result<(), Interrupted> {
        if self.is_cancelled() { Err(Interrupted::Cancelled) } else { Ok(()) }
    }

    /// The same for loops of small steps: checks only every [`limits::STEPS_PER_CHECK`] steps.
    pub(crate) fn check_at(&self, step: usize) -> Result<(), Interrupted> {
        if step.is_multiple_of(limits::STEPS_PER_CHECK) { self.check() } else { Ok(()) }
    }
}

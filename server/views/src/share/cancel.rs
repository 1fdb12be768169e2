//! When nobody waits for an answer any more: long work looks here between its steps, and plugins within theirs.

use super::interrupted::Interrupted;
use crate::limits;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

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

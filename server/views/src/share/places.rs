//! Places for plugin instances: how many live at once, and how much memory they have together.
//!
//! Lack of a place says nothing about a plugin: a refused caller tries again, and gets the same rows.

use super::{portions::Portions, run_places::RunPlaces, work::WorkMemory};
use crate::limits;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmtime::{ResourceLimiter, StoreLimits, StoreLimitsBuilder};

/// No place is available now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many plugins are running, or they use all the memory available to plugins: {instances} instances, {} MiB", bytes >> 20)]
pub(crate) struct NoPlace {
    /// Instances that may live at once.
    instances: usize,
    /// Bytes of memory that they may have together.
    bytes: usize,
}

/// The places of a sandbox. Views that follow cannot take the places of questions.
#[derive(Clone)]
pub(crate) struct Places {
    /// For views that follow a network.
    pub(crate) following: Lending,
    /// For questions and installations.
    pub(crate) asking: Lending,
    /// Memory for the batches of entries that following views read.
    pub(crate) batches: Portions,
    /// Memory for what views that are far behind make of more than one batch.
    pub(crate) runs: RunPlaces,
}

impl Places {
    /// Places for plugins that may have up to `memory_bytes` each, and reports `report_memory_bytes`; there is always
    /// enough for at least one.
    pub(crate) fn new(memory_bytes: usize, report_memory_bytes: usize, runs_bytes_max: usize) -> Self {
        Self {
            following: Lending::new(
                limits::FOLLOWING_INSTANCES_MAX,
                limits::FOLLOWING_BYTES_MAX.max(memory_bytes),
                WorkMemory::new(limits::FOLLOWING_WORK_BYTES, limits::FOLLOWING_LARGE_WORK_BYTES),
            ),
            asking: Lending::new(
                limits::INSTANCES_MAX as usize - limits::FOLLOWING_INSTANCES_MAX,
                limits::ASKING_BYTES_MAX.max(memory_bytes).max(report_memory_bytes),
                WorkMemory::new(limits::ASKING_WORK_BYTES, limits::ASKING_LARGE_WORK_BYTES),
            ),
            batches: Portions::of(limits::BATCHES_BYTES_MAX, limits::BATCH_BYTES_MIN, limits::BATCH_BYTES_MAX),
            runs: RunPlaces::of(runs_bytes_max),
        }
    }
}

/// Places that are lent. Clones share the same places.
#[derive(Clone)]
pub(crate) struct Lending(Arc<Shared>);

struct Shared {
    most: NoPlace,
    memory: WorkMemory,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    instances: usize,
    bytes: usize,
    /// Refusals for which no instance has been asked to make room yet.
    refused: usize,
}

impl Lending {
    fn new(instances: usize, bytes: usize, memory: WorkMemory) -> Self {
        Self(Arc::new(Shared { most: NoPlace { instances, bytes }, memory, state: Mutex::default() }))
    }

    /// The memory that users of these places hold in addition to their instances.
    pub(crate) fn memory(&self) -> &WorkMemory {
        &self.0.memory
    }

    /// A place for an instance with at most `memory_bytes` of memory.
    pub(crate) fn lend(&self, memory_bytes: usize) -> Result<Place, NoPlace> {
        let mut state = self.state();
        if state.instances == self.0.most.instances {
            return Err(self.refuse(&mut state));
        }
        state.instances += 1;
        let own = StoreLimitsBuilder::new().memory_size(memory_bytes).trap_on_grow_failure(true).build();
        Ok(Place { lending: self.clone(), own, bytes: 0, beyond: None })
    }

    /// Whether a holder that could do without its instance for a while should give it back. True once for each
    /// refusal.
    pub(crate) fn is_wanted(&self) -> bool {
        let mut state = self.state();
        let is_wanted = state.refused > 0;
        state.refused -= usize::from(is_wanted);
        is_wanted
    }

    fn refuse(&self, state: &mut State) -> NoPlace {
        state.refused = (state.refused + 1).min(self.0.most.instances);
        self.0.most
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one instance, returned when dropped. Limits the instance's store.
pub(crate) struct Place {
    lending: Lending,
    own: StoreLimits,
    bytes: usize,
    /// Bytes of memory that the instance asked for beyond its own limit.
    beyond: Option<usize>,
}

impl Place {
    /// The bytes of memory that the instance asked for, if that is more than it may have.
    pub(crate) fn beyond(&self) -> Option<usize> {
        self.beyond
    }
}

impl ResourceLimiter for Place {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let own = self.own.memory_growing(current, desired, maximum);
        self.beyond = own.is_err().then_some(desired);
        if !own? {
            return Ok(false);
        }
        let more = desired - current;
        let mut state = self.lending.state();
        if state.bytes + more > self.lending.0.most.bytes {
            return Err(self.lending.refuse(&mut state).into());
        }
        state.bytes += more;
        self.bytes += more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.own.memory_grow_failed(error)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.own.table_growing(current, desired, maximum)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.own.table_grow_failed(error)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.lending.state();
        state.instances -= 1;
        state.bytes -= self.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_their_memory_are_lent_and_given_back() {
        let lending = Lending::new(2, 100, WorkMemory::new(0, 0));
        let (mut one, other) = (lending.lend(80).unwrap(), lending.lend(80).unwrap());
        assert!(lending.lend(80).is_err(), "two live");
        assert!(lending.is_wanted() && !lending.is_wanted(), "one is asked to make room, once");
        drop(other);
        let mut other = lending.lend(80).unwrap();
        assert!(one.memory_growing(0, 60, None).unwrap());
        let error = other.memory_growing(0, 50, None).unwrap_err();
        assert!(error.is::<NoPlace>(), "a want of memory is told from a plugin's own limit");
        assert!(lending.is_wanted());
        assert_eq!((one.beyond(), other.beyond()), (None, None));
        assert!(one.memory_growing(60, 90, None).is_err_and(|error| !error.is::<NoPlace>()), "its own limit");
        assert_eq!(one.beyond(), Some(90));
        drop(one);
        assert!(other.memory_growing(0, 50, None).unwrap());
    }
}

//! Memory for work with a plugin: a small part for each piece of work, and one large part for the piece that needs
//! more.
//!
//! Invariant: at most one piece of work at a time holds much. Work that waits for the large part produces the same
//! rows later.

use super::{
    cancel::Cancel,
    interrupted::Interrupted,
    one_place::{OnePlace, Taken},
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How often work that waits for the large part checks whether its caller is still waiting.
const LOOK: Duration = Duration::from_millis(50);

/// What pieces of work may hold, and the large part that they share. Clones share the same large part.
#[derive(Clone)]
pub(crate) struct WorkMemory {
    small_bytes: usize,
    large_bytes: usize,
    large: OnePlace,
}

impl WorkMemory {
    /// `small_bytes` for each piece of work, and `large_bytes` for the one that has the large part.
    pub(crate) fn new(small_bytes: usize, large_bytes: usize) -> Self {
        Self { small_bytes, large_bytes, large: OnePlace::default() }
    }

    /// A piece of work that holds nothing yet; it waits for memory until it is cancelled.
    pub(crate) fn begin(&self, cancel: &Cancel) -> Work {
        Work(Arc::new(Piece { memory: self.clone(), cancel: cancel.clone(), held: Mutex::default() }))
    }
}

/// A piece of work. Clones are handles to the same piece.
#[derive(Clone)]
pub(crate) struct Work(Arc<Piece>);

struct Piece {
    memory: WorkMemory,
    cancel: Cancel,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    bytes: usize,
    large: Option<Taken>,
}

impl Work {
    /// An empty hold of this piece of work.
    pub(crate) fn hold(&self) -> Hold {
        Hold { work: self.clone(), bytes: 0 }
    }

    fn give_back(&self, bytes: usize) {
        let mut held = self.held();
        held.bytes -= bytes;
        if held.bytes <= self.0.memory.small_bytes {
            held.large = None;
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that a piece of work holds until this is dropped.
pub(crate) struct Hold {
    work: Work,
    bytes: usize,
}

impl Hold {
    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds more. Waits for the large part if necessary.
    pub(crate) fn add(&mut self, bytes: usize) -> Result<(), Interrupted> {
        let Piece { memory, cancel, .. } = &*self.work.0;
        let mut held = self.work.held();
        let total = held.bytes + bytes;
        if total > memory.large_bytes {
            return Err(Interrupted::TooLarge { bytes_max: memory.large_bytes });
        }
        while total > memory.small_bytes && held.large.is_none() {
            cancel.check()?;
            held.large = memory.large.take_within(LOOK);
        }
        held.bytes = total;
        self.bytes += bytes;
        Ok(())
    }

    /// Holds less, down to nothing.
    pub(crate) fn less(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.work.give_back(bytes);
    }

    /// Holds more if that is possible without waiting.
    pub(crate) fn try_add(&mut self, bytes: usize) -> bool {
        let memory = &self.work.0.memory;
        let mut held = self.work.held();
        let total = held.bytes + bytes;
        if total > memory.small_bytes && held.large.is_none() {
            held.large = memory.large.try_take();
        }
        let fits = total <= memory.small_bytes || (held.large.is_some() && total <= memory.large_bytes);
        if fits {
            held.bytes = total;
            self.bytes += bytes;
        }
        fits
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.work.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_the_large_part(work: &Work) -> bool {
        work.held().large.is_some()
    }

    #[test]
    fn each_has_a_little_and_one_has_much() {
        let memory = WorkMemory::new(10, 100);
        let (cancel, never) = (Cancel::default(), Cancel::default());
        let (one, other) = (memory.begin(&never), memory.begin(&cancel));
        let (mut much, mut little) = (one.hold(), other.hold());
        much.add(10).unwrap();
        assert!(!has_the_large_part(&one));
        much.add(80).unwrap();
        assert!(has_the_large_part(&one));
        assert_eq!(much.add(11), Err(Interrupted::TooLarge { bytes_max: 100 }));
        little.add(10).unwrap();
        assert!(!little.try_add(1), "another has the large part");
        cancel.cancel();
        assert_eq!(little.add(1), Err(Interrupted::Cancelled));
        drop(much);
        assert!(!has_the_large_part(&one));
        assert!(little.try_add(1));
        little.less(1_000);
        assert!(!has_the_large_part(&other), "less than nothing is held by nobody");
    }

    #[test]
    fn whoever_needs_the_large_part_waits_for_it_and_parts_of_one_piece_count_together() {
        let memory = WorkMemory::new(10, 100);
        let work = memory.begin(&Cancel::default());
        let (mut one, mut other) = (work.hold(), work.hold());
        one.add(60).unwrap();
        other.add(40).unwrap();
        assert!(other.add(1).is_err());
        let waiting = std::thread::spawn(move || memory.begin(&Cancel::default()).hold().add(11));
        drop(other);
        assert!(has_the_large_part(&work), "what is left is still much");
        drop(one);
        waiting.join().unwrap().unwrap();
    }
}

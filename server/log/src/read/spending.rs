//! How much of a read's budget is spent.
//!
//! Invariant: the first entry always has room, so every read makes progress.

use kith_core::history::Budget;

/// What is left of a budget.
pub(crate) struct Spending {
    budget: Budget,
    entries: usize,
    bytes: usize,
}

impl Spending {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, entries: 0, bytes: 0 }
    }

    /// Takes an entry of some size, if there is room for it; the first one always has room.
    pub(crate) fn take(&mut self, size_bytes: usize) -> bool {
        let fits = self.entries < self.budget.entries && self.bytes + size_bytes <= self.budget.bytes;
        if !fits && self.entries > 0 {
            return false;
        }
        self.entries += 1;
        self.bytes += size_bytes;
        true
    }
}

//! Pseudo-random numbers that are the same every time.

use kith_core::random::SplitMix64;

/// A stream of numbers from a seed.
#[derive(Debug, Clone)]
pub(super) struct Chance(SplitMix64);

impl Chance {
    /// The stream of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    /// The next number.
    pub(super) fn number(&mut self) -> u64 {
        self.0.number()
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    /// True on average once in `times` calls.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// `count` of the items, each at most once, in random order.
    pub(super) fn some<T: Clone>(&mut self, items: &[T], count: usize) -> Vec<T> {
        let mut items = items.to_vec();
        for place in 0..count {
            let left = u64::try_from(items.len() - place).expect("lists are in memory");
            let other = place + usize::try_from(self.below(left)).expect("below a list's length");
            items.swap(place, other);
        }
        items.truncate(count);
        items
    }
}

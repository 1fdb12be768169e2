//! Random numbers that are the same on every machine.

use kith_core::random::SplitMix64;

/// A stream of numbers that depends only on its seed.
#[derive(Debug, Clone)]
pub(super) struct Random(SplitMix64);

impl Random {
    /// The stream of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    /// A number from 0 to `bound`, exclusive.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0.number() % bound
    }

    /// A number from `low` to `high`, inclusive.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low).expect("low is not above high") + 1;
        low + i64::try_from(self.below(span)).expect("spans are small")
    }

    /// True `per_mille` times in a thousand.
    pub(super) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// A random item.
    pub(super) fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        let index = self.below(things.len() as u64);
        &things[usize::try_from(index).expect("indexes fit")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold() {
        let mut random = Random::new(7);
        assert!((0..1_000).all(|_| (-3..=3).contains(&random.between(-3, 3))));
        assert!((0..1_000).all(|_| !random.chance(0) && random.chance(1_000)));
    }
}

//! Reproducible random numbers: `KITH_FAULT_SEED` sets the seed, and every test prints it.

use kith_core::random::SplitMix64;
use std::env;

/// A stream of numbers from a seed.
#[derive(Debug, Clone)]
pub(crate) struct Random(SplitMix64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0.number()
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    /// True in this many cases out of a hundred.
    pub(crate) fn per_cent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }
}

/// The given seed, or a random one; printed with the name of the test.
pub(crate) fn seed(test: &str) -> u64 {
    let drawn = || {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).unwrap();
        u64::from_le_bytes(bytes)
    };
    let seed = env::var("KITH_FAULT_SEED").map_or_else(|_| drawn(), |seed| seed.parse().unwrap());
    println!("{test}: KITH_FAULT_SEED={seed}");
    seed
}

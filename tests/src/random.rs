//! Repeatable randomness: a printed seed reproduces the same run.

use kith_core::random::SplitMix64;
use std::env;

/// A stream of numbers from a seed.
#[derive(Debug, Clone)]
pub struct Random(SplitMix64);

impl Random {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    /// The numbers of the seed in an environment variable, else of a new one; prints the seed.
    pub fn from_env(variable: &str) -> Self {
        let given = env::var(variable).ok().map(|text| text.parse().expect("a seed is a number"));
        let seed = given.unwrap_or_else(|| {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).expect("the system gives random bytes");
            u64::from_le_bytes(bytes)
        });
        eprintln!("{variable}={seed}");
        Self::new(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0.number()
    }

    /// A number below `end`, which must not be 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("indices are at most 64 bits");
        usize::try_from(self.number() % end).expect("below an index")
    }

    /// One of the items.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// Shuffles items.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

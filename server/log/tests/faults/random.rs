//! Numbers that a seed repeats: `KITH_FAULT_SEED` gives it, and every test prints it.

use std::env;

/// `SplitMix64` (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    /// True so many times of a hundred.
    pub(crate) fn per_cent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }
}

/// The seed given, or one of the machine's; printed with the name of the test.
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

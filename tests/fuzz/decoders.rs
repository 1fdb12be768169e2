//! Bytes from elsewhere: each decoder is given mutations of what it accepts.
//!
//! None may panic or take long, and what one accepts must say the same once it is encoded again. Mutations that are still
//! accepted are mutated further. Twenty thousand inputs of each run with the other tests; `KITH_FUZZ_INPUTS=1000000` makes
//! more, `KITH_FUZZ_SEED` others, and `KITH_FUZZ_DECODER` names the one to try.

mod imports;
mod records;

use crate::{mutation::mutate, setting};
use kith_tests::random::Random;
use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

/// How long one input may take, on a machine that does other work beside it.
const DECODE_MAX: Duration = Duration::from_secs(4);
/// Accepted mutations that are mutated further, beside what a decoder begins with.
const KEPT: usize = 512;
/// Bytes that an input may grow to.
const INPUT_BYTES_MAX: usize = 64 * 1024;

/// Decodes, and says whether the bytes were accepted. Panics if they are, and say something else once encoded again.
type Decode = Box<dyn Fn(&[u8]) -> bool>;

/// A decoder of bytes that come from elsewhere.
struct Decoder {
    name: &'static str,
    /// What it accepts, to begin with.
    accepted: Vec<Vec<u8>>,
    decode: Decode,
}

impl Decoder {
    fn new(name: &'static str, accepted: Vec<Vec<u8>>, decode: impl Fn(&[u8]) -> bool + 'static) -> Self {
        Self { name, accepted, decode: Box::new(decode) }
    }

    /// Tries mutations. Tells how many were accepted.
    fn run(&self, inputs: u64, random: &mut Random) -> u64 {
        let mut corpus = self.accepted.clone();
        let mut count = 0;
        for seed in &corpus {
            assert!((self.decode)(seed), "{} refuses what it should begin with: {}", self.name, hex::encode(seed));
        }
        for _ in 0..inputs {
            let other = random.pick(&corpus).clone();
            let mut input = random.pick(&corpus).clone();
            mutate(&mut input, &other, random);
            input.truncate(INPUT_BYTES_MAX);
            let begun = Instant::now();
            let accepted = catch_unwind(AssertUnwindSafe(|| (self.decode)(&input)));
            let taken = begun.elapsed();
            assert!(taken < DECODE_MAX, "{} took {taken:?} for {}", self.name, hex::encode(&input));
            let Ok(accepted) = accepted else { panic!("{} panicked for {}", self.name, hex::encode(&input)) };
            if accepted {
                count += 1;
                if corpus.len() < self.accepted.len() + KEPT {
                    corpus.push(input);
                } else {
                    let place = self.accepted.len() + random.below(KEPT);
                    corpus[place] = input;
                }
            }
        }
        count
    }
}

#[test]
fn no_bytes_end_or_hold_up_a_decoder_or_mean_two_things() {
    let (inputs, seed) = (setting("KITH_FUZZ_INPUTS", 20_000), setting("KITH_FUZZ_SEED", 7));
    let only = env::var("KITH_FUZZ_DECODER").ok();
    let mut decoders = records::decoders();
    decoders.extend(imports::decoders());
    let names: Vec<_> = decoders.iter().map(|decoder| decoder.name).collect();
    decoders.retain(|decoder| only.as_ref().is_none_or(|only| decoder.name == only));
    assert!(!decoders.is_empty(), "there is no such decoder, but {}", names.join(", "));
    for decoder in decoders {
        let begun = Instant::now();
        let accepted = decoder.run(inputs, &mut Random::new(seed));
        println!("{:<12} {inputs} inputs, {accepted} accepted, {:?}", decoder.name, begun.elapsed());
        assert!(accepted > 0 || inputs < 1_000, "{}: no mutation is accepted, so little of it was tried", decoder.name);
    }
}

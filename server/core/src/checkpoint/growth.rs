//! Growth: proof that a checkpoint continues an earlier one, as text.
//!
//! The text is what a witness is sent (C2SP tlog-witness, <https://c2sp.org/tlog-witness>, the body of
//! `add-checkpoint`): `old SIZE`, a line for each hash of the consistency proof, an empty line, the later checkpoint.
//! Invariant: a growth is checked against a checkpoint that the auditor supplies; it never contains that checkpoint
//! itself.

use super::{CheckpointInvalid, SignedCheckpoint, VerifierKey, text};
use crate::{
    limits::GROWTH_BYTES_MAX,
    tree::{Hash, ProofInvalid, verify_consistency},
};
use std::fmt;

/// The proof that a log only grew. What it says counts only after [`Growth::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// Size of the earlier tree.
    pub from: u64,
    /// Hashes of the consistency proof (RFC 6962, 2.1.2).
    pub hashes: Vec<Hash>,
    /// The later checkpoint.
    pub checkpoint: SignedCheckpoint,
}

impl Growth {
    /// Reads a growth. Only its form is checked.
    pub fn parse(growth: &str) -> Result<Self, GrowthInvalid> {
        let malformed = |what| GrowthInvalid::Malformed { what };
        if growth.len() > GROWTH_BYTES_MAX {
            return Err(malformed("it is longer than any proof of growth"));
        }
        let (proof, checkpoint) = growth.split_once("\n\n").ok_or(malformed("it has no checkpoint"))?;
        let mut lines = proof.split('\n');
        let from = lines.next().and_then(|line| text::decimal(line.strip_prefix("old ")?));
        let from = from.ok_or(malformed("its first line is not the earlier size"))?;
        let hashes =
            lines.map(text::hash).collect::<Option<_>>().ok_or(malformed("a hash is not 32 bytes in base64"))?;
        Ok(Self { from, hashes, checkpoint: SignedCheckpoint::parse(checkpoint)? })
    }

    /// Checks that the key signed both checkpoints and that the later one continues the earlier.
    pub fn verify(&self, earlier: &SignedCheckpoint, key: &VerifierKey) -> Result<(), GrowthInvalid> {
        let (earlier, later) = (earlier.verify(key)?, self.checkpoint.verify(key)?);
        if earlier.size != self.from {
            return Err(GrowthInvalid::OtherSize { proved: self.from, found: earlier.size });
        }
        Ok(verify_consistency(earlier.size, earlier.root, later.size, later.root, &self.hashes)?)
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.from)?;
        for hash in &self.hashes {
            writeln!(f, "{}", text::encode(hash.as_bytes()))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Why a growth proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrowthInvalid {
    /// It does not have the form of a growth.
    #[error("not a proof of growth: {what}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
    /// One of the checkpoints is invalid.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointInvalid),
    /// It is about another earlier checkpoint.
    #[error("the proof goes from {proved} entries, and the earlier checkpoint has {found}")]
    OtherSize {
        /// The earlier size that it names.
        proved: u64,
        /// The earlier checkpoint's size.
        found: u64,
    },
    /// The log did more than grow.
    #[error("the later checkpoint does not continue the earlier one: {0}")]
    Proof(#[from] ProofInvalid),
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{key, origin, refuse_alterations, signed},
        *,
    };
    use crate::tree::{EMPTY_ROOT, leaf_hash, node_hash};
    use proptest::prelude::*;

    /// From two leaves to three.
    fn growth() -> (SignedCheckpoint, Growth) {
        let [first, second, third] = [b"1", b"2", b"3"].map(|leaf| leaf_hash(leaf));
        let earlier = node_hash(first, second);
        let growth = Growth { from: 2, hashes: vec![third], checkpoint: signed(3, node_hash(earlier, third)) };
        (signed(2, earlier), growth)
    }

    #[test]
    fn a_growth_reads_back_and_verifies() {
        let (earlier, growth) = growth();
        let text = growth.to_string();
        assert!(text.starts_with("old 2\n"), "{text}");
        let read = Growth::parse(&text).unwrap();
        assert_eq!(read, growth);
        assert_eq!(read.verify(&earlier, &key().verifier(&origin())), Ok(()));
        let from_nothing = Growth { from: 0, hashes: Vec::new(), ..growth };
        let read = Growth::parse(&from_nothing.to_string()).unwrap();
        assert_eq!(read.verify(&signed(0, EMPTY_ROOT), &key().verifier(&origin())), Ok(()));
    }

    #[test]
    fn rewritten_and_shrunken_logs_are_refused() {
        let (earlier, growth) = growth();
        let verifier = key().verifier(&origin());
        let rewritten = signed(2, leaf_hash(b"other"));
        assert!(matches!(growth.verify(&rewritten, &verifier), Err(GrowthInvalid::Proof(_))));
        let other = signed(1, leaf_hash(b"1"));
        assert_eq!(growth.verify(&other, &verifier), Err(GrowthInvalid::OtherSize { proved: 2, found: 1 }));
        let shrunken = Growth { checkpoint: other, ..growth.clone() };
        assert!(matches!(shrunken.verify(&earlier, &verifier), Err(GrowthInvalid::Proof(_))));
        let stranger = super::super::SigningKey::from_seed(&[1; 32]).verifier(&origin());
        assert!(matches!(growth.verify(&earlier, &stranger), Err(GrowthInvalid::Checkpoint(_))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn every_altered_byte_is_refused(to in any::<u8>()) {
            let (earlier, growth) = growth();
            refuse_alterations(&growth.to_string(), to, |altered| {
                Growth::parse(altered)?.verify(&earlier, &key().verifier(&origin()))
            })?;
        }
    }
}

//! Receipts: proofs that an entry is under a checkpoint, in C2SP tlog-proof text (<https://c2sp.org/tlog-proof>).
//!
//! Invariant: the entry is the proof's extra data, which only the proof itself vouches for: its hash is the leaf. So
//! checking a receipt needs only the log's key.

use super::{CheckpointInvalid, SignedCheckpoint, VerifierKey, text};
use crate::{
    entry::Entry,
    limits,
    tree::{Hash, ProofInvalid, leaf_hash, verify_inclusion},
};
use bytes::Bytes;
use std::fmt;

/// First line of a receipt.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// An entry with the proof that it is under a checkpoint. What it says counts only after [`Receipt::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's bytes.
    pub entry: Bytes,
    /// Index of its leaf, which is its position − 1.
    pub index: u64,
    /// Sibling hashes from the leaf up (RFC 6962, 2.1.1).
    pub hashes: Vec<Hash>,
    /// The checkpoint.
    pub checkpoint: SignedCheckpoint,
}

impl Receipt {
    /// Reads a receipt. Only its form is checked.
    pub fn parse(receipt: &str) -> Result<Self, ReceiptInvalid> {
        let malformed = |what| ReceiptInvalid::Malformed { what };
        if receipt.len() > limits::RECEIPT_BYTES_MAX {
            return Err(malformed("it is longer than any receipt"));
        }
        let (proof, checkpoint) = receipt.split_once("\n\n").ok_or(malformed("it has no checkpoint"))?;
        let mut lines = proof.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(malformed("its first line is not c2sp.org/tlog-proof@v1"));
        }
        let extra = lines.next().and_then(|line| line.strip_prefix("extra ")).ok_or(ReceiptInvalid::WithoutEntry)?;
        let entry = text::decode(extra).ok_or(malformed("its entry is not in base64"))?;
        let index = lines.next().and_then(|line| text::decimal(line.strip_prefix("index ")?));
        let index = index.ok_or(malformed("it has no index"))?;
        let hashes =
            lines.map(text::hash).collect::<Option<_>>().ok_or(malformed("a hash is not 32 bytes in base64"))?;
        Ok(Self { entry: entry.into(), index, hashes, checkpoint: SignedCheckpoint::parse(checkpoint)? })
    }

    /// The entry, if the key signed the checkpoint and the entry is under it where its own bytes say it is.
    pub fn verify(&self, key: &VerifierKey) -> Result<Entry, ReceiptInvalid> {
        let checkpoint = self.checkpoint.verify(key)?;
        verify_inclusion(leaf_hash(&self.entry), self.index, checkpoint.size, &self.hashes, checkpoint.root)?;
        let entry = Entry::decode(&self.entry).map_err(|_| ReceiptInvalid::NoEntry)?;
        if entry.position.leaf_index() != Some(self.index) {
            return Err(ReceiptInvalid::NoEntry);
        }
        Ok(entry)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}\nextra {}\nindex {}", text::encode(&self.entry), self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", text::encode(hash.as_bytes()))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptInvalid {
    /// It does not have the form of a receipt.
    #[error("not a receipt: {what}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
    /// The entry that it proves is missing.
    #[error("the proof comes without its entry")]
    WithoutEntry,
    /// The checkpoint is invalid.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointInvalid),
    /// The entry is not under the checkpoint.
    #[error("the entry is not in the log at this position: {0}")]
    Proof(#[from] ProofInvalid),
    /// What is under the checkpoint is not an entry with this position.
    #[error("what is proved is not an entry with this position")]
    NoEntry,
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{key, origin, refuse_alterations, signed},
        *,
    };
    use crate::{
        position::Position,
        timestamp::Timestamp,
        tree::{Frontier, node_hash},
    };
    use proptest::prelude::*;

    fn entry(position: u64) -> Bytes {
        let entry = Entry {
            position: Position::new(position),
            recorded_at: Timestamp::from_millis(1),
            recorded_by: "token:a".parse().unwrap(),
            organisation: None,
            event_bytes: Bytes::from_static(b"event"),
            signature: None,
        };
        entry.encode()
    }

    /// The receipt of the second of three entries.
    fn receipt() -> Receipt {
        let leaves = [1, 2, 3].map(|position| leaf_hash(&entry(position)));
        let mut frontier = Frontier::new();
        for leaf in leaves {
            frontier.push(leaf);
        }
        let checkpoint = signed(3, frontier.root());
        Receipt { entry: entry(2), index: 1, hashes: vec![leaves[0], leaves[2]], checkpoint }
    }

    #[test]
    fn a_receipt_reads_back_and_gives_its_entry() {
        let receipt = receipt();
        let text = receipt.to_string();
        let start = format!("c2sp.org/tlog-proof@v1\nextra {}\nindex 1\n", text::encode(&entry(2)));
        assert!(text.starts_with(&start) && text.ends_with(&format!("\n\n{}", receipt.checkpoint)), "{text}");
        let read = Receipt::parse(&text).unwrap();
        assert_eq!(read, receipt);
        assert_eq!(read.verify(&key().verifier(&origin())).unwrap().position, Position::new(2));
    }

    #[test]
    fn a_log_of_one_entry_needs_no_hashes() {
        let checkpoint = signed(1, leaf_hash(&entry(1)));
        let receipt = Receipt { entry: entry(1), index: 0, hashes: Vec::new(), checkpoint };
        let read = Receipt::parse(&receipt.to_string()).unwrap();
        assert!(read.verify(&key().verifier(&origin())).is_ok());
    }

    #[test]
    fn what_is_signed_but_wrong_is_refused() {
        let verify =
            |receipt: &Receipt| Receipt::parse(&receipt.to_string())?.verify(&key().verifier(&origin())).map(drop);
        let good = receipt();
        let moved = Receipt { index: 2, ..good.clone() };
        assert!(matches!(verify(&moved), Err(ReceiptInvalid::Proof(_))));
        let other = Receipt { entry: entry(3), ..good.clone() };
        assert!(matches!(verify(&other), Err(ReceiptInvalid::Proof(_))));
        // A node of the tree passes for a leaf if only the lengths are right: the prefixes distinguish them.
        let left = node_hash(leaf_hash(&entry(1)), leaf_hash(&entry(2)));
        let node = [leaf_hash(&entry(1)).as_bytes().as_slice(), leaf_hash(&entry(2)).as_bytes()].concat();
        let root = node_hash(left, leaf_hash(&entry(3)));
        let node =
            Receipt { entry: node.into(), index: 0, hashes: vec![leaf_hash(&entry(3))], checkpoint: signed(2, root) };
        assert!(matches!(verify(&node), Err(ReceiptInvalid::Proof(_))));
        // The leaf exists, but its bytes name another position.
        let stray =
            Receipt { entry: entry(2), index: 0, hashes: Vec::new(), checkpoint: signed(1, leaf_hash(&entry(2))) };
        assert_eq!(verify(&stray), Err(ReceiptInvalid::NoEntry));
        let noise = Receipt { entry: Bytes::from_static(b"\xff"), checkpoint: signed(1, leaf_hash(b"\xff")), ..stray };
        assert_eq!(verify(&noise), Err(ReceiptInvalid::NoEntry));
    }

    #[test]
    fn a_proof_without_its_entry_is_told_apart() {
        let text = receipt().to_string();
        let (header, rest) = text.split_once("extra ").unwrap();
        let bare = format!("{header}{}", rest.split_once('\n').unwrap().1);
        assert_eq!(Receipt::parse(&bare), Err(ReceiptInvalid::WithoutEntry));
        let long = format!("{HEADER}\nextra {}", "A".repeat(limits::RECEIPT_BYTES_MAX));
        assert!(matches!(Receipt::parse(&long), Err(ReceiptInvalid::Malformed { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn every_altered_byte_is_refused(to in any::<u8>()) {
            refuse_alterations(&receipt().to_string(), to, |altered| {
                Receipt::parse(altered)?.verify(&key().verifier(&origin())).map(drop)
            })?;
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "(c2sp.org/tlog-proof@v1\n)?(extra |index |\n|[A-Za-z0-9=—]){0,60}") {
            if let Ok(parsed) = Receipt::parse(&text) {
                prop_assert_eq!(parsed.to_string(), text);
            }
        }
    }
}

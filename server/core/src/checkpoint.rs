//! Checkpoints: the signed head of a log's hash tree, as text that other people's tools read.
//!
//! A checkpoint is a C2SP tlog-checkpoint (<https://c2sp.org/tlog-checkpoint>) in a C2SP signed note
//! (<https://c2sp.org/signed-note>): origin, size and root, a line each, and an Ed25519 signature over those bytes. A
//! [`Receipt`] proves that an entry is under a checkpoint, a [`Growth`] that a checkpoint continues an earlier one.
//! Invariant: everything that parses encodes to the same bytes again, and whatever the expected key did not sign is an
//! error, even if all else is right.

mod growth;
mod key;
mod note;
mod origin;
mod receipt;
pub(crate) mod text;

pub use growth::{Growth, GrowthInvalid};
pub use key::{KeyInvalid, PublicKey, SigningKey, VerifierKey};
pub use note::{Note, NoteInvalid, NoteSignature};
pub use origin::{LogOrigin, LogOriginInvalid};
pub use receipt::{Receipt, ReceiptInvalid};

use crate::{limits::TREE_SIZE_MAX, tree::Hash};

/// The size and root of a log's hash tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub origin: LogOrigin,
    /// Leaves of the tree, which is the last position.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed: origin, size and root, each ended by a newline.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, text::encode(self.root.as_bytes()))
    }

    /// Reads the text of a note. Further lines are allowed and ignored.
    fn from_text(text: &str) -> Result<Self, CheckpointInvalid> {
        let malformed = |what| CheckpointInvalid::Malformed { what };
        let body = text.strip_suffix('\n').ok_or(malformed("its text does not end with a newline"))?;
        let mut lines = body.split('\n');
        let mut next = |what| lines.next().ok_or(malformed(what));
        let origin = next("it names no log")?.parse().map_err(|_| malformed("its first line is not an origin"))?;
        let size = text::decimal(next("it has no size")?).filter(|size| *size <= TREE_SIZE_MAX);
        let size = size.ok_or(malformed("its second line is not a size"))?;
        let root = text::hash(next("it has no root")?).ok_or(malformed("its third line is not a root"))?;
        if lines.any(str::is_empty) {
            return Err(malformed("a line of its text is empty"));
        }
        Ok(Self { origin, size, root })
    }
}

/// A checkpoint with its signatures. What it says counts only after [`SignedCheckpoint::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    note: Note,
    checkpoint: Checkpoint,
}

impl SignedCheckpoint {
    /// Signs a checkpoint. The caller ensures that it continues every checkpoint signed before.
    pub fn sign(checkpoint: Checkpoint, key: &SigningKey) -> Self {
        let text = checkpoint.text();
        let signature = key.sign(&checkpoint.origin, &text);
        Self { note: Note::new(text, vec![signature]), checkpoint }
    }

    /// Reads a signed note that holds a checkpoint. No signature is checked yet.
    pub fn parse(text: &str) -> Result<Self, CheckpointInvalid> {
        let note = Note::parse(text)?;
        let checkpoint = Checkpoint::from_text(note.text())?;
        Ok(Self { note, checkpoint })
    }

    /// The checkpoint, if the key signed it and is the key of the log that it names. Signatures of other keys are
    /// ignored; a wrong one of this key is an error.
    pub fn verify(&self, key: &VerifierKey) -> Result<&Checkpoint, CheckpointInvalid> {
        self.note.verify(key)?;
        if self.checkpoint.origin != *key.origin() {
            return Err(CheckpointInvalid::OtherLog { origin: self.checkpoint.origin.clone() });
        }
        Ok(&self.checkpoint)
    }

    /// What it says, whoever wrote it: to look up the key, and to report what was refused.
    pub fn unverified(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The signed note.
    pub fn note(&self) -> &Note {
        &self.note
    }
}

impl std::fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.note.fmt(f)
    }
}

/// Why a text is not a checkpoint of a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointInvalid {
    /// It is not a signed note, or not signed by the key.
    #[error(transparent)]
    Note(#[from] NoteInvalid),
    /// The note holds something else.
    #[error("the note is not a checkpoint: {what}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
    /// The key is that of another log.
    #[error("the checkpoint is of the log {origin}, which is not the log of the key")]
    OtherLog {
        /// The log that it is of.
        origin: LogOrigin,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::leaf_hash;
    use proptest::prelude::*;

    pub(super) fn origin() -> LogOrigin {
        LogOrigin::of(&"north".parse().unwrap(), &[7; 16])
    }

    pub(super) fn key() -> SigningKey {
        SigningKey::from_seed(&[9; 32])
    }

    pub(super) fn signed(size: u64, root: Hash) -> SignedCheckpoint {
        SignedCheckpoint::sign(Checkpoint { origin: origin(), size, root }, &key())
    }

    #[test]
    fn a_signed_checkpoint_reads_back_and_verifies() {
        let signed = signed(20_852_163, leaf_hash(b"root"));
        let text = signed.to_string();
        let expected = format!("kith/north/{}\n20852163\n", "07".repeat(16));
        assert!(text.starts_with(&expected), "{text}");
        let read = SignedCheckpoint::parse(&text).unwrap();
        assert_eq!(read, signed);
        assert_eq!(read.verify(&key().verifier(&origin())).unwrap().size, 20_852_163);
    }

    #[test]
    fn other_keys_and_other_logs_are_refused() {
        let signed = signed(3, leaf_hash(b"root"));
        let other = SigningKey::from_seed(&[8; 32]).verifier(&origin());
        assert_eq!(signed.verify(&other), Err(NoteInvalid::NotSigned { name: origin() }.into()));
        let south = LogOrigin::of(&"south".parse().unwrap(), &[7; 16]);
        let renamed = key().verifier(&south);
        assert_eq!(signed.verify(&renamed), Err(NoteInvalid::NotSigned { name: south.clone() }.into()));
        let text = Checkpoint { origin: south.clone(), size: 3, root: leaf_hash(b"root") }.text();
        let signature = key().sign(&origin(), &text);
        let foreign = SignedCheckpoint::parse(&Note::new(text, vec![signature]).to_string()).unwrap();
        let refused = CheckpointInvalid::OtherLog { origin: south };
        assert_eq!(foreign.verify(&key().verifier(&origin())), Err(refused));
    }

    #[test]
    fn signatures_of_others_are_passed_over() {
        let own = signed(3, leaf_hash(b"root"));
        let text = own.unverified().text();
        let witness = LogOrigin::of(&"witness".parse().unwrap(), &[1; 16]);
        let witness = SigningKey::from_seed(&[4; 32]).sign(&witness, &text);
        for signatures in
            [[witness.clone(), own.note().signatures()[0].clone()], [own.note().signatures()[0].clone(), witness]]
        {
            let both = SignedCheckpoint::parse(&Note::new(text.clone(), signatures.to_vec()).to_string()).unwrap();
            assert!(both.verify(&key().verifier(&origin())).is_ok());
        }
    }

    #[test]
    fn later_lines_of_the_text_are_signed_and_passed_over() {
        let text = format!("{}later 1\n", signed(3, leaf_hash(b"root")).unverified().text());
        let signature = key().sign(&origin(), &text);
        let longer = SignedCheckpoint::parse(&Note::new(text, vec![signature]).to_string()).unwrap();
        assert_eq!(longer.verify(&key().verifier(&origin())).unwrap().size, 3);
        let altered = longer.to_string().replace("later 1", "later 2");
        assert!(SignedCheckpoint::parse(&altered).unwrap().verify(&key().verifier(&origin())).is_err());
    }

    #[test]
    fn texts_that_are_no_checkpoint_are_refused() {
        let root = text::encode(&[1; 32]);
        let origin = origin();
        let texts = [
            format!("{origin}\n3\n"),
            format!("{origin}\n03\n{root}\n"),
            format!("{origin}\n+3\n{root}\n"),
            format!("{origin}\n-3\n{root}\n"),
            format!("{origin}\n\n{root}\n"),
            format!("{origin}\n18446744073709551615\n{root}\n"),
            format!("{origin}\n18446744073709551616\n{root}\n"),
            format!("{origin}\n3\n{}\n", text::encode(&[1; 31])),
            format!("{origin}\n3\n{root}=\n"),
            format!("\n3\n{root}\n"),
            format!("two words\n3\n{root}\n"),
            format!("{origin}\n3\n{root}\n\nlater\n"),
        ];
        for text in texts {
            let note = Note::new(text.clone(), vec![key().sign(&origin, &text)]).to_string();
            let parsed = SignedCheckpoint::parse(&note);
            assert!(matches!(parsed, Err(CheckpointInvalid::Malformed { .. })), "{text:?}: {parsed:?}");
        }
    }

    proptest! {
        #[test]
        fn checkpoints_of_every_size_read_back(size in 0..=TREE_SIZE_MAX, root in any::<[u8; 32]>()) {
            let signed = signed(size, Hash::new(root));
            let read = SignedCheckpoint::parse(&signed.to_string()).unwrap();
            prop_assert_eq!(read.verify(&key().verifier(&origin())), Ok(signed.unverified()));
            prop_assert_eq!(read.to_string(), signed.to_string());
        }

        #[test]
        fn every_altered_byte_is_refused(size in 0..=TREE_SIZE_MAX, root in any::<[u8; 32]>(), to in any::<u8>()) {
            let text = signed(size, Hash::new(root)).to_string();
            refuse_alterations(&text, to, |altered| {
                SignedCheckpoint::parse(altered)?.verify(&key().verifier(&origin())).map(drop)
            })?;
        }

        #[test]
        fn no_text_makes_a_parser_panic(text in "[ -~\n—]{0,200}") {
            if let Ok(parsed) = SignedCheckpoint::parse(&text) {
                prop_assert_eq!(parsed.to_string(), text);
            }
        }
    }

    /// Changes each byte in turn, cuts the text at each place and adds to its end: all must be refused.
    pub(super) fn refuse_alterations<E>(
        text: &str,
        to: u8,
        check: impl Fn(&str) -> Result<(), E>,
    ) -> Result<(), TestCaseError> {
        for at in 0..text.len() {
            for byte in [to, text.as_bytes()[at] ^ 1, b'\n', b' '] {
                let mut bytes = text.as_bytes().to_vec();
                bytes[at] = byte;
                let altered = String::from_utf8(bytes).ok().filter(|altered| altered != text);
                if let Some(altered) = altered {
                    prop_assert!(check(&altered).is_err(), "byte {at} as {byte} is accepted:\n{altered}");
                }
            }
            if text.is_char_boundary(at) {
                prop_assert!(check(&text[..at]).is_err(), "cut at {at} is accepted");
            }
        }
        for more in ["\n", " ", "x", "\n\n"] {
            prop_assert!(check(&format!("{text}{more}")).is_err(), "{more:?} at the end is accepted");
            prop_assert!(check(&format!("{more}{text}")).is_err(), "{more:?} before it is accepted");
        }
        Ok(())
    }
}

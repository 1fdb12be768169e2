//! Signed notes: a text, an empty line, and a line for each signature (<https://c2sp.org/signed-note>).
//!
//! Invariant: a note has at least one signature, and what was parsed is written back byte for byte.

use super::{LogOrigin, VerifierKey, origin::is_key_name, text};
use crate::limits::NOTE_BYTES_MAX;
use std::fmt;

/// What a signature line begins with.
const MARK: &str = "\u{2014} ";

/// A text with signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One line below a note: the key's name and id, and a signature. Only those who know the key can interpret its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    name: String,
    key_id: u32,
    bytes: Vec<u8>,
}

impl Note {
    /// A text, which ends with a newline, and its signatures.
    pub(super) fn new(text: String, signatures: Vec<NoteSignature>) -> Self {
        Self { text, signatures }
    }

    /// Reads a signed note. No signature is checked.
    pub fn parse(note: &str) -> Result<Self, NoteInvalid> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteInvalid::TooLong { found: note.len() });
        }
        if note.contains(|c: char| c < ' ' && c != '\n') {
            return Err(NoteInvalid::Malformed { what: "it contains control characters" });
        }
        let unsigned = NoteInvalid::Malformed { what: "no empty line separates the signatures" };
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(unsigned)?;
        let cut = NoteInvalid::Malformed { what: "its last line is cut short" };
        let lines = signatures.strip_suffix('\n').ok_or(cut)?.split('\n');
        let signatures = lines.map(|line| {
            let malformed = NoteInvalid::Malformed { what: "a signature line is malformed" };
            NoteSignature::parse(line).ok_or(malformed)
        });
        Ok(Self { text: format!("{text}\n"), signatures: signatures.collect::<Result<_, _>>()? })
    }

    /// The text, which counts only if somebody trusted signed it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, in their order.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Checks that a key signed the text.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NoteInvalid> {
        let mut own = self.signatures.iter().filter(|signature| key.is_named_by(signature)).peekable();
        if own.peek().is_none() {
            return Err(NoteInvalid::NotSigned { name: key.origin().clone() });
        }
        if own.all(|signature| key.signed(&self.text, signature)) { Ok(()) } else { Err(NoteInvalid::WrongSignature) }
    }
}

impl NoteSignature {
    pub(super) fn new(name: &str, key_id: u32, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), key_id, bytes }
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, packed) = line.strip_prefix(MARK)?.split_once(' ')?;
        let packed = text::decode(packed)?;
        let (key_id, bytes) = packed.split_first_chunk()?;
        let whole = is_key_name(name) && !bytes.is_empty();
        whole.then(|| Self::new(name, u32::from_be_bytes(*key_id), bytes.to_vec()))
    }

    /// Name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number that distinguishes keys of one name.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// The signature's own bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for NoteSignature { name, key_id, bytes } in &self.signatures {
            let packed = [&key_id.to_be_bytes(), bytes.as_slice()].concat();
            writeln!(f, "{MARK}{name} {}", text::encode(&packed))?;
        }
        Ok(())
    }
}

/// Why a text is not a signed note, or not signed by a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteInvalid {
    /// It is longer than any note.
    #[error("a signed note has at most {NOTE_BYTES_MAX} bytes, not {found}")]
    TooLong {
        /// How many it has.
        found: usize,
    },
    /// It does not have the form of a signed note.
    #[error("not a signed note: {what}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
    /// Nobody signed with the key.
    #[error("not signed by the key of {name}")]
    NotSigned {
        /// Name of the key.
        name: LogOrigin,
    },
    /// A signature that names the key was not made by it: the text or the signature was changed.
    #[error("the signature is wrong: the text or the signature was changed")]
    WrongSignature,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_empty_line_ends_the_text() {
        let note = "one\n\ntwo\n\n\u{2014} name AAAAAQI=\n\u{2014} other.example/x AAAAAgM=\n";
        let parsed = Note::parse(note).unwrap();
        assert_eq!((parsed.text(), parsed.signatures().len()), ("one\n\ntwo\n", 2));
        let first = &parsed.signatures()[0];
        assert_eq!((first.name(), first.key_id(), first.bytes()), ("name", 1, &[2][..]));
        assert_eq!(parsed.to_string(), note);
    }

    #[test]
    fn texts_that_are_no_note_are_refused() {
        let good = "text\n\n\u{2014} name AAAAAQI=\n";
        assert!(Note::parse(good).is_ok());
        for text in [
            "",
            "text\n",
            "text\n\n",
            "text\n\n\u{2014} name AAAAAQI=",
            "text\n\n- name AAAAAQI=\n",
            "text\n\n\u{2014} na+me AAAAAQI=\n",
            "text\n\n\u{2014}  AAAAAQI=\n",
            "text\n\n\u{2014} name AAAAAQI\n",
            "text\n\n\u{2014} name AAAAAQJ=\n",
            "text\n\n\u{2014} name AAAAAQ==\n",
            "text\n\n\u{2014} name two AAAAAQI=\n",
            "te\txt\n\n\u{2014} name AAAAAQI=\n",
            "text\r\n\n\u{2014} name AAAAAQI=\n",
        ] {
            assert!(matches!(Note::parse(text), Err(NoteInvalid::Malformed { .. })), "{text:?}");
        }
        let long = "x".repeat(NOTE_BYTES_MAX) + good;
        assert!(matches!(Note::parse(&long), Err(NoteInvalid::TooLong { .. })));
    }
}

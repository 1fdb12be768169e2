//! Keys that sign checkpoints, and their public halves as text.
//!
//! Invariant: every verifier key has the id that follows from its name and bytes, and none is a weak key.

use super::{LogOrigin, note::NoteSignature, text};
use crate::backup;
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

/// Type of Ed25519 signatures in signed notes.
const ED25519: u8 = 1;

/// A key that signs checkpoints (Ed25519, RFC 8032). Wiped when dropped, and never printed.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// Bytes of a seed.
    pub const SEED_BYTES: usize = 32;

    /// The key of a secret seed, which must be random.
    pub fn from_seed(seed: &[u8; Self::SEED_BYTES]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The public half, under the name of a log.
    pub fn verifier(&self, origin: &LogOrigin) -> VerifierKey {
        let key = self.0.verifying_key();
        VerifierKey { origin: origin.clone(), id: key_id(origin, &key), key }
    }

    /// The public half, under no name.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs the digest of a backup.
    pub fn sign_backup(&self, digest: &[u8; 32]) -> [u8; backup::SIGNATURE_BYTES] {
        self.0.sign(&backup::signed_bytes(digest)).to_bytes()
    }

    /// Signs the text of a note under the name of a log.
    pub(super) fn sign(&self, origin: &LogOrigin, text: &str) -> NoteSignature {
        let signature = self.0.sign(text.as_bytes()).to_bytes().to_vec();
        NoteSignature::new(origin.as_str(), key_id(origin, &self.0.verifying_key()), signature)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

/// The public half of a server's key, which signs for all its logs. Shown in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// A key of these bytes. Bytes that are not a key verify nothing.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this key signed the backup with a digest.
    pub fn signed_backup(&self, digest: &[u8; 32], signature: &[u8; backup::SIGNATURE_BYTES]) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.0) else { return false };
        key.verify_strict(&backup::signed_bytes(digest), &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::encode(&self.0))
    }
}

/// The public key of a log, as auditors keep it: `ORIGIN+ID+KEY`, where ID is 8 hexadecimal digits and KEY the base64
/// of a byte 1 and the 32 bytes of the key (C2SP signed-note, the form of `golang.org/x/mod/sumdb/note`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    origin: LogOrigin,
    id: u32,
    key: VerifyingKey,
}

impl VerifierKey {
    /// The log whose checkpoints it verifies.
    pub fn origin(&self) -> &LogOrigin {
        &self.origin
    }

    /// The key without the log's name.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.key.to_bytes())
    }

    /// Whether a signature names this key.
    pub(super) fn is_named_by(&self, signature: &NoteSignature) -> bool {
        signature.name() == self.origin.as_str() && signature.key_id() == self.id
    }

    /// Whether a signature over a text is this key's.
    pub(super) fn signed(&self, text: &str, signature: &NoteSignature) -> bool {
        let Ok(signature) = Signature::from_slice(signature.bytes()) else { return false };
        self.key.verify_strict(text.as_bytes(), &signature).is_ok()
    }
}

/// First four bytes of SHA-256(name ‖ newline ‖ type ‖ public key), as a big-endian number.
fn key_id(origin: &LogOrigin, key: &VerifyingKey) -> u32 {
    let digest = Sha256::new().chain_update(origin.as_str()).chain_update([b'\n', ED25519]);
    let digest: [u8; 32] = digest.chain_update(key.as_bytes()).finalize().into();
    let (first, _) = digest.split_first_chunk().expect("a digest has 32 bytes");
    u32::from_be_bytes(*first)
}

/// Why a text is not a verifier key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyInvalid {
    /// It does not have the form `NAME+ID+KEY`.
    #[error("a verifier key has the form NAME+ID+KEY: a name without spaces, 8 hexadecimal digits, and base64")]
    Malformed,
    /// The key is not an Ed25519 key.
    #[error("the key is not an Ed25519 key")]
    NotEd25519,
    /// Name, id and key do not belong together.
    #[error("the id does not belong to this name and key: the text was changed")]
    WrongId,
}

impl FromStr for VerifierKey {
    type Err = KeyInvalid;

    fn from_str(text: &str) -> Result<Self, KeyInvalid> {
        let mut parts = text.splitn(3, '+');
        let mut next = || parts.next().ok_or(KeyInvalid::Malformed);
        let origin: LogOrigin = next()?.parse().map_err(|_| KeyInvalid::Malformed)?;
        let (id, key) = (next()?, text::decode(next()?).ok_or(KeyInvalid::Malformed)?);
        let Some((&ED25519, key)) = key.split_first() else { return Err(KeyInvalid::NotEd25519) };
        let key = key.try_into().map_err(|_| KeyInvalid::NotEd25519)?;
        let key = VerifyingKey::from_bytes(key).map_err(|_| KeyInvalid::NotEd25519)?;
        if key.is_weak() {
            return Err(KeyInvalid::NotEd25519);
        }
        let own_id = key_id(&origin, &key);
        if id != format!("{own_id:08x}") {
            return Err(KeyInvalid::WrongId);
        }
        Ok(Self { origin, id: own_id, key })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519];
        key.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.origin, self.id, text::encode(&key))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{key, origin, refuse_alterations},
        *,
    };
    use proptest::prelude::*;

    #[test]
    fn the_published_example_is_read() {
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key: VerifierKey = text.parse().unwrap();
        assert_eq!((key.origin().as_str(), key.to_string().as_str()), ("PeterNeumann", text));
        let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
                    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        super::super::Note::parse(note).unwrap().verify(&key).unwrap();
    }

    #[test]
    fn keys_read_back_and_are_not_shown() {
        let verifier = key().verifier(&origin());
        assert_eq!(verifier.to_string().parse(), Ok(verifier.clone()));
        assert_eq!(format!("{:?}", key()), "SigningKey(***)");
    }

    #[test]
    fn texts_that_are_no_key_are_refused() {
        let good = key().verifier(&origin()).to_string();
        let body = |bytes: &[u8]| format!("{}+00000000+{}", origin(), text::encode(bytes));
        let weak = [&[ED25519, 1][..], &[0; 31]].concat();
        for (text, expected) in [
            (String::new(), KeyInvalid::Malformed),
            (origin().to_string(), KeyInvalid::Malformed),
            (good.replace('+', " "), KeyInvalid::Malformed),
            (body(&[]), KeyInvalid::NotEd25519),
            (body(&[2; 33]), KeyInvalid::NotEd25519),
            (body(&[ED25519; 32]), KeyInvalid::NotEd25519),
            (body(&weak), KeyInvalid::NotEd25519),
            (good.replace("kith/", "kiht/"), KeyInvalid::WrongId),
        ] {
            assert_eq!(text.parse::<VerifierKey>(), Err(expected), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn every_altered_byte_is_refused(seed in any::<[u8; 32]>(), to in any::<u8>()) {
            let text = SigningKey::from_seed(&seed).verifier(&origin()).to_string();
            refuse_alterations(&text, to, |altered| altered.parse::<VerifierKey>().map(drop))?;
        }
    }
}

//! What vouches for a backup of the log: the digest of its bytes, and the server's signature over it.
//!
//! | bytes | what |
//! |---|---|
//! | 16 | [`MAGIC`] |
//! | 4 | [`VERSION`], little-endian |
//! | 32 | the public key that signs it |
//! | all but the last 96 | what is backed up, which is the log's own concern |
//! | 32 | SHA-256 of all bytes before |
//! | 64 | Ed25519 signature over `signed_bytes` of that digest |
//!
//! Invariant: the signed bytes are never the text of a checkpoint, so neither signature is valid for the other.

use crate::checkpoint::PublicKey;
use sha2::{Digest, Sha256};

/// The first bytes of every backup of a log.
pub const MAGIC: &[u8; 16] = b"kith log backup\n";

/// Version of the file.
pub const VERSION: u32 = 2;

/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// Bytes before what is backed up.
const START_BYTES: usize = 16 + 4 + 32;

/// Bytes after what is backed up.
const END_BYTES: usize = 32 + SIGNATURE_BYTES;

/// What the signature is over.
pub(crate) fn signed_bytes(digest: &[u8; 32]) -> Vec<u8> {
    [b"kith/backup/2\0".as_slice(), digest].concat()
}

/// Why bytes are not a complete backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BackupInvalid {
    /// They are something else.
    #[error("it is not a backup of a log")]
    NotABackup,
    /// They have another version.
    #[error("it has format version {found}, and this program reads version {VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// They do not match the digest at their end.
    #[error("it is cut off, or bytes in it are not as they were written")]
    Damaged,
    /// The signature was not made by the key in the backup.
    #[error("its signature was not made by the key that it names")]
    NotSigned,
}

/// Verifies a backup as its bytes are read.
#[derive(Debug, Clone, Default)]
pub struct BackupVerifier {
    hash: Sha256,
    /// The first bytes, as many as were read.
    start: Vec<u8>,
    /// The last bytes, which may be its end.
    end: Vec<u8>,
}

impl BackupVerifier {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let missing = START_BYTES - self.start.len();
        self.start.extend_from_slice(&bytes[..missing.min(bytes.len())]);
        self.end.extend_from_slice(bytes);
        let before_end = self.end.len().saturating_sub(END_BYTES);
        self.hash.update(&self.end[..before_end]);
        self.end.drain(..before_end);
    }

    /// Ends the backup; returns the key that signed it. The caller must know whose key that is.
    pub fn finish(self) -> Result<PublicKey, BackupInvalid> {
        let start = self.start.strip_prefix(MAGIC).ok_or(BackupInvalid::NotABackup)?;
        let (version, key) = start.split_first_chunk().ok_or(BackupInvalid::Damaged)?;
        let found = u32::from_le_bytes(*version);
        if found != VERSION {
            return Err(BackupInvalid::Version { found });
        }
        let key = PublicKey::new(key.try_into().map_err(|_| BackupInvalid::Damaged)?);
        let (digest, signature) = self.end.split_first_chunk().ok_or(BackupInvalid::Damaged)?;
        let signature = signature.try_into().map_err(|_| BackupInvalid::Damaged)?;
        if <[u8; 32]>::from(self.hash.finalize()) != *digest {
            return Err(BackupInvalid::Damaged);
        }
        if key.signed_backup(digest, signature) { Ok(key) } else { Err(BackupInvalid::NotSigned) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::SigningKey;
    use proptest::prelude::*;

    fn backup(key: &SigningKey, version: u32, rows: &[u8]) -> Vec<u8> {
        let mut bytes = [MAGIC, version.to_le_bytes().as_slice(), key.public().as_bytes(), rows].concat();
        let digest = Sha256::digest(&bytes).into();
        bytes.extend(digest);
        bytes.extend(key.sign_backup(&digest));
        bytes
    }

    fn verify(bytes: &[u8], piece: usize) -> Result<PublicKey, BackupInvalid> {
        let mut verifier = BackupVerifier::default();
        bytes.chunks(piece).for_each(|piece| verifier.update(piece));
        verifier.finish()
    }

    proptest! {
        #[test]
        fn every_altered_or_missing_byte_is_found(seed: [u8; 32], rows in prop::collection::vec(any::<u8>(), 0..300),
                                                  piece in 1_usize..200) {
            let key = SigningKey::from_seed(&seed);
            let whole = backup(&key, VERSION, &rows);
            prop_assert_eq!(verify(&whole, piece), Ok(key.public()));
            for at in 0..whole.len() {
                let mut altered = whole.clone();
                altered[at] ^= 1;
                prop_assert!(verify(&altered, piece).is_err(), "byte {at}");
                prop_assert!(verify(&whole[..at], piece).is_err(), "cut at {at}");
            }
            prop_assert!(verify(&[whole.as_slice(), &[0]].concat(), piece).is_err());
        }
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        let (key, other) = (SigningKey::from_seed(&[9; 32]), SigningKey::from_seed(&[8; 32]));
        assert_eq!(verify(&backup(&key, 1, b"rows"), 7), Err(BackupInvalid::Version { found: 1 }));
        assert_eq!(verify(b"no backup", 7), Err(BackupInvalid::NotABackup));
        let mut signed_by_another = backup(&key, VERSION, b"rows");
        let at = signed_by_another.len() - SIGNATURE_BYTES;
        let digest = signed_by_another[at - 32..at].try_into().unwrap();
        signed_by_another.splice(at.., other.sign_backup(&digest));
        assert_eq!(verify(&signed_by_another, 7), Err(BackupInvalid::NotSigned));
    }
}

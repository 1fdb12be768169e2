//! Authenticated encryption of keys and details.
//!
//! Invariant: what opens is, bit for bit, what was sealed with the same key in the same context.

use crate::key::{self, Key};
use aes_gcm_siv::{
    Aes256GcmSiv, Nonce,
    aead::{Aead, KeyInit, Payload},
};
use zeroize::Zeroizing;

/// Bytes of a nonce of AES-GCM-SIV.
const NONCE_BYTES: usize = 12;

/// AES-256-GCM-SIV (RFC 8452) with a random nonce, which precedes the cipher text.
pub(crate) fn seal(key: &Key, context: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE_BYTES] = key::random();
    let payload = Payload { msg: plain, aad: context };
    let sealed = cipher(key).encrypt(&Nonce::from(nonce), payload).expect("limits keep it below 64 GiB");
    [nonce.as_slice(), &sealed].concat()
}

/// Undoes [`seal`]; `None` if key, context or bytes differ.
pub(crate) fn open(key: &Key, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let payload = Payload { msg: sealed, aad: context };
    cipher(key).decrypt(&Nonce::from(*nonce), payload).ok().map(Zeroizing::new)
}

fn cipher(key: &Key) -> Aes256GcmSiv {
    Aes256GcmSiv::new_from_slice(key.as_slice()).expect("keys have 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_bytes_open_with_the_same_key_and_context_only() {
        let (key, other) = (key::new_key(), key::new_key());
        let sealed = seal(&key, b"context", b"words");
        assert_eq!(open(&key, b"context", &sealed).unwrap().as_slice(), b"words");
        assert!(open(&other, b"context", &sealed).is_none());
        assert!(open(&key, b"contexT", &sealed).is_none());
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(open(&key, b"context", &changed).is_none(), "byte {index}");
            assert!(open(&key, b"context", &sealed[..index]).is_none(), "cut at {index}");
        }
    }
}

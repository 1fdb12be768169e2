//! Pieces of the text formats: numbers and hashes, with one spelling each.

use crate::tree::Hash;
use base64::{Engine, engine::general_purpose::STANDARD};

/// Base64 of RFC 4648, section 4, with padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Undoes [`encode`]; `None` for every other spelling.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// A hash in base64.
pub(crate) fn hash(text: &str) -> Option<Hash> {
    Hash::try_from(decode(text)?.as_slice()).ok()
}

/// A number without sign and leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|_| plain)
}

//! Random bytes and random keys.

use zeroize::Zeroizing;

/// A key in memory, wiped when it is dropped.
pub type Key = Zeroizing<[u8; KEY_BYTES]>;

/// Bytes of every key.
pub const KEY_BYTES: usize = 32;

/// Random bytes from the operating system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A new random key.
pub fn new_key() -> Key {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(key.as_mut_slice()).expect("the operating system gives random bytes");
    key
}

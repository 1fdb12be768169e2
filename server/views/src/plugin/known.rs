//! The compiled functions that a compiling process is given and makes, in packs: so it compiles only what its author's
//! components did not have before.
//!
//! A pack is functions one after the other, each as the compiler's key of it (32 bytes), the length of its code (4 bytes,
//! little-endian) and its code. Invariant: a pack that is not well formed to its end counts as empty.

use crate::limits;
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fmt, mem,
    ops::Range,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use wasmtime::CacheStore;

/// The compiler's key of a function: a hash of all that its code depends on.
type Key = [u8; 32];
/// Bytes in front of a function's code.
const HEAD_BYTES: usize = size_of::<Key>() + size_of::<u32>();
/// Bytes that are reserved at once for what is made: little is moved as it grows.
const PIECE_BYTES: usize = 1024 * 1024;

/// The functions of a compiling process.
#[derive(Default)]
pub struct KnownFunctions {
    packs: Vec<Vec<u8>>,
    places: HashMap<Key, (usize, Range<usize>)>,
    /// A bit for each pack.
    used: AtomicU64,
    made: Mutex<Made>,
}

/// A pack that grows.
#[derive(Default)]
struct Made {
    keys: HashSet<Key>,
    pieces: Vec<Vec<u8>>,
    bytes: usize,
}

impl KnownFunctions {
    /// Takes packs. If several have a function, the first one's is used.
    pub fn new(packs: Vec<Vec<u8>>) -> Self {
        let mut places = HashMap::new();
        for (number, pack) in packs.iter().enumerate() {
            for (key, place) in functions(pack).unwrap_or_default() {
                places.entry(key).or_insert((number, place));
            }
        }
        Self { packs, places, used: AtomicU64::new(0), made: Mutex::default() }
    }

    /// The packs of which a function was used, the first one's bit being the lowest.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes the pack of functions that were compiled here, in pieces.
    pub fn take_made(&self) -> Vec<Vec<u8>> {
        mem::take(&mut *self.made()).pieces
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CacheStore for KnownFunctions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let (number, place) = self.places.get(key)?;
        self.used.fetch_or(1_u64.checked_shl(u32::try_from(*number).ok()?)?, Ordering::Relaxed);
        Some(Cow::Borrowed(&self.packs[*number][place.clone()]))
    }

    fn insert(&self, key: &[u8], code: Vec<u8>) -> bool {
        let (Ok(key), Ok(length)) = (Key::try_from(key), u32::try_from(code.len())) else { return false };
        self.made().add(key, length, &code)
    }
}

impl Made {
    /// Adds a function, unless it is there or the pack would become too large.
    fn add(&mut self, key: Key, length: u32, code: &[u8]) -> bool {
        let bytes = HEAD_BYTES + code.len();
        if self.bytes + bytes > limits::PACK_BYTES_MAX || !self.keys.insert(key) {
            return false;
        }
        self.bytes += bytes;
        let has_room = |piece: &&mut Vec<u8>| piece.capacity() - piece.len() >= bytes;
        let piece = match self.pieces.last_mut().filter(has_room) {
            Some(piece) => piece,
            None => self.pieces.push_mut(Vec::with_capacity(bytes.max(PIECE_BYTES))),
        };
        piece.extend_from_slice(&key);
        piece.extend_from_slice(&length.to_le_bytes());
        piece.extend_from_slice(code);
        true
    }
}

/// The functions of a pack and where their code is; `None` if it is not well formed.
fn functions(pack: &[u8]) -> Option<Vec<(Key, Range<usize>)>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < pack.len() {
        let (key, rest) = pack[at..].split_first_chunk::<{ size_of::<Key>() }>()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        rest.get(..length)?;
        let begin = at + HEAD_BYTES;
        found.push((*key, begin..begin + length));
        at = begin + length;
    }
    Some(found)
}

impl fmt::Debug for KnownFunctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownFunctions")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pack(functions: &[(u8, &[u8])]) -> Vec<u8> {
        let known = KnownFunctions::default();
        for (key, code) in functions {
            assert!(known.insert(&[*key; 32], code.to_vec()));
        }
        known.take_made().concat()
    }

    #[test]
    fn what_one_process_makes_the_next_one_knows() {
        let (first, second) = (pack(&[(1, b"one"), (2, b"two")]), pack(&[(2, b"other"), (3, b"")]));
        let known = KnownFunctions::new(vec![first, second, pack(&[(4, b"four")])]);
        let found = |key: u8| known.get(&[key; 32]).map(Cow::into_owned);
        assert_eq!((found(1), found(2)), (Some(b"one".to_vec()), Some(b"two".to_vec())));
        assert_eq!(known.used(), 0b001);
        assert_eq!((found(3), found(5)), (Some(Vec::new()), None));
        assert_eq!(known.used(), 0b011);
        assert!(known.take_made().is_empty());
    }

    #[test]
    fn a_function_is_kept_once_and_no_more_than_a_pack_may_hold() {
        let known = KnownFunctions::default();
        assert!(known.insert(&[1; 32], b"one".to_vec()) && !known.insert(&[1; 32], b"one".to_vec()));
        assert!(!known.insert(b"no key", b"one".to_vec()));
        assert!(!known.insert(&[2; 32], vec![0; limits::PACK_BYTES_MAX]));
        assert_eq!(known.take_made().concat().len(), HEAD_BYTES + 3);
    }

    proptest! {
        #[test]
        fn a_pack_that_is_cut_or_junk_is_empty(cut in 1_usize..75, junk in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut whole = pack(&[(1, b"one"), (2, b"two")]);
            whole.truncate(whole.len() - cut);
            // A pack may end after a function.
            prop_assert_eq!(functions(&whole).is_some(), cut == 39);
            let _ = KnownFunctions::new(vec![junk]).get(&[1; 32]);
        }
    }
}

//! What a plugin in Rust says when it panics: its kit leaves the text in its memory, behind a mark.

use crate::{limits, share::places::Place};
use wasmtime::{AsContext, Store, Trap, WasmCoreDump};

/// Where the text may be: at any multiple of this.
const STEP: usize = 4_096;
/// What stands before the text: this, and its length in two bytes.
const MARK: &[u8; 16] = b"kith: last words";

/// The text that a plugin left before it trapped.
pub(super) fn of(error: &wasmtime::Error, store: &Store<Place>) -> Option<String> {
    if error.downcast_ref::<Trap>() != Some(&Trap::UnreachableCodeReached) {
        return None;
    }
    let dump = error.downcast_ref::<WasmCoreDump>()?;
    dump.memories().iter().find_map(|memory| find(memory.data(store.as_context())))
}

fn find(memory: &[u8]) -> Option<String> {
    memory.chunks(STEP).find_map(|chunk| {
        let (length, text) = chunk.strip_prefix(MARK)?.split_first_chunk()?;
        let text = text.get(..usize::from(u16::from_le_bytes(*length)).min(limits::MESSAGE_BYTES_MAX))?;
        std::str::from_utf8(text).ok().map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_behind_its_mark_and_nowhere_else() {
        let mut memory = vec![0; 3 * STEP];
        assert_eq!(find(&memory), None);
        memory[100..116].copy_from_slice(MARK);
        assert_eq!(find(&memory), None, "not at a multiple");
        memory[STEP..STEP + 16].copy_from_slice(MARK);
        memory[STEP + 16..STEP + 22].copy_from_slice(b"\x04\x00oops");
        assert_eq!(find(&memory).as_deref(), Some("oops"));
        memory[STEP + 16..STEP + 18].copy_from_slice(b"\xff\xff");
        assert_eq!(find(&memory).map(|text| text.len()), Some(limits::MESSAGE_BYTES_MAX), "no more is kept");
        memory[STEP + 18] = 0xff;
        assert_eq!(find(&memory), None, "no text");
    }
}

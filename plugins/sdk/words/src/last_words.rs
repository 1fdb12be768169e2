//! Keeps the text and the place of a panic where the host finds them: a component imports nothing, so it has no other
//! way to say anything before it traps.

use std::{
    hint::black_box,
    panic::{self, PanicHookInfo},
    sync::atomic::{AtomicU8, Ordering::Relaxed},
};

/// What the host looks for at every multiple of 4,096 in the memory of a component that has trapped. The length of the
/// text follows, as two bytes, little-endian, and then the text.
const MARK: [u8; 16] = *b"kith: last words";
/// The longest text; a host keeps no more.
const TEXT_BYTES: usize = 512;

#[repr(align(4096))]
struct Place([AtomicU8; MARK.len() + 2 + TEXT_BYTES]);

static PLACE: Place = Place([const { AtomicU8::new(0) }; MARK.len() + 2 + TEXT_BYTES]);

/// From now on, keeps what a panic says.
pub fn keep() {
    panic::set_hook(Box::new(|panic| leave(&words(panic))));
}

fn words(panic: &PanicHookInfo<'_>) -> String {
    let mut text = String::from("panicked");
    if let Some(place) = panic.location() {
        text.push_str(" at ");
        text.push_str(place.file());
        text.push_str(", line ");
        text.push_str(&place.line().to_string());
    }
    if let Some(said) = panic.payload_as_str() {
        text.push_str(": ");
        text.push_str(said);
    }
    text
}

fn leave(text: &str) {
    let text = &text.as_bytes()[..text.floor_char_boundary(TEXT_BYTES)];
    let length = u16::try_from(text.len()).unwrap_or_default().to_le_bytes();
    // Only the host reads it, which no compiler knows.
    let Place(place) = black_box(&PLACE);
    for (byte, to) in MARK.iter().chain(&length).chain(text).zip(place) {
        to.store(*byte, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_follows_its_mark_and_length() {
        leave("é".repeat(300).as_str());
        let Place(place) = &PLACE;
        let bytes: Vec<u8> = place.iter().map(|byte| byte.load(Relaxed)).collect();
        assert_eq!(bytes[..18], *b"kith: last words\x00\x02");
        assert_eq!(std::str::from_utf8(&bytes[18..]), Ok("é".repeat(256).as_str()));
        assert_eq!(PLACE.0.as_ptr() as usize % 4096, 0);
    }
}

//! From bytes to text: byte order marks, UTF-8, and windows-1252 for what is neither.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// What folds a line of a card.
const FOLDS: [&[u8]; 4] = [b"\r\n ", b"\r\n\t", b"\n ", b"\n\t"];

/// A text, and how it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without a byte order mark.
    pub text: String,
    /// The name of its encoding, such as `UTF-8`.
    pub encoding: &'static str,
    /// Whether the encoding is only what is likely: nothing said it, and the bytes are not UTF-8.
    pub is_guessed: bool,
}

/// Why bytes are not read as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotEncoding {
    /// There is no encoding of this name.
    Unknown(String),
    /// The bytes are not text in this encoding.
    Malformed(&'static str),
}

impl std::fmt::Display for NotEncoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(name) => {
                write!(
                    f,
                    "{name:?} is not an encoding: encodings are such as utf-8, windows-1252, macintosh, shift_jis"
                )
            }
            Self::Malformed(name) => write!(f, "is not text in {name}: see --encoding"),
        }
    }
}

/// Reads bytes in the encoding with a name; without one, in that of their byte order mark, else UTF-8 if they are, else
/// windows-1252, in which most files are that are not UTF-8.
pub fn decode(bytes: Vec<u8>, name: Option<&str>) -> Result<Decoded, NotEncoding> {
    if let Some(name) = name {
        let encoding = Encoding::for_label(name.as_bytes()).ok_or_else(|| NotEncoding::Unknown(name.to_owned()))?;
        return decode_in(encoding, &bytes, false);
    }
    if let Some((encoding, mark_bytes)) = Encoding::for_bom(&bytes) {
        return decode_in(encoding, &bytes[mark_bytes..], false);
    }
    let error = match String::from_utf8(bytes) {
        Ok(text) => return Ok(Decoded { text, encoding: UTF_8.name(), is_guessed: false }),
        Err(error) => error,
    };
    match String::from_utf8(folded_between_letters(error.as_bytes())) {
        Ok(text) => Ok(Decoded { text, encoding: UTF_8.name(), is_guessed: false }),
        Err(_) => decode_in(WINDOWS_1252, error.as_bytes(), true),
    }
}

/// Bytes of cards, with line folds that are within a letter of several bytes moved behind it: some programs count bytes.
fn folded_between_letters(bytes: &[u8]) -> Vec<u8> {
    let mut moved = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        let fold = FOLDS.iter().find(|fold| rest.starts_with(fold)).map_or(0, |fold| fold.len());
        let letter = rest[fold..].iter().take_while(|byte| (0x80..0xc0).contains(*byte)).count();
        if fold > 0 && letter > 0 {
            moved.extend_from_slice(&rest[fold..fold + letter]);
            moved.extend_from_slice(&rest[..fold]);
            rest = &rest[fold + letter..];
        } else {
            moved.push(first);
            rest = after;
        }
    }
    moved
}

fn decode_in(encoding: &'static Encoding, bytes: &[u8], is_guessed: bool) -> Result<Decoded, NotEncoding> {
    let (text, encoding, is_malformed) = encoding.decode(bytes);
    if is_malformed {
        return Err(NotEncoding::Malformed(encoding.name()));
    }
    Ok(Decoded { text: text.into_owned(), encoding: encoding.name(), is_guessed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(bytes: &[u8], name: Option<&str>, expected: &Result<(&str, &str, bool), NotEncoding>) {
        let found = decode(bytes.to_vec(), name);
        let found = found.as_ref().map(|found| (found.text.as_str(), found.encoding, found.is_guessed));
        assert_eq!(found, expected.as_ref().map(|expected| *expected), "{bytes:?}");
    }

    #[test]
    fn marks_then_utf_8_then_windows_1252() {
        check(b"\xef\xbb\xbfJos\xc3\xa9", None, &Ok(("José", "UTF-8", false)));
        check(b"Jos\xc3\xa9", None, &Ok(("José", "UTF-8", false)));
        check(b"Jos\xe9 \x80", None, &Ok(("José €", "windows-1252", true)));
        check(b"\xff\xfeA\0d\0a\0", None, &Ok(("Ada", "UTF-16LE", false)));
        check(b"\xfe\xff\0A\0d\0a", None, &Ok(("Ada", "UTF-16BE", false)));
        check(b"", None, &Ok(("", "UTF-8", false)));
        check(b"a\0b", None, &Ok(("a\0b", "UTF-8", false)));
    }

    #[test]
    fn folds_within_letters_are_moved_and_no_line_is_lost() {
        check(b"FN:J\xc3\r\n \xbcrgen\n", None, &Ok(("FN:Jü\r\n rgen\n", "UTF-8", false)));
        check(b"\xe6\n\t\x9d\x8e \xe6\x98\n \x8e", None, &Ok(("李\n\t 明\n ", "UTF-8", false)));
        check(b"caf\xe9\n \xbcx", None, &Ok(("café\n ¼x", "windows-1252", true)));
    }

    #[test]
    fn a_named_encoding_holds_and_has_to_fit() {
        check(b"Jos\x8e", Some("macintosh"), &Ok(("José", "macintosh", false)));
        check(b"\x83\x41", Some("Shift_JIS"), &Ok(("ア", "Shift_JIS", false)));
        check(b"Jos\xe9", Some("utf-8"), &Err(NotEncoding::Malformed("UTF-8")));
        check(b"Ada", Some("klingon"), &Err(NotEncoding::Unknown("klingon".into())));
    }

    proptest! {
        #[test]
        fn all_bytes_are_read_somehow(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let marked = Encoding::for_bom(&bytes).is_some();
            prop_assert!(marked || decode(bytes, None).is_ok());
        }
    }
}

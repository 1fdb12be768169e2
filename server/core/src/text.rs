//! Text files from any editor: UTF-8, with or without a byte order mark. UTF-16 is detected, so that the error can name
//! it.

/// The byte order mark of UTF-8, as Excel and PowerShell write it.
pub const UTF_8_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
/// Bytes that show a text's encoding.
pub const HEAD_BYTES: usize = 3;

/// Why bytes are not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// They are text in another encoding.
    #[error("is UTF-16: save it as UTF-8")]
    Utf16,
    /// They are something else.
    #[error("is not text (UTF-8)")]
    NotUtf8,
}

/// The text that a file's bytes are, without its mark.
pub fn decode(bytes: Vec<u8>) -> Result<String, NotText> {
    if is_utf_16(&bytes) {
        return Err(NotText::Utf16);
    }
    let mut text = String::from_utf8(bytes).map_err(|_| NotText::NotUtf8)?;
    if text.as_bytes().starts_with(&UTF_8_MARK) {
        text.drain(..UTF_8_MARK.len());
    }
    Ok(text)
}

/// Whether a file that begins with these bytes is UTF-16: it has the byte order mark, or an ASCII letter and a zero.
pub fn is_utf_16(head: &[u8]) -> bool {
    match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [one, other, ..] => (*one == 0) != (*other == 0),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_utf_8_with_or_without_its_mark() {
        let check = |bytes: &[u8], expected: Result<&str, NotText>| {
            assert_eq!(decode(bytes.to_vec()), expected.map(str::to_owned), "{bytes:?}");
        };
        check(b"", Ok(""));
        check(b"1", Ok("1"));
        check("Größe".as_bytes(), Ok("Größe"));
        check(b"\xef\xbb\xbf1 2", Ok("1 2"));
        check(b"\xef\xbb\xbf", Ok(""));
        check("1\u{feff}".as_bytes(), Ok("1\u{feff}"));
        for bytes in [b"\xff\xfe1\0".as_slice(), b"\xfe\xff\x001", b"{\0}\0", b"\0{\0}", b"\xff\xfe"] {
            check(bytes, Err(NotText::Utf16));
        }
        check(b"\xffabc", Err(NotText::NotUtf8));
    }
}

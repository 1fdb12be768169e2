//! Values of cards in quoted-printable (vCard 2.1), in any charset, as values that need no decoding.
//!
//! Invariant: what separates the parts of a value still does, and nothing else of it does.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// A property whose value is in quoted-printable, as one that is not. `head` is its name and parameters, `value` the
/// rest of its lines, with the colon. A charset that nobody knows is taken for none: UTF-8 if the bytes are, else
/// windows-1252.
pub(super) fn unquoted(head: &str, value: &str) -> String {
    let says_how = |part: &&str| {
        let part = part.trim().to_ascii_uppercase();
        part != "QUOTED-PRINTABLE" && part != "ENCODING=QUOTED-PRINTABLE" && !part.starts_with("CHARSET=")
    };
    let charset = head.split(';').find_map(|part| {
        let (name, label) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("CHARSET").then(|| label.trim().trim_matches('"'))
    });
    let encoding = charset.and_then(|label| Encoding::for_label(label.as_bytes()));
    let head: Vec<&str> = head.split(';').filter(says_how).collect();
    let mut property = format!("{}:", head.join(";"));
    let parts = parts(value.strip_prefix(':').unwrap_or(value));
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            property.push(';');
        }
        escape(&decoded(part, encoding), &mut property);
    }
    property
}

/// The bytes of each part of a value: parts are divided by semicolons that are neither encoded nor escaped.
fn parts(value: &str) -> Vec<Vec<u8>> {
    let mut parts = vec![Vec::new()];
    let mut rest = value.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let part = parts.last_mut().expect("there is one");
        let quoted = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let quoted = quoted.filter(|_| first == b'=').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match (first, quoted) {
            (_, Some(byte)) => {
                part.push(byte);
                &after[2..]
            }
            (b'=', None) => soft_end(after).unwrap_or_else(|| {
                part.push(b'=');
                after
            }),
            (b'\r' | b'\n', None) => after,
            (b'\\', None) if after.starts_with(b";") => {
                part.push(b';');
                &after[1..]
            }
            (b';', None) => {
                parts.push(Vec::new());
                after
            }
            (other, None) => {
                part.push(other);
                after
            }
        };
    }
    parts
}

/// What follows the sign of a soft line end; `None` if it is not at the end of a line.
fn soft_end(after: &[u8]) -> Option<&[u8]> {
    let white = after.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match after.get(white) {
        Some(b'\r' | b'\n') | None => Some(&after[white..]),
        Some(_) => None,
    }
}

fn decoded(bytes: &[u8], encoding: Option<&'static Encoding>) -> String {
    let guessed = if std::str::from_utf8(bytes).is_ok() { UTF_8 } else { WINDOWS_1252 };
    let (text, is_malformed) = encoding.unwrap_or(guessed).decode_without_bom_handling(bytes);
    if is_malformed { guessed.decode_without_bom_handling(bytes).0.into_owned() } else { text.into_owned() }
}

/// Writes text so that it is read as one part.
fn escape(text: &str, property: &mut String) {
    for letter in text.chars() {
        match letter {
            '\r' => {}
            '\n' => property.push_str("\\n"),
            '\\' | ';' | ',' => property.extend(['\\', letter]),
            other => property.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(head: &str, value: &str, expected: &str) {
        assert_eq!(unquoted(head, &format!(":{value}")), expected, "{head} {value}");
    }

    #[test]
    fn every_charset_is_read_and_a_wrong_one_is_none() {
        check("FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE", "J=C3=BCrgen", "FN:Jürgen");
        check("FN;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1", "J=FCrgen", "FN:Jürgen");
        check("FN;quoted-printable;charset=koi8-r", "=E1=C4=C1", "FN:Ада");
        check("FN;CHARSET=Shift_JIS;ENCODING=QUOTED-PRINTABLE", "=83\x5c=8B=40", "FN:ソ機");
        check("FN;CHARSET=GBK;ENCODING=QUOTED-PRINTABLE", "=C0=EE=C3=F7", "FN:李明");
        for label in ["UTF-8", "KLINGON", "us-ascii"] {
            check(&format!("TEL;CELL;CHARSET={label};ENCODING=QUOTED-PRINTABLE"), "caf=E9", "TEL;CELL:café");
        }
    }

    #[test]
    fn parts_stay_parts_and_what_is_encoded_divides_nothing() {
        check("N;ENCODING=QUOTED-PRINTABLE", "Quill=3BMoss;A=2Cda;x\\;y;;", "N:Quill\\;Moss;A\\,da;x\\;y;;");
        check("NOTE;ENCODING=QUOTED-PRINTABLE", "one=0D=0Atwo=5Cn", "NOTE:one\\ntwo\\\\n");
        check("FN;ENCODING=QUOTED-PRINTABLE", "Ada=20=\r\nQuill=", "FN:Ada Quill");
        check("FN;ENCODING=QUOTED-PRINTABLE", "Ada= \t\r\n Quill=Z", "FN:Ada Quill=Z");
        check("FN;ENCODING=QUOTED-PRINTABLE", "", "FN:");
    }

    proptest! {
        #[test]
        fn any_value_is_one_line(value in "[=A-F0-9a-z;:\\\\\r\n é]{0,60}") {
            let property = unquoted("N;ENCODING=QUOTED-PRINTABLE", &value);
            prop_assert!(!property.contains(['\r', '\n']), "{property}");
        }
    }
}

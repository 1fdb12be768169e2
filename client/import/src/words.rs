//! Words of records as they are taken: in one normal form (NFC), without what cannot be seen.

use std::fmt::Write;
use unicode_normalization::UnicodeNormalization;

/// Text on one line, with single spaces between words and without control characters.
pub(crate) fn line(text: &str) -> String {
    let letters: String = text.nfc().filter_map(seen).map(|letter| if breaks(letter) { ' ' } else { letter }).collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text of several lines, without white space at the ends and without other control characters.
pub(crate) fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept = text.nfc().filter_map(seen).filter(|letter| matches!(letter, '\n' | '\t') || !letter.is_control());
    kept.collect::<String>().trim().to_owned()
}

/// A character, unless it says nothing or only changes how others are shown: nulls, byte order marks, what turns the
/// direction of text, and what has no width. Joiners stay, because some scripts are written with them.
fn seen(letter: char) -> Option<char> {
    let turns =
        matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_nothing = matches!(
        letter,
        '\0' | '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    );
    (!turns && !is_nothing).then_some(letter)
}

fn breaks(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}')
}

/// Text with `%` and two digits in the place of each byte that a URI gives a meaning to, or that is not ASCII text.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '?' | '#' | '&' | ' ' | '"' | '<' | '>' | ';' | ',') {
            write!(encoded, "%{:02X}", u32::from(letter)).expect("text grows");
        } else {
            encoded.push(letter);
        }
    }
    encoded
}

/// The text that [`percent_encoded`] was given; as it is, if it is not of that form.
pub(crate) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let decoded = digits.filter(|_| first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(decoded.unwrap_or(first));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_line_of_visible_words_in_one_form() {
        assert_eq!(line(" Ju\u{308}rgen\r\n\tGroß\u{feff}mann\u{0}"), "Jürgen Großmann");
        assert_eq!(line("\u{202e}Ada\u{2028}Quill"), "Ada Quill");
        assert_eq!(line("\u{0}\u{7f}"), "");
        assert_eq!(line("\u{200e}ada\u{200b}@x.exam\u{ad}ple\u{2060}\u{e0041}"), "ada@x.example");
        assert_eq!(
            line("\u{645}\u{6cc}\u{200c}\u{62e}"),
            "\u{645}\u{6cc}\u{200c}\u{62e}",
            "joiners are letters of Persian"
        );
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(lines("one\r\ntwo\rthree\u{0}\n\n"), "one\ntwo\nthree");
    }

    proptest! {
        #[test]
        fn encoded_text_reads_back(text in "\\PC{0,40}") {
            prop_assert_eq!(percent_decoded(&percent_encoded(&text)), text);
        }

        #[test]
        fn any_text_is_decoded(text in "[%0-9a-fé]{0,20}") {
            let _ = percent_decoded(&text);
        }
    }
}

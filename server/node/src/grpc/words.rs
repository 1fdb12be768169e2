//! Error texts. They may quote what somebody sent, so they are kept short and free of line breaks and anything that
//! controls a terminal.

use std::fmt::{self, Display, Write};

/// Marks text that was cut off.
const CUT: char = '…';

/// The text of something, cut to `bytes_max` at a character boundary.
pub(super) fn words(says: impl Display, bytes_max: usize) -> String {
    let mut words = Words { text: String::new(), bytes_max: bytes_max - CUT.len_utf8(), cut: false };
    // Writing fails once the text is full, which is how a longer text is cut.
    let _ = write!(words, "{says}");
    if words.cut {
        words.text.push(CUT);
    }
    words.text
}

/// Accepts as much text as fits.
struct Words {
    text: String,
    bytes_max: usize,
    cut: bool,
}

impl Write for Words {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars().map(plain) {
            if self.text.len() + letter.len_utf8() > self.bytes_max {
                self.cut = true;
                return Err(fmt::Error);
            }
            self.text.push(letter);
        }
        Ok(())
    }
}

/// The letter, or a replacement for characters that control a terminal: control characters, line and paragraph
/// separators, marks that change the direction of writing, and the byte order mark.
fn plain(letter: char) -> char {
    match letter {
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {
            char::REPLACEMENT_CHARACTER
        }
        letter if letter.is_control() => char::REPLACEMENT_CHARACTER,
        letter => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_whole_and_the_rest_is_cut_at_a_letter() {
        assert_eq!(words("there is no view é", 30), "there is no view é");
        assert_eq!(words("é".repeat(50), 10), "ééé…");
        assert_eq!(words(format_args!("{}{}", "a".repeat(9), "b".repeat(9)), 12), "aaaaaaaaa…");
    }

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(words("a\u{1b}[2J\nb\u{202e}c\u{2028}", 100), "a\u{fffd}[2J\u{fffd}b\u{fffd}c\u{fffd}");
    }
}

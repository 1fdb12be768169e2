//! Words that go out with errors. They may quote what somebody sent, so they are short, and hold nothing that steers a
//! terminal or breaks a line.

use std::fmt::{self, Display, Write};

/// Stands for what was cut off.
const CUT: char = '…';

/// What something says, cut after so many bytes, at the boundary of a character.
pub(super) fn words(says: impl Display, bytes_max: usize) -> String {
    let mut words = Words { text: String::new(), bytes_max: bytes_max - CUT.len_utf8(), cut: false };
    // It fails to end what says more than fits.
    let _ = write!(words, "{says}");
    if words.cut {
        words.text.push(CUT);
    }
    words.text
}

/// Takes in as much as fits.
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

/// The letter, or what stands in for one that steers a terminal: control characters, line and paragraph separators, marks
/// that turn the direction of writing around, and the byte order mark.
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

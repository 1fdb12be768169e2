//! What a cell of a list contains: an id, a time, or something else, which is quoted.

use crate::{limits::QUOTED_LETTERS_MAX, refusal::Refusal, spot::Spot};
use kith_client::Error;
use kith_core::invalid::{Invalid, Problem};

/// The refusal of a row for what a cell contains. The text is quoted, with escapes for what cannot be seen.
pub(super) fn refusal(spot: Spot, text: &str, invalid: Invalid) -> Refusal {
    let is_quoted = matches!(invalid.problem, Problem::MustBe(_) | Problem::TooLong { .. });
    let mut refusal = Refusal::local(spot, &Error::from(invalid));
    if is_quoted {
        let shown: String = text.chars().take(QUOTED_LETTERS_MAX).collect();
        let more = if shown.len() < text.len() { "..." } else { "" };
        refusal.message = format!("{}; it is {shown:?}{more}", refusal.message);
    }
    refusal
}

/// Whether a cell is a number, as in matrices and times.
pub(super) fn is_number(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.'))
        && text.parse::<f64>().is_ok()
}

/// Whether a cell has a digit, as headings rarely do.
pub(super) fn has_digit(text: &str) -> bool {
    text.contains(|letter: char| letter.is_numeric())
}

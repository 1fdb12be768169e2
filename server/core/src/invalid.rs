//! What is wrong with an event, a detail or a filter, and in which field.

/// A rule that an event, detail or filter breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Invalid {
    /// Path of the field, such as `event.met.people`.
    pub field: String,
    /// The rule.
    pub problem: Problem,
}

/// The rules that a field can break.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The field is required.
    #[error("is missing")]
    Missing,
    /// The bytes are not a protobuf message of the expected type.
    #[error("is not a protobuf message of the expected type")]
    Undecodable,
    /// The bytes differ from the canonical encoding: unknown or repeated fields, or fields out of order.
    #[error("is not in canonical form: unknown, repeated or unordered fields")]
    NotCanonical,
    /// The field must be something else.
    #[error("must be {0}")]
    MustBe(&'static str),
    /// Too few items.
    #[error("has {found} items; at least {min} are needed")]
    TooFew {
        /// The least number.
        min: usize,
        /// What was given.
        found: usize,
    },
    /// Too many items.
    #[error("has {found} items; at most {max} are allowed")]
    TooMany {
        /// The largest number.
        max: usize,
        /// What was given.
        found: usize,
    },
    /// Too many bytes.
    #[error("has {found} bytes; at most {max} are allowed")]
    TooLong {
        /// The largest number of bytes.
        max: usize,
        /// What was given.
        found: usize,
    },
    /// An item occurs twice.
    #[error("names {0} twice")]
    Repeated(String),
    /// The items must be in ascending order.
    #[error("is not sorted")]
    Unsorted,
    /// The commitment is that of another detail.
    #[error("does not match its commitment")]
    DetailsMismatch,
    /// The event has a signature, and there is no key to verify it with.
    #[error("cannot be verified: no keys of devices are known here; leave it out")]
    SignatureUnverified,
    /// The event happens too far in the future.
    #[error("lies more than {max_ms} ms in the future")]
    InFuture {
        /// The allowed distance in milliseconds.
        max_ms: i64,
    },
}

impl Invalid {
    /// A broken rule at a field.
    pub fn new(field: impl Into<String>, problem: Problem) -> Self {
        Self { field: field.into(), problem }
    }

    /// Whether the rule is a limit on size or number.
    pub fn is_limit(&self) -> bool {
        match self.problem {
            Problem::TooMany { .. } | Problem::TooLong { .. } => true,
            Problem::Missing
            | Problem::Undecodable
            | Problem::NotCanonical
            | Problem::MustBe(_)
            | Problem::TooFew { .. }
            | Problem::Repeated(_)
            | Problem::Unsorted
            | Problem::DetailsMismatch
            | Problem::SignatureUnverified
            | Problem::InFuture { .. } => false,
        }
    }
}

/// Checks a number of items against its bounds.
pub(crate) fn check_count(field: &str, found: usize, min: usize, max: usize) -> Result<(), Invalid> {
    if found < min {
        return Err(Invalid::new(field, Problem::TooFew { min, found }));
    }
    if found > max {
        return Err(Invalid::new(field, Problem::TooMany { max, found }));
    }
    Ok(())
}

/// Checks that text is not empty and not too long.
pub(crate) fn check_text(field: &str, text: &str, max: usize) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::new(field, Problem::Missing));
    }
    check_text_or_empty(field, text, max)
}

/// Checks that text is not too long and has no control characters except line breaks and tabs.
pub(crate) fn check_text_or_empty(field: &str, text: &str, max: usize) -> Result<(), Invalid> {
    if text.len() > max {
        return Err(Invalid::new(field, Problem::TooLong { max, found: text.len() }));
    }
    let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if !is_plain && text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Invalid::new(field, Problem::MustBe("text without control characters")));
    }
    Ok(())
}

/// Checks that a name is one line that is displayed as written, with at least one visible letter or digit.
pub(crate) fn check_name(field: &str, name: &str, max: usize) -> Result<(), Invalid> {
    check_text(field, name, max)?;
    let must_be = |rule| Err(Invalid::new(field, Problem::MustBe(rule)));
    if name.contains(breaks_line) {
        return must_be("a name on one line, without tabs");
    }
    if name.contains(turns_text) {
        return must_be("a name without characters that turn the direction of text");
    }
    if !name.chars().any(|letter| letter.is_alphanumeric() && !is_filler(letter)) {
        return must_be("a name with a letter or digit that can be seen");
    }
    Ok(())
}

/// Whether a text with this character may not be displayed on one line.
pub fn breaks_line(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}')
}

/// Whether a character changes the direction of any text after it (UAX #9: embeddings, overrides, isolates).
/// Directional marks, which real names need, do not.
fn turns_text(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character counts as a letter but is invisible: the Hangul fillers.
fn is_filler(letter: char) -> bool {
    matches!(letter, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
}

/// Checks that no item occurs twice.
pub(crate) fn check_unique<T: Ord + std::fmt::Display>(field: &str, items: &[T]) -> Result<(), Invalid> {
    if items.len() < 2 {
        return Ok(());
    }
    let mut sorted: Vec<&T> = items.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Invalid::new(field, Problem::Repeated(pair[0].to_string()))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_line_with_something_to_see() {
        let check = |name: &str, rule: Option<&str>| {
            let found = check_name("name", name, 200).map_err(|invalid| invalid.to_string());
            match rule {
                None => assert_eq!(found, Ok(()), "{name:?}"),
                Some(rule) => assert!(found.as_ref().is_err_and(|why| why.contains(rule)), "{name:?}: {found:?}"),
            }
        };
        for name in
            ["Amina Shah", "José", "Jose\u{301}", "东京", "عَلِيّ", "क\u{200d}ष", "X", "3", "Ward\u{a0}7", "a\u{200f}b"]
        {
            check(name, None);
        }
        for name in [
            "   ",
            "\u{a0}",
            "\u{200b}\u{200b}",
            "\u{3164}\u{ffa0}",
            "\u{2800}",
            "\u{feff} ",
            "\u{e0041}",
            "-",
            "\u{301}",
        ] {
            check(name, Some("letter or digit"));
        }
        for name in ["Sam\n  ben", "Sam\tben", "Sam\u{2028}ben", "Sam\u{2029}"] {
            check(name, Some("on one line"));
        }
        for name in ["Eve\u{202e}gnitirw", "\u{2066}Eve\u{2069}"] {
            check(name, Some("direction"));
        }
        check("Sam\u{1b}[2J", Some("control characters"));
        check("Sam\u{85}", Some("control characters"));
        check("", Some("missing"));
        check(&"x".repeat(201), Some("at most 200"));
    }
}

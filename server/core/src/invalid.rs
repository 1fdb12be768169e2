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
    /// The field is needed.
    #[error("is missing")]
    Missing,
    /// The bytes are no protobuf message of the expected type.
    #[error("is not a protobuf message of the expected type")]
    Undecodable,
    /// The bytes differ from the canonical encoding: unknown or repeated fields, or fields out of order.
    #[error("is not in canonical form: unknown, repeated or unordered fields")]
    NotCanonical,
    /// The field must look otherwise.
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
    /// An item is there twice.
    #[error("names {0} twice")]
    Repeated(String),
    /// The items must be in ascending order.
    #[error("is not sorted")]
    Unsorted,
    /// The commitment stands for another detail.
    #[error("does not match its commitment")]
    DetailsMismatch,
    /// The event comes with a signature, and there is no key to verify it with.
    #[error("cannot be verified: no keys of devices are known here; leave it out")]
    SignatureUnverified,
    /// The event lies too far in the future.
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

/// Checks that text is there and not too long.
pub(crate) fn check_text(field: &str, text: &str, max: usize) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::new(field, Problem::Missing));
    }
    check_text_or_empty(field, text, max)
}

/// Checks that text is not too long and holds no control characters but line breaks and tabs.
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

/// Checks that no item is there twice.
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

//! Evidence bundles: a part of a log in one file of lines, which anybody verifies without a server or any code of ours.
//!
//! A bundle (`kith-evidence/1`, described in `proto/kith/v1/audit.proto`) is a [`Heading`] with a signed checkpoint, then
//! [`Line`]s in order of position up to the checkpoint's size: entries, each with what is disclosed of its details, and
//! the hashes of whole subtrees in place of all others. A [`Verifier`] takes them one by one. Invariant: every line has
//! one spelling, so equal bundles are equal bytes; and nothing of a bundle counts unless [`Verifier::finish`] succeeds.

mod disclosure;
mod heading;
mod line;
mod verifier;

pub use disclosure::{Disclosure, DisclosureInvalid};
pub use heading::{About, Completeness, FORMAT, Heading};
pub use line::{EntryLine, Line, ShownDetail};
pub use verifier::{Shown, ShownEntry, Verifier, erases};

use crate::{checkpoint::CheckpointInvalid, position::Position, tree::SubtreeInvalid};

/// Why a bundle, or a line of it, proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceInvalid {
    /// It does not have the form of a line.
    #[error("{what}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
    /// It is a bundle of another version.
    #[error("the format is not {FORMAT}")]
    OtherFormat,
    /// The checkpoint is invalid.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointInvalid),
    /// A hash is not where its entries belong.
    #[error("a hash does not fit: {0}")]
    Subtree(#[from] SubtreeInvalid),
    /// An entry is not the next one, or its own bytes name another position.
    #[error("position {expected} comes next, and this is position {found}")]
    OutOfPlace {
        /// The position that comes next.
        expected: Position,
        /// The position that the line or the entry names.
        found: Position,
    },
    /// There is more than the checkpoint covers.
    #[error("the checkpoint covers {size} entries, and this goes beyond them")]
    BeyondCheckpoint {
        /// Size of the checkpoint.
        size: u64,
    },
    /// The number of details is not that of the event's commitments.
    #[error("the event has {expected} details, not {found}")]
    OtherDetails {
        /// The number of commitments.
        expected: usize,
        /// The number of details in the line.
        found: usize,
    },
    /// Words or their salt are not those that were recorded.
    #[error("the words of detail {index} are not those that were recorded")]
    OtherWords {
        /// Index of the detail.
        index: usize,
    },
    /// A position of a complete range has no entry.
    #[error("line 1 says that all of positions {first} to {last} are here, and some are left out")]
    RangeIncomplete {
        /// First position of the range.
        first: Position,
        /// Last position of the range.
        last: Position,
    },
    /// A detail is said to be erased by something that erases nothing, or not this.
    #[error("position {position} is said to erase a detail, and it is not an entry of this bundle that erases it")]
    NotErased {
        /// The position that was named.
        position: Position,
    },
    /// More erasures are named than a bundle can name.
    #[error("too many entries are said to erase details")]
    TooManyErasures,
    /// The bundle ends before the checkpoint does.
    #[error("the bundle ends after position {found}, and the checkpoint covers {size} entries")]
    CutOff {
        /// The last position that the bundle covers.
        found: u64,
        /// Size of the checkpoint.
        size: u64,
    },
    /// Something was changed: the root is another one.
    #[error("entries and hashes are not those of the log that was signed")]
    OtherRoot,
}

impl EvidenceInvalid {
    pub(crate) const fn malformed(what: &'static str) -> Self {
        Self::Malformed { what }
    }
}

#[cfg(test)]
mod tests;

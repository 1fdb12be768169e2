//! Why a report has no answer.

use crate::{ask::snapshot::SnapshotError, contract::FieldUnknown, share::interrupted::Interrupted};

/// Why a report has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A view that the report reads cannot be queried.
    #[error("the view `{view}`: {error}")]
    View {
        /// The view.
        view: String,
        /// Why not.
        error: SnapshotError,
    },
    /// A view has no column that the report reads.
    #[error("the view `{view}` has no field `{field}`, which the report reads")]
    FieldMissing {
        /// The view.
        view: String,
        /// The column.
        field: String,
    },
    /// No instance of the plugin is available now.
    #[error(transparent)]
    Busy(Interrupted),
    /// The plugin failed.
    #[error("the report failed: {0}")]
    Failed(String),
    /// The computation needs more memory than it may hold.
    #[error(transparent)]
    TooLarge(Interrupted),
    /// Nobody waits for the answer any more.
    #[error("nobody waits for the answer any more")]
    Cancelled,
    /// The column does not exist.
    #[error(transparent)]
    FieldUnknown(#[from] FieldUnknown),
    /// The row does not exist.
    #[error("the report has no such row")]
    RowUnknown,
}

impl From<Interrupted> for ReportError {
    fn from(interrupted: Interrupted) -> Self {
        match interrupted {
            Interrupted::TooLarge { .. } => Self::TooLarge(interrupted),
            Interrupted::NoInstance { .. } => Self::Busy(interrupted),
            Interrupted::Cancelled | Interrupted::Deadline => Self::Cancelled,
        }
    }
}

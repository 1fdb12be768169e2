//! Why a report has no answer.

use crate::{ask::snapshot::SnapshotError, share::interrupted::Interrupted};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A view that it needs cannot be asked.
    #[error("the view `{view}`: {error}")]
    View {
        /// The view.
        view: String,
        /// Why.
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
    /// No instance of it can be made now.
    #[error(transparent)]
    Busy(Interrupted),
    /// The plugin failed.
    #[error("the report failed: {0}")]
    Failed(String),
    /// It takes more memory than one computation may hold.
    #[error(transparent)]
    TooLarge(Interrupted),
    /// Nobody waits for the answer any more.
    #[error("nobody waits for the answer any more")]
    Cancelled,
    /// There is no such column.
    #[error("the report has no field `{0}`")]
    FieldUnknown(String),
    /// The report has no such row.
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

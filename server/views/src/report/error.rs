//! Why a report has no answer.

use crate::{
    ask::{columns::ColumnError, snapshot::SnapshotError},
    contract::FieldUnknown,
    share::interrupted::Interrupted,
};
use std::fmt;

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
    /// The rows of a view cannot be narrowed by this column.
    #[error("the view `{view}` has no numbers or days in `{field}`, of which the report reads a part")]
    NotNarrowed {
        /// The view.
        view: String,
        /// The column.
        field: String,
    },
    /// The rows that the report reads are more than it may read.
    #[error(
        "the rows that the report reads take {}, and the limit `report_input_bytes_max` is {}: it would have to read \
         fewer columns, or only rows from a value on",
        Size(*bytes), Size(*bytes_max)
    )]
    Input {
        /// The bytes that they take, or those that were packed.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The plugin needs more memory than it may have.
    #[error(
        "the report needs {} of memory, and the limit `report_memory_bytes_max` is {}",
        Size(*bytes), Size(*bytes_max)
    )]
    Memory {
        /// The bytes that it asked for.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
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
    /// The columns asked for do not fit the report.
    #[error(transparent)]
    Columns(#[from] ColumnError),
    /// The row does not exist.
    #[error("the report has no such row")]
    RowUnknown,
}

/// A number of bytes for people.
struct Size(usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Below it bytes are counted one by one.
        const MEBIBYTE: usize = 1024 * 1024;
        match self.0 {
            bytes @ ..MEBIBYTE => write!(f, "{bytes} bytes"),
            bytes => write!(f, "{} MiB", bytes.div_ceil(MEBIBYTE)),
        }
    }
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

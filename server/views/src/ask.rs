//! Questions to a view, as of any position and day: rows, pages of rows, their evidence, changes, and how one view
//! differs from another. Nothing here writes.

pub(crate) mod answer;
pub(crate) mod changes;
pub(crate) mod columns;
pub(crate) mod compare;
pub(crate) mod complete;
pub(crate) mod digest;
pub(crate) mod explain;
pub(crate) mod page;
pub(crate) mod query;
pub(crate) mod snapshot;
pub(crate) mod trace;

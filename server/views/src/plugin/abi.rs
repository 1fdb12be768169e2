//! One adapter per version of the plugin contract, kept while a stored view names it.

pub(crate) mod batch;
pub(crate) mod report_v1;
pub(crate) mod view_v1;

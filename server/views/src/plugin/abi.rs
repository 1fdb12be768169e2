//! One adapter for each version of the plugin contracts, kept while a stored view uses it, and what all of them share.

pub(crate) mod batch;
pub(crate) mod guest;
pub(crate) mod report_v1;
pub(crate) mod view_v1;

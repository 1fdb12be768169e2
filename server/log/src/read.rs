//! Reading: which entries a principal may see, in which order, with which proof.

pub(crate) mod candidates;
pub(crate) mod proof;
pub(crate) mod reader;
pub(crate) mod restricted;
pub(crate) mod select;
pub(crate) mod spending;

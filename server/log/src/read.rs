//! Reading: who may see which entries, in which order, with which proof.

pub(crate) mod candidates;
pub(crate) mod proof;
pub(crate) mod reader;
pub(crate) mod restricted;
pub(crate) mod select;
pub(crate) mod spending;

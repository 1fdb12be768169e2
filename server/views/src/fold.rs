//! From entries to states and rows: which entries a view sees under which keys, what a batch of them changes, and the
//! fold itself, both for following the log and for questions as of another position or day.

pub(crate) mod derivation;
pub(crate) mod evaluate;
pub(crate) mod grouping;
pub(crate) mod intake;
pub(crate) mod materialise;
pub(crate) mod routing;
pub(crate) mod run;
pub(crate) mod side_tables;
pub(crate) mod source;
pub(crate) mod turn;

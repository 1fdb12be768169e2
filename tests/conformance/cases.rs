//! The cases, by group.

mod append;
mod bytes;
mod chance;
mod follow;
mod later;
mod proof;
mod read;
mod refusals;
mod refused;
mod repeats;
mod views;

use crate::case::Case;

/// All cases, in the order in which they run.
pub(crate) fn all() -> Vec<Case> {
    let groups = [
        bytes::cases(),
        refused::cases(),
        chance::cases(),
        append::cases(),
        read::cases(),
        follow::cases(),
        refusals::cases(),
        repeats::cases(),
        proof::cases(),
        views::cases(),
        later::cases(),
    ];
    groups.into_iter().flatten().collect()
}

//! How well a score says who will be in contact again: contacts of a log, guesses, and measures of a ranking.

pub(crate) mod contacts;
pub(crate) mod guesses;
pub(crate) mod measures;

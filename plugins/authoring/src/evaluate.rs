//! Evaluates how well a score predicts who will be in contact again: contacts of a log, scores of a view, guesses,
//! and measures of a ranking.

pub mod contacts;
pub mod guesses;
pub mod measures;
pub mod scores;

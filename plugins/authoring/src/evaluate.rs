//! Evaluates how well a score predicts who will be in contact: contacts of a log, the questions that a score is judged by,
//! scores of a view or report, simple guesses, and measures of a ranking.

pub mod contacts;
pub mod guesses;
pub mod measures;
pub mod question;
pub mod scores;
pub mod strangers;

//! The questions that a score is judged by: which pairs it should rank, and what it is compared with.

use super::{
    contacts::Contact,
    guesses::{candidates, guesses},
    measures::Candidate,
    strangers::Strangers,
};
use crate::failure::Failure;
use kith_core::timestamp::Timestamp;

/// What a score should predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Which pairs that have been in contact will be again: the question to a view.
    Again,
    /// Which pairs that share contacts, and have not been in contact themselves, will be: the question to a report.
    First,
}

/// A question at one moment.
pub struct Asked {
    /// The pairs to rank.
    pub candidates: Vec<Candidate>,
    /// Their scores by each of the simple guesses.
    pub guesses: Vec<Vec<f64>>,
}

impl Question {
    /// The names of the simple guesses.
    pub fn guesses(self) -> &'static [&'static str] {
        match self {
            Self::Again => &["days in contact", "contacts", "last contact", "seen in the window", "random"],
            Self::First => &["shared contacts", "Adamic-Adar", "resource allocation", "random"],
        }
    }

    /// The last moment that the score knows of if the log is cut at a time. A report is about people who have *not* been
    /// in contact by the end of the day that its rows are as of.
    pub fn moment(self, cut: i64) -> i64 {
        match self {
            Self::Again => cut,
            Self::First => Timestamp::from_millis(cut).day().end().millis(),
        }
    }

    /// Asks it at a moment: contacts up to the moment are known, those within the window after it are to be predicted.
    pub fn ask(self, contacts: &[Contact], moment: i64, window: i64) -> Result<Asked, Failure> {
        match self {
            Self::Again => {
                let candidates = candidates(contacts, moment, window);
                let guesses = guesses(contacts, &candidates, moment, window).into();
                Ok(Asked { candidates, guesses })
            }
            Self::First => {
                let Strangers { candidates, shared, adamic_adar, resource_allocation, random } =
                    Strangers::at(contacts, moment, window)?;
                Ok(Asked { candidates, guesses: vec![shared, adamic_adar, resource_allocation, random] })
            }
        }
    }
}

//! Occasions as a file has them.

use super::identity::OccasionKey;
use crate::spot::Spot;
use kith_core::{
    detail::DetailKind,
    event::{Habit, Scope},
    timestamp::Timestamp,
};

/// An occasion of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// Where it stands.
    pub spot: Spot,
    /// What tells it apart: first its own key, then those under which it may have been recorded before.
    pub keys: Vec<OccasionKey>,
    /// What became of it.
    pub state: State,
}

/// What became of an occasion, according to the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It took place.
    Happened(Content),
    /// It did not take place, or not yet: what was recorded of it is wrong.
    DidNot,
}

/// What is recorded of an occasion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Who did what: `Met` or `FollowedUp`.
    pub habit: Habit,
    /// When.
    pub occurred_at: Timestamp,
    /// How long, in minutes.
    pub minutes: Option<i64>,
    /// Who may see it.
    pub scope: Scope,
    /// Words about it, such as its title.
    pub words: Vec<(DetailKind, String)>,
}

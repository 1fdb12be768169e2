//! What a log already says about occasions.

use super::identity::is_derived;
use kith_core::{
    detail::{Detail, DetailKind},
    event::{AttributeValue, Event, Fact, Habit, Scope},
    id::EventId,
    position::Position,
    timestamp::Timestamp,
};
use std::collections::HashMap;

/// The attribute for how long an occasion took.
pub(super) const MINUTES: &str = "minutes";

/// What a log says about an occasion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// Its position; `None` while it is in an outbox.
    pub(super) position: Option<Position>,
    /// Whether whoever imports recorded it.
    pub(super) is_own: bool,
    pub(super) habit: Habit,
    pub(super) occurred_at: Timestamp,
    pub(super) minutes: Option<i64>,
    pub(super) scope: Scope,
    /// Words that can be read.
    pub(super) words: Vec<(DetailKind, String)>,
    /// Whether there are words that cannot be read, such as those of somebody erased.
    pub(super) has_hidden_words: bool,
}

/// What a log says about occasions that were imported before, by anybody.
#[derive(Debug, Default)]
pub struct KnownOccasions {
    said: HashMap<EventId, Said>,
    /// By what each event was withdrawn first.
    retracted: HashMap<EventId, EventId>,
}

impl KnownOccasions {
    /// Learns what an entry, or an event of the outbox, says; other events are passed over.
    pub fn learn(&mut self, event: &Event, details: &[Detail], position: Option<Position>, is_own: bool) {
        match &event.fact {
            Fact::Retracted(retracted) => {
                self.retracted.entry(retracted.event).or_insert(event.id);
            }
            Fact::Habit(habit @ (Habit::Met(_) | Habit::FollowedUp(_))) if is_derived(&event.id) => {
                let minutes = event.attributes.iter().find(|attribute| attribute.key == MINUTES);
                let said = Said {
                    position,
                    is_own,
                    habit: habit.clone(),
                    occurred_at: event.occurred_at,
                    minutes: minutes.and_then(|attribute| match attribute.value {
                        AttributeValue::Integer(minutes) => Some(minutes),
                        AttributeValue::Text(_) | AttributeValue::Number(_) | AttributeValue::Flag(_) => None,
                    }),
                    scope: event.scope,
                    words: details.iter().map(|detail| (detail.kind, detail.text.clone())).collect(),
                    has_hidden_words: details.len() < event.details.len(),
                };
                self.said.insert(event.id, said);
            }
            Fact::Habit(_) | Fact::Custom(_) | Fact::Directory(_) | Fact::Administration(_) | Fact::Newer(_) => {}
        }
    }

    pub(super) fn said(&self, id: &EventId) -> Option<&Said> {
        self.said.get(id)
    }

    /// By what an event was withdrawn; `None` if it was not.
    pub(super) fn retraction(&self, id: &EventId) -> Option<&EventId> {
        self.retracted.get(id)
    }
}

//! Checks that the people of a habit are different people after all merges.
//!
//! Invariant: `wire/fact.rs` requires different ids within the event; these checks require different people. A person
//! named by two ids among others counts once, as in the views.

use super::{Batch, Refusal, State};
use crate::{
    event::{Event, Fact, Habit, Referred},
    id::PersonId,
    invalid::{Invalid, Problem},
};

/// The rule for the other people of a habit.
const APART: Problem = Problem::MustBe("somebody else: by a merge these ids mean one person");

impl<S: State> Batch<'_, S> {
    /// Checks that nobody met, followed up, asked, helped or introduced only themselves.
    pub(super) fn check_apart(&self, event: &Event) -> Result<(), Refusal> {
        let Fact::Habit(habit) = &event.fact else { return Ok(()) };
        match self.field_of_oneself(habit) {
            Some(field) => Err(Invalid::new(field, APART).into()),
            None => Ok(()),
        }
    }

    /// The field that names the same person as another field, where the habit requires somebody else.
    fn field_of_oneself(&self, habit: &Habit) -> Option<&'static str> {
        match habit {
            Habit::Met(met) => self.are_all(met.people.first()?, &met.people).then_some("event.met.people"),
            Habit::FollowedUp(followed) => {
                self.are_all(&followed.by, &followed.with).then_some("event.followed_up.with")
            }
            Habit::Asked(asked) => self.are_all(&asked.by, &asked.of).then_some("event.asked.of"),
            Habit::Helped(helped) => self.are_one(&helped.helper, &helped.helped).then_some("event.helped.helped"),
            Habit::Referred(Referred { referrer, person, to }) => {
                let to_oneself = self.are_one(to, person) || self.are_one(to, referrer);
                let of_oneself = self.are_one(person, referrer).then_some("event.referred.person");
                if to_oneself { Some("event.referred.to") } else { of_oneself }
            }
            Habit::Answered(_) => None,
        }
    }

    fn are_one(&self, one: &PersonId, other: &PersonId) -> bool {
        self.pending.root(one) == self.pending.root(other)
    }

    fn are_all(&self, person: &PersonId, people: &[PersonId]) -> bool {
        people.iter().all(|other| self.are_one(person, other))
    }
}

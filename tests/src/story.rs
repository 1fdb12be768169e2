//! A made-up log with everything that a view must handle: late events, groups, introductions, answers, retractions and
//! a merge.

use crate::{
    events::{NOON, accepted, asked, event, followed_up, helped, met, person_added, referred, retracted},
    random::Random,
};
use kith_core::{
    event::{DirectoryFact, Event, Fact, Habit, PeopleMerged},
    timestamp::{DAY_MS, Timestamp},
};

/// Who takes part.
pub const PEOPLE: [&str; 7] = ["amina", "ben", "carol", "dan", "emil", "fay", "gus"];
/// The two ids that are merged: the one that stays, and the other.
const MERGED: [&str; 2] = ["amina", "gus"];
/// Days before [`NOON`] on which events happen.
const DAYS: usize = 200;

/// The people, then `count` events on days in random order, with one merge in the middle.
pub fn story(random: &mut Random, count: usize) -> Vec<Event> {
    let mut events: Vec<Event> = PEOPLE.iter().map(|person| person_added(person, "")).collect();
    let (mut introductions, mut habits) = (Vec::new(), Vec::new());
    for number in 0..count {
        let mut people = PEOPLE.to_vec();
        random.shuffle(&mut people);
        if number > count / 2
            && let Some(second) = people.iter().rposition(|person| MERGED.contains(person))
        {
            // The two are now one person, under either id.
            people.remove(second);
        }
        let mut happened = match random.below(12) {
            0..=3 => met(&people[..2 + random.below(2)]),
            4 | 5 => followed_up(people[0], people[1], None),
            6 | 7 => referred(people[0], people[1], people[2]),
            8 => asked(people[0], people[1]),
            9 => helped(people[0], people[1], None),
            10 if !introductions.is_empty() => accepted(*random.pick(&introductions), people[0]),
            _ if !habits.is_empty() => retracted(habits.swap_remove(random.below(habits.len()))),
            _ => met(&people[..2]),
        };
        let days = i64::try_from(random.below(DAYS)).expect("a few days");
        happened.occurred_at = Timestamp::from_millis(NOON.millis() - days * DAY_MS);
        match happened.fact {
            Fact::Habit(Habit::Referred(_)) => introductions.push(happened.id),
            Fact::Habit(Habit::Met(_) | Habit::FollowedUp(_) | Habit::Helped(_)) => habits.push(happened.id),
            _ => {}
        }
        events.push(happened);
        if number == count / 2 {
            let [kept, merged] = MERGED.map(|id| id.parse().expect("ids of people are well formed"));
            events.push(event(Fact::Directory(DirectoryFact::PeopleMerged(PeopleMerged { kept, merged }))));
        }
    }
    events
}

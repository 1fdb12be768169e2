//! The routing table: the keys under which a plugin sees an event, and what it sees there.
//!
//! Everything is as of a position: merges up to then are resolved, and `others` counts people after that.

use crate::{
    contract::{
        Handle, KeyBy, Route,
        key::{Key, Order},
    },
    file::people::{Meaning, People},
    plugin::abi::batch::{Extras, FoldEvent, encode_extras},
};
use kith_core::{
    event::{Answer, Event, Fact, Habit, Kind},
    id::{Category, EventId, PersonId},
    position::Position,
};
use std::collections::{BTreeSet, HashMap};

/// The routes of a view by kind, each with its index in the manifest.
#[derive(Debug, Clone)]
pub(crate) struct Routes(HashMap<Kind, Vec<(u16, KeyBy)>>);

impl Routes {
    /// The routes of a manifest.
    pub(crate) fn new(routes: &[Route]) -> Self {
        let mut by_kind: HashMap<Kind, Vec<(u16, KeyBy)>> = HashMap::new();
        for (index, route) in (0_u16..).zip(routes) {
            by_kind.entry(route.kind.clone()).or_default().push((index, route.key_by));
        }
        Self(by_kind)
    }

    /// The most events that an entry can result in, one for each route and key.
    pub(crate) fn events_max(&self, event: &Event) -> usize {
        let keys = match &event.fact {
            Fact::Habit(Habit::Met(met)) => met.people.len() * met.people.len(),
            Fact::Custom(custom) => custom.people.len() * custom.people.len(),
            Fact::Habit(Habit::FollowedUp(followed_up)) => followed_up.with.len() + 1,
            Fact::Habit(Habit::Asked(asked)) => asked.of.len() + 1,
            _ => 3,
        };
        self.0.get(&event.kind()).map_or(0, |routes| routes.len() * keys)
    }
}

/// The introduction that an answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Referral {
    /// Position of the `referred` entry.
    pub(crate) position: Position,
    /// Who was introduced.
    pub(crate) person: Handle,
    /// To whom they were introduced.
    pub(crate) to: Handle,
}

impl Referral {
    /// The introduction in an entry, if it is one.
    pub(crate) fn of(position: Position, event: &Event, people: &People) -> Option<Self> {
        let Fact::Habit(Habit::Referred(referred)) = &event.fact else { return None };
        let (person, to) = (people.handle(&referred.person)?, people.handle(&referred.to)?);
        Some(Self { position, person, to })
    }
}

/// The people who take part in an event, by handles as the entry names them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Parties {
    Group(Vec<Handle>),
    Towards { by: Handle, with: Vec<Handle> },
    Introduction { referrer: Handle, person: Handle, to: Handle },
    Answer { person: Handle, to: Handle, by: Handle, answer: u8 },
}

/// An entry that a view folds, before merges are resolved.
#[derive(Debug, Clone)]
pub(crate) struct Routable {
    /// Its order within each of its keys.
    pub(crate) order: Order,
    routes: Vec<(u16, KeyBy)>,
    parties: Parties,
    extras: Extras,
}

impl Routable {
    /// The entry as the routes see it; `None` if the view does not fold its kind, or if it names people or an
    /// introduction that are missing here. `find_referral` is only called for answers.
    pub(crate) fn of<E>(
        position: Position,
        event: &Event,
        routes: &Routes,
        people: &People,
        find_referral: impl FnOnce(&EventId) -> Result<Option<Referral>, E>,
    ) -> Result<Option<Self>, E> {
        let Some(routes) = routes.0.get(&event.kind()) else { return Ok(None) };
        let referral = match &event.fact {
            Fact::Habit(Habit::Answered(answered)) => find_referral(&answered.referral)?,
            _ => None,
        };
        let Some(parties) = parties(&event.fact, people, referral) else { return Ok(None) };
        let extras = encode_extras(category(&event.fact), referral.map(|found| found.position), &event.attributes);
        let order = Order { at: event.occurred_at.millis(), position };
        Ok(Some(Self { order, routes: routes.clone(), parties, extras }))
    }

    /// Everyone in the entry, with repetitions.
    pub(crate) fn people(&self) -> Vec<Handle> {
        match &self.parties {
            Parties::Group(people) => people.clone(),
            Parties::Towards { by, with } => with.iter().chain([by]).copied().collect(),
            Parties::Introduction { referrer, person, to } => vec![*referrer, *person, *to],
            Parties::Answer { person, to, by, .. } => vec![*person, *to, *by],
        }
    }

    /// The keys of the entry.
    pub(crate) fn keys(&self, meaning: &Meaning) -> BTreeSet<Key> {
        let mut keys = BTreeSet::new();
        self.route(meaning, |event| {
            keys.insert(event.key);
        });
        keys
    }

    /// Emits the event as seen under each key, with routes in the order of the manifest.
    pub(crate) fn route(&self, meaning: &Meaning, mut emit: impl FnMut(FoldEvent)) {
        for (route, key_by) in &self.routes {
            for (key, seat) in self.seats(*key_by, meaning) {
                let Seat { actor, subject, third, others, flags } = seat;
                let (order, route, extras) = (self.order, *route, self.extras.clone());
                emit(FoldEvent { key, order, route, actor, subject, third, others, flags, extras });
            }
        }
    }

    fn seats(&self, key_by: KeyBy, meaning: &Meaning) -> BTreeSet<(Key, Seat)> {
        match &self.parties {
            Parties::Group(people) => group_seats(key_by, &distinct(people, meaning)),
            Parties::Towards { by, with } => {
                let by = meaning.of(*by);
                let mut with = distinct(with, meaning);
                with.remove(&by);
                towards_seats(key_by, by, &with)
            }
            Parties::Introduction { referrer, person, to } => {
                introduction_seats(key_by, meaning.of(*referrer), meaning.of(*person), meaning.of(*to))
            }
            Parties::Answer { person, to, by, answer } => {
                answer_seats(key_by, meaning.of(*person), meaning.of(*to), meaning.of(*by), *answer)
            }
        }
    }
}

/// How an event is seen under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Seat {
    actor: Handle,
    subject: Handle,
    third: Handle,
    others: u8,
    flags: u8,
}

fn distinct(people: &[Handle], meaning: &Meaning) -> BTreeSet<Handle> {
    people.iter().map(|handle| meaning.of(*handle)).collect()
}

fn count(people: usize) -> u8 {
    u8::try_from(people).expect("events have at most 64 people")
}

/// Everyone with everyone else: nobody acts and nobody is acted upon.
fn group_seats(key_by: KeyBy, people: &BTreeSet<Handle>) -> BTreeSet<(Key, Seat)> {
    let seat = Seat { others: count(people.len().saturating_sub(1)), ..Seat::default() };
    let two = || people.iter().flat_map(|one| people.iter().map(move |other| (*one, *other)));
    match key_by {
        KeyBy::Pair | KeyBy::IntroducedPair => {
            two().filter(|(one, other)| one < other).map(|(one, other)| (Key::pair(one, other), seat)).collect()
        }
        KeyBy::DirectedPair => {
            two().filter(|(one, other)| one != other).map(|(one, other)| (Key::directed(one, other), seat)).collect()
        }
        KeyBy::Actor | KeyBy::Subject | KeyBy::EachPerson => {
            people.iter().map(|person| (Key::person(*person), seat)).collect()
        }
    }
}

/// One person acts towards others; nothing if all of them are the same person.
fn towards_seats(key_by: KeyBy, by: Handle, with: &BTreeSet<Handle>) -> BTreeSet<(Key, Seat)> {
    let seat = Seat { actor: by, others: count(with.len()), ..Seat::default() };
    let only = match with.len() {
        1 => with.first().copied().unwrap_or_default(),
        _ => 0,
    };
    let whole = Seat { subject: only, ..seat };
    let each = |key: fn(Handle, Handle) -> Key| {
        with.iter().map(move |to| (key(by, *to), Seat { subject: *to, ..seat })).collect()
    };
    match key_by {
        _ if with.is_empty() => BTreeSet::new(),
        KeyBy::Pair | KeyBy::IntroducedPair => each(Key::pair),
        KeyBy::DirectedPair => each(Key::directed),
        KeyBy::Actor => BTreeSet::from([(Key::person(by), whole)]),
        KeyBy::Subject => each(|_, to| Key::person(to)),
        KeyBy::EachPerson => with.iter().chain([&by]).map(|person| (Key::person(*person), whole)).collect(),
    }
}

/// One person introduces another to a third: the referrer acts, and both others are acted upon.
fn introduction_seats(key_by: KeyBy, referrer: Handle, person: Handle, to: Handle) -> BTreeSet<(Key, Seat)> {
    let people = BTreeSet::from([referrer, person, to]);
    let introduced = BTreeSet::from([person, to]);
    let seat = Seat { actor: referrer, others: count(people.len() - 1), ..Seat::default() };
    let each = |key: fn(Handle, Handle) -> Key| {
        let others = introduced.iter().filter(|one| **one != referrer);
        others.map(|one| (key(referrer, *one), Seat { subject: *one, ..seat })).collect()
    };
    match key_by {
        _ if people.len() == 1 => BTreeSet::new(),
        KeyBy::Pair => each(Key::pair),
        KeyBy::DirectedPair => each(Key::directed),
        KeyBy::IntroducedPair if person == to => BTreeSet::new(),
        KeyBy::IntroducedPair => {
            BTreeSet::from([(Key::pair(person, to), Seat { subject: person, third: referrer, ..seat })])
        }
        KeyBy::Actor => BTreeSet::from([(Key::person(referrer), seat)]),
        KeyBy::Subject => introduced.iter().map(|one| (Key::person(*one), Seat { subject: *one, ..seat })).collect(),
        KeyBy::EachPerson => people.iter().map(|one| (Key::person(*one), seat)).collect(),
    }
}

/// Somebody answers an introduction.
fn answer_seats(key_by: KeyBy, person: Handle, to: Handle, by: Handle, answer: u8) -> BTreeSet<(Key, Seat)> {
    let seat = Seat { actor: by, third: by, others: 1, flags: answer, ..Seat::default() };
    match key_by {
        KeyBy::IntroducedPair if person == to => BTreeSet::new(),
        KeyBy::IntroducedPair => BTreeSet::from([(Key::pair(person, to), seat)]),
        KeyBy::Actor | KeyBy::EachPerson => BTreeSet::from([(Key::person(by), seat)]),
        KeyBy::Pair | KeyBy::DirectedPair | KeyBy::Subject => BTreeSet::new(),
    }
}

/// The parties of a fact; `None` if it has none, or if somebody in it is unknown.
fn parties(fact: &Fact, people: &People, referral: Option<Referral>) -> Option<Parties> {
    let all = |ids: &[PersonId]| ids.iter().map(|id| people.handle(id)).collect::<Option<Vec<Handle>>>();
    match fact {
        Fact::Habit(Habit::Met(met)) => Some(Parties::Group(all(&met.people)?)),
        Fact::Custom(custom) => Some(Parties::Group(all(&custom.people)?)),
        Fact::Habit(Habit::FollowedUp(followed)) => {
            Some(Parties::Towards { by: people.handle(&followed.by)?, with: all(&followed.with)? })
        }
        Fact::Habit(Habit::Asked(asked)) => {
            Some(Parties::Towards { by: people.handle(&asked.by)?, with: all(&asked.of)? })
        }
        Fact::Habit(Habit::Helped(helped)) => {
            Some(Parties::Towards { by: people.handle(&helped.helper)?, with: vec![people.handle(&helped.helped)?] })
        }
        Fact::Habit(Habit::Referred(referred)) => Some(Parties::Introduction {
            referrer: people.handle(&referred.referrer)?,
            person: people.handle(&referred.person)?,
            to: people.handle(&referred.to)?,
        }),
        Fact::Habit(Habit::Answered(answered)) => {
            let Referral { person, to, .. } = referral?;
            let answer = answer_flags(answered.answer);
            Some(Parties::Answer { person, to, by: people.handle(&answered.by)?, answer })
        }
        Fact::Retracted(_) | Fact::Directory(_) | Fact::Administration(_) | Fact::Newer(_) => None,
    }
}

fn answer_flags(answer: Answer) -> u8 {
    match answer {
        Answer::Accepted => 1,
        Answer::Declined => 2,
        Answer::Met => 3,
    }
}

fn category(fact: &Fact) -> Option<&str> {
    match fact {
        Fact::Habit(Habit::Asked(asked)) => Some(asked.category.as_str()),
        Fact::Habit(Habit::Helped(helped)) => helped.category.as_ref().map(Category::as_str),
        Fact::Habit(Habit::Met(_) | Habit::FollowedUp(_) | Habit::Referred(_) | Habit::Answered(_))
        | Fact::Custom(_)
        | Fact::Retracted(_)
        | Fact::Directory(_)
        | Fact::Administration(_)
        | Fact::Newer(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::people::Merge;

    const ALL: [KeyBy; 6] =
        [KeyBy::Pair, KeyBy::DirectedPair, KeyBy::IntroducedPair, KeyBy::Actor, KeyBy::Subject, KeyBy::EachPerson];

    /// Checks the keys for each `KeyBy`, in the order of `ALL`.
    fn check(parties: &Parties, merged: &[(Handle, Handle)], expected: [&str; 6]) {
        let mut meaning = Meaning::default();
        for (kept, merged) in merged {
            meaning.merge(Merge { kept: *kept, merged: *merged });
        }
        for (key_by, expected) in ALL.into_iter().zip(expected) {
            let event = Routable {
                order: Order { at: 1, position: Position::new(9) },
                routes: vec![(0, key_by)],
                parties: parties.clone(),
                extras: Extras::default(),
            };
            let mut found = Vec::new();
            event.route(&meaning, |event| {
                let FoldEvent { key, actor, subject, third, others, flags, .. } = event;
                found.push(format!("{}-{}:{actor},{subject},{third},{others},{flags}", key.a, key.b));
            });
            assert_eq!(found.join(" "), expected, "{parties:?} by {key_by:?}");
        }
    }

    #[test]
    fn met_joins_everyone() {
        let each = "1-0:0,0,0,2,0 2-0:0,0,0,2,0 3-0:0,0,0,2,0";
        let pairs = "1-2:0,0,0,2,0 1-3:0,0,0,2,0 2-3:0,0,0,2,0";
        let both = "1-2:0,0,0,2,0 1-3:0,0,0,2,0 2-1:0,0,0,2,0 2-3:0,0,0,2,0 3-1:0,0,0,2,0 3-2:0,0,0,2,0";
        check(&Parties::Group(vec![3, 1, 2]), &[], [pairs, both, pairs, each, each, each]);
    }

    #[test]
    fn merged_people_are_counted_once() {
        let (pair, each) = ("1-2:0,0,0,1,0", "1-0:0,0,0,1,0 2-0:0,0,0,1,0");
        let both = "1-2:0,0,0,1,0 2-1:0,0,0,1,0";
        check(&Parties::Group(vec![3, 1, 2]), &[(1, 3)], [pair, both, pair, each, each, each]);
        let alone = "1-0:0,0,0,0,0";
        check(&Parties::Group(vec![3, 1]), &[(1, 3)], ["", "", "", alone, alone, alone]);
        check(&Parties::Towards { by: 3, with: vec![1] }, &[(1, 3)], [""; 6]);
    }

    #[test]
    fn followed_up_goes_from_one_to_each() {
        let pairs = "1-5:5,1,0,2,0 5-7:5,7,0,2,0";
        let directed = "5-1:5,1,0,2,0 5-7:5,7,0,2,0";
        let subjects = "1-0:5,1,0,2,0 7-0:5,7,0,2,0";
        let each = "1-0:5,0,0,2,0 5-0:5,0,0,2,0 7-0:5,0,0,2,0";
        let parties = Parties::Towards { by: 5, with: vec![7, 1] };
        check(&parties, &[], [pairs, directed, pairs, "5-0:5,0,0,2,0", subjects, each]);
    }

    #[test]
    fn helped_has_one_subject() {
        let parties = Parties::Towards { by: 5, with: vec![1] };
        let pair = "1-5:5,1,0,1,0";
        let each = "1-0:5,1,0,1,0 5-0:5,1,0,1,0";
        check(&parties, &[], [pair, "5-1:5,1,0,1,0", pair, "5-0:5,1,0,1,0", "1-0:5,1,0,1,0", each]);
    }

    #[test]
    fn referred_introduces_two() {
        let parties = Parties::Introduction { referrer: 5, person: 9, to: 1 };
        check(
            &parties,
            &[],
            [
                "1-5:5,1,0,2,0 5-9:5,9,0,2,0",
                "5-1:5,1,0,2,0 5-9:5,9,0,2,0",
                "1-9:5,9,5,2,0",
                "5-0:5,0,0,2,0",
                "1-0:5,1,0,2,0 9-0:5,9,0,2,0",
                "1-0:5,0,0,2,0 5-0:5,0,0,2,0 9-0:5,0,0,2,0",
            ],
        );
        let pair = "1-5:5,1,0,1,0";
        let each = "1-0:5,0,0,1,0 5-0:5,0,0,1,0";
        check(&parties, &[(1, 9)], [pair, "5-1:5,1,0,1,0", "", "5-0:5,0,0,1,0", "1-0:5,1,0,1,0", each]);
    }

    #[test]
    fn answered_comes_under_the_introduced_pair() {
        let parties = Parties::Answer { person: 9, to: 1, by: 9, answer: 2 };
        let by = "9-0:9,0,9,1,2";
        check(&parties, &[], ["", "", "1-9:9,0,9,1,2", by, "", by]);
        let by = "1-0:1,0,1,1,2";
        check(&parties, &[(1, 9)], ["", "", "", by, "", by]);
    }
}

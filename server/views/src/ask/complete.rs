//! Which keys of a view are complete if only a part of the log is available: those of which no entry is missing.
//!
//! Invariant: this is decided by the filter that selected the part, never by the entries that happened to arrive, so
//! that all holders of the same part agree on it, and so does a holder of the whole log.

use crate::{
    contract::{Handle, KeyBy, Route, key::Key},
    file::people::{Meaning, People},
    view::handle::ViewHandle,
};
use kith_core::{
    event::{HabitKind, Kind},
    filter::{Filter, PeopleMatch},
};
use std::collections::HashSet;

/// Which keys are complete.
#[derive(Debug)]
pub(crate) enum Complete<'a> {
    /// All of them.
    Every,
    /// None of them.
    Nothing,
    /// Those that contain a person all of whose ids are wanted.
    Any { wanted: HashSet<Handle>, meaning: &'a Meaning },
    /// Those that contain everybody who is wanted, each with only one id.
    All { wanted: Vec<Handle>, meaning: &'a Meaning },
}

impl<'a> Complete<'a> {
    /// Complete keys of a view with these routes, according to a filter.
    ///
    /// Retractions pass with the kinds and people of what they withdraw, but with a time and a recorder of their own:
    /// parts that are limited by time or organisation have no complete keys.
    pub(crate) fn of(filter: &Filter, routes: &[Route], people: &People, meaning: &'a Meaning) -> Self {
        let is_timed = filter.occurred_from.is_some() || filter.occurred_until.is_some();
        if is_timed || !filter.organisations.is_empty() || !has_kinds(filter, routes) {
            return Self::Nothing;
        }
        if filter.people.is_empty() {
            return Self::Every;
        }
        if routes.iter().any(is_of_who_answered) {
            return Self::Nothing;
        }
        let handles = filter.people.iter().map(|id| people.handle(id));
        match filter.people_match {
            PeopleMatch::Any => Self::Any { wanted: handles.flatten().collect(), meaning },
            PeopleMatch::All => match handles.collect::<Option<Vec<Handle>>>() {
                Some(wanted) => Self::All { wanted, meaning },
                None => Self::Nothing,
            },
        }
    }

    /// Whether a key is complete.
    pub(crate) fn holds(&self, key: Key) -> bool {
        match self {
            Self::Every => true,
            Self::Nothing => false,
            Self::Any { wanted, meaning } => {
                key.people().any(|person| meaning.same_as(person).iter().all(|id| wanted.contains(id)))
            }
            Self::All { wanted, meaning } => {
                wanted.iter().all(|one| key.people().any(|person| meaning.same_as(person) == [*one]))
            }
        }
    }
}

impl ViewHandle {
    /// Which keys are complete according to a filter, with merges resolved by `meaning`.
    pub(crate) fn complete<'a>(&self, filter: &Filter, people: &People, meaning: &'a Meaning) -> Complete<'a> {
        Complete::of(filter, &self.manifest().routes, people, meaning)
    }
}

/// Whether every folded kind passes the filter; answers need the introductions that they are about.
fn has_kinds(filter: &Filter, routes: &[Route]) -> bool {
    let has = |kind: &Kind| filter.kinds.is_empty() || filter.kinds.contains(kind);
    routes.iter().all(|route| {
        has(&route.kind) && (route.kind != Kind::Habit(HabitKind::Answered) || has(&Kind::Habit(HabitKind::Referred)))
    })
}

/// Whether answers are folded under the people who gave them: the introduction that such an answer is about may involve
/// only others, and then it is missing.
fn is_of_who_answered(route: &Route) -> bool {
    let by_person = match route.key_by {
        KeyBy::Actor | KeyBy::EachPerson => true,
        KeyBy::Pair | KeyBy::DirectedPair | KeyBy::IntroducedPair | KeyBy::Subject => false,
    };
    by_person && route.kind == Kind::Habit(HabitKind::Answered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::people::Merge;
    use kith_core::timestamp::Timestamp;

    const NAMES: [&str; 4] = ["amina", "ben", "carol", "dan"];

    fn people() -> People {
        let mut people = People::default();
        for name in NAMES {
            people.add(name.parse().unwrap(), None);
        }
        people
    }

    fn of(names: &[&str]) -> Filter {
        Filter { people: names.iter().map(|name| name.parse().unwrap()).collect(), ..Filter::default() }
    }

    fn met() -> Vec<Route> {
        vec![Route { kind: Kind::Habit(HabitKind::Met), key_by: KeyBy::Pair }]
    }

    /// Checks which pairs among four people are complete.
    fn check(filter: &Filter, routes: &[Route], meaning: &Meaning, expected: &[(Handle, Handle)]) {
        let (people, mut found) = (people(), Vec::new());
        let complete = Complete::of(filter, routes, &people, meaning);
        for a in 1..=4 {
            found.extend((a + 1..=4).filter(|b| complete.holds(Key::pair(a, *b))).map(|b| (a, b)));
        }
        assert_eq!(found, expected, "{filter:?}");
    }

    #[test]
    fn keys_are_complete_by_their_people() {
        let plain = Meaning::default();
        let all = [(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)];
        check(&Filter::default(), &met(), &plain, &all);
        check(&of(&["ben"]), &met(), &plain, &[(1, 2), (2, 3), (2, 4)]);
        check(&of(&["ben", "nobody"]), &met(), &plain, &[(1, 2), (2, 3), (2, 4)]);
        let both = |names: &[&str]| Filter { people_match: PeopleMatch::All, ..of(names) };
        check(&both(&["ben", "dan"]), &met(), &plain, &[(2, 4)]);
        check(&both(&["ben", "nobody"]), &met(), &plain, &[]);
    }

    #[test]
    fn who_goes_by_two_ids_needs_both() {
        let mut meaning = Meaning::default();
        meaning.merge(Merge { kept: 1, merged: 4 });
        check(&of(&["amina"]), &met(), &meaning, &[]);
        check(&of(&["amina", "dan"]), &met(), &meaning, &[(1, 2), (1, 3), (1, 4), (2, 4), (3, 4)]);
        let both = Filter { people_match: PeopleMatch::All, ..of(&["amina", "ben"]) };
        check(&both, &met(), &meaning, &[]);
    }

    #[test]
    fn kinds_must_all_be_there_and_times_and_organisations_complete_nothing() {
        let (plain, all) = (Meaning::default(), [(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)]);
        let kinds = |kinds: &[Kind]| Filter { kinds: kinds.to_vec(), ..Filter::default() };
        check(&kinds(&[Kind::Habit(HabitKind::Met), Kind::Habit(HabitKind::Helped)]), &met(), &plain, &all);
        check(&kinds(&[Kind::Habit(HabitKind::Helped)]), &met(), &plain, &[]);
        let answers = |key_by| vec![Route { kind: Kind::Habit(HabitKind::Answered), key_by }];
        check(&kinds(&[Kind::Habit(HabitKind::Answered)]), &answers(KeyBy::IntroducedPair), &plain, &[]);
        check(
            &kinds(&[Kind::Habit(HabitKind::Answered), Kind::Habit(HabitKind::Referred)]),
            &answers(KeyBy::IntroducedPair),
            &plain,
            &all,
        );
        check(&of(&["ben"]), &answers(KeyBy::Actor), &plain, &[]);
        let organisations = vec!["riverside".parse().unwrap()];
        check(&Filter { organisations, ..Filter::default() }, &met(), &plain, &[]);
        let occurred_from = Some(Timestamp::from_millis(0));
        check(&Filter { occurred_from, ..Filter::default() }, &met(), &plain, &[]);
    }
}

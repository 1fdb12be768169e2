//! People who are easily confused: ids that differ only in case, and equal names. Both are allowed, and the user who
//! adds such a person is warned.

use super::Place;
use crate::{limits, show::output::remark};
use kith_client::v1;
use kith_core::{id::PersonId, position::Position};
use kith_import::names::folded;
use std::collections::HashMap;

/// Warns about people added after a position who are easily confused with others. If people cannot be listed, there is
/// no warning.
pub(crate) async fn tell(place: &Place, after: Position) {
    // People in the outbox have no position yet.
    tell_if(place, |person| person.position == 0 || person.position > after.get()).await;
}

/// Warns if an added person is easily confused with others.
pub(crate) async fn tell_of(place: &Place, added: &PersonId) {
    tell_if(place, |person| person.id == added.as_str()).await;
}

async fn tell_if(place: &Place, is_new: impl Fn(&v1::Person) -> bool) {
    if let Ok(people) = place.people(None).await {
        Lookalikes::among(&people, is_new).remarks().iter().for_each(|line| remark(line));
    }
}

/// New people, each paired with an existing one.
#[derive(Debug, PartialEq, Eq)]
struct Lookalikes<'p> {
    by_id: Vec<[&'p v1::Person; 2]>,
    by_name: Vec<[&'p v1::Person; 2]>,
}

impl<'p> Lookalikes<'p> {
    /// Compares all people. Merged people are ignored: they are somebody else now.
    fn among(people: &'p [v1::Person], is_new: impl Fn(&v1::Person) -> bool) -> Self {
        let people: Vec<_> = people.iter().filter(|person| person.merged_into.is_empty()).collect();
        let by_id = pairs(&people, &is_new, |person| person.id.to_lowercase());
        let by_name = pairs(&people, &is_new, |person| folded(&person.name));
        Self { by_id, by_name }
    }

    fn remarks(&self) -> Vec<String> {
        let ids = match self.by_id.as_slice() {
            [] => None,
            [[new, other]] => Some(format!("the id {} differs from {} only in case", new.id, other.id)),
            several => {
                let pairs = listed(several, |[new, other]| format!("{} and {}", new.id, other.id));
                Some(format!("{} ids differ from others only in case: {pairs}", several.len()))
            }
        };
        let names = match self.by_name.as_slice() {
            [] => None,
            [[new, other]] => Some(format!("there is already somebody called {}: {}", new.name, other.id)),
            several => {
                let pairs = listed(several, |[new, other]| format!("{} ({} and {})", new.name, new.id, other.id));
                Some(format!("{} people are called like others: {pairs}", several.len()))
            }
        };
        ids.into_iter().chain(names).collect()
    }
}

/// Pairs each new person with the first one that has the same likeness; a person without a likeness matches nobody.
fn pairs<'p>(
    people: &[&'p v1::Person],
    is_new: impl Fn(&v1::Person) -> bool,
    likeness: impl Fn(&v1::Person) -> String,
) -> Vec<[&'p v1::Person; 2]> {
    let mut alike: HashMap<String, Vec<&'p v1::Person>> = HashMap::new();
    for person in people {
        alike.entry(likeness(person)).or_default().push(person);
    }
    let other = |new: &'p v1::Person| {
        let likeness = likeness(new);
        let other = alike[&likeness].iter().find(|other| other.id != new.id)?;
        (!likeness.is_empty()).then_some([new, *other])
    };
    people.iter().filter(|person| is_new(person)).filter_map(|person| other(person)).collect()
}

fn listed(pairs: &[[&v1::Person; 2]], show: impl Fn(&[&v1::Person; 2]) -> String) -> String {
    let mut shown: Vec<_> = pairs.iter().take(limits::LOOKALIKES_TOLD_MAX).map(show).collect();
    if pairs.len() > limits::LOOKALIKES_TOLD_MAX {
        shown.push(format!("and {} more", pairs.len() - limits::LOOKALIKES_TOLD_MAX));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// People by id and name; those at a position after 2 are new.
    fn check(people: &[(&str, &str)], expected: &[&str]) {
        let people: Vec<_> = (1..)
            .zip(people)
            .map(|(position, (id, name))| v1::Person {
                id: (*id).to_owned(),
                name: (*name).to_owned(),
                position,
                ..v1::Person::default()
            })
            .collect();
        assert_eq!(Lookalikes::among(&people, |person| person.position > 2).remarks(), expected);
    }

    #[test]
    fn ids_that_differ_in_case_alone_are_told() {
        check(&[("Amina", ""), ("ben", ""), ("amina", "")], &["the id amina differs from Amina only in case"]);
        check(&[("Amina", ""), ("amina", ""), ("ben", "")], &[]);
        let several = "2 ids differ from others only in case: amina and Amina, BEN and ben";
        check(&[("Amina", ""), ("ben", ""), ("amina", ""), ("BEN", "")], &[several]);
    }

    #[test]
    fn names_that_somebody_has_already_are_told() {
        check(
            &[("amina", "Amina Sorg"), ("ben", "Ben"), ("p-1", "amina  SORG")],
            &["there is already somebody called amina  SORG: amina"],
        );
        check(&[("a", ""), ("b", ""), ("c", "")], &[]);
        let people = [("a", "X"), ("b", "Y"), ("c", "X"), ("d", "X"), ("e", "Y"), ("f", "Y")];
        check(&people, &["4 people are called like others: X (c and a), X (d and a), Y (e and b), and 1 more"]);
    }

    #[test]
    fn whoever_was_merged_is_like_nobody() {
        let person = |id: &str, merged_into: &str| v1::Person {
            id: id.to_owned(),
            merged_into: merged_into.to_owned(),
            name: "Amina".to_owned(),
            ..v1::Person::default()
        };
        let people = [person("amina", ""), person("Amina", "amina")];
        assert!(Lookalikes::among(&people, |_| true).remarks().is_empty());
    }
}

//! Whom ids of people mean after merges.

use crate::limits::MERGES_FOLLOWED_MAX;
use kith_proto::v1;
use std::{collections::HashMap, iter::successors};

/// The merges among people, as a server lists them. A server that lists a circle is followed for a bounded number of steps.
#[derive(Debug, Clone, Default)]
pub struct Merges(HashMap<String, String>);

impl Merges {
    /// Those among these people.
    pub fn of(people: &[v1::Person]) -> Self {
        let merged = people.iter().filter(|person| !person.merged_into.is_empty());
        Self(merged.map(|person| (person.id.clone(), person.merged_into.clone())).collect())
    }

    /// The ids that were merged into others.
    pub fn merged(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The id of the person that an id means.
    pub fn meant<'a>(&'a self, id: &'a str) -> &'a str {
        let next = |id: &&'a str| self.0.get(*id).map(String::as_str);
        successors(Some(id), next).take(MERGES_FOLLOWED_MAX).last().unwrap_or(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_were_merged_are_followed_to_their_person_and_circles_end() {
        let person = |(id, merged_into): (&str, &str)| v1::Person {
            id: id.into(),
            merged_into: merged_into.into(),
            ..v1::Person::default()
        };
        let people = [("a", "b"), ("b", "c"), ("c", ""), ("x", "y"), ("y", "x")].map(person);
        let merges = Merges::of(&people);
        assert_eq!(["a", "b", "c", "d"].map(|id| merges.meant(id)), ["c", "c", "c", "d"]);
        assert!(["x", "y"].contains(&merges.meant("x")), "it ends");
        let mut gone: Vec<_> = merges.merged().collect();
        gone.sort_unstable();
        assert_eq!(gone, ["a", "b", "x", "y"]);
    }
}

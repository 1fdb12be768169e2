//! The people of a network as a view sees them: handles, organisations, and merges and retractions with their
//! positions, so that questions can be asked as of any position.

use crate::contract::Handle;
use kith_core::id::{OrganisationId, PersonId};
use kith_core::position::Position;
use std::collections::{BTreeMap, HashMap, HashSet};

/// People, merges and retractions in the entries up to some position.
#[derive(Debug, Default)]
pub(crate) struct People {
    ids: Vec<PersonId>,
    handles: HashMap<PersonId, Handle>,
    memberships: Vec<Option<u32>>,
    organisations: HashMap<OrganisationId, u32>,
    merges: BTreeMap<Position, Merge>,
    retractions: HashMap<Position, Position>,
}

/// A merge: one handle means the person of another from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Merge {
    /// The handle that stays.
    pub(crate) kept: Handle,
    /// The handle that means `kept` from then on.
    pub(crate) merged: Handle,
}

impl People {
    /// Adds a person and returns their handle.
    pub(crate) fn add(&mut self, id: PersonId, organisation: Option<&OrganisationId>) -> Handle {
        let handle = Handle::try_from(self.ids.len() + 1).expect("fewer than 2^32 people");
        let membership = organisation.map(|id| self.ordinal(id));
        self.handles.insert(id.clone(), handle);
        self.ids.push(id);
        self.memberships.push(membership);
        handle
    }

    /// Records the organisation that a person belongs to from now on.
    pub(crate) fn join(&mut self, handle: Handle, organisation: Option<&OrganisationId>) {
        let membership = organisation.map(|id| self.ordinal(id));
        self.memberships[handle as usize - 1] = membership;
    }

    fn ordinal(&mut self, id: &OrganisationId) -> u32 {
        let next = u32::try_from(self.organisations.len()).expect("fewer than 2^32 organisations");
        *self.organisations.entry(id.clone()).or_insert(next)
    }

    /// Records a merge.
    pub(crate) fn merge(&mut self, position: Position, merge: Merge) {
        self.merges.insert(position, merge);
    }

    /// Records that the entry at `target` was withdrawn at `position`; only the first time counts.
    pub(crate) fn retract(&mut self, target: Position, position: Position) {
        self.retractions.entry(target).or_insert(position);
    }

    /// The handle of a person.
    pub(crate) fn handle(&self, id: &PersonId) -> Option<Handle> {
        self.handles.get(id).copied()
    }

    /// The person with a handle.
    pub(crate) fn id(&self, handle: Handle) -> Option<&PersonId> {
        self.ids.get((handle as usize).checked_sub(1)?)
    }

    /// The person of a handle that occurs in a key.
    pub(crate) fn id_in_key(&self, handle: Handle) -> PersonId {
        self.id(handle).cloned().expect("keys are made of people who were added")
    }

    /// The merge at a position, if any.
    pub(crate) fn merge_at(&self, position: Position) -> Option<Merge> {
        self.merges.get(&position).copied()
    }

    /// Whether the entry at `target` is withdrawn as of a position.
    pub(crate) fn is_retracted(&self, target: Position, as_of: Position) -> bool {
        self.retractions.get(&target).is_some_and(|position| *position <= as_of)
    }

    /// The people who belong to an organisation now.
    pub(crate) fn members(&self, organisation: &OrganisationId) -> HashSet<Handle> {
        let Some(ordinal) = self.organisations.get(organisation) else { return HashSet::new() };
        (1..).zip(&self.memberships).filter(|(_, of)| of.as_ref() == Some(ordinal)).map(|(handle, _)| handle).collect()
    }

    /// The person each handle means as of a position, by the merges up to it that are not withdrawn by then.
    pub(crate) fn meaning(&self, as_of: Position) -> Meaning {
        let mut meaning = Meaning::default();
        for (position, merge) in self.merges.range(..=as_of) {
            if !self.is_retracted(*position, as_of) {
                meaning.merge(*merge);
            }
        }
        meaning
    }
}

/// The person each handle means: merged handles resolve to the one that stays. Without merges each handle means itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Meaning {
    roots: HashMap<Handle, Handle>,
    members: HashMap<Handle, Vec<Handle>>,
}

impl Meaning {
    /// Whether every handle means itself.
    pub(crate) fn is_plain(&self) -> bool {
        self.roots.is_empty()
    }

    /// The handle that a handle resolves to.
    pub(crate) fn of(&self, handle: Handle) -> Handle {
        self.roots.get(&handle).copied().unwrap_or(handle)
    }

    /// Every handle that means the same person as this one.
    pub(crate) fn same_as(&self, handle: Handle) -> Vec<Handle> {
        let root = self.of(handle);
        self.members.get(&root).cloned().unwrap_or_else(|| vec![root])
    }

    /// Applies a merge; returns the handles that mean somebody else now. A merge with oneself changes nothing.
    pub(crate) fn merge(&mut self, merge: Merge) -> Vec<Handle> {
        let (kept, gone) = (self.of(merge.kept), self.of(merge.merged));
        if kept == gone {
            return Vec::new();
        }
        let moved = self.members.remove(&gone).unwrap_or_else(|| vec![gone]);
        self.roots.extend(moved.iter().map(|handle| (*handle, kept)));
        self.members.entry(kept).or_insert_with(|| vec![kept]).extend_from_slice(&moved);
        moved
    }

    /// The handles that mean different people in the two.
    pub(crate) fn difference(&self, other: &Self) -> Vec<Handle> {
        let handles: HashSet<Handle> = self.roots.keys().chain(other.roots.keys()).copied().collect();
        handles.into_iter().filter(|handle| self.of(*handle) != other.of(*handle)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merge(kept: Handle, merged: Handle) -> Merge {
        Merge { kept, merged }
    }

    fn people(merges: &[(u64, Handle, Handle)]) -> People {
        let mut people = People::default();
        for (position, kept, merged) in merges {
            people.merge(Position::new(*position), merge(*kept, *merged));
        }
        people
    }

    #[test]
    fn chains_lead_to_the_one_who_stays() {
        let meaning = people(&[(5, 2, 3), (6, 1, 2)]).meaning(Position::new(6));
        assert_eq!((meaning.of(3), meaning.of(2), meaning.of(1), meaning.of(9)), (1, 1, 1, 9));
        let mut same = meaning.same_as(3);
        same.sort_unstable();
        assert_eq!(same, [1, 2, 3]);
    }

    #[test]
    fn merges_count_from_their_position_until_they_are_withdrawn() {
        let mut people = people(&[(5, 2, 3), (6, 1, 2)]);
        people.retract(Position::new(6), Position::new(8));
        assert_eq!(people.meaning(Position::new(4)), Meaning::default());
        assert_eq!(people.meaning(Position::new(5)).of(3), 2);
        assert_eq!(people.meaning(Position::new(7)).of(3), 1);
        assert_eq!(people.meaning(Position::new(8)).of(3), 2);
    }

    #[test]
    fn cycles_change_nothing() {
        let mut meaning = people(&[(1, 1, 2)]).meaning(Position::new(1));
        assert_eq!(meaning.merge(merge(2, 1)), Vec::<Handle>::new());
        assert_eq!(meaning.merge(merge(4, 2)), [1, 2]);
    }

    #[test]
    fn differences_name_who_means_somebody_else() {
        let people = people(&[(1, 1, 2), (2, 3, 4)]);
        let (before, after) = (people.meaning(Position::new(1)), people.meaning(Position::new(2)));
        assert_eq!(before.difference(&after), [4]);
        assert_eq!(after.difference(&after), Vec::<Handle>::new());
    }

    #[test]
    fn membership_is_as_of_now() {
        let mut people = People::default();
        let (trust, surgery) = ("trust".parse().unwrap(), "surgery".parse().unwrap());
        let amina = people.add("amina".parse().unwrap(), Some(&trust));
        people.add("ben".parse().unwrap(), None);
        people.join(amina, Some(&surgery));
        assert_eq!(people.members(&surgery), HashSet::from([amina]));
        assert!(people.members(&trust).is_empty());
    }
}

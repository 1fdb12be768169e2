//! What suggestions of new ties are compared with: the pairs of people who share contacts and were never in contact
//! themselves, and simple guesses at which of them soon will be.
//!
//! The guesses are those of Liben-Nowell and Kleinberg, "The link-prediction problem for social networks" (2007), and of
//! Zhou, Lü and Zhang (2009), without weights: a contact counts, however long ago.

use super::{
    contacts::{Contact, Pair},
    guesses::coin,
    measures::Candidate,
};
use crate::{failure::Failure, limits::STRANGERS_MAX};
use std::collections::{BTreeSet, HashSet};

/// Pairs of people two steps apart, and guesses at which of them come into contact.
#[derive(Debug, Default)]
pub struct Strangers {
    /// The pairs.
    pub candidates: Vec<Candidate>,
    /// For each pair the number of shared contacts.
    pub shared: Vec<f64>,
    /// For each pair the sum of 1 / ln(contacts) over the shared contacts (Adamic and Adar 2003).
    pub adamic_adar: Vec<f64>,
    /// For each pair the sum of 1 / contacts over the shared contacts (resource allocation).
    pub resource_allocation: Vec<f64>,
    /// For each pair a number that means nothing.
    pub random: Vec<f64>,
}

impl Strangers {
    /// The pairs at a moment, and whether they are in contact within the window after it.
    pub fn at(contacts: &[Contact], moment: i64, window: i64) -> Result<Self, Failure> {
        let (known, later) = contacts.split_at(contacts.partition_point(|contact| contact.at <= moment));
        let end = moment.saturating_add(window);
        let soon: HashSet<Pair> =
            later.iter().take_while(|contact| contact.at <= end).map(|contact| contact.pair).collect();
        let neighbours = neighbours(known);
        let mut found = Self::default();
        let mut walk = Walk::over(neighbours.len());
        for (person, own) in (0_u32..).zip(&neighbours) {
            for (other, shares) in walk.from(person, own, &neighbours) {
                if found.candidates.len() == STRANGERS_MAX {
                    return Err(Failure::Usage(format!(
                        "more than {STRANGERS_MAX} pairs of people share contacts: they cannot be judged here"
                    )));
                }
                found.push((person, other), soon.contains(&(person, other)), shares);
            }
        }
        Ok(found)
    }

    fn push(&mut self, pair: Pair, in_contact: bool, shares: Shares) {
        self.candidates.push(Candidate { pair, in_contact });
        self.shared.push(shares.count);
        self.adamic_adar.push(shares.adamic_adar);
        self.resource_allocation.push(shares.resource_allocation);
        self.random.push(coin(pair));
    }
}

/// Everybody's contacts by the numbers of people, in order.
fn neighbours(contacts: &[Contact]) -> Vec<Vec<u32>> {
    let people = contacts.iter().map(|contact| contact.pair.1 as usize + 1).max().unwrap_or(0);
    let mut neighbours: Vec<Vec<u32>> = vec![Vec::new(); people];
    for (one, other) in contacts.iter().map(|contact| contact.pair).collect::<BTreeSet<_>>() {
        neighbours[one as usize].push(other);
        neighbours[other as usize].push(one);
    }
    for own in &mut neighbours {
        own.sort_unstable();
    }
    neighbours
}

/// What two people share.
#[derive(Debug, Clone, Copy, Default)]
struct Shares {
    count: f64,
    adamic_adar: f64,
    resource_allocation: f64,
}

/// Walks of two steps from a person.
struct Walk {
    shares: Vec<Shares>,
    reached: Vec<u32>,
}

impl Walk {
    fn over(people: usize) -> Self {
        Self { shares: vec![Shares::default(); people], reached: Vec::new() }
    }

    /// Those with greater numbers whom a person shares contacts with and has not been in contact with, in order.
    fn from<'w>(
        &'w mut self,
        person: u32,
        own: &'w [u32],
        neighbours: &[Vec<u32>],
    ) -> impl Iterator<Item = (u32, Shares)> + 'w {
        for other in self.reached.drain(..) {
            self.shares[other as usize] = Shares::default();
        }
        for via in own.iter().map(|via| &neighbours[*via as usize]) {
            #[allow(clippy::cast_precision_loss, reason = "numbers of people are far below 2^53")]
            let contacts = via.len() as f64;
            for other in via.iter().filter(|other| **other > person) {
                let shares = &mut self.shares[*other as usize];
                if shares.count == 0.0 {
                    self.reached.push(*other);
                }
                shares.count += 1.0;
                shares.adamic_adar += contacts.ln().recip();
                shares.resource_allocation += contacts.recip();
            }
        }
        self.reached.sort_unstable();
        let strangers = self.reached.iter().filter(|other| own.binary_search(other).is_err());
        strangers.map(|other| (*other, self.shares[*other as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(at: i64, one: u32, other: u32) -> Contact {
        Contact { at, pair: (one, other) }
    }

    /// 0 and 3 share 1 and 2; 1 also knows 4.
    fn square() -> Vec<Contact> {
        vec![contact(1, 0, 1), contact(2, 0, 2), contact(3, 1, 3), contact(4, 2, 3), contact(5, 1, 4)]
    }

    #[test]
    fn pairs_are_two_steps_apart_and_have_what_they_share() {
        let contacts = [square(), vec![contact(9, 0, 3), contact(20, 1, 2)]].concat();
        let found = Strangers::at(&contacts, 5, 10).expect("they are few");
        let pairs: Vec<_> = found.candidates.iter().map(|found| (found.pair, found.in_contact)).collect();
        assert_eq!(pairs, [((0, 3), true), ((0, 4), false), ((1, 2), false), ((3, 4), false)]);
        assert_eq!(found.shared, [2.0, 1.0, 2.0, 1.0]);
        let (two, three) = (1.0 / 2.0_f64.ln(), 1.0 / 3.0_f64.ln());
        let sums = [two + three, three, two + two, three];
        for (found, expected) in found.adamic_adar.iter().zip(sums) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        for (found, expected) in
            found.resource_allocation.iter().zip([1.0 / 2.0 + 1.0 / 3.0, 1.0 / 3.0, 1.0, 1.0 / 3.0])
        {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn nobody_is_a_stranger_before_there_are_contacts() {
        assert!(Strangers::at(&square(), 0, 10).expect("there are none").candidates.is_empty());
    }
}

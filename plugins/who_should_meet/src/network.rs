//! Who is in contact with whom, and the scores of those who are two steps apart.
//!
//! Invariant: a person's ties are in the order of handles, so that every sum has one order, the same from both ends.

use kith_report_sdk::Day;

/// A tie between two people in contact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tie {
    /// The strength: from 0, never in contact, to below 1.
    pub weight: f64,
    /// The last day in contact.
    pub last_contact: Day,
    /// The number of its row.
    pub row: u32,
}

/// Everybody's ties.
#[derive(Debug)]
pub struct Network {
    /// By handle: the others, in the order of handles, with the ties to them.
    ties: Vec<Vec<(u32, Tie)>>,
    /// By handle: the sum of the weights of all ties.
    weights: Vec<f64>,
}

/// A shared contact of two people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Path {
    /// The shared contact.
    pub via: u32,
    /// The contribution to the score of the two.
    pub score: f64,
    /// The tie with the first person.
    pub from: Tie,
    /// The tie with the second person.
    pub to: Tie,
}

impl Network {
    /// A network of this many people without ties.
    pub fn new(people: usize) -> Self {
        Self { ties: vec![Vec::new(); people + 1], weights: vec![0.0; people + 1] }
    }

    /// Adds a tie between two people; ties come in the order of their keys, each once. People beyond the number given
    /// have none.
    pub fn add(&mut self, a: u32, b: u32, tie: Tie) {
        if (a.max(b) as usize) < self.ties.len() {
            for (from, to) in [(a, b), (b, a)] {
                self.ties[from as usize].push((to, tie));
                self.weights[from as usize] += tie.weight;
            }
        }
    }

    /// The handles of those who have ties.
    pub fn people(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.ties).filter(|(_, ties)| !ties.is_empty()).map(|(person, _)| person)
    }

    /// Everybody that both are in contact with, in the order of handles, if the contact still counts.
    pub fn paths(&self, a: u32, b: u32) -> Vec<Path> {
        let (mut ones, mut others) = (self.ties(a).iter().peekable(), self.ties(b).iter().peekable());
        let mut paths = Vec::new();
        while let (Some((one, from)), Some((other, to))) = (ones.peek(), others.peek()) {
            let order = one.cmp(other);
            let score = if order.is_eq() { self.share(*one, from, to) } else { 0.0 };
            if score > 0.0 {
                paths.push(Path { via: *one, score, from: *from, to: *to });
            }
            if order.is_le() {
                ones.next();
            }
            if order.is_ge() {
                others.next();
            }
        }
        paths
    }

    /// Working memory to compute scores, for one person after the other.
    pub fn scores(&self) -> Scores<'_> {
        let people = self.ties.len();
        Scores { network: self, sums: vec![0.0; people], is_close: vec![false; people] }
    }

    fn ties(&self, person: u32) -> &[(u32, Tie)] {
        self.ties.get(person as usize).map_or(&[], Vec::as_slice)
    }

    /// What somebody with these two ties, among all theirs, contributes to the score of the two.
    fn share(&self, via: u32, from: &Tie, to: &Tie) -> f64 {
        if from.weight > 0.0 && to.weight > 0.0 { from.weight * to.weight / self.weights[via as usize] } else { 0.0 }
    }
}

/// The sums for one person at a time.
#[derive(Debug)]
pub struct Scores<'a> {
    network: &'a Network,
    sums: Vec<f64>,
    is_close: Vec<bool>,
}

impl Scores<'_> {
    /// Those who share somebody with a person and were never in contact with them, with their scores, in any order.
    pub fn of(&mut self, person: u32) -> Vec<(u32, f64)> {
        let close = || [person].into_iter().chain(self.network.ties(person).iter().map(|(other, _)| *other));
        close().for_each(|other| self.is_close[other as usize] = true);
        let mut reached = Vec::new();
        for (via, from) in self.network.ties(person) {
            for (other, to) in self.network.ties(*via) {
                let sum = &mut self.sums[*other as usize];
                let share = self.network.share(*via, from, to);
                if self.is_close[*other as usize] || share <= 0.0 {
                    continue;
                }
                if *sum == 0.0 {
                    reached.push(*other);
                }
                *sum += share;
            }
        }
        close().for_each(|other| self.is_close[other as usize] = false);
        reached.into_iter().map(|other| (other, std::mem::take(&mut self.sums[other as usize]))).collect()
    }
}

//! Who is in contact with whom, and the scores of those who are two steps apart.
//!
//! Everything lies in a few long arrays: a million ties fit into the memory of a report.
//! Invariant: a person's ties are in the order of handles, so that every sum has one order, the same from both ends.

/// In the sums: a person who was in contact with the one whose scores are computed.
const CLOSE: f64 = -1.0;

/// A person's tie.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tie {
    other: u32,
    /// The number of its row.
    row: u32,
    /// The person's part of a path over them that this tie is on: the score of a path is the product of two parts.
    part: f64,
}

/// Everybody's ties.
#[derive(Debug)]
pub struct Network {
    /// By handle: where the person's ties begin. One more than there are handles.
    starts: Vec<u32>,
    /// The ties of all people: of each in the order of the others' handles.
    ties: Vec<Tie>,
    /// By row.
    weights: Vec<f64>,
    /// By handle: the square root of the sum of the weights of all ties.
    roots: Vec<f64>,
}

/// A shared contact of two people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Path {
    /// The shared contact.
    pub via: u32,
    /// The contribution to the score of the two.
    pub score: f64,
    /// The row of the tie with the first person.
    pub from: u32,
    /// The row of the tie with the second person.
    pub to: u32,
}

impl Network {
    /// A network of this many people, with the two people and the weight of each row, in the order of keys. A weight is
    /// from 0, never in contact, to below 1. People beyond the number given have no ties.
    pub fn new(people: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone, weights: Vec<f64>) -> Self {
        let ties = (0..).zip(pairs).filter(|(_, (a, b))| (*a).max(*b) as usize <= people);
        let mut starts = vec![0; people + 2];
        for (_, (a, b)) in ties.clone() {
            starts[a as usize + 1] += 1;
            starts[b as usize + 1] += 1;
        }
        for person in 1..starts.len() {
            starts[person] += starts[person - 1];
        }
        let mut totals = vec![0.0; people + 1];
        for (row, (a, b)) in ties.clone() {
            for person in [a, b] {
                totals[person as usize] += weights[row as usize];
            }
        }
        let roots = totals.into_iter().map(f64::sqrt).collect();
        let mut next = starts.clone();
        let no_tie = Tie { other: 0, row: 0, part: 0.0 };
        let placed = vec![no_tie; starts[people + 1] as usize];
        let mut network = Self { starts, ties: placed, weights, roots };
        for (row, (a, b)) in ties {
            for (from, other) in [(a, b), (b, a)] {
                let place = &mut next[from as usize];
                network.ties[*place as usize] = Tie { other, row, part: network.part(row, from) };
                *place += 1;
            }
        }
        network
    }

    /// The handles of those who have ties.
    pub fn people(&self) -> impl Iterator<Item = u32> {
        let has_ties = |ends: &&[u32]| ends[0] < ends[1];
        (0..).zip(self.starts.windows(2)).filter(move |(_, ends)| has_ties(ends)).map(|(person, _)| person)
    }

    /// Everybody that both are in contact with, in the order of handles, if the contact still counts.
    pub fn paths(&self, a: u32, b: u32) -> Vec<Path> {
        let (mut ones, mut others) = (self.ties(a).iter().peekable(), self.ties(b).iter().peekable());
        let mut paths = Vec::new();
        while let (Some(one), Some(other)) = (ones.peek(), others.peek()) {
            let order = one.other.cmp(&other.other);
            let score =
                if order.is_eq() { self.part(one.row, one.other) * self.part(other.row, one.other) } else { 0.0 };
            if score > 0.0 {
                paths.push(Path { via: one.other, score, from: one.row, to: other.row });
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
        Scores { network: self, sums: vec![0.0; self.starts.len() - 1], reached: Vec::new() }
    }

    /// The part of a path over somebody that one of their ties has.
    fn part(&self, row: u32, via: u32) -> f64 {
        let weight = self.weights[row as usize];
        if weight > 0.0 { weight / self.roots[via as usize] } else { 0.0 }
    }

    fn ties(&self, person: u32) -> &[Tie] {
        match self.starts.get(person as usize..person as usize + 2) {
            Some(&[start, end]) => &self.ties[start as usize..end as usize],
            _ => &[],
        }
    }
}

/// The sums for one person at a time.
#[derive(Debug)]
pub struct Scores<'a> {
    network: &'a Network,
    sums: Vec<f64>,
    reached: Vec<u32>,
}

impl Scores<'_> {
    /// Visits those with a higher handle who share somebody with a person and were never in contact with them, with the
    /// scores, in any order: each pair is visited once.
    pub fn of(&mut self, person: u32, mut visit: impl FnMut(u32, f64)) {
        let Self { network, sums, reached } = self;
        for tie in network.ties(person) {
            sums[tie.other as usize] = CLOSE;
        }
        for from in network.ties(person) {
            let part = network.part(from.row, from.other);
            let ties = network.ties(from.other);
            for to in &ties[ties.partition_point(|tie| tie.other <= person)..] {
                let sum = &mut sums[to.other as usize];
                let share = part * to.part;
                if *sum == CLOSE || share <= 0.0 {
                    continue;
                }
                if *sum == 0.0 {
                    reached.push(to.other);
                }
                *sum += share;
            }
        }
        for tie in network.ties(person) {
            sums[tie.other as usize] = 0.0;
        }
        for other in reached.drain(..) {
            visit(other, std::mem::take(&mut sums[other as usize]));
        }
    }
}

//! Maximum matchings in bipartite graphs, after Hopcroft and Karp (1973).
//!
//! Invariant: only the size is returned, which does not depend on the order of the edges.

use std::collections::{BTreeMap, VecDeque};

/// Marks an end that is not matched.
const FREE: usize = usize::MAX;

/// The largest number of edges of which no two share an end. Left and right ends are different people even if their
/// numbers are equal.
pub fn maximum_matching(edges: &[(u32, u32)]) -> usize {
    let mut graph = Graph::of(edges);
    let mut size = 0;
    while graph.layers() {
        for left in 0..graph.edges.len() {
            if graph.left[left] == FREE && graph.augment(left) {
                size += 1;
            }
        }
    }
    size
}

struct Graph {
    /// Right ends by left end.
    edges: Vec<Vec<usize>>,
    left: Vec<usize>,
    right: Vec<usize>,
    layer: Vec<usize>,
}

impl Graph {
    fn of(edges: &[(u32, u32)]) -> Self {
        let (mut lefts, mut rights) = (BTreeMap::new(), BTreeMap::new());
        let mut by_left: Vec<Vec<usize>> = Vec::new();
        for (one, other) in edges {
            let next = lefts.len();
            let left = *lefts.entry(*one).or_insert(next);
            let next = rights.len();
            let right = *rights.entry(*other).or_insert(next);
            if left == by_left.len() {
                by_left.push(Vec::new());
            }
            by_left[left].push(right);
        }
        let (lefts, rights) = (by_left.len(), rights.len());
        Self { edges: by_left, left: vec![FREE; lefts], right: vec![FREE; rights], layer: vec![FREE; lefts] }
    }

    /// Computes how far each left end is from a free one over alternating edges; whether a free right end is reachable.
    fn layers(&mut self) -> bool {
        let mut queue = VecDeque::new();
        for left in 0..self.edges.len() {
            self.layer[left] = if self.left[left] == FREE { 0 } else { FREE };
            if self.left[left] == FREE {
                queue.push_back(left);
            }
        }
        let mut reached = false;
        while let Some(left) = queue.pop_front() {
            for &right in &self.edges[left] {
                match self.right[right] {
                    FREE => reached = true,
                    next if self.layer[next] == FREE => {
                        self.layer[next] = self.layer[left] + 1;
                        queue.push_back(next);
                    }
                    _ => {}
                }
            }
        }
        reached
    }

    /// Searches a path from a left end to a free right end, layer by layer, and flips its edges.
    fn augment(&mut self, left: usize) -> bool {
        for place in 0..self.edges[left].len() {
            let right = self.edges[left][place];
            let next = self.right[right];
            let follows = next != FREE && self.layer[next] == self.layer[left].wrapping_add(1);
            if next == FREE || (follows && self.augment(next)) {
                self.left[left] = right;
                self.right[right] = left;
                return true;
            }
        }
        self.layer[left] = FREE;
        false
    }
}

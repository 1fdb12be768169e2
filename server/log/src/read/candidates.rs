//! Which positions a filtered read looks at: all, or those in the index of people.
//!
//! Invariant: every entry that can pass is among the candidates, each once and in order.

use crate::{
    error::{ReadError, damaged},
    rows::{
        chunk::find_positions,
        tables::{self, chunk_of},
    },
    state::snapshot::Snapshot,
};
use kith_core::{
    filter::{Filter, PeopleMatch},
    position::Position,
};
use std::iter::Peekable;

/// The order in which to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    Backward,
}

/// Which entries a read asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// What the filter matches, and always directory and administration.
    Passing,
    /// Only what the filter matches.
    Matching,
    /// Only directory and administration, whatever the filter says.
    Common,
}

/// Positions after `after` up to `until`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) after: Position,
    pub(crate) until: Position,
    pub(crate) direction: Direction,
}

/// Positions in the span's order.
type Positions<'s> = Box<dyn Iterator<Item = Result<u64, ReadError>> + 's>;

/// Whether an index says which positions to look at.
pub(crate) fn are_indexed(filter: &Filter, mode: Mode) -> bool {
    !filter.people.is_empty() || mode == Mode::Common
}

/// The positions to look at, if they are indexed. `handle_of` knows everybody in the directory.
pub(crate) fn candidates<'s>(
    snapshot: &'s Snapshot,
    filter: &Filter,
    mode: Mode,
    span: Span,
    handle_of: impl Fn(&kith_core::id::PersonId) -> Option<u32>,
) -> Result<Positions<'s>, ReadError> {
    let of_people = || positions_of_people(snapshot, filter, span, handle_of);
    match mode {
        Mode::Matching => of_people(),
        Mode::Common => common_positions(snapshot, span),
        Mode::Passing => {
            let both = vec![of_people()?, common_positions(snapshot, span)?];
            Ok(Box::new(Union::new(both, span.direction)))
        }
    }
}

fn positions_of_people<'s>(
    snapshot: &'s Snapshot,
    filter: &Filter,
    span: Span,
    handle_of: impl Fn(&kith_core::id::PersonId) -> Option<u32>,
) -> Result<Positions<'s>, ReadError> {
    let mut streams = Vec::new();
    for person in &filter.people {
        match handle_of(person) {
            Some(handle) => streams.push(person_positions(snapshot, handle, span)?),
            None => streams.push(Box::new(std::iter::empty())),
        }
    }
    Ok(match filter.people_match {
        PeopleMatch::Any => Box::new(Union::new(streams, span.direction)),
        PeopleMatch::All => Box::new(Intersection::new(streams, span.direction)),
    })
}

/// The positions of a person: one row per chunk, read lazily, and those of the chunk in memory.
fn person_positions(snapshot: &Snapshot, handle: u32, span: Span) -> Result<Positions<'_>, ReadError> {
    let (network, table) = (snapshot.network(), snapshot.transaction().open_table(tables::PEOPLE)?);
    let (first, last) = (span.after.next().get(), span.until.get());
    let of_chunk = move |chunk: u32| -> Result<Vec<u64>, ReadError> {
        if chunk >= snapshot.open_chunk().number() {
            return Ok(snapshot.open_chunk().positions_of(handle));
        }
        let row = table.range((network, chunk, 0)..=(network, chunk, handle))?.next_back().transpose()?;
        let Some((_, row)) = row else { return Ok(Vec::new()) };
        find_positions(chunk, row.value(), handle).ok_or_else(|| damaged("people", "a row is malformed"))
    };
    let positions = move |chunk: u32| -> Positions<'static> {
        match of_chunk(chunk) {
            Ok(positions) => {
                let within = positions.into_iter().filter(move |position| (first..=last).contains(position));
                directed(within.map(Ok), span.direction)
            }
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    };
    let last_chunk = chunk_of(last).min(snapshot.open_chunk().number());
    Ok(Box::new(directed(chunk_of(first)..=last_chunk, span.direction).flat_map(positions)))
}

fn common_positions(snapshot: &Snapshot, span: Span) -> Result<Positions<'_>, ReadError> {
    let (network, table) = (snapshot.network(), snapshot.transaction().open_table(tables::COMMON)?);
    let rows = (network, span.after.next().get())..=(network, span.until.get());
    Ok(directed(table.range(rows)?.map(|row| Ok(row?.0.value().1)), span.direction))
}

/// Reverses the order if the newest comes first.
pub(crate) fn directed<'s, T>(
    rows: impl DoubleEndedIterator<Item = T> + 's,
    direction: Direction,
) -> Box<dyn Iterator<Item = T> + 's> {
    match direction {
        Direction::Forward => Box::new(rows),
        Direction::Backward => Box::new(rows.rev()),
    }
}

/// Positions that occur in any of several streams.
struct Union<I: Iterator> {
    streams: Vec<Peekable<I>>,
    direction: Direction,
}

/// Positions that occur in all of several streams; none if there are no streams.
struct Intersection<I: Iterator> {
    streams: Vec<Peekable<I>>,
    direction: Direction,
}

impl<I: Iterator<Item = Result<u64, ReadError>>> Union<I> {
    fn new(streams: Vec<I>, direction: Direction) -> Self {
        Self { streams: streams.into_iter().map(Iterator::peekable).collect(), direction }
    }
}

impl<I: Iterator<Item = Result<u64, ReadError>>> Intersection<I> {
    fn new(streams: Vec<I>, direction: Direction) -> Self {
        Self { streams: streams.into_iter().map(Iterator::peekable).collect(), direction }
    }
}

impl<I: Iterator<Item = Result<u64, ReadError>>> Iterator for Union<I> {
    type Item = Result<u64, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut first: Option<u64> = None;
        for stream in &mut self.streams {
            match stream.peek() {
                Some(Err(_)) => return stream.next(),
                Some(Ok(position)) if first.is_none_or(|first| precedes(self.direction, *position, first)) => {
                    first = Some(*position);
                }
                Some(Ok(_)) | None => {}
            }
        }
        let first = first?;
        for stream in &mut self.streams {
            stream.next_if(|row| matches!(row, Ok(position) if *position == first));
        }
        Some(Ok(first))
    }
}

impl<I: Iterator<Item = Result<u64, ReadError>>> Iterator for Intersection<I> {
    type Item = Result<u64, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut candidate = match self.streams.first_mut()?.next()? {
            Ok(position) => position,
            Err(error) => return Some(Err(error)),
        };
        let (count, mut agreed, mut turn) = (self.streams.len(), 1, 0);
        while agreed < count {
            turn += 1;
            let stream = &mut self.streams[turn % count];
            while stream.next_if(|row| is_before(self.direction, row, candidate)).is_some() {}
            match stream.peek()? {
                Ok(position) if *position == candidate => agreed += 1,
                Ok(position) => (candidate, agreed) = (*position, 1),
                Err(_) => return stream.next(),
            }
        }
        for stream in &mut self.streams {
            stream.next_if(|row| matches!(row, Ok(position) if *position == candidate));
        }
        Some(Ok(candidate))
    }
}

fn is_before(direction: Direction, row: &Result<u64, ReadError>, candidate: u64) -> bool {
    matches!(row, Ok(position) if precedes(direction, *position, candidate))
}

/// Whether `left` comes before `right`.
fn precedes(direction: Direction, left: u64, right: u64) -> bool {
    match direction {
        Direction::Forward => left < right,
        Direction::Backward => left > right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    type Stream = std::vec::IntoIter<Result<u64, ReadError>>;

    fn streams(sets: &[BTreeSet<u64>], direction: Direction) -> Vec<Stream> {
        let stream = |set: &BTreeSet<u64>| {
            let positions: Vec<_> = directed(set.iter().copied(), direction).map(Ok).collect();
            positions.into_iter()
        };
        sets.iter().map(stream).collect()
    }

    fn positions(stream: impl Iterator<Item = Result<u64, ReadError>>) -> Vec<u64> {
        stream.map(Result::unwrap).collect()
    }

    proptest! {
        #[test]
        fn unions_and_intersections_are_those_of_sets(
            sets in proptest::collection::vec(proptest::collection::btree_set(0_u64..30, 0..20), 0..5),
        ) {
            let all: BTreeSet<u64> = sets.iter().flatten().copied().collect();
            let common = |position: &u64| !sets.is_empty() && sets.iter().all(|set| set.contains(position));
            let shared: BTreeSet<u64> = all.iter().copied().filter(common).collect();
            for direction in [Direction::Forward, Direction::Backward] {
                let union = positions(Union::new(streams(&sets, direction), direction));
                prop_assert_eq!(union, directed(all.iter().copied(), direction).collect::<Vec<_>>());
                let intersection = positions(Intersection::new(streams(&sets, direction), direction));
                prop_assert_eq!(intersection, directed(shared.iter().copied(), direction).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn errors_are_not_swallowed() {
        let failing = || vec![Ok(1), Err(ReadError::OutsideTree { at: 0, size: 0 })].into_iter();
        let whole = || vec![Ok(1), Ok(2), Ok(3)].into_iter();
        let union: Vec<_> = Union::new(vec![whole(), failing()], Direction::Forward).take(4).collect();
        assert!(union.iter().any(Result::is_err));
        for streams in [vec![whole(), failing()], vec![failing(), whole()]] {
            let intersection: Vec<_> = Intersection::new(streams, Direction::Forward).take(4).collect();
            assert!(intersection.iter().any(Result::is_err));
        }
    }
}

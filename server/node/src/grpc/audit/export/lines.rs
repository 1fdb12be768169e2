//! Makes lines of entries: with the erasures that their details name, and hashes in place of everything else.

use super::{Reached, wanted::Wanted};
use crate::{bounds::budget::Room, grpc::Failure, limits};
use bytes::Bytes;
use kith_core::{
    detail::Detail,
    entry::Entry,
    event::Event,
    evidence::{EntryLine, Line, ShownDetail, erases},
    may::Principal,
    position::Position,
    tree::Subtree,
};
use kith_log::Network;
use kith_proto::v1;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// Entries that are wanted for themselves.
pub(super) struct Found {
    /// Their bytes, in order.
    pub(super) entries: Vec<Bytes>,
    /// Their details.
    pub(super) details: Vec<v1::EntryDetails>,
    /// Up to where these are all of them.
    pub(super) until: Position,
    /// The room that the details hold until lines are made of them.
    pub(super) _held: Option<Room>,
}

/// Lines, and how far the export has come with them.
pub(super) struct Composed {
    pub(super) message: v1::ExportResponse,
    pub(super) reached: Reached,
}

/// What is needed to make lines, on a thread that may block.
pub(super) struct Task {
    pub(super) network: Network,
    pub(super) principal: Principal,
    pub(super) wanted: Arc<Wanted>,
    pub(super) size: Position,
    pub(super) reached: Reached,
    /// Bytes of lines at most, or one entry.
    pub(super) bytes: usize,
}

/// An entry that gets a line.
struct Given {
    bytes: Bytes,
    details: Vec<ShownDetail>,
}

impl Task {
    /// Makes the lines up to where what was found is all, as far as they fit.
    pub(super) fn compose(mut self, found: &Found) -> Result<Composed, Failure> {
        let mut until = found.until;
        let mut given = self.given(found)?;
        self.add_erasing(&mut given, &mut until)?;
        let is_end = until >= self.size;
        let Some(last) = given.keys().next_back().copied().or(is_end.then_some(self.size)) else {
            self.reached.read = until;
            return Ok(Composed { message: v1::ExportResponse::default(), reached: self.reached });
        };
        let positions: Vec<Position> = given.keys().copied().collect();
        let covers = if is_end { self.size } else { last };
        let gaps = self.network.left_out(self.reached.covered, &positions, covers)?;
        let (lines, stopped) = lines(&given, &gaps, self.bytes);
        self.reached.covered = stopped.unwrap_or(covers);
        self.reached.read = stopped.unwrap_or(until);
        self.reached.erasing = self.reached.erasing.split_off(&self.reached.covered.next());
        Ok(Composed { message: v1::ExportResponse { lines }, reached: self.reached })
    }

    /// What was found, with what is disclosed of its details; notes the erasures that they name.
    fn given(&mut self, found: &Found) -> Result<BTreeMap<Position, Given>, Failure> {
        let details: HashMap<u64, _> = found.details.iter().map(|details| (details.position, details)).collect();
        let mut given = BTreeMap::new();
        for bytes in &found.entries {
            let (entry, event) = decode(bytes)?;
            let details = self.shown(entry.position, &event, details.get(&entry.position.get()).copied())?;
            given.insert(entry.position, Given { bytes: bytes.clone(), details });
        }
        Ok(given)
    }

    /// What is disclosed of an entry's details, one for each of its commitments.
    fn shown(
        &mut self,
        position: Position,
        event: &Event,
        details: Option<&v1::EntryDetails>,
    ) -> Result<Vec<ShownDetail>, Failure> {
        let opened = details.iter().flat_map(|details| &details.details);
        let opened: Vec<Detail> = opened.filter_map(|detail| Detail::read(detail).ok()).collect();
        let erased = |index: usize| {
            let mut erased = details.iter().flat_map(|details| &details.erased);
            erased.find(|erased| erased.index as usize == index).map(|erased| Position::new(erased.position))
        };
        let mut shown = Vec::with_capacity(event.details.len());
        for (index, commitment) in event.details.iter().enumerate() {
            let detail = opened.iter().find(|detail| detail.commitment() == *commitment);
            shown.push(match (detail, erased(index)) {
                (Some(detail), _) if self.wanted.disclosure.includes(detail.kind) => ShownDetail::of(detail),
                (None, Some(by)) if self.is_erased(position, event, index, by)? => ShownDetail::Erased(by),
                (Some(_) | None, _) => ShownDetail::Withheld,
            });
        }
        Ok(shown)
    }

    /// Whether the bundle can show that a detail is erased: by an entry further on, up to the checkpoint, that the caller
    /// may see. If it was erased since the checkpoint was signed, it is only withheld.
    fn is_erased(&mut self, at: Position, event: &Event, index: usize, by: Position) -> Result<bool, Failure> {
        if by <= at || by > self.size {
            return Ok(false);
        }
        let Some((bytes, _)) = self.network.entry(&self.principal, by)? else { return Ok(false) };
        let is_erased = erases(&decode(&bytes)?.1, event.id, index);
        if is_erased {
            self.reached.erasing.insert(by);
        }
        Ok(is_erased)
    }

    /// Adds the erasures among the positions that were looked at, and stops earlier if there are too many at once.
    fn add_erasing(&self, given: &mut BTreeMap<Position, Given>, until: &mut Position) -> Result<(), Failure> {
        let due: BTreeSet<Position> = self.reached.erasing.range(..=*until).copied().collect();
        for position in due.iter().take(limits::EXPORT_ENTRIES_AT_ONCE) {
            if given.contains_key(position) {
                continue;
            }
            if let Some((bytes, _)) = self.network.entry(&self.principal, *position)? {
                let details = vec![ShownDetail::Withheld; decode(&bytes)?.1.details.len()];
                given.insert(*position, Given { bytes, details });
            }
        }
        if let Some(next) = due.iter().nth(limits::EXPORT_ENTRIES_AT_ONCE) {
            *until = next.previous();
            given.retain(|position, _| *position <= *until);
        }
        Ok(())
    }
}

/// Entries and hashes as lines, in order of position. If they do not fit, the second is the last position that they cover.
fn lines(given: &BTreeMap<Position, Given>, gaps: &[Subtree], bytes_max: usize) -> (Vec<String>, Option<Position>) {
    let (mut lines, mut bytes, mut gaps, mut covered) = (Vec::new(), 0, gaps.iter().peekable(), None);
    for (position, entry) in given {
        let mut next = Vec::new();
        while let Some(gap) = gaps.next_if(|gap| gap.start < position.get()) {
            next.push(Line::LeftOut(*gap).to_string());
        }
        let (entry, details) = (entry.bytes.clone(), entry.details.clone());
        next.push(Line::Entry(EntryLine { position: *position, entry, details }).to_string());
        bytes += next.iter().map(|line| line.len() + limits::EXPORT_LINE_FRAME_BYTES).sum::<usize>();
        if bytes > bytes_max && covered.is_some() {
            return (lines, covered);
        }
        lines.append(&mut next);
        covered = Some(*position);
    }
    let last: Vec<String> = gaps.map(|gap| Line::LeftOut(*gap).to_string()).collect();
    bytes += last.iter().map(|line| line.len() + limits::EXPORT_LINE_FRAME_BYTES).sum::<usize>();
    if bytes > bytes_max && covered.is_some() && !last.is_empty() {
        return (lines, covered);
    }
    lines.extend(last);
    (lines, None)
}

/// Reads an entry of the log with its event.
pub(super) fn decode(bytes: &Bytes) -> Result<(Entry, Event), Failure> {
    let entry = Entry::decode(bytes).map_err(|invalid| Failure::internal(&invalid))?;
    let event = entry.event().map_err(|invalid| Failure::internal(&invalid))?;
    Ok((entry, event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::tree::leaf_hash;

    /// Lines of entries at positions 2 and 4 of a log of 5, and what the second part of the result is.
    fn made(bytes_max: usize) -> (Vec<String>, Option<u64>) {
        let entry = |position| (Position::new(position), Given { bytes: vec![7; 30].into(), details: Vec::new() });
        let gap = |start| Subtree { start, level: 0, hash: leaf_hash(b"hidden") };
        let (lines, stopped) = lines(&BTreeMap::from([2, 4].map(entry)), &[0, 2, 4].map(gap), bytes_max);
        (lines, stopped.map(Position::get))
    }

    /// What lines are about, in short.
    fn places(lines: &[String]) -> Vec<&str> {
        lines.iter().map(|line| line.split(',').next().unwrap_or_default()).collect()
    }

    const ALL: [&str; 5] =
        [r#"{"left_out":0"#, r#"{"position":2"#, r#"{"left_out":2"#, r#"{"position":4"#, r#"{"left_out":4"#];

    #[test]
    fn lines_are_in_order_of_position_and_as_many_as_fit() {
        let (whole, stopped) = made(10_000);
        assert_eq!((places(&whole), stopped), (ALL.to_vec(), None));
        let bytes: Vec<usize> = whole.iter().map(|line| line.len() + limits::EXPORT_LINE_FRAME_BYTES).collect();
        for (bytes_max, lines_made, expected) in [
            (bytes.iter().sum(), 5, None),
            (bytes.iter().sum::<usize>() - 1, 4, Some(4)),
            (bytes[..4].iter().sum(), 4, Some(4)),
            (bytes[..4].iter().sum::<usize>() - 1, 2, Some(2)),
            (0, 2, Some(2)),
        ] {
            let (lines, stopped) = made(bytes_max);
            assert_eq!((places(&lines), stopped), (ALL[..lines_made].to_vec(), expected), "{bytes_max} bytes");
        }
    }
}

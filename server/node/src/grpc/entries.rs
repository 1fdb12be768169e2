//! Entries with their details, within a message: the one read behind `Read` and `Subscribe`.

use super::{Failure, blocking, convert};
use bytes::Bytes;
use kith_core::position::Position;
use kith_log::{Network, Selected, Selection};
use kith_proto::v1;
use std::collections::{HashMap, HashSet};

/// A part of a log.
#[derive(Debug)]
pub(super) struct Entries {
    /// Entry bytes.
    pub(super) encoded: Vec<Bytes>,
    /// Details of those entries.
    pub(super) details: Vec<v1::EntryDetails>,
    /// Where to go on.
    pub(super) next: Position,
    /// Whether nothing is left.
    pub(super) end: bool,
}

/// Ranges up to this length are read where the call is: they are in memory, and a thread would cost more.
const INLINE_RANGE_MAX: u64 = 64;

/// Reads what a selection gives, with details, within `bytes_max` bytes (the first entry apart).
pub(super) async fn read_entries(
    network: &Network,
    selection: Selection,
    bytes_max: usize,
) -> Result<Entries, Failure> {
    if selection.until.since(selection.after) <= INLINE_RANGE_MAX {
        return read_blocking(network, &selection, bytes_max);
    }
    let network = network.clone();
    blocking(move || read_blocking(&network, &selection, bytes_max)).await
}

fn read_blocking(network: &Network, selection: &Selection, bytes_max: usize) -> Result<Entries, Failure> {
    let selected = network.select(selection)?;
    if selected.entries.is_empty() {
        return Ok(Entries { encoded: Vec::new(), details: Vec::new(), next: selected.next, end: selected.end });
    }
    let positions: Vec<Position> = selected.entries.iter().map(|(position, _)| *position).collect();
    let details = network.details(&selection.principal, &positions)?;
    let details = details.iter().map(|(position, details)| convert::entry_details(*position, details));
    Ok(cut(selected, details.collect(), bytes_max))
}

/// Leaves out what would make the message too large; the next read goes on there.
fn cut(selected: Selected, details: Vec<v1::EntryDetails>, bytes_max: usize) -> Entries {
    use prost::Message;
    let sizes: HashMap<u64, usize> = details.iter().map(|details| (details.position, details.encoded_len())).collect();
    let mut bytes = 0;
    let fits = selected.entries.iter().take_while(|(position, entry)| {
        let first = bytes == 0;
        bytes += entry.len() + sizes.get(&position.get()).copied().unwrap_or_default();
        first || bytes <= bytes_max
    });
    let count = fits.count();
    let whole = count == selected.entries.len();
    let (mut next, mut end) = (selected.next, selected.end);
    let mut details = details;
    if !whole {
        (next, end) = (selected.entries[count - 1].0, false);
        let kept: HashSet<u64> = selected.entries[..count].iter().map(|(position, _)| position.get()).collect();
        details.retain(|details| kept.contains(&details.position));
    }
    let encoded = selected.entries.into_iter().take(count).map(|(_, bytes)| bytes).collect();
    Entries { encoded, details, next, end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(sizes: &[usize]) -> Selected {
        let entries = sizes.iter().zip(1..).map(|(size, at)| (Position::new(at), vec![0; *size].into()));
        Selected { entries: entries.collect(), next: Position::new(90), end: true }
    }

    fn details(position: u64, text_bytes: usize) -> v1::EntryDetails {
        let detail = v1::Detail { text: "x".repeat(text_bytes), ..v1::Detail::default() };
        v1::EntryDetails { position, details: vec![detail] }
    }

    #[test]
    fn what_fits_is_whole() {
        let page = cut(selected(&[100, 100]), vec![details(2, 50)], 300);
        assert_eq!((page.encoded.len(), page.details.len(), page.next, page.end), (2, 1, Position::new(90), true));
    }

    #[test]
    fn details_count_and_the_next_read_goes_on_behind_the_last_entry_kept() {
        let page = cut(selected(&[100, 100, 100]), vec![details(2, 50), details(3, 500)], 500);
        assert_eq!((page.encoded.len(), page.details.len(), page.next, page.end), (2, 1, Position::new(2), false));
    }

    #[test]
    fn the_first_entry_is_given_whatever_its_size() {
        let page = cut(selected(&[1_000, 10]), Vec::new(), 10);
        assert_eq!((page.encoded.len(), page.next, page.end), (1, Position::new(1), false));
    }
}

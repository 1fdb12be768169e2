//! Entries with their details, up to the size of a message: the common read of `Read` and `Subscribe`.

use super::{Failure, convert};
use crate::{
    bounds::{budget::Room, call_rate::key, reads::Reads},
    limits::{INLINE_RANGE_MAX, INLINE_RECENT_RANGE_MAX},
    node::Node,
};
use bytes::Bytes;
use kith_core::{id::EventId, may::Principal, position::Position};
use kith_log::{Network, Selected, Selection};
use kith_proto::v1::{self, ErrorReason};

/// A part of a log.
#[derive(Debug)]
pub(super) struct Entries {
    /// Entry bytes.
    pub(super) encoded: Vec<Bytes>,
    /// Details of those entries.
    pub(super) details: Vec<v1::EntryDetails>,
    /// Where the next read continues.
    pub(super) next: Position,
    /// Whether the end was reached.
    pub(super) end: bool,
    /// The room for the details, held until they are sent.
    pub(super) held: Option<Room>,
}

/// Reads a selection with details, within `bytes_max` bytes (except for the first entry). Only details of returned
/// entries are opened, once there is room for them.
pub(super) async fn read_entries(
    node: &Node,
    network: &Network,
    reads: &Reads,
    selection: Selection,
    bytes_max: usize,
) -> Result<Entries, Failure> {
    read_kept(node, network, reads, selection, bytes_max, |_, _| Ok(true)).await
}

/// The same, but of what is selected, only the entries that `keep` says.
pub(super) async fn read_kept(
    node: &Node,
    network: &Network,
    reads: &Reads,
    selection: Selection,
    bytes_max: usize,
    keep: impl Fn(&Network, Position) -> Result<bool, Failure> + Send + 'static,
) -> Result<Entries, Failure> {
    let is_short = is_short(network, &selection);
    let (reading, principal) = (network.clone(), selection.principal.clone());
    let selecting = move || {
        let mut selected = reading.select(&selection)?;
        let mut kept = Vec::with_capacity(selected.entries.len());
        for (position, bytes) in selected.entries {
            if keep(&reading, position)? {
                kept.push((position, bytes));
            }
        }
        selected.entries = kept;
        let weighed = reading.weigh(&selection.principal, &selected.entries, bytes_max)?;
        Ok((selected, weighed))
    };
    let (selected, weighed) = read(reads, is_short, selecting).await?;
    let mut entries = cut(selected, weighed.fitting);
    if weighed.with_details.is_empty() {
        return Ok(entries);
    }
    entries.held = Some(node.details().hold(&key(&principal), weighed.details_bytes).await);
    let network = network.clone();
    let details = read(reads, is_short, move || Ok(network.details(&principal, &weighed.with_details)?)).await?;
    entries.details = details.iter().map(|(position, details)| convert::entry_details(*position, details)).collect();
    Ok(entries)
}

/// Whether reading a selection takes less time than handing it to a thread.
fn is_short(network: &Network, Selection { after, until, .. }: &Selection) -> bool {
    let range = until.since(*after);
    range <= INLINE_RANGE_MAX || range <= INLINE_RECENT_RANGE_MAX && network.are_recent_without_details(*after, *until)
}

/// Reads on the task of the call, or on a thread that may block.
async fn read<T: Send + 'static>(
    reads: &Reads,
    is_short: bool,
    read: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    if is_short { read() } else { reads.run(read).await }
}

/// Leaves out entries that would make the message too large; the next read continues there.
fn cut(selected: Selected, fitting: usize) -> Entries {
    let Selected { mut entries, mut next, mut end } = selected;
    if fitting < entries.len() {
        entries.truncate(fitting);
        (next, end) = (entries.last().map_or(next, |(last, _)| *last), false);
    }
    let encoded = entries.into_iter().map(|(_, bytes)| bytes).collect();
    Entries { encoded, details: Vec::new(), next, end, held: None }
}

/// An event's entry. One that the caller may not see is as unknown as one that does not exist.
pub(super) fn find_entry(network: &Network, principal: &Principal, id: EventId) -> Result<(Position, Bytes), Failure> {
    let unknown = || Failure::because(ErrorReason::EventUnknown, format_args!("there is no event {id}")).at("event");
    let position = network.position_of(principal, &id)?.ok_or_else(unknown)?;
    let (bytes, _) = network.entry(principal, position)?.ok_or_else(unknown)?;
    Ok((position, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(count: u64) -> Selected {
        let entries = (1..=count).map(|at| (Position::new(at), vec![0; 100].into()));
        Selected { entries: entries.collect(), next: Position::new(90), end: true }
    }

    #[test]
    fn what_fits_is_whole() {
        let page = cut(selected(2), 2);
        assert_eq!((page.encoded.len(), page.next, page.end), (2, Position::new(90), true));
    }

    #[test]
    fn the_next_read_goes_on_behind_the_last_entry_kept() {
        let page = cut(selected(3), 2);
        assert_eq!((page.encoded.len(), page.next, page.end), (2, Position::new(2), false));
    }
}

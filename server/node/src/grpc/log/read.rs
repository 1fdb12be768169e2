//! `Read`: entries that pass a filter and the caller's scope, oldest or newest first.

use crate::{
    bounds::{budget::Room, reads::Reads},
    grpc::{Call, Entries, Failure, convert, enter, left_out::read_left_out, read_entries},
    limits,
    node::Node,
};
use kith_core::{history::Budget, limits as core_limits, position::Position};
use kith_log::{Direction, Mode, Network, Selection};
use kith_proto::v1;
use tonic::Request;

/// An answer, and the room held for its details until it is sent.
type Held = (v1::ReadResponse, Option<Room>);

pub(super) async fn read(node: &Node, request: Request<v1::ReadRequest>) -> Result<Held, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let max =
        if message.with_left_out { core_limits::READ_ENTRIES_WITH_LEFT_OUT_MAX } else { core_limits::READ_ENTRIES_MAX };
    let default = core_limits::READ_ENTRIES_DEFAULT;
    let limit = convert::page_size("limit", message.limit, default, max)?;
    let direction = direction(message.direction)?;
    if message.with_left_out && direction == Direction::Backward {
        return Err(Failure::request("with_left_out", "is only for forward reads"));
    }
    if message.with_left_out && message.matching_only {
        return Err(Failure::request("matching_only", "cannot be combined with with_left_out"));
    }
    let filter = convert::filter(message.filter.as_ref())?;
    let head = network.head();
    let (after, until) = span(direction, Position::new(message.after), head);
    let reads = node.reads(&caller.principal, &network);
    let selection = Selection {
        principal: caller.principal,
        filter,
        mode: if message.matching_only { Mode::Matching } else { Mode::Passing },
        after,
        until,
        direction,
        budget: Budget { entries: limit, bytes: limits::READ_BYTES_MAX },
    };
    let entries = read_rounds(node, &network, &reads, selection).await?;
    let left_out = if message.with_left_out {
        read_left_out(&reads, &network, after, &entries.encoded, entries.next).await?
    } else {
        Vec::new()
    };
    let response = v1::ReadResponse {
        entries: entries.encoded,
        details: entries.details,
        next: entries.next.get(),
        end: entries.end,
        head: head.get(),
        left_out,
    };
    Ok((response, entries.held))
}

/// The range of a read: from its start to the head, or down to the first entry.
fn span(direction: Direction, start: Position, head: Position) -> (Position, Position) {
    match direction {
        Direction::Forward => (start, head),
        Direction::Backward if start == Position::ZERO => (Position::ZERO, head),
        Direction::Backward => (Position::ZERO, start.previous()),
    }
}

/// Reads until something is found, the end is reached, or the rounds are used up.
async fn read_rounds(
    node: &Node,
    network: &Network,
    reads: &Reads,
    mut selection: Selection,
) -> Result<Entries, Failure> {
    for _ in 1..limits::READ_ROUNDS_MAX {
        let entries = read_entries(node, network, reads, selection.clone(), limits::READ_BYTES_MAX).await?;
        if entries.end || !entries.encoded.is_empty() {
            return Ok(entries);
        }
        match selection.direction {
            Direction::Forward => selection.after = entries.next,
            Direction::Backward => selection.until = entries.next.previous(),
        }
    }
    read_entries(node, network, reads, selection, limits::READ_BYTES_MAX).await
}

fn direction(number: i32) -> Result<Direction, Failure> {
    match v1::Direction::try_from(number) {
        Ok(v1::Direction::Unspecified | v1::Direction::Forward) => Ok(Direction::Forward),
        Ok(v1::Direction::Backward) => Ok(Direction::Backward),
        Err(_) => Err(Failure::request("direction", "must be forward or backward")),
    }
}

//! Reads the entry of one event, with its details.

use crate::{
    bounds::budget::Room,
    grpc::{Call, Entries, Failure, enter, entries::find_entry, read_entries},
    limits,
    node::Node,
};
use kith_core::{filter::Filter, history::Budget, id::EventId};
use kith_log::{Direction, Mode, Selection};
use kith_proto::v1;
use tonic::Request;

/// Asks for the entry of an event.
#[derive(Debug)]
pub(crate) struct OneEvent {
    /// The network's name.
    pub(crate) network: String,
    /// The event.
    pub(crate) event: EventId,
}

/// An answer, and the room held for its details until it is sent.
type Held = (v1::ReadResponse, Option<Room>);

pub(super) async fn read_event(node: &Node, request: Request<OneEvent>) -> Result<Held, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let head = network.head();
    let reads = node.reads(&caller.principal, &network);
    let (finding, principal, id) = (network.clone(), caller.principal.clone(), message.event);
    let (position, _) = reads.run(move || find_entry(&finding, &principal, id)).await?;
    let selection = Selection {
        principal: caller.principal,
        filter: Filter::default(),
        mode: Mode::Matching,
        after: position.previous(),
        until: position,
        direction: Direction::Forward,
        budget: Budget { entries: 1, bytes: limits::READ_BYTES_MAX },
    };
    let Entries { encoded: entries, details, next, end, held } =
        read_entries(node, &network, &reads, selection, limits::READ_BYTES_MAX).await?;
    let (next, head) = (next.get(), head.get());
    Ok((v1::ReadResponse { entries, details, next, end, head, left_out: Vec::new() }, held))
}

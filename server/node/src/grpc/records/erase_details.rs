//! `EraseDetails`: erases single details of an event.

use super::{reason, reference_or_none};
use crate::{
    grpc::{Call, Failure, convert, enter, entries::find_entry},
    node::Node,
};
use kith_core::{
    entry::Entry,
    erasures::ERASURE_REASONS,
    event::{Administration, Event},
    id::EventId,
    may::Principal,
};
use kith_log::Network;
use kith_proto::v1;
use tonic::Request;

pub(super) async fn erase_details(
    node: &Node,
    request: Request<v1::EraseDetailsRequest>,
) -> Result<v1::EraseDetailsResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let id = convert::event_id("event", &message.event)?;
    let (reason, reference) = (reason(&message.reason, &ERASURE_REASONS)?, reference_or_none(&message.reference)?);
    let (finding, principal) = (network.clone(), caller.principal.clone());
    let event = node.reads(&caller.principal, &network).run(move || find(&finding, &principal, id)).await?;
    let details = chosen(&event, message.details)?;
    let erasures = network.erasures();
    let left = details.iter().filter(|index| erasures.detail(&id, **index as usize).is_none()).count();
    drop(erasures);
    // The scope of what erases is that of what is erased: nobody else learns of either.
    let fact = Administration::DetailsErased { event: id, details, reason, reference };
    let position = network.administer(&caller.principal, event.scope, vec![fact]).await?;
    let erased = u32::try_from(left).expect("at most 8 details");
    Ok(v1::EraseDetailsResponse { position: position.get(), erased })
}

/// An event that the principal may see.
fn find(network: &Network, principal: &Principal, id: EventId) -> Result<Event, Failure> {
    let (_, bytes) = find_entry(network, principal, id)?;
    let event = Entry::decode(&bytes).and_then(|entry| entry.event());
    event.map_err(|invalid| Failure::internal(&invalid))
}

/// The chosen details, ascending and each once; all of them if none is chosen.
fn chosen(event: &Event, mut details: Vec<u32>) -> Result<Vec<u32>, Failure> {
    let count = u32::try_from(event.details.len()).expect("at most 8 details");
    if count == 0 {
        return Err(Failure::request("event", "must be an event with details"));
    }
    if details.is_empty() {
        details.extend(0..count);
    }
    details.sort_unstable();
    details.dedup();
    match details.last() {
        Some(last) if *last >= count => {
            Err(Failure::request("details", format_args!("must be below {count}: the event has {count} details")))
        }
        Some(_) | None => Ok(details),
    }
}

//! `GetInclusionProof`: proves that an entry which the caller may see is in the tree of a size.

use crate::{
    grpc::{Call, Failure, convert, enter},
    node::Node,
};
use bytes::Bytes;
use kith_core::{id::EventId, may::Principal, position::Position};
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use tonic::Request;

pub(super) async fn get_inclusion_proof(
    node: &Node,
    request: Request<v1::GetInclusionProofRequest>,
) -> Result<v1::GetInclusionProofResponse, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let network = enter(node, &caller, &message.network)?;
    let id = convert::event_id("event", &message.event)?;
    let size = if message.size == 0 { network.head().get() } else { message.size };
    node.reads(&caller.principal, &network).run(move || prove(&network, &caller.principal, id, size)).await
}

fn prove(
    network: &Network,
    principal: &Principal,
    id: EventId,
    size: u64,
) -> Result<v1::GetInclusionProofResponse, Failure> {
    let (position, entry) = find_entry(network, principal, id)?;
    if position.get() > size {
        return Err(Failure::request("size", format_args!("must be at least the event's position, {position}")));
    }
    let proof = network.inclusion_proof(position, size)?;
    Ok(v1::GetInclusionProofResponse {
        entry,
        position: position.get(),
        size,
        root: proof.root.as_bytes().to_vec(),
        hashes: proof.hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect(),
    })
}

/// An event's entry. One that the caller may not see is as unknown as one that does not exist.
fn find_entry(network: &Network, principal: &Principal, id: EventId) -> Result<(Position, Bytes), Failure> {
    let unknown = || Failure::because(ErrorReason::EventUnknown, format_args!("there is no event {id}")).at("event");
    let position = network.position_of(principal, &id)?.ok_or_else(unknown)?;
    let (bytes, _) = network.entry(principal, position)?.ok_or_else(unknown)?;
    Ok((position, bytes))
}

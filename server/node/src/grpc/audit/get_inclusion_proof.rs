//! `GetInclusionProof`: proves that an entry which the caller may see is in the tree of a size.

use crate::{
    grpc::{Call, Failure, convert, enter, entries::find_entry},
    node::Node,
};
use kith_core::{id::EventId, may::Principal};
use kith_log::Network;
use kith_proto::v1;
use tonic::Request;

pub(super) async fn get_inclusion_proof(
    node: &Node,
    request: Request<v1::GetInclusionProofRequest>,
) -> Result<v1::GetInclusionProofResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
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

//! `GetConsistencyProof`: proves that the tree of one size is a prefix of the tree of another.

use crate::{
    grpc::{Call, Failure, enter},
    node::Node,
};
use kith_proto::v1;
use tonic::Request;

pub(super) async fn get_consistency_proof(
    node: &Node,
    request: Request<v1::GetConsistencyProofRequest>,
) -> Result<v1::GetConsistencyProofResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let from = message.from;
    let to = if message.to == 0 { network.head().get() } else { message.to };
    if from > to {
        return Err(Failure::request("from", format_args!("must not be above {to}")));
    }
    let proof = node.reads(&caller.principal, &network).run(move || network.consistency_proof(from, to)).await?;
    Ok(v1::GetConsistencyProofResponse {
        from,
        from_root: proof.from_root.as_bytes().to_vec(),
        to,
        to_root: proof.to_root.as_bytes().to_vec(),
        hashes: proof.hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect(),
    })
}

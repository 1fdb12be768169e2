//! `GetCheckpoint`: the signed head of a network's log, and the key that verifies it.

use crate::{
    grpc::{Call, Failure, enter},
    node::Node,
};
use kith_proto::v1;
use tonic::Request;

pub(super) async fn get_checkpoint(
    node: &Node,
    request: Request<v1::GetCheckpointRequest>,
) -> Result<v1::GetCheckpointResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let key = network.verifier_key().to_string();
    let signed = node.reads(&caller.principal, &network).run(move || network.checkpoint()).await?;
    let (checkpoint, size) = (signed.to_string(), signed.unverified().size);
    Ok(v1::GetCheckpointResponse { checkpoint, key, size, builtins: kith_bundle::digest().to_vec() })
}

//! `GetPolicy`: what a network demands of new events.

use crate::{
    grpc::{Call, Failure, enter},
    node::Node,
};
use kith_proto::v1;
use tonic::Request;

pub(super) fn get_policy(
    node: &Node,
    request: Request<v1::GetPolicyRequest>,
) -> Result<v1::GetPolicyResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let authority = enter(node, &visitor, &message.network)?.0.authority();
    Ok(v1::GetPolicyResponse { policy: Some(authority.policy().to_proto()), position: authority.policy_at().get() })
}

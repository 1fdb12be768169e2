//! `ChangePolicy`: what a network demands of new events from now on.

use crate::{
    grpc::{Call, Failure, allow, convert, enter},
    node::Node,
};
use kith_core::{
    event::{Administration, Policy, Scope},
    may::Action,
};
use kith_proto::v1;
use tonic::Request;

pub(super) async fn change_policy(
    node: &Node,
    request: Request<v1::ChangePolicyRequest>,
) -> Result<v1::ChangePolicyResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    allow(&caller, &Action::ChangePolicy)?;
    let policy = message.policy.ok_or_else(|| Failure::request("policy", "is missing"))?;
    let v1::PolicyChanged { random_ids, token_attributes, replica_days } = policy;
    let fact = Administration::PolicyChanged { policy: Policy { random_ids, token_attributes, replica_days } };
    let recorded = network.administer(&caller.principal, Scope::Network, vec![fact]).await;
    Ok(v1::ChangePolicyResponse { position: recorded.map_err(convert::administration)?.get() })
}

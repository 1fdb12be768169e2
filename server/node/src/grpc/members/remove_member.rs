//! `RemoveMember`: ends a membership and every token that speaks for the member.

use super::{member_id, record};
use crate::{
    grpc::{Call, Failure, allow, enter},
    node::Node,
};
use kith_core::{event::Administration, may::Action};
use kith_proto::v1;
use tonic::Request;

pub(super) async fn remove_member(
    node: &Node,
    request: Request<v1::RemoveMemberRequest>,
) -> Result<v1::RemoveMemberResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    allow(&caller, &Action::AdministerTokens)?;
    let member = member_id(&message.principal)?;
    let fact = Administration::MemberChanged { member, role: None, organisation: None, identity: None };
    let position = record(&network, &caller.principal, fact).await?;
    let authority = network.authority();
    let ended = authority.tokens().filter(|(_, token)| token.ended.is_some_and(|ended| ended.position == position));
    Ok(v1::RemoveMemberResponse { position: position.get(), tokens: ended.map(|(id, _)| id.to_string()).collect() })
}

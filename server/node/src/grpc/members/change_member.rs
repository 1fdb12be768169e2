//! `ChangeMember`: another role or organisation for a member.

use super::{known, member, member_id, record};
use crate::{
    grpc::{Call, Failure, allow, convert, enter},
    node::Node,
};
use kith_core::{event::Administration, id::OrganisationId, may::Action};
use kith_proto::v1;
use tonic::Request;

pub(super) async fn change_member(
    node: &Node,
    request: Request<v1::ChangeMemberRequest>,
) -> Result<v1::ChangeMemberResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    allow(&caller, &Action::AdministerTokens)?;
    let id = member_id(&message.principal)?;
    let identity = known(&network.authority(), &id)?.identity.clone();
    let fact = Administration::MemberChanged {
        member: id.clone(),
        role: Some(convert::role("role", message.role)?),
        organisation: convert::id_or_none(&message.organisation, "organisation", OrganisationId::parse_field)?,
        identity,
    };
    record(&network, &caller.principal, fact).await?;
    Ok(v1::ChangeMemberResponse { member: Some(member(&id, known(&network.authority(), &id)?)) })
}

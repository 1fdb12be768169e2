//! `ChangeMember`: another role or organisation for a member.

use super::{known, member, member_id};
use crate::{
    grpc::{Call, Failure, allow, convert, enter},
    node::Node,
};
use kith_core::{id::OrganisationId, may::Action};
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
    known(&network.authority(), &id)?;
    let role = convert::role("role", message.role)?;
    let organisation = convert::id_or_none(&message.organisation, "organisation", OrganisationId::parse_field)?;
    let changed = network.change_member(&caller.principal, &id, role, organisation.as_ref()).await;
    changed.map_err(convert::administration)?;
    Ok(v1::ChangeMemberResponse { member: Some(member(&id, known(&network.authority(), &id)?)) })
}

//! `Invite`: a secret with which a person becomes a member. It is shown once.

use crate::{
    grpc::{Call, Failure, allow, convert, enter},
    limits::INVITATION_LIFE,
    node::Node,
};
use kith_core::{
    event::Grant,
    id::{OrganisationId, PersonId},
    may::Action,
    timestamp::Timestamp,
};
use kith_log::NewToken;
use kith_proto::v1;
use tonic::Request;

pub(super) async fn invite(node: &Node, request: Request<v1::InviteRequest>) -> Result<v1::InviteResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    allow(&caller, &Action::AdministerTokens)?;
    let person = PersonId::parse_field(&message.person, "person");
    let now = node.now();
    let expires_at = match convert::time("expires_at", message.expires_at.as_ref())? {
        Some(end) if end <= now => return Err(Failure::request("expires_at", "is in the past")),
        Some(end) => end,
        None => now.plus(INVITATION_LIFE),
    };
    let token = NewToken {
        grant: Grant::Invitation(convert::role("role", message.role)?),
        person: Some(person.map_err(|invalid| convert::request_invalid(&invalid))?),
        organisation: convert::id_or_none(&message.organisation, "organisation", OrganisationId::parse_field)?,
        expires_at: Some(expires_at),
    };
    let issued = network.issue_token(&caller.principal, token).await.map_err(convert::administration)?;
    Ok(v1::InviteResponse {
        invitation: issued.token.id.to_string(),
        secret: issued.secret,
        expires_at: issued.token.expires_at.map(Timestamp::to_proto),
        position: issued.position.get(),
    })
}

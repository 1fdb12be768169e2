//! `IssueToken`: a token for a person, a service or an operator of one network. Its secret is shown once.

use crate::{
    grpc::{Call, Failure, allow, convert, enter},
    node::Node,
};
use kith_core::{
    event::Grant,
    id::{OrganisationId, PersonId},
    may::Action,
};
use kith_log::NewToken;
use kith_proto::v1;
use tonic::Request;

pub(super) async fn issue_token(
    node: &Node,
    request: Request<v1::IssueTokenRequest>,
) -> Result<v1::IssueTokenResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    allow(&caller, &Action::AdministerTokens)?;
    let token = NewToken {
        grant: match message.role {
            0 => Grant::Membership,
            role => Grant::Role(convert::role("role", role)?),
        },
        person: convert::id_or_none(&message.person, "person", PersonId::parse_field)?,
        organisation: convert::id_or_none(&message.organisation, "organisation", OrganisationId::parse_field)?,
        expires_at: convert::time("expires_at", message.expires_at.as_ref())?,
    };
    if token.grant == Grant::Membership && token.person.is_none() {
        return Err(Failure::request("role", "is missing, or the member that the token is for"));
    }
    if token.expires_at.is_some_and(|end| end <= node.now()) {
        return Err(Failure::request("expires_at", "is in the past"));
    }
    if node.production() && token.expires_at.is_none() {
        return Err(Failure::request(
            "expires_at",
            "is missing: this server is in production, where every token expires",
        ));
    }
    let issued = network.issue_token(&caller.principal, token).await.map_err(convert::administration)?;
    Ok(v1::IssueTokenResponse {
        token: Some(convert::token(&issued.token)),
        secret: issued.secret,
        position: issued.position.get(),
    })
}

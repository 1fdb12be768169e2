//! `IssueFeed`: the secret of a person's feed, in which calendars read what is due. It opens nothing else.

use crate::{
    grpc::{Call, Failure, convert, enter},
    node::Node,
};
use kith_core::{
    event::{Grant, Role},
    id::PersonId,
    may::{Action, may},
};
use kith_log::NewToken;
use kith_proto::v1::{self, ErrorReason};
use tonic::Request;

pub(super) async fn issue_feed(
    node: &Node,
    request: Request<v1::IssueFeedRequest>,
) -> Result<v1::IssueFeedResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let named = convert::id_or_none(&message.person, "person", PersonId::parse_field)?;
    let own = caller.principal.person.clone();
    let is_own = named.is_none() || named == own;
    let person = named.or(own).ok_or_else(|| Failure::request("person", "is missing: the caller speaks for nobody"))?;
    if !is_own && !may(&caller.principal, &Action::AdministerTokens) {
        return Err(Failure::new(ErrorReason::PermissionDenied));
    }
    let expires_at = convert::time("expires_at", message.expires_at.as_ref())?;
    if expires_at.is_some_and(|end| end <= node.now()) {
        return Err(Failure::request("expires_at", "is in the past"));
    }
    if node.production() && expires_at.is_none() {
        return Err(Failure::request(
            "expires_at",
            "is missing: this server is in production, where every feed expires",
        ));
    }
    // What the person may see: as a member, or as whoever asks for their own feed, or as the directory has them.
    let (grant, organisation) = if network.authority().person(&person).is_some() {
        (Grant::Membership, None)
    } else if is_own {
        (Grant::Role(Role::Reader), caller.principal.organisation.clone())
    } else {
        let directory = network.directory();
        (Grant::Role(Role::Reader), directory.person(&person).and_then(|person| person.organisation.clone()))
    };
    if !node.http().enabled {
        return Err(Failure::because(ErrorReason::Unsupported, "feeds are read over HTTP, and http.enabled is false"));
    }
    let token = NewToken { grant, person: Some(person), organisation, expires_at };
    let issued = network.issue_feed(&caller.principal, token).await.map_err(convert::administration)?;
    Ok(v1::IssueFeedResponse {
        token: Some(convert::token(&issued.token)),
        secret: issued.secret,
        position: issued.position.get(),
        public_url: node.http().public_url.clone(),
    })
}

//! `WhoAmI`: what the caller's credential makes of it, in a network if it names one.

use crate::{
    door::authenticator::Visitor,
    grpc::{Call, Failure, convert, enter},
    node::Node,
};
use kith_core::{
    may::{Principal, Reach, scope_digest},
    timestamp::Timestamp,
};
use kith_proto::v1;
use tonic::Request;

pub(super) fn who_am_i(node: &Node, request: Request<v1::WhoAmIRequest>) -> Result<v1::WhoAmIResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (mut scope, mut principal) = (Vec::new(), visitor.standing().map(|standing| standing.principal.clone()));
    if !message.network.is_empty() {
        let (network, caller) = enter(node, &visitor, &message.network)?;
        scope = scope_digest(&caller.principal, &network.incarnation()).to_vec();
        principal = Some(caller.principal);
    }
    let answer = v1::WhoAmIResponse {
        credential: Some(credential(&visitor)),
        reach: Some(reach(node, &visitor)),
        expires_at: visitor.expires_at().map(Timestamp::to_proto),
        scope_digest: scope,
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        server_time: Some(node.now().to_proto()),
        ..v1::WhoAmIResponse::default()
    };
    let Some(Principal { id, role, person, organisation, .. }) = principal else { return Ok(answer) };
    Ok(v1::WhoAmIResponse {
        principal: id.to_string(),
        role: role.to_proto().into(),
        person: convert::text_or_empty(person.as_ref()),
        organisation: convert::text_or_empty(organisation.as_ref()),
        ..answer
    })
}

/// What the visitor showed.
fn credential(visitor: &Visitor) -> v1::Credential {
    let token = visitor.standing().and_then(|standing| standing.principal.credential.token());
    let kind = match token {
        Some(_) => v1::CredentialKind::Token,
        None => v1::CredentialKind::Certificate,
    };
    v1::Credential {
        kind: kind.into(),
        id: token.map_or_else(|| visitor.certificate().join(" "), ToString::to_string),
        session_ends_at: visitor.session_end().map(Timestamp::to_proto),
    }
}

/// The networks that the visitor may enter.
fn reach(node: &Node, visitor: &Visitor) -> v1::Reach {
    match visitor.standing().map(|standing| &standing.principal.reach) {
        Some(Reach::Server) => v1::Reach { server: true, networks: Vec::new() },
        Some(Reach::Network(name)) => v1::Reach { server: false, networks: vec![name.to_string()] },
        None => {
            let networks = node.log().networks();
            let entered = networks.iter().filter(|network| visitor.in_network(network).is_some());
            v1::Reach { server: false, networks: entered.map(|network| network.name().to_string()).collect() }
        }
    }
}

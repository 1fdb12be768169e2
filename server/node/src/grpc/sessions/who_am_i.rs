//! `WhoAmI`: what the caller's token makes of it, in a network if it names one.

use crate::{
    door::authenticator::Visitor,
    grpc::{Call, Failure, convert, enter},
    node::Node,
};
use kith_core::{
    may::{Credential, Principal, Reach, scope_digest},
    timestamp::Timestamp,
};
use kith_log::Standing;
use kith_proto::v1::{self, ErrorReason};
use tonic::Request;

pub(super) fn who_am_i(node: &Node, request: Request<v1::WhoAmIRequest>) -> Result<v1::WhoAmIResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let scope_digest = match &*message.network {
        "" => Vec::new(),
        name => {
            let (network, caller) = enter(node, &visitor, name)?;
            scope_digest(&caller.principal, &network.incarnation()).to_vec()
        }
    };
    let Standing { principal, expires_at, .. } = visitor.standing();
    let Principal { id, credential, reach, role, person, organisation } = principal;
    let token = token_id(credential)?;
    Ok(v1::WhoAmIResponse {
        principal: id.to_string(),
        credential: Some(proto(&visitor, token.to_string())),
        role: role.to_proto().into(),
        person: convert::text_or_empty(person.as_ref()),
        organisation: convert::text_or_empty(organisation.as_ref()),
        reach: Some(match reach {
            Reach::Server => v1::Reach { server: true, networks: Vec::new() },
            Reach::Network(name) => v1::Reach { server: false, networks: vec![name.to_string()] },
        }),
        expires_at: expires_at.map(Timestamp::to_proto),
        scope_digest,
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        server_time: Some(node.now().to_proto()),
    })
}

/// The token that authenticated a caller. The program itself makes no calls.
fn token_id(credential: &Credential) -> Result<&kith_core::id::TokenId, Failure> {
    match credential {
        Credential::Token(id) => Ok(id),
        Credential::Program => Err(Failure::new(ErrorReason::TokenInvalid)),
    }
}

fn proto(visitor: &Visitor, id: String) -> v1::Credential {
    let session_ends_at = visitor.session_end().map(Timestamp::to_proto);
    v1::Credential { kind: v1::CredentialKind::Token.into(), id, session_ends_at }
}

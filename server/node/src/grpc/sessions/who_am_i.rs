//! `WhoAmI`: what the caller's token makes of it, in a network if it names one.

use crate::{
    door::authenticator::Caller,
    grpc::{Call, Failure, convert, enter},
    node::Node,
};
use kith_core::{
    may::{Credential, Principal, Reach, scope_digest},
    timestamp::Timestamp,
};
use kith_proto::v1::{self, ErrorReason};
use tonic::Request;

pub(super) fn who_am_i(node: &Node, request: Request<v1::WhoAmIRequest>) -> Result<v1::WhoAmIResponse, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let scope_digest = match &*message.network {
        "" => Vec::new(),
        name => scope_digest(&caller.principal, &enter(node, &caller, name)?.incarnation()).to_vec(),
    };
    let Principal { id, credential, reach, role, person, organisation } = &caller.principal;
    let token = token_id(credential)?;
    let standing = node.log().standing(reach, token, node.now());
    Ok(v1::WhoAmIResponse {
        principal: id.to_string(),
        credential: Some(proto(&caller, token.to_string())),
        role: role.to_proto().into(),
        person: convert::text_or_empty(person.as_ref()),
        organisation: convert::text_or_empty(organisation.as_ref()),
        reach: Some(match reach {
            Reach::Server => v1::Reach { server: true, networks: Vec::new() },
            Reach::Network(name) => v1::Reach { server: false, networks: vec![name.to_string()] },
        }),
        expires_at: standing.and_then(|standing| standing.expires_at).map(Timestamp::to_proto),
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

fn proto(caller: &Caller, id: String) -> v1::Credential {
    let session_ends_at = caller.session_end().map(Timestamp::to_proto);
    v1::Credential { kind: v1::CredentialKind::Token.into(), id, session_ends_at }
}

//! `Join`: an invitation makes its person a member, once. It is the credential, so that this call needs no token.

use super::member;
use crate::{
    door::peers::Peer,
    grpc::{Failure, convert, limited::too_many_failed_logins},
    limits::JOINED_TOKEN_LIFE,
    node::Node,
};
use kith_core::{id::NetworkName, timestamp::Timestamp};
use kith_log::JoinError;
use kith_proto::v1::{self, ErrorReason};
use tonic::Request;

pub(super) async fn join(node: &Node, request: Request<v1::JoinRequest>) -> Result<v1::JoinResponse, Failure> {
    let peer = request.extensions().get::<Peer>().cloned();
    let message = request.into_inner();
    // An unknown network is told from a wrong invitation by nobody.
    let network = message.network.parse::<NetworkName>().ok().and_then(|name| node.log().network(&name));
    let expires_at = node.production().then(|| node.now().plus(JOINED_TOKEN_LIFE));
    let joined = match network {
        Some(network) => network.join(&message.invitation, expires_at).await,
        None => Err(JoinError::InvitationInvalid),
    };
    match joined {
        Ok(joined) => {
            if let Some(peer) = peer {
                peer.log_in();
            }
            Ok(v1::JoinResponse {
                member: Some(member(&joined.id, &joined.member)),
                token: joined.token.to_string(),
                secret: joined.secret,
                expires_at: expires_at.map(Timestamp::to_proto),
            })
        }
        Err(error @ JoinError::InvitationInvalid) => Err(match peer.and_then(|peer| peer.fail()) {
            Some(wait) => too_many_failed_logins(wait),
            None => Failure::because(ErrorReason::TokenInvalid, error),
        }),
        Err(JoinError::Append(error)) => Err(convert::administration(error)),
    }
}

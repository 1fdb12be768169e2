//! `RevokeToken`: revokes a token at once, on open streams too. An organisation's owner revokes that organisation's.

use crate::{
    grpc::{Call, Failure, convert, enter},
    node::Node,
};
use kith_core::{
    id::TokenId,
    may::{Action, may},
};
use kith_log::WebhookKey;
use kith_proto::v1::{self, ErrorReason};
use tonic::Request;

pub(super) async fn revoke_token(
    node: &Node,
    request: Request<v1::RevokeTokenRequest>,
) -> Result<v1::RevokeTokenResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let id = TokenId::parse_field(&message.token, "token").map_err(|invalid| convert::request_invalid(&invalid))?;
    if !may(&caller.principal, &Action::AdministerTokens) {
        // Whoever is no owner knows of their own feeds alone.
        if !id.is_feed() {
            return Err(Failure::new(ErrorReason::PermissionDenied));
        }
        if !network.feeds_of(&caller.principal).iter().any(|feed| feed.id == id) {
            return Err(Failure::because(ErrorReason::TokenUnknown, format_args!("there is no token {id}")));
        }
    }
    let is_networks = network.tokens(&caller.principal).iter().any(|token| token.id == id);
    if !is_networks && may(&caller.principal, &Action::AdministerServer) {
        node.log().revoke_server_token(&caller.principal, &id).await?;
        tracing::info!(token = %id, "server token revoked");
        return Ok(v1::RevokeTokenResponse { position: 0 });
    }
    let position = network.revoke_token(&caller.principal, &id).await?;
    if id.is_webhook() {
        node.webhooks().remove(&WebhookKey { network: network.name().clone(), id }).await?;
    }
    Ok(v1::RevokeTokenResponse { position: position.get() })
}

//! `ListTokens`: a network's tokens, oldest first, without their secrets; also the server's tokens for whoever
//! administers it. An organisation's owner sees that organisation's tokens.

use crate::{
    grpc::{Call, Failure, convert, enter, page::Page},
    node::Node,
};
use kith_core::may::{Action, may};
use kith_proto::v1::{self, ErrorReason};
use tonic::Request;

pub(super) fn list_tokens(
    node: &Node,
    request: Request<v1::ListTokensRequest>,
) -> Result<v1::ListTokensResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let principal = &caller.principal;
    let is_owner = may(principal, &Action::AdministerTokens);
    if !is_owner && (!message.feeds || principal.person.is_none()) {
        return Err(Failure::new(ErrorReason::PermissionDenied));
    }
    let page = Page::begin(message.page_size, &message.page_token)?;
    let mut tokens = if is_owner { network.tokens(principal) } else { network.feeds_of(principal) };
    tokens.retain(|token| !message.feeds || token.id.is_feed());
    let mut tokens: Vec<_> = tokens.iter().map(convert::token).collect();
    if !message.feeds && may(principal, &Action::AdministerServer) {
        let of_server = node.log().server_tokens();
        tokens.extend(of_server.iter().map(|token| v1::Token { server: true, ..convert::token(token) }));
    }
    let (tokens, next_page_token) = page.fill(tokens.into_iter().map(Ok::<_, Failure>))?.finish();
    Ok(v1::ListTokensResponse { tokens, next_page_token })
}

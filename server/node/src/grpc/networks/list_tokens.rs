//! `ListTokens`: a network's tokens, oldest first, without their secrets; also the server's tokens for whoever
//! administers it. An organisation's owner sees that organisation's tokens.

use crate::{
    grpc::{Call, Failure, allow, convert, enter, page::Page},
    node::Node,
};
use kith_core::may::{Action, may};
use kith_proto::v1;
use tonic::Request;

pub(super) fn list_tokens(
    node: &Node,
    request: Request<v1::ListTokensRequest>,
) -> Result<v1::ListTokensResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    allow(&caller, &Action::AdministerTokens)?;
    let page = Page::begin(message.page_size, &message.page_token)?;
    let mut tokens: Vec<_> = network.tokens(&caller.principal).iter().map(convert::token).collect();
    if may(&caller.principal, &Action::AdministerServer) {
        let of_server = node.log().server_tokens();
        tokens.extend(of_server.iter().map(|token| v1::Token { server: true, ..convert::token(token) }));
    }
    let (tokens, next_page_token) = page.fill(tokens.into_iter().map(Ok::<_, Failure>))?.finish();
    Ok(v1::ListTokensResponse { tokens, next_page_token })
}

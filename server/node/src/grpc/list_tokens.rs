//! `ListTokens`: a network's tokens, oldest first, without their secrets.

use super::{Call, Failure, allow, convert, enter};
use crate::node::Node;
use kith_core::may::Action;
use kith_proto::v1;
use tonic::Request;

pub(super) fn list_tokens(
    node: &Node,
    request: Request<v1::ListTokensRequest>,
) -> Result<v1::ListTokensResponse, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let network = enter(node, &caller, &message.network)?;
    allow(&caller, &Action::AdministerTokens)?;
    Ok(v1::ListTokensResponse { tokens: network.tokens().iter().map(convert::token).collect() })
}

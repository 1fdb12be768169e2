//! `RemoveWebhook`: ends a webhook with its token, and forgets it.

use super::own;
use crate::{
    grpc::{Call, Failure, enter},
    node::Node,
};
use kith_proto::v1;
use tonic::Request;

pub(super) async fn remove_webhook(
    node: &Node,
    request: Request<v1::RemoveWebhookRequest>,
) -> Result<v1::RemoveWebhookResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let own = own(node, enter(node, &visitor, &message.network)?, &message.webhook)?;
    let position = own.network.revoke_token(&own.caller.principal, &own.key.id).await?;
    node.webhooks().remove(&own.key).await?;
    Ok(v1::RemoveWebhookResponse { position: position.get() })
}

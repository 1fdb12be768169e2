//! `ListWebhooks`: the webhooks that the caller keeps, and how far they are.

use super::{describe, keeps, own};
use crate::{
    grpc::{Call, Failure, enter},
    node::Node,
};
use kith_log::blocking;
use kith_proto::v1;
use tonic::Request;

pub(super) async fn list_webhooks(
    node: &Node,
    request: Request<v1::ListWebhooksRequest>,
) -> Result<v1::ListWebhooksResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let entered = enter(node, &visitor, &message.network)?;
    keeps(&entered.1)?;
    let mut webhooks = Vec::new();
    for (key, slot) in node.webhooks().of_network(entered.0.name()) {
        let Ok(own) = own(node, entered.clone(), key.id.as_str()) else { continue };
        let file = node.webhooks().file();
        let Some(webhook) = blocking(move || file.find(&key)).await? else { continue };
        webhooks.push(describe(node, &own, &webhook, &slot).await?);
    }
    Ok(v1::ListWebhooksResponse { webhooks })
}

//! `AddWebhook`: begins to send what is recorded from now on.

use super::{Own, describe, keeps};
use crate::{
    grpc::{Call, Failure, convert, enter},
    limits::{WEBHOOK_NAME_CHARACTERS_MAX, WEBHOOKS_MAX},
    node::Node,
    webhooks::{secrets::Secrets, url::Url},
};
use kith_core::filter::Filter;
use kith_log::{StoredWebhook, WebhookKey, WebhookState};
use kith_proto::v1::{self, ErrorReason};
use tonic::Request;

pub(super) async fn add_webhook(
    node: &Node,
    request: Request<v1::AddWebhookRequest>,
) -> Result<v1::AddWebhookResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let organisation = keeps(&caller)?.cloned();
    let name = read_name(message.name)?;
    let filter = Filter::from_proto(&message.filter.unwrap_or_default());
    let filter = filter.map_err(|invalid| convert::request_invalid(&invalid))?;
    let url = Url::parse(&message.url).map_err(|error| Failure::request("url", error))?;
    check_destination(node, &url).await?;
    if node.webhooks().is_full() {
        let text = format_args!("this server has {WEBHOOKS_MAX} webhooks, which is the most that it keeps");
        return Err(Failure::because(ErrorReason::LimitExceeded, text).with("limit", "webhooks_max"));
    }
    let issued = network.issue_webhook(&caller.principal, organisation.clone()).await;
    let (token, position) = issued.map_err(convert::administration)?;
    let secrets = Secrets::new(url);
    let webhook = StoredWebhook {
        name,
        sealed: secrets.seal(&network, &token.id),
        filter,
        with_words: message.with_words,
        added_at: token.issued_at,
        state: WebhookState::Running,
    };
    let key = WebhookKey { network: network.name().clone(), id: token.id };
    let begins = (network.incarnation(), position);
    let slot = node.webhooks().add(key.clone(), webhook.clone(), secrets.url.host(), begins).await?;
    let own = Own { network, caller, key, organisation };
    Ok(v1::AddWebhookResponse {
        webhook: Some(describe(node, &own, &webhook, &slot).await?),
        secret: secrets.shown(),
        position: position.get(),
    })
}

fn read_name(name: String) -> Result<String, Failure> {
    let length = name.chars().count();
    if length == 0 || length > WEBHOOK_NAME_CHARACTERS_MAX || name.chars().any(char::is_control) {
        let text =
            format_args!("must have 1 to {WEBHOOK_NAME_CHARACTERS_MAX} characters, none of them a control character");
        return Err(Failure::request("name", text));
    }
    Ok(name)
}

/// Refuses an address that leads where webhooks do not send, as far as that is known now: it is asked at each delivery.
async fn check_destination(node: &Node, url: &Url) -> Result<(), Failure> {
    let sender = node.webhooks().sender();
    if !url.is_secure() && !sender.has_plain() {
        return Err(Failure::request("url", "must begin with https://"));
    }
    if sender.is_refused(url).await {
        let text = "leads to an address that is not public: the operator can open networks (webhooks.allow_networks)";
        return Err(Failure::request("url", text));
    }
    Ok(())
}

//! `WebhookService`: where the server sends events of itself.

mod add_webhook;
mod change_webhook;
mod list_dead_letters;
mod list_webhooks;
mod redeliver;
mod remove_webhook;

use super::{Answer, Failure, Services, convert};
use crate::{
    door::authenticator::Caller,
    node::Node,
    webhooks::{Slot, secrets::Secrets},
};
use kith_core::{
    id::{OrganisationId, TokenId},
    may::{Action, may},
};
use kith_log::{Network, StoredWebhook, WebhookKey, WebhookResult, WebhookState, WebhookStop, WebhookTries, blocking};
use kith_proto::v1::{self, ErrorReason, webhook_service_server::WebhookService};
use tonic::Request;

#[tonic::async_trait]
impl WebhookService for Services {
    async fn add_webhook(&self, request: Request<v1::AddWebhookRequest>) -> Answer<v1::AddWebhookResponse> {
        self.answer_recorded(add_webhook::add_webhook(&self.node, request).await)
    }

    async fn list_webhooks(&self, request: Request<v1::ListWebhooksRequest>) -> Answer<v1::ListWebhooksResponse> {
        self.answer(list_webhooks::list_webhooks(&self.node, request).await)
    }

    async fn change_webhook(&self, request: Request<v1::ChangeWebhookRequest>) -> Answer<v1::ChangeWebhookResponse> {
        self.answer_recorded(change_webhook::change_webhook(&self.node, request).await)
    }

    async fn remove_webhook(&self, request: Request<v1::RemoveWebhookRequest>) -> Answer<v1::RemoveWebhookResponse> {
        self.answer_recorded(remove_webhook::remove_webhook(&self.node, request).await)
    }

    async fn list_dead_letters(
        &self,
        request: Request<v1::ListDeadLettersRequest>,
    ) -> Answer<v1::ListDeadLettersResponse> {
        self.answer(list_dead_letters::list_dead_letters(&self.node, request).await)
    }

    async fn redeliver(&self, request: Request<v1::RedeliverRequest>) -> Answer<v1::RedeliverResponse> {
        self.answer_recorded(redeliver::redeliver(&self.node, request).await)
    }
}

/// A webhook that the caller keeps.
struct Own {
    network: Network,
    caller: Caller,
    key: WebhookKey,
    /// The organisation that it belongs to, which is the caller's.
    organisation: Option<OrganisationId>,
}

/// Refuses callers who keep no webhooks; returns the organisation whose webhooks the caller keeps.
fn keeps(caller: &Caller) -> Result<Option<&OrganisationId>, Failure> {
    let organisation = caller.principal.organisation.as_ref();
    super::allow(caller, &Action::KeepWebhookOf(organisation))?;
    Ok(organisation)
}

/// The webhook of this id, if the caller keeps it. Others are as unknown as one that does not exist.
fn own(node: &Node, (network, caller): (Network, Caller), id: &str) -> Result<Own, Failure> {
    keeps(&caller)?;
    let id = TokenId::parse_field(id, "webhook").map_err(|invalid| convert::request_invalid(&invalid))?;
    let unknown =
        || Failure::because(ErrorReason::TokenUnknown, format_args!("there is no webhook {id}")).at("webhook");
    let principal = network.webhook(&id).ok_or_else(unknown)?;
    let key = WebhookKey { network: network.name().clone(), id: id.clone() };
    let is_own = may(&caller.principal, &Action::KeepWebhookOf(principal.organisation.as_ref()));
    if !is_own || node.webhooks().slot(&key).is_none() {
        return Err(unknown());
    }
    Ok(Own { network, caller, key, organisation: principal.organisation })
}

/// A webhook as a message.
async fn describe(
    node: &Node,
    Own { network, key, organisation, .. }: &Own,
    webhook: &StoredWebhook,
    slot: &Slot,
) -> Result<v1::Webhook, Failure> {
    let (file, of) = (node.webhooks().file(), key.clone());
    let letters = blocking(move || file.letter_count(&of)).await? + slot.letters.len();
    let (now, secrets) = (node.now(), Secrets::open(network, &key.id, &webhook.sealed));
    let Slot { state, cursor, .. } = slot;
    let WebhookTries { down, refused } = cursor.tries;
    let waits = *state == WebhookState::Running && cursor.due_at > now;
    let (last_result, last_status) = cursor.last.map(|(result, _)| last(result)).unwrap_or_default();
    Ok(v1::Webhook {
        id: key.id.to_string(),
        name: webhook.name.clone(),
        url: secrets.as_ref().map(|secrets| secrets.url.text()).unwrap_or_default(),
        organisation: convert::text_or_empty(organisation.as_ref()),
        filter: Some(webhook.filter.to_proto()),
        with_words: webhook.with_words,
        added_at: Some(webhook.added_at.to_proto()),
        state: describe_state(*state).into(),
        position: cursor.position.get(),
        lag: network.head().get().saturating_sub(cursor.position.get()),
        failed_tries: down + refused,
        next_try_at: waits.then(|| cursor.due_at.to_proto()),
        last_result: last_result.into(),
        last_status,
        last_try_at: cursor.last.map(|(_, at)| at.to_proto()),
        dead_letters: u32::try_from(letters).unwrap_or(u32::MAX),
        former_secret_until: secrets.and_then(|secrets| Some(secrets.former_until(now)?.to_proto())),
    })
}

fn describe_state(state: WebhookState) -> v1::WebhookState {
    match state {
        WebhookState::Running => v1::WebhookState::Running,
        WebhookState::Paused => v1::WebhookState::Paused,
        WebhookState::Stopped(WebhookStop::Down) => v1::WebhookState::StoppedDown,
        WebhookState::Stopped(WebhookStop::Gone) => v1::WebhookState::StoppedGone,
        WebhookState::Stopped(WebhookStop::History) => v1::WebhookState::StoppedHistory,
        WebhookState::Stopped(WebhookStop::Sealed) => v1::WebhookState::StoppedSealed,
    }
}

fn last(result: WebhookResult) -> (v1::DeliveryResult, u32) {
    match result {
        WebhookResult::Delivered(status) => (v1::DeliveryResult::Delivered, status.into()),
        WebhookResult::Refused(status) => (v1::DeliveryResult::Refused, status.into()),
        WebhookResult::Down(status) => (v1::DeliveryResult::Down, status.into()),
        WebhookResult::Gone => (v1::DeliveryResult::Gone, 410),
        WebhookResult::Unreachable => (v1::DeliveryResult::Unreachable, 0),
        WebhookResult::TimedOut => (v1::DeliveryResult::TimedOut, 0),
        WebhookResult::NotAllowed => (v1::DeliveryResult::NotAllowed, 0),
        WebhookResult::TooLarge => (v1::DeliveryResult::TooLarge, 0),
    }
}

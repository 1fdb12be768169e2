//! Webhooks: where the server sends events of itself. All of this needs an owner.

use crate::{client::Client, error::Error, options::Secret, retry::Repeat};
use kith_core::{filter::Filter, id::TokenId, position::Position};
use kith_proto::v1::{self, change_webhook_request::Change};

/// A webhook to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// Where to send.
    pub url: String,
    /// What to call it.
    pub name: String,
    /// What to send.
    pub filter: Filter,
    /// Whether to send personal words.
    pub with_words: bool,
}

/// A webhook that was just added.
#[derive(Debug, Clone)]
pub struct AddedWebhook {
    /// The webhook.
    pub webhook: v1::Webhook,
    /// What its requests are signed with; it is never shown again.
    pub secret: Secret,
    /// The first event sent is behind it.
    pub position: Position,
}

impl Client {
    /// Adds a webhook, which sends what is recorded from now on.
    pub async fn add_webhook(&self, webhook: &NewWebhook) -> Result<AddedWebhook, Error> {
        let request = v1::AddWebhookRequest {
            network: self.network_name(),
            url: webhook.url.clone(),
            name: webhook.name.clone(),
            filter: Some(webhook.filter.to_proto()),
            with_words: webhook.with_words,
        };
        let webhooks = self.webhooks();
        let send = |request| {
            let mut webhooks = webhooks.clone();
            async move { webhooks.add_webhook(request).await }
        };
        let response = self.call(Repeat::Unsafe, request, send).await?;
        Ok(AddedWebhook {
            webhook: response.webhook.ok_or_else(|| Error::answer("it has no webhook"))?,
            secret: response.secret.into(),
            position: Position::new(response.position),
        })
    }

    /// The webhooks of the caller's organisation, or of none if the caller has none, by id.
    pub async fn list_webhooks(&self) -> Result<Vec<v1::Webhook>, Error> {
        let webhooks = self.webhooks();
        let send = |request| {
            let mut webhooks = webhooks.clone();
            async move { webhooks.list_webhooks(request).await }
        };
        let request = v1::ListWebhooksRequest { network: self.network_name() };
        Ok(self.call(Repeat::Safe, request, send).await?.webhooks)
    }

    /// Has a webhook send nothing until it is resumed.
    pub async fn pause_webhook(&self, id: &TokenId) -> Result<v1::Webhook, Error> {
        Ok(self.change_webhook(Repeat::Safe, id, Change::Pause(v1::PauseWebhook {})).await?.0)
    }

    /// Has a webhook send again, from a position on if one is given.
    pub async fn resume_webhook(&self, id: &TokenId, from: Option<Position>) -> Result<v1::Webhook, Error> {
        let resume = v1::ResumeWebhook { from: from.map(Position::get) };
        Ok(self.change_webhook(Repeat::Safe, id, Change::Resume(resume)).await?.0)
    }

    /// Gives a webhook a new secret; the one before signs for another 24 hours as well.
    pub async fn rotate_webhook(&self, id: &TokenId) -> Result<(v1::Webhook, Secret), Error> {
        self.change_webhook(Repeat::Unsafe, id, Change::Rotate(v1::RotateWebhook {})).await
    }

    async fn change_webhook(
        &self,
        repeat: Repeat,
        id: &TokenId,
        change: Change,
    ) -> Result<(v1::Webhook, Secret), Error> {
        let (network, webhook) = (self.network_name(), id.to_string());
        let request = v1::ChangeWebhookRequest { network, webhook, change: Some(change) };
        let webhooks = self.webhooks();
        let send = |request| {
            let mut webhooks = webhooks.clone();
            async move { webhooks.change_webhook(request).await }
        };
        let response = self.call(repeat, request, send).await?;
        let webhook = response.webhook.ok_or_else(|| Error::answer("it has no webhook"))?;
        Ok((webhook, response.secret.into()))
    }

    /// Ends a webhook; returns the position of the entry that records it.
    pub async fn remove_webhook(&self, id: &TokenId) -> Result<Position, Error> {
        let request = v1::RemoveWebhookRequest { network: self.network_name(), webhook: id.to_string() };
        let webhooks = self.webhooks();
        let send = |request| {
            let mut webhooks = webhooks.clone();
            async move { webhooks.remove_webhook(request).await }
        };
        Ok(Position::new(self.call(Repeat::Unsafe, request, send).await?.position))
    }

    /// The events that a webhook's receiver refused, by position.
    pub async fn list_dead_letters(&self, id: &TokenId) -> Result<Vec<v1::DeadLetter>, Error> {
        let webhooks = self.webhooks();
        let send = |request| {
            let mut webhooks = webhooks.clone();
            async move { webhooks.list_dead_letters(request).await }
        };
        let (network, webhook) = (self.network_name(), id.to_string());
        let mut request = v1::ListDeadLettersRequest { network, webhook, ..Default::default() };
        let mut listed = Vec::new();
        loop {
            let page = self.call(Repeat::Safe, request.clone(), send).await?;
            listed.extend(page.dead_letters);
            if page.next_page_token.is_empty() {
                return Ok(listed);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Has dead letters sent again, those at these positions or all of them; returns how many.
    pub async fn redeliver(&self, id: &TokenId, positions: &[Position]) -> Result<u32, Error> {
        let positions = positions.iter().map(|position| position.get()).collect();
        let request = v1::RedeliverRequest { network: self.network_name(), webhook: id.to_string(), positions };
        let webhooks = self.webhooks();
        let send = |request| {
            let mut webhooks = webhooks.clone();
            async move { webhooks.redeliver(request).await }
        };
        Ok(self.call(Repeat::Safe, request, send).await?.count)
    }
}

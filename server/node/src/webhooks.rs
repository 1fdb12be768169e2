//! Webhooks: where the server sends events of itself, and how far each receiver has them.
//!
//! In memory is how far each webhook is and when it may send; addresses and secrets are in a file beside the log, sealed.
//! A turn sends for one webhook (`crate::delivery`), and no webhook has a task or a thread of its own, so idle ones cost
//! nothing.
//!
//! Invariant: a webhook has one turn at a time, so that it sends in order, and its cursor never passes an event that was
//! neither delivered nor given up.

pub(crate) mod destinations;
pub(crate) mod request;
pub(crate) mod retries;
pub(crate) mod secrets;
mod turns;
pub(crate) mod url;

pub(crate) use turns::{Place, Slot};

use crate::{
    clock::Clock,
    limits::WEBHOOKS_MAX,
    webhooks::{
        destinations::{AddressRange, Destinations},
        request::Sender,
        secrets::Secrets,
        turns::{Begun, Turns},
    },
};
use kith_core::{id::NetworkName, position::Position, timestamp::Timestamp};
use kith_log::{
    KeptWebhook, Log, ReadError, StoredWebhook, WebhookCursor, WebhookFile, WebhookKey, WebhookResult, WebhookState,
    WebhookTries, blocking,
};
use serde::{Deserialize, Serialize};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::Notify;

/// Settings of webhooks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Ranges of addresses that are not public and to which webhooks may send nevertheless, over plain HTTP too.
    pub allow_networks: Vec<String>,
}

impl Config {
    /// One line for each entry that is not a range of addresses.
    pub fn problems(&self) -> Vec<String> {
        let wrong = self.allow_networks.iter().filter(|text| text.parse::<AddressRange>().is_err());
        let problem =
            |text| format!("webhooks.allow_networks: {text:?} is not a range of addresses such as \"10.20.0.0/16\"");
        wrong.map(problem).collect()
    }
}

/// The results that are counted, as metrics name them.
pub(crate) const RESULTS: [&str; 8] =
    ["delivered", "refused", "down", "gone", "unreachable", "timed_out", "not_allowed", "too_large"];

/// The webhooks of a server. Clones are handles to the same ones.
#[derive(Clone)]
pub(crate) struct Webhooks(Arc<Shared>);

struct Shared {
    file: Arc<WebhookFile>,
    turns: Mutex<Turns>,
    /// Held by whoever changes what is stored of a webhook.
    changing: tokio::sync::Mutex<()>,
    /// Told when a turn ends, or a webhook may have something to send.
    stirred: Notify,
    sender: Sender,
    clock: Clock,
    counts: [AtomicU64; RESULTS.len()],
}

impl Webhooks {
    /// The webhooks in a file. Those whose token has ended are forgotten.
    pub(crate) async fn open(file: WebhookFile, log: &Log, config: &Config, clock: Clock) -> Result<Self, ReadError> {
        let ranges = config.allow_networks.iter().map(|text| text.parse());
        let ranges = ranges.map(|range| range.expect("ranges were checked with the settings")).collect();
        let shared = Shared {
            file: Arc::new(file),
            turns: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            stirred: Notify::new(),
            sender: Sender::new(Destinations::new(ranges), clock.clone()),
            clock,
            counts: Default::default(),
        };
        let (webhooks, log) = (Self(Arc::new(shared)), log.clone());
        let loading = webhooks.clone();
        blocking(move || loading.load(&log)).await?;
        Ok(webhooks)
    }

    fn load(&self, log: &Log) -> Result<(), ReadError> {
        for KeptWebhook { key, webhook, cursor, redelivers } in self.0.file.load()? {
            let network = log.network(&key.network);
            // A log that is not the right one says nothing about tokens.
            let is_over =
                log.rollback().is_none() && network.as_ref().is_none_or(|network| network.webhook(&key.id).is_none());
            if is_over {
                self.0.file.remove(&key)?;
                continue;
            }
            let opened = network.and_then(|network| Secrets::open(&network, &key.id, &webhook.sealed));
            let host = opened.map(|secrets| secrets.url.host().into()).unwrap_or_default();
            self.turns().put(key, Slot::new(host, webhook.state, cursor, redelivers));
        }
        Ok(())
    }

    /// The file.
    pub(crate) fn file(&self) -> Arc<WebhookFile> {
        Arc::clone(&self.0.file)
    }

    /// What sends.
    pub(crate) fn sender(&self) -> &Sender {
        &self.0.sender
    }

    /// How many webhooks there are.
    pub(crate) fn is_full(&self) -> bool {
        self.turns().count() >= WEBHOOKS_MAX
    }

    /// Adds a webhook that sends what is recorded after a position.
    pub(crate) async fn add(
        &self,
        key: WebhookKey,
        webhook: StoredWebhook,
        host: &str,
        begins: ([u8; 16], Position),
    ) -> Result<Slot, ReadError> {
        let (incarnation, position) = begins;
        let due_at = webhook.added_at;
        let cursor = WebhookCursor { incarnation, position, tries: WebhookTries::default(), due_at, last: None };
        let (file, at) = (self.file(), key.clone());
        let slot = Slot::new(host.into(), webhook.state, cursor, false);
        blocking(move || file.put(&at, &webhook, &cursor)).await?;
        self.turns().put(key, slot.clone());
        Ok(slot)
    }

    /// Where a webhook is; `None` if there is no such webhook.
    pub(crate) fn slot(&self, key: &WebhookKey) -> Option<Slot> {
        self.turns().slot(key).cloned()
    }

    /// The webhooks of a network.
    pub(crate) fn of_network(&self, network: &NetworkName) -> Vec<(WebhookKey, Slot)> {
        self.turns().of_network(network)
    }

    /// All webhooks.
    pub(crate) fn all(&self) -> Vec<(WebhookKey, Slot)> {
        self.turns().all()
    }

    /// How often each of [`RESULTS`] was the result of a try since the server started.
    pub(crate) fn counts(&self) -> [u64; RESULTS.len()] {
        self.0.counts.each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    /// Changes a webhook, as stored and in memory. What it is sending is broken off, and sent again.
    pub(crate) async fn change(
        &self,
        key: &WebhookKey,
        change: impl FnOnce(&mut StoredWebhook, &mut WebhookCursor),
    ) -> Result<Option<(StoredWebhook, Slot)>, ReadError> {
        let _changing = self.0.changing.lock().await;
        let (file, at) = (self.file(), key.clone());
        let Some(mut webhook) = blocking(move || file.find(&at)).await? else { return Ok(None) };
        let slot = {
            let mut turns = self.turns();
            let Some(slot) = turns.slot_mut(key) else { return Ok(None) };
            slot.break_off();
            webhook.state = slot.state;
            change(&mut webhook, &mut slot.cursor);
            slot.state = webhook.state;
            slot.clone()
        };
        let (file, at, stored, cursor) = (self.file(), key.clone(), webhook.clone(), slot.cursor);
        blocking(move || file.put(&at, &stored, &cursor)).await?;
        self.stir(key);
        Ok(Some((webhook, slot)))
    }

    /// Forgets a webhook with its address, secrets and dead letters.
    pub(crate) async fn remove(&self, key: &WebhookKey) -> Result<(), ReadError> {
        let _changing = self.0.changing.lock().await;
        self.turns().remove(key);
        let (file, key) = (self.file(), key.clone());
        blocking(move || file.remove(&key)).await
    }

    /// Says that dead letters of a webhook are to be sent again, or that there are none left.
    pub(crate) fn set_redelivers(&self, key: &WebhookKey, redelivers: bool) {
        if let Some(slot) = self.turns().slot_mut(key) {
            slot.redelivers = redelivers;
        }
        self.stir(key);
    }

    /// Says that a webhook may have something to send.
    fn stir(&self, key: &WebhookKey) {
        self.turns().stir(key);
        self.0.stirred.notify_one();
    }

    /// Waits until a turn has ended or a webhook was changed.
    pub(crate) async fn stirred(&self) {
        self.0.stirred.notified().await;
    }

    /// Lines up the webhooks that have something to send.
    pub(crate) fn line_up(&self, log: &Log) {
        self.turns().line_up(self.now(), |network| head(log, network));
    }

    /// The same of those alone whose turn has ended, or that were changed.
    pub(crate) fn line_up_stirred(&self, log: &Log) {
        self.turns().line_up_stirred(self.now(), |network| head(log, network));
    }

    /// Gives a turn to the next webhook in line that may have one now.
    pub(crate) fn begin_turn(&self) -> Option<Place> {
        let begun = self.turns().begin()?;
        Some(Place::new(self.clone(), begun))
    }

    fn end_turn(&self, begun: &Begun) {
        self.turns().end(begun);
        self.0.stirred.notify_one();
    }

    /// Notes what a turn has found, unless the webhook was changed meanwhile; returns whether the turn goes on.
    pub(crate) fn note(&self, place: &Place, note: impl FnOnce(&mut Slot)) -> bool {
        let mut turns = self.turns();
        // Whoever changes a webhook breaks its turn off under this lock.
        let Some(slot) = turns.slot_mut(place.key()).filter(|_| !place.is_broken_off()) else { return false };
        note(slot);
        slot.is_changed = true;
        slot.state == WebhookState::Running
    }

    /// Counts the result of a try.
    pub(crate) fn count(&self, result: WebhookResult) {
        let index = match result {
            WebhookResult::Delivered(_) => 0,
            WebhookResult::Refused(_) => 1,
            WebhookResult::Down(_) => 2,
            WebhookResult::Gone => 3,
            WebhookResult::Unreachable => 4,
            WebhookResult::TimedOut => 5,
            WebhookResult::NotAllowed => 6,
            WebhookResult::TooLarge => 7,
        };
        self.0.counts[index].fetch_add(1, Ordering::Relaxed);
    }

    /// Writes how far webhooks have come since this was last called. What could not be written is written the next time.
    pub(crate) async fn write(&self) -> Result<(), ReadError> {
        let _changing = self.0.changing.lock().await;
        let written = self.turns().take_changed();
        if written.is_empty() {
            return Ok(());
        }
        let file = self.file();
        let (written, result) = blocking(move || {
            let result = file.write(&written);
            (written, result)
        })
        .await;
        if result.is_err() {
            self.turns().put_back(written);
        }
        result
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.0.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn head(log: &Log, network: &NetworkName) -> Option<([u8; 16], Position)> {
    let head = log.network(network)?.summary();
    Some((head.incarnation, head.position))
}

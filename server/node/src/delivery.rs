//! Delivers: gives turns to webhooks that have something to send, and writes how far they are.
//!
//! Invariant: what is sent is what `may` lets the webhook's token see when it is sent, and a cursor moves only past what
//! was delivered, given up, or is not for the webhook.

use crate::{
    bounds::{budget::Room, call_rate},
    limits::{
        WEBHOOK_BODY_BYTES_MAX, WEBHOOK_FAILED_WAIT, WEBHOOK_LINE_UP, WEBHOOK_LINE_UP_AGAIN, WEBHOOK_PAUSE,
        WEBHOOK_READ, WEBHOOK_SLOW, WEBHOOK_TURN, WEBHOOK_WRITE,
    },
    node::Node,
    webhooks::{
        Place, Slot,
        request::{Answer, Message, NoAnswer},
        retries,
        secrets::Secrets,
    },
};
use bytes::Bytes;
use kith_core::{detail::Detail, entry::Entry, may::Principal, position::Position, timestamp::Timestamp};
use kith_json::cloud_event_json;
use kith_log::{
    DeadLetter, Direction, Mode, Network, ReadError, Selection, StoredWebhook, WebhookCursor, WebhookResult,
    WebhookState, WebhookStop, WebhookTries, blocking,
};
use std::{
    error::Error,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Why a turn failed by a fault of the server.
type Fault = Box<dyn Error + Send + Sync>;

/// Delivers for as long as the server runs. What is being sent when this is dropped is sent again.
pub(crate) async fn deliver(node: &Node) {
    let webhooks = node.webhooks();
    let mut turns = JoinSet::new();
    let (mut seen, mut lined_up_at, mut written_at) = (None, Instant::now(), Instant::now());
    loop {
        if node.log().rollback().is_none() {
            webhooks.line_up_stirred(node.log());
            // Those that wait for their receiver come due without an entry.
            let (entries, since) = (Some(node.log().measures().entry_count), lined_up_at.elapsed());
            if since >= WEBHOOK_LINE_UP_AGAIN || (seen != entries && since >= WEBHOOK_LINE_UP) {
                (seen, lined_up_at) = (entries, Instant::now());
                webhooks.line_up(node.log());
            }
        }
        while let Some(place) = webhooks.begin_turn() {
            let node = node.clone();
            turns.spawn(async move { take_turn(&node, &place).await });
        }
        while turns.try_join_next().is_some() {}
        if written_at.elapsed() >= WEBHOOK_WRITE {
            write(node).await;
            written_at = Instant::now();
        }
        // Turns that end at about the same time are seen together.
        tokio::time::sleep(WEBHOOK_PAUSE).await;
        // At the latest when entries may have been recorded.
        let _ = tokio::time::timeout(WEBHOOK_LINE_UP, webhooks.stirred()).await;
    }
}

/// Writes how far webhooks are. A failing disk is told of, and tried again.
pub(crate) async fn write(node: &Node) {
    if let Err(error) = node.webhooks().write().await {
        let error = &error as &dyn Error;
        tracing::warn!(error, "how far webhooks are cannot be written, trying again");
    }
}

/// Sends for one webhook until it is level, has to wait, or was busy for long enough.
async fn take_turn(node: &Node, place: &Place) {
    tokio::select! {
        result = send(node, place) => {
            let Err(error) = result else { return };
            let key = place.key();
            tracing::error!(error = &*error as &dyn Error, network = %key.network, webhook = %key.id, "no delivery");
            let due_at = node.now().plus(WEBHOOK_FAILED_WAIT);
            node.webhooks().note(place, |slot| slot.cursor.due_at = due_at);
        }
        () = place.broken_off() => {}
    }
}

async fn send(node: &Node, place: &Place) -> Result<(), Fault> {
    let key = place.key().clone();
    let Some(network) = node.log().network(&key.network) else { return Ok(()) };
    let Some(principal) = network.webhook(&key.id) else {
        tracing::info!(network = %key.network, webhook = %key.id, "a webhook has ended with its token");
        return Ok(node.webhooks().remove(&key).await?);
    };
    let (file, of) = (node.webhooks().file(), key.clone());
    let Some(webhook) = blocking(move || file.find(&of)).await? else { return Ok(()) };
    let Some(secrets) = Secrets::open(&network, &key.id, &webhook.sealed) else {
        stop(node, place, WebhookStop::Sealed);
        return Ok(());
    };
    Turn { node, place, network, principal, webhook, secrets, end: Instant::now() + WEBHOOK_TURN }.run().await
}

fn stop(node: &Node, place: &Place, why: WebhookStop) {
    node.webhooks().note(place, |slot| slot.state = WebhookState::Stopped(why));
    tell(place, why);
}

fn tell(place: &Place, why: WebhookStop) {
    let key = place.key();
    tracing::warn!(network = %key.network, webhook = %key.id, ?why, "a webhook has stopped");
}

/// A turn of a webhook.
struct Turn<'a> {
    node: &'a Node,
    place: &'a Place,
    network: Network,
    principal: Principal,
    webhook: StoredWebhook,
    secrets: Secrets,
    end: Instant,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The receiver has it.
    Delivered,
    /// It is given up: the status with which it was refused.
    GivenUp(u16),
    /// The turn is over: the event is sent later, or not at all.
    Over,
}

impl Turn<'_> {
    async fn run(&self) -> Result<(), Fault> {
        let Some(Slot { cursor, redelivers, .. }) = self.node.webhooks().slot(self.place.key()) else { return Ok(()) };
        if redelivers && !self.redeliver().await? {
            return Ok(());
        }
        if cursor.incarnation != self.network.incarnation() || cursor.position > self.network.head() {
            stop(self.node, self.place, WebhookStop::History);
            return Ok(());
        }
        let mut position = cursor.position;
        while !self.is_over() {
            let selection = Selection {
                principal: self.principal.clone(),
                filter: self.webhook.filter.clone(),
                mode: Mode::Matching,
                after: position,
                until: self.network.head(),
                direction: Direction::Forward,
                budget: WEBHOOK_READ,
            };
            let reading = self.network.clone();
            let selected = self.read(move || reading.select(&selection)).await?;
            for (at, bytes) in selected.entries {
                if self.is_over() || !self.pass(at, self.deliver(at, &bytes).await?) {
                    return Ok(());
                }
            }
            position = selected.next;
            let goes_on = self.node.webhooks().note(self.place, |slot| slot.cursor.position = position);
            if selected.end || !goes_on {
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }

    /// Moves on past an event; returns whether the turn goes on.
    fn pass(&self, position: Position, outcome: Outcome) -> bool {
        let letter = match outcome {
            Outcome::Delivered => None,
            Outcome::GivenUp(status) => Some((position, DeadLetter { status, at: self.node.now() })),
            Outcome::Over => return false,
        };
        self.node.webhooks().note(self.place, |slot| {
            slot.cursor.position = position;
            slot.letters.extend(letter);
        })
    }

    /// Sends dead letters again; returns whether the turn goes on.
    async fn redeliver(&self) -> Result<bool, Fault> {
        let (webhooks, key) = (self.node.webhooks(), self.place.key());
        // Before the file is read, so that whoever adds to it meanwhile is not overlooked.
        webhooks.set_redelivers(key, false);
        while !self.is_over() {
            let (file, of) = (webhooks.file(), key.clone());
            let Some(position) = blocking(move || file.next_redelivery(&of)).await? else { return Ok(true) };
            let (reading, principal) = (self.network.clone(), self.principal.clone());
            let letter = match self.read(move || reading.entry(&principal, position)).await? {
                Some((bytes, _)) => match self.deliver(position, &bytes).await? {
                    Outcome::Delivered => None,
                    Outcome::GivenUp(status) => Some(DeadLetter { status, at: self.node.now() }),
                    Outcome::Over => break,
                },
                // The log has another history now.
                None => None,
            };
            let (file, of) = (webhooks.file(), key.clone());
            blocking(move || file.redelivered(&of, position, letter)).await?;
        }
        webhooks.set_redelivers(key, true);
        Ok(false)
    }

    /// Sends one event.
    async fn deliver(&self, position: Position, bytes: &Bytes) -> Result<Outcome, Fault> {
        let begun = Instant::now();
        let answer = match self.message(position, bytes).await? {
            Some(message) => Some(self.node.webhooks().sender().send(&self.secrets.url, message).await),
            None => None,
        };
        let key = self.place.key();
        if let Some(Err(error)) = &answer {
            tracing::debug!(network = %key.network, webhook = %key.id, %position, %error, "no answer to an event");
        }
        let result = answer.as_ref().map_or(WebhookResult::TooLarge, result_of);
        let asked = answer.and_then(|answer| answer.ok()?.retry_after);
        self.node.webhooks().count(result);
        let (now, is_slow, mut outcome) = (self.node.now(), begun.elapsed() >= WEBHOOK_SLOW, Outcome::Over);
        self.node.webhooks().note(self.place, |slot| {
            slot.is_slow = is_slow;
            let (judged, stops) = judge(&mut slot.cursor, result, asked, now);
            outcome = judged;
            if let Some(why) = stops {
                slot.state = WebhookState::Stopped(why);
                tell(self.place, why);
            }
        });
        Ok(outcome)
    }

    /// The event as it is sent; `None` if it is too large.
    async fn message(&self, position: Position, bytes: &Bytes) -> Result<Option<Message>, Fault> {
        let entry = Entry::decode(bytes)?;
        let event = entry.event()?;
        let (details, _room) = self.details(position, bytes).await?;
        let event_json = cloud_event_json(&self.network.origin(), &entry, &event, &details);
        let body = serde_json::to_vec(&event_json)?;
        if body.len() > WEBHOOK_BODY_BYTES_MAX {
            return Ok(None);
        }
        let (id, now) = (event.id.to_string(), self.node.now());
        let signature = self.secrets.sign(&id, now, &body);
        Ok(Some(Message { id, seconds: now.millis() / 1_000, signature, body: body.into() }))
    }

    /// The words of an entry, if the webhook sends them, with the room that they are held in.
    async fn details(&self, position: Position, bytes: &Bytes) -> Result<(Vec<Detail>, Option<Room>), Fault> {
        if !self.webhook.with_words {
            return Ok((Vec::new(), None));
        }
        let (reading, principal, entry) = (self.network.clone(), self.principal.clone(), [(position, bytes.clone())]);
        let weighed = self.read(move || reading.weigh(&principal, &entry, usize::MAX)).await?;
        if weighed.with_details.is_empty() {
            return Ok((Vec::new(), None));
        }
        let room = self.node.details().hold(&call_rate::key(&self.principal), weighed.details_bytes).await;
        let (reading, principal) = (self.network.clone(), self.principal.clone());
        let found = self.read(move || reading.details(&principal, &weighed.with_details)).await?;
        let details = found.into_iter().flat_map(|(_, details)| details.opened).collect();
        Ok((details, Some(room)))
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.node.reads(&self.principal, &self.network).run(read).await
    }
}

/// What an answer means.
fn result_of(answer: &Result<Answer, NoAnswer>) -> WebhookResult {
    match answer {
        Ok(Answer { status, .. }) => match *status {
            status @ 200..=299 => WebhookResult::Delivered(status),
            410 => WebhookResult::Gone,
            status @ (408 | 425 | 429 | 500..) => WebhookResult::Down(status),
            status => WebhookResult::Refused(status),
        },
        Err(NoAnswer::NotAllowed) => WebhookResult::NotAllowed,
        Err(NoAnswer::Unreachable(_)) => WebhookResult::Unreachable,
        Err(NoAnswer::TimedOut) => WebhookResult::TimedOut,
    }
}

/// What follows from the result of a try, and why the webhook stops, if it does.
fn judge(
    cursor: &mut WebhookCursor,
    result: WebhookResult,
    asked: Option<Duration>,
    now: Timestamp,
) -> (Outcome, Option<WebhookStop>) {
    cursor.last = Some((result, now));
    let WebhookTries { down, refused } = std::mem::take(&mut cursor.tries);
    match result {
        WebhookResult::Delivered(_) => (Outcome::Delivered, None),
        WebhookResult::TooLarge => (Outcome::GivenUp(0), None),
        WebhookResult::Gone => (Outcome::Over, Some(WebhookStop::Gone)),
        WebhookResult::Refused(status) => {
            let refused = refused + 1;
            let Some(wait) = retries::after_refused(refused) else { return (Outcome::GivenUp(status), None) };
            cursor.tries = WebhookTries { down: 0, refused };
            cursor.due_at = now.plus(wait);
            (Outcome::Over, None)
        }
        WebhookResult::Down(_) | WebhookResult::Unreachable | WebhookResult::TimedOut | WebhookResult::NotAllowed => {
            let down = down + 1;
            cursor.tries = WebhookTries { down, refused };
            let Some(wait) = retries::after_down(down, asked) else { return (Outcome::Over, Some(WebhookStop::Down)) };
            cursor.due_at = now.plus(wait);
            (Outcome::Over, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> WebhookCursor {
        let (tries, due_at) = (WebhookTries::default(), Timestamp::from_millis(0));
        WebhookCursor { incarnation: [1; 16], position: Position::new(4), tries, due_at, last: None }
    }

    fn answer(status: u16) -> WebhookResult {
        result_of(&Ok(Answer { status, retry_after: None }))
    }

    #[test]
    fn a_status_says_whether_the_event_or_the_receiver_is_at_fault() {
        for status in [200, 202, 204, 299] {
            assert_eq!(answer(status), WebhookResult::Delivered(status));
        }
        for status in [408, 425, 429, 500, 503, 599] {
            assert_eq!(answer(status), WebhookResult::Down(status));
        }
        for status in [100, 199, 300, 301, 307, 308, 400, 401, 404, 409, 411, 422, 499] {
            assert_eq!(answer(status), WebhookResult::Refused(status));
        }
        assert_eq!(answer(410), WebhookResult::Gone);
    }

    #[test]
    fn a_receiver_that_stays_down_stops_the_webhook_in_the_end_and_nothing_is_given_up() {
        let (mut cursor, now) = (cursor(), Timestamp::from_millis(1_000));
        for tries in 1..=9 {
            assert_eq!(judge(&mut cursor, WebhookResult::Unreachable, None, now), (Outcome::Over, None));
            assert_eq!(cursor.tries, WebhookTries { down: tries, refused: 0 });
            assert!(cursor.due_at > now);
        }
        let stopped = judge(&mut cursor, WebhookResult::TimedOut, None, now);
        assert_eq!(stopped, (Outcome::Over, Some(WebhookStop::Down)));
        assert_eq!(cursor.position, Position::new(4));
    }

    #[test]
    fn an_event_is_given_up_at_the_third_refusal_whatever_was_between() {
        let (mut cursor, now) = (cursor(), Timestamp::from_millis(1_000));
        let mut judged = |result| judge(&mut cursor, result, None, now).0;
        assert_eq!(judged(WebhookResult::Refused(422)), Outcome::Over);
        assert_eq!(judged(WebhookResult::Down(503)), Outcome::Over);
        assert_eq!(judged(WebhookResult::Refused(422)), Outcome::Over);
        assert_eq!(judged(WebhookResult::Refused(400)), Outcome::GivenUp(400));
        assert_eq!(cursor.tries, WebhookTries::default(), "the next one begins anew");
        assert_eq!(cursor.last, Some((WebhookResult::Refused(400), now)));
    }

    #[test]
    fn what_is_delivered_makes_up_for_what_failed() {
        let (mut cursor, now) = (cursor(), Timestamp::from_millis(1_000));
        judge(&mut cursor, WebhookResult::Down(500), Some(Duration::from_mins(1)), now);
        assert_eq!(cursor.due_at, now.plus(Duration::from_mins(1)));
        assert_eq!(judge(&mut cursor, WebhookResult::Delivered(200), None, now), (Outcome::Delivered, None));
        assert_eq!(cursor.tries, WebhookTries::default());
        assert_eq!(judge(&mut cursor, WebhookResult::Gone, None, now), (Outcome::Over, Some(WebhookStop::Gone)));
    }
}

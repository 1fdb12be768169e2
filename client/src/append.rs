//! `Append`: up to 1,000 events, all or nothing.

use crate::{
    append_stream::{Window, outcome},
    builder::NewEvent,
    client::Client,
    error::Error,
    limits::TOGETHER_MESSAGES_MAX,
    options::Retry,
    retry::Repeat,
    together::{Call, Waiting, batches},
};
use futures_util::StreamExt;
use kith_core::{
    condition::Condition,
    decide::{Outcome, check_append_size},
};
use kith_proto::v1;
use tokio::sync::mpsc;

impl Client {
    /// Appends all events or none, if the condition holds. Returns an outcome for each, in order.
    ///
    /// A single event without a condition shares a stream with those that are appended at the same time (see
    /// [`Options::together`](crate::Options::together)).
    ///
    /// Safe to repeat: an event that is already recorded yields [`Outcome::Duplicate`] with its first position.
    pub async fn append(&self, events: &[NewEvent], condition: Option<&Condition>) -> Result<Vec<Outcome>, Error> {
        check_append_size(events.len(), events.iter().map(NewEvent::size_bytes).sum())?;
        let _counted = self.together.as_ref().map(|together| together.count());
        if let ([event], None, Some(together)) = (events, condition, &self.together)
            && let Some(outcome) =
                together.append(event, self.timeouts.call, |calls| append_together(self.clone(), calls)).await
        {
            return Ok(vec![outcome]);
        }
        let request = v1::AppendRequest {
            network: self.network_name(),
            events: events.iter().map(NewEvent::to_proto).collect(),
            condition: condition.map(Condition::to_proto),
        };
        let log = self.log();
        let response = self
            .call(Repeat::Safe, request, |request| {
                let mut log = log.clone();
                async move { log.append(request).await }
            })
            .await?;
        if response.outcomes.len() != events.len() {
            return Err(Error::answer("it does not have one outcome for each event"));
        }
        Ok(response.outcomes.into_iter().map(outcome).collect())
    }
}

/// Appends what calls bring until none has come for a while. Calls that are dropped here without an outcome go on by
/// themselves.
async fn append_together(client: Client, calls: mpsc::Receiver<Call>) {
    let waiting = Waiting::default();
    let batches = Box::pin(batches(calls, waiting.clone()));
    // Where it fails, each call tries again by itself, as often as its client does.
    let mut results = client.with_retry(Retry::NEVER).append_stream(batches, Window(TOGETHER_MESSAGES_MAX));
    while let Some(Ok(results)) = results.next().await {
        for (outcome, result) in waiting.next().into_iter().zip(results) {
            if let Ok(recorded) = result.result {
                // Nobody may be waiting any more.
                let _ = outcome.send(recorded);
            }
        }
    }
}

//! Single events that are appended at the same time share an `AppendStream`: a call each costs the server and the client
//! several times as much.
//!
//! Invariant: whatever the stream does not record is appended by a call of its own, with the same event id. So errors are
//! those of `Append`, and nothing is recorded twice.

use crate::{
    append_stream::Window,
    builder::NewEvent,
    client::Client,
    limits::{TOGETHER_IDLE, TOGETHER_MESSAGES_MAX},
};
use futures_util::{Stream, StreamExt};
use kith_core::{
    decide::Outcome,
    limits::{APPEND_BYTES_MAX, APPEND_EVENTS_MAX},
};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::{mpsc, oneshot};

/// The stream that calls share, while there are several at a time.
#[derive(Debug, Default)]
pub(crate) struct Together {
    /// Calls that have not been answered.
    calls: AtomicUsize,
    stream: Mutex<Option<mpsc::Sender<Call>>>,
}

/// An event that waits for its outcome.
#[derive(Debug)]
struct Call {
    event: NewEvent,
    outcome: oneshot::Sender<Outcome>,
}

/// The outcomes of a message that was sent, in its order.
type Waiting = Arc<Mutex<VecDeque<Vec<oneshot::Sender<Outcome>>>>>;

impl Together {
    /// Appends an event on the shared stream. `None` if it was not recorded there, or not in time: append it by itself.
    pub(crate) async fn append(&self, client: &Client, event: &NewEvent) -> Option<Outcome> {
        let _counted = Counted::in_(&self.calls);
        let stream = self.stream(client)?;
        let (outcome, recorded) = oneshot::channel();
        stream.send(Call { event: event.clone(), outcome }).await.ok()?;
        tokio::time::timeout(client.timeouts.call, recorded).await.ok()?.ok()
    }

    /// The open stream. One is opened for two calls at a time: a call on its own does not need it.
    fn stream(&self, client: &Client) -> Option<mpsc::Sender<Call>> {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = stream.as_ref().filter(|stream| !stream.is_closed()) {
            return Some(open.clone());
        }
        if self.calls.load(Ordering::Relaxed) < 2 {
            return None;
        }
        let (opened, calls) = mpsc::channel(APPEND_EVENTS_MAX);
        tokio::spawn(run(client.clone(), calls));
        Some(stream.insert(opened).clone())
    }
}

/// Counts a call for as long as it exists.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn in_(calls: &'a AtomicUsize) -> Self {
        calls.fetch_add(1, Ordering::Relaxed);
        Self(calls)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Appends what calls bring until none has come for a while. Calls that are dropped here without an outcome go on by
/// themselves.
async fn run(client: Client, calls: mpsc::Receiver<Call>) {
    let waiting = Waiting::default();
    let batches = Box::pin(batches(calls, Arc::clone(&waiting)));
    let mut results = client.append_stream(batches, Window(TOGETHER_MESSAGES_MAX));
    while let Some(Ok(results)) = results.next().await {
        let outcomes = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or_default();
        for (outcome, result) in outcomes.into_iter().zip(results) {
            if let Ok(recorded) = result.result {
                // Nobody may be waiting any more.
                let _ = outcome.send(recorded);
            }
        }
    }
}

/// Each message has what came while those before it were on their way.
fn batches(calls: mpsc::Receiver<Call>, waiting: Waiting) -> impl Stream<Item = Vec<NewEvent>> + Send {
    futures_util::stream::unfold((calls, None, waiting), |(mut calls, mut next, waiting)| async move {
        let (mut events, mut outcomes, mut bytes) = (Vec::new(), Vec::new(), 0);
        while events.is_empty() {
            let first: Option<Call> = match next.take() {
                Some(left_over) => Some(left_over),
                None => tokio::time::timeout(TOGETHER_IDLE, calls.recv()).await.ok()?,
            };
            next = Some(first?);
            while let Some(call) = next.take() {
                let size = call.event.size_bytes();
                if events.len() == APPEND_EVENTS_MAX || (bytes + size > APPEND_BYTES_MAX && !events.is_empty()) {
                    next = Some(call);
                    break;
                }
                // A call that was dropped before its event was sent does not record it.
                if !call.outcome.is_closed() {
                    bytes += size;
                    events.push(call.event);
                    outcomes.push(call.outcome);
                }
                next = calls.try_recv().ok();
            }
        }
        waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(outcomes);
        Some((events, (calls, next, waiting)))
    })
}

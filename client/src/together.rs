//! Single events that are appended at the same time share an `AppendStream`, which is less work than a call each.
//!
//! Invariant: whatever the stream does not record is appended by a call of its own, with the same event id. So errors are
//! those of `Append`, and nothing is recorded twice.

use crate::{builder::NewEvent, limits::TOGETHER_IDLE};
use futures_util::Stream;
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
    time::Duration,
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
pub(crate) struct Call {
    event: NewEvent,
    outcome: oneshot::Sender<Outcome>,
}

/// Who waits for the outcomes of each message that was sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiting(Arc<Mutex<VecDeque<Vec<oneshot::Sender<Outcome>>>>>);

impl Waiting {
    fn push(&self, outcomes: Vec<oneshot::Sender<Outcome>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(outcomes);
    }

    /// Those of the oldest message, in its order.
    pub(crate) fn next(&self) -> Vec<oneshot::Sender<Outcome>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or_default()
    }
}

impl Together {
    /// Counts a call until it is answered, on the stream or by itself.
    pub(crate) fn count(&self) -> Counted<'_> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Counted(&self.calls)
    }

    /// Appends an event on the shared stream, which `run` appends to while it is open. `None` if the event was not
    /// recorded there, or not in time: append it by itself.
    pub(crate) async fn append<F>(
        &self,
        event: &NewEvent,
        limit: Duration,
        run: impl FnOnce(mpsc::Receiver<Call>) -> F,
    ) -> Option<Outcome>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stream = self.stream(run)?;
        let (outcome, recorded) = oneshot::channel();
        stream.send(Call { event: event.clone(), outcome }).await.ok()?;
        tokio::time::timeout(limit, recorded).await.ok()?.ok()
    }

    /// The open stream. One is opened for two calls at a time: a call on its own does not need it.
    fn stream<F>(&self, run: impl FnOnce(mpsc::Receiver<Call>) -> F) -> Option<mpsc::Sender<Call>>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = stream.as_ref().filter(|stream| !stream.is_closed()) {
            return Some(open.clone());
        }
        if self.calls.load(Ordering::Relaxed) < 2 {
            return None;
        }
        let (opened, calls) = mpsc::channel(APPEND_EVENTS_MAX);
        tokio::spawn(run(calls));
        Some(stream.insert(opened).clone())
    }
}

/// Counts a call for as long as it exists.
pub(crate) struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Each message has what came while those before it were on their way.
pub(crate) fn batches(calls: mpsc::Receiver<Call>, waiting: Waiting) -> impl Stream<Item = Vec<NewEvent>> + Send {
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
        waiting.push(outcomes);
        Some((events, (calls, next, waiting)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventBuilder, now};
    use futures_util::StreamExt;
    use kith_core::{event::Met, position::Position};

    async fn answer(calls: mpsc::Receiver<Call>) {
        let waiting = Waiting::default();
        let mut batches = Box::pin(batches(calls, waiting.clone()));
        while let Some(events) = batches.next().await {
            let outcomes = waiting.next();
            assert_eq!(outcomes.len(), events.len());
            for outcome in outcomes {
                outcome.send(Outcome::Accepted(Position::new(7))).unwrap();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_at_the_same_time_share_a_stream_and_one_alone_opens_none() {
        let met = Met { people: ["amina", "ben"].map(|id| id.parse().unwrap()).into() };
        let event = EventBuilder::new(met, now()).build().unwrap();
        let (together, opened) = (Together::default(), AtomicUsize::new(0));
        let append = || async {
            let _counted = together.count();
            let run = |calls| {
                opened.fetch_add(1, Ordering::Relaxed);
                answer(calls)
            };
            together.append(&event, Duration::from_secs(5), run).await
        };
        assert_eq!((append().await, opened.load(Ordering::Relaxed)), (None, 0));
        // Another call is on its way by itself.
        let alone = together.count();
        let recorded = Some(Outcome::Accepted(Position::new(7)));
        assert_eq!((append().await, append().await, opened.load(Ordering::Relaxed)), (recorded, recorded, 1));
        drop(alone);
        assert_eq!((append().await, opened.load(Ordering::Relaxed)), (recorded, 1), "it is still open");
        tokio::time::sleep(3 * TOGETHER_IDLE).await;
        assert_eq!((append().await, opened.load(Ordering::Relaxed)), (None, 1), "it has ended");
    }
}

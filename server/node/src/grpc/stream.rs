//! Streams to clients: a bounded queue that a task fills, and a last word on why it ended.
//!
//! A reader that takes nothing costs a bounded number of messages for a bounded time, never anybody else's time.

use super::Failure;
use crate::{bounds::budget::Room, limits::STREAM_MESSAGES_MAX, node::Node};
use futures_util::Stream;
use kith_proto::v1::ErrorReason;
use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::mpsc;
use tonic::Status;
use tracing::Instrument;

/// The client's end: messages, then at most one status.
pub(crate) struct Messages<T> {
    queue: mpsc::Receiver<Queued<T>>,
    end: End,
}

/// A message, and the room that its details hold until it is taken.
type Queued<T> = (T, Option<Room>);

/// Why the stream ends; set before the queue closes.
type End = Arc<Mutex<Option<Failure>>>;

/// The server's end.
pub(super) struct Sender<T> {
    queue: mpsc::Sender<Queued<T>>,
    stall: Duration,
}

/// Why a task stops filling a stream.
#[derive(Debug)]
pub(super) enum Stop {
    /// The client is told so.
    Failed(Failure),
    /// The client is gone.
    Gone,
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Starts a task that fills a stream until it stops. A reader that takes nothing for `stall` is cut.
pub(super) fn fill<T, F>(stall: Duration, task: impl FnOnce(Sender<T>) -> F) -> Messages<T>
where
    T: Send + 'static,
    F: Future<Output = Result<(), Stop>> + Send + 'static,
{
    let (sender, queue) = mpsc::channel(STREAM_MESSAGES_MAX);
    let end = End::default();
    let open = sender.clone();
    let filling = task(Sender { queue: sender, stall });
    let told = end.clone();
    let run = async move {
        if let Err(Stop::Failed(failure)) = filling.await {
            tracing::debug!(reason = kith_core::reason::name(failure.reason()), "stream ended");
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        }
        drop(open);
    };
    tokio::spawn(run.in_current_span());
    Messages { queue, end }
}

/// Stops with `SHUTTING_DOWN` once the server goes down, whatever the work is at.
pub(super) async fn until_closing<T>(node: &Node, work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
    tokio::select! {
        result = work => result,
        () = node.closing() => Err(Failure::new(ErrorReason::ShuttingDown).into()),
    }
}

impl<T> Sender<T> {
    /// Puts a message into the queue; waits for the reader, but not for ever.
    pub(super) async fn send(&self, message: T) -> Result<(), Stop> {
        self.send_held(message, None).await
    }

    /// The same for a message with details, which hold room until the message is taken.
    pub(super) async fn send_held(&self, message: T, held: Option<Room>) -> Result<(), Stop> {
        match self.queue.send_timeout((message, held), self.stall).await {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => Err(Failure::new(ErrorReason::SubscriberTooSlow).into()),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(Stop::Gone),
        }
    }

    /// Ends when the client is gone.
    pub(super) async fn closed(&self) {
        self.queue.closed().await;
    }
}

impl<T> Stream for Messages<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.queue.poll_recv(context) {
            Poll::Ready(Some((message, _held))) => Poll::Ready(Some(Ok(message))),
            Poll::Ready(None) => {
                let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).take();
                Poll::Ready(end.map(|failure| Err(failure.into())))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use tonic::Code;

    const STALL: Duration = Duration::from_secs(30);

    async fn count(sender: Sender<u32>) -> Result<(), Stop> {
        for number in 0.. {
            sender.send(number).await?;
        }
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_cut_after_what_was_queued() {
        let mut messages = fill(STALL, count);
        tokio::time::sleep(STALL * 2).await;
        let read: Vec<_> = messages.by_ref().collect().await;
        let (last, queued) = read.split_last().unwrap();
        assert_eq!(queued.iter().map(|message| *message.as_ref().unwrap()).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(last.as_ref().unwrap_err().code(), Code::ResourceExhausted);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_that_goes_on_reading_is_not_cut() {
        let mut messages = fill(STALL, count);
        for expected in 0..10 {
            tokio::time::sleep(STALL / 2).await;
            assert_eq!(messages.next().await.unwrap().unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn a_reader_that_goes_away_ends_the_task() {
        let (ended, end) = tokio::sync::oneshot::channel();
        let messages = fill(STALL, |sender: Sender<u32>| async move {
            sender.closed().await;
            ended.send(()).unwrap();
            Err(Stop::Gone)
        });
        drop(messages);
        end.await.unwrap();
    }
}

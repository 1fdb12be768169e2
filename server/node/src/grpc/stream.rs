//! Streams to clients: a bounded queue that a task fills, and a final status that says why it ended.
//!
//! Invariant: a reader that takes nothing costs a bounded number of messages for a bounded time, and never delays
//! others; all readers together stay within their budget: a message that is not small holds room in it from before it
//! is made until it has been sent.

use super::Failure;
use crate::{
    bounds::{budget::Room, outgoing::Outgoing},
    door::authenticator::Caller,
    limits::{ANSWER_PIECE_BYTES, STREAM_MESSAGES_MAX},
    node::Node,
};
use futures_util::Stream;
use kith_proto::v1::ErrorReason;
use prost::Message;
use std::{
    any::Any,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};
use tokio::{sync::mpsc, time::Instant};
use tonic::Status;
use tracing::Instrument;

/// The client's end: messages, then at most one status.
pub(crate) struct Messages<T> {
    queue: mpsc::Receiver<Queued<T>>,
    on_its_way: OnItsWay,
    end: End,
    /// Counts the stream as open for as long as any of it is here.
    _counted: Arc<dyn Any + Send + Sync>,
}

/// A message, and the room for it and its details.
struct Queued<T> {
    message: T,
    rooms: [Option<Room>; 2],
}

/// The room of messages that a stream's reader has asked for and not received. The code that hands them to the
/// transport knows when they have been sent.
#[derive(Clone, Default)]
pub(crate) struct OnItsWay(Arc<Mutex<Way>>);

#[derive(Default)]
struct Way {
    rooms: Vec<Room>,
    late: Option<Instant>,
}

/// Why the stream ends; set before the queue closes.
type End = Arc<Mutex<Option<Failure>>>;

/// The server's end.
pub(crate) struct Sender<T> {
    queue: mpsc::Sender<Queued<T>>,
    outgoing: Outgoing,
}

/// A place for one message, and as much room for it as is available.
pub(crate) struct Part<'a, T> {
    place: mpsc::Permit<'a, Queued<T>>,
    room: Option<Room>,
    outgoing: &'a Outgoing,
}

/// Why a task stops filling a stream.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The client receives this failure.
    Failed(Failure),
    /// The client is gone.
    Gone,
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Starts a task that fills a stream until it stops. A reader that takes nothing for too long is cut, and what it did
/// not take is kept for as long again. `counted` is held until both ends are gone.
pub(crate) fn fill<T, F, C>(outgoing: Outgoing, counted: C, task: impl FnOnce(Sender<T>) -> F) -> Messages<T>
where
    T: Send + 'static,
    F: Future<Output = Result<(), Stop>> + Send + 'static,
    C: Send + Sync + 'static,
{
    let (sender, queue) = mpsc::channel(STREAM_MESSAGES_MAX);
    let (end, on_its_way) = (End::default(), OnItsWay::default());
    let counted: Arc<dyn Any + Send + Sync> = Arc::new(counted);
    let (open, stall) = (sender.clone(), outgoing.stall());
    let filling = task(Sender { queue: sender, outgoing });
    let (told, way, held) = (Arc::clone(&end), on_its_way.clone(), Arc::clone(&counted));
    let run = async move {
        if let Err(Stop::Failed(failure)) = filling.await {
            tracing::debug!(reason = kith_core::reason::name(failure.reason()), "stream ended");
            if failure.reason() == ErrorReason::SubscriberTooSlow {
                way.way().late = Some(Instant::now() + stall);
            }
            *lock(&told) = Some(failure);
        }
        drop((open, held));
    };
    tokio::spawn(run.in_current_span());
    Messages { queue, on_its_way, end, _counted: counted }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Messages<T> {
    /// What the reader has asked for and not received yet.
    pub(crate) fn on_its_way(&self) -> OnItsWay {
        self.on_its_way.clone()
    }
}

impl OnItsWay {
    /// When all of it is dropped, if the reader was too slow.
    pub(crate) fn late(&self) -> Option<Instant> {
        self.way().late
    }

    /// Notes that what was asked for so far has been sent.
    pub(crate) fn left(&self) {
        self.way().rooms.clear();
    }

    fn way(&self) -> MutexGuard<'_, Way> {
        lock(&self.0)
    }
}

/// Does work of a stream for as long as its caller is let in and the server goes on: what ended is looked at before the
/// work is, so that nothing is sent that was read after a caller's token was revoked.
pub(super) async fn while_allowed<T>(
    node: &Node,
    caller: &Caller,
    work: impl Future<Output = Result<T, Stop>>,
) -> Result<T, Stop> {
    tokio::select! {
        biased;
        why = node.authenticator().dismissed(caller) => Err(why.into()),
        () = node.closing() => Err(Failure::new(ErrorReason::ShuttingDown).into()),
        result = work => result,
    }
}

impl<T> Sender<T> {
    /// Waits for a limited time until the reader takes what is queued; returns a place for a message of up to `most`
    /// bytes.
    pub(super) async fn part(&self, most: usize) -> Result<Part<'_, T>, Stop> {
        match tokio::time::timeout(self.outgoing.stall(), self.queue.reserve()).await {
            Ok(Ok(place)) => Ok(Part { place, room: self.outgoing.try_hold(most), outgoing: &self.outgoing }),
            Ok(Err(_)) => Err(Stop::Gone),
            Err(_) => Err(Failure::new(ErrorReason::SubscriberTooSlow).into()),
        }
    }

    /// A place for a message of `bytes` that cannot be smaller; waits for the reader and for room, for a limited time.
    pub(crate) async fn part_of(&self, bytes: usize) -> Result<Part<'_, T>, Stop> {
        let mut part = self.part(bytes).await?;
        part.fit(bytes).await?;
        Ok(part)
    }

    /// Queues a message that exists already; waits for the reader and for room, for a limited time.
    pub(super) async fn send(&self, message: T) -> Result<(), Stop>
    where
        T: Message,
    {
        let part = self.part_of(message.encoded_len()).await?;
        part.send(message, None);
        Ok(())
    }

    /// Resolves when the client is gone.
    pub(crate) async fn closed(&self) {
        self.queue.closed().await;
    }
}

impl<T> Part<'_, T> {
    /// The most bytes that the message may have.
    pub(super) fn bytes(&self) -> usize {
        self.room.as_ref().map_or(ANSWER_PIECE_BYTES, Room::bytes)
    }

    /// Adjusts the room to a message of exactly `bytes`: gives back what is too much, and waits for what is missing,
    /// for a limited time.
    pub(super) async fn fit(&mut self, bytes: usize) -> Result<(), Stop> {
        if bytes <= ANSWER_PIECE_BYTES {
            self.room = None;
        } else if bytes <= self.bytes() {
            self.room.iter_mut().for_each(|room| room.shrink(bytes));
        } else {
            self.room = None;
            let room = tokio::time::timeout(self.outgoing.stall(), self.outgoing.hold(bytes)).await;
            self.room = room.map_err(|_| Failure::new(ErrorReason::SubscriberTooSlow))?;
        }
        Ok(())
    }

    /// Puts the message into the queue, with the room that its details hold.
    pub(crate) fn send(self, message: T, details: Option<Room>) {
        self.place.send(Queued { message, rooms: [self.room, details] });
    }
}

impl<T> Stream for Messages<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.queue.poll_recv(context) {
            Poll::Ready(Some(Queued { message, rooms })) => {
                self.on_its_way.way().rooms.extend(rooms.into_iter().flatten());
                Poll::Ready(Some(Ok(message)))
            }
            Poll::Ready(None) => Poll::Ready(lock(&self.end).take().map(|failure| Err(failure.into()))),
            Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bounds::answers::Answers,
        limits::{ANSWERS, Limits, SUBSCRIBE_BYTES_MAX},
    };
    use futures_util::StreamExt;
    use std::time::Duration;
    use tonic::Code;

    const STALL: Duration = Duration::from_secs(30);

    fn answers() -> Arc<Answers> {
        Arc::new(Answers::of(&Limits::default()))
    }

    /// The outgoing limits of a principal.
    fn outgoing(answers: &Arc<Answers>, id: &str) -> Outgoing {
        Outgoing::of(Arc::clone(answers), (None, id.parse().unwrap()), STALL)
    }

    fn start<T, F>(task: impl FnOnce(Sender<T>) -> F) -> Messages<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<(), Stop>> + Send + 'static,
    {
        fill(outgoing(&answers(), "person:amina"), (), task)
    }

    async fn count(sender: Sender<u32>) -> Result<(), Stop> {
        for number in 0.. {
            sender.send(number).await?;
        }
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_cut_after_what_was_queued() {
        let mut messages = start(count);
        tokio::time::sleep(STALL * 2).await;
        let read: Vec<_> = messages.by_ref().collect().await;
        let (last, queued) = read.split_last().unwrap();
        assert_eq!(queued.iter().map(|message| *message.as_ref().unwrap()).collect::<Vec<_>>(), [0]);
        assert_eq!(last.as_ref().unwrap_err().code(), Code::ResourceExhausted);
        assert!(messages.on_its_way().late().is_some(), "what it did not take is not kept for ever");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_that_goes_on_reading_is_not_cut() {
        let mut messages = start(count);
        for expected in 0..10 {
            tokio::time::sleep(STALL / 2).await;
            assert_eq!(messages.next().await.unwrap().unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn a_reader_that_goes_away_ends_the_task() {
        let (ended, end) = tokio::sync::oneshot::channel();
        let messages = start(|sender: Sender<u32>| async move {
            sender.closed().await;
            ended.send(()).unwrap();
            Err(Stop::Gone)
        });
        drop(messages);
        end.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_counts_until_both_of_its_ends_are_gone() {
        let counted = Arc::new(());
        let messages =
            fill(outgoing(&answers(), "person:amina"), Arc::clone(&counted), |sender: Sender<u32>| async move {
                sender.send(1).await
            });
        tokio::time::sleep(STALL).await;
        assert_eq!(Arc::strong_count(&counted), 2, "its message waits for its reader");
        drop(messages);
        assert_eq!(Arc::strong_count(&counted), 1);
    }

    /// Sends messages as large as there is room for, for as long as they are taken.
    async fn as_large_as_may_be(sender: Sender<Vec<u8>>) -> Result<(), Stop> {
        loop {
            let part = sender.part(SUBSCRIBE_BYTES_MAX).await?;
            let message = vec![7; part.bytes()];
            part.send(message, None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn readers_that_take_nothing_hold_a_share_and_all_others_go_on() {
        let answers = answers();
        let amina = || fill(outgoing(&answers, "person:amina"), (), as_large_as_may_be);
        let idle: Vec<_> = (0..256).map(|_| amina()).collect();
        tokio::time::sleep(STALL / 2).await;
        assert!((SUBSCRIBE_BYTES_MAX..=ANSWERS.all / 8).contains(&answers.held()), "{} bytes", answers.held());
        let mut mine = amina();
        let mut other = fill(outgoing(&answers, "person:ben"), (), as_large_as_may_be);
        for _ in 0..100 {
            assert!(mine.next().await.unwrap().unwrap().len() >= ANSWER_PIECE_BYTES, "more slowly");
            mine.on_its_way().left();
            assert_eq!(other.next().await.unwrap().unwrap().len(), SUBSCRIBE_BYTES_MAX);
            other.on_its_way().left();
        }
        drop((idle, mine, other));
        tokio::time::sleep(STALL).await;
        assert_eq!(answers.held(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_cannot_be_smaller_waits_for_room_and_not_for_ever() {
        let answers = answers();
        let large = || {
            fill(outgoing(&answers, "person:amina"), (), |sender: Sender<Vec<u8>>| async move {
                sender.send(vec![7; ANSWERS.all / 8 - 1_024]).await
            })
        };
        let (mut first, mut second, mut third) = (large(), large(), large());
        assert!(first.next().await.unwrap().is_ok());
        tokio::time::sleep(STALL / 2).await;
        drop(first);
        assert!(second.next().await.unwrap().is_ok());
        assert_eq!(third.next().await.unwrap().unwrap_err().code(), Code::ResourceExhausted);
    }
}

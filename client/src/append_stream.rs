//! `AppendStream`: any number of events, with several messages in flight at a time.
//!
//! Invariant: a message is kept until it is answered. After a broken connection every unanswered message is sent again,
//! and event ids prevent it from being recorded twice.

use crate::{
    builder::NewEvent,
    client::Client,
    error::{Error, Kind},
    retry::Repeat,
};
use futures_util::{Stream, StreamExt};
use kith_core::{decide::Outcome, id::EventId, position::Position, reason::Reason};
use kith_proto::v1::{self, append_result};
use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

/// How many messages may be in flight without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window(pub usize);

impl Default for Window {
    fn default() -> Self {
        Self(8)
    }
}

/// The result for one event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventResult {
    /// The event's number in the stream, from 1.
    pub number: u64,
    /// The event's id.
    pub id: EventId,
    /// Its position in the log, or why it was refused.
    pub result: Result<Outcome, EventRefused>,
}

/// Why an event was refused. No part of it is in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EventRefused {
    /// The reason; `None` if this client does not know it.
    pub reason: Option<Reason>,
    /// The field at fault, such as `event.met.people`; may be empty.
    pub field: String,
    /// The reason in words.
    pub message: String,
}

/// Results in the order of the events, one message at a time. An error is the last item: events without a result may or
/// may not be recorded, and can safely be sent again. Dropping the stream stops appending.
#[derive(Debug)]
pub struct AppendStream(ReceiverStream<Result<Vec<EventResult>, Error>>);

impl Stream for AppendStream {
    type Item = Result<Vec<EventResult>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl Client {
    /// Appends batches of events as they arrive, each event on its own: a refused event does not hold up the rest.
    ///
    /// Each batch must be within the limits of an append, as those of a [`crate::Batcher`] are. Batches are only pulled
    /// while fewer than `window` are unanswered and results are being read. Broken connections are re-established.
    pub fn append_stream<S>(&self, batches: S, window: Window) -> AppendStream
    where
        S: Stream<Item = Vec<NewEvent>> + Send + Unpin + 'static,
    {
        let (results, receiver) = mpsc::channel(window.0.max(1));
        let appending = Appending {
            client: self.clone(),
            batches: batches.fuse(),
            window: window.0.max(1),
            unanswered: VecDeque::new(),
            next_number: 1,
            results,
            backoff: self.backoff(),
        };
        tokio::spawn(appending.run());
        AppendStream(ReceiverStream::new(receiver))
    }
}

/// A stream of events on its way to the log.
struct Appending<S> {
    client: Client,
    batches: futures_util::stream::Fuse<S>,
    window: usize,
    unanswered: VecDeque<Vec<NewEvent>>,
    next_number: u64,
    results: mpsc::Sender<Result<Vec<EventResult>, Error>>,
    backoff: crate::retry::Backoff,
}

/// Why the work on one connection ended early.
enum Stop {
    /// Nobody reads the results any more.
    Gone,
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl<S: Stream<Item = Vec<NewEvent>> + Unpin> Appending<S> {
    async fn run(mut self) {
        loop {
            let error = match self.run_connection().await {
                Ok(()) | Err(Stop::Gone) => return,
                Err(Stop::Failed(error)) => error,
            };
            match self.backoff.after(&error, Repeat::Safe) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return drop(self.results.send(Err(error)).await),
            }
        }
    }

    /// Sends the unanswered batches, then the rest, until everything is answered or the connection breaks.
    async fn run_connection(&mut self) -> Result<(), Stop> {
        if self.unanswered.is_empty() {
            match self.batches.next().await {
                Some(batch) => self.unanswered.push_back(batch),
                None => return Ok(()),
            }
        }
        let (sender, receiver) = mpsc::channel(self.window);
        for batch in &self.unanswered {
            sender.try_send(self.request(batch)).expect("the window holds every unanswered message");
        }
        let mut log = self.client.log_streams();
        let answers = log.append_stream(ReceiverStream::new(receiver));
        let answers = Client::within(self.client.timeouts.call, answers).await?.into_inner();
        self.exchange(Some(sender), answers).await
    }

    async fn exchange(
        &mut self,
        mut sender: Option<mpsc::Sender<v1::AppendStreamRequest>>,
        mut answers: Streaming<v1::AppendStreamResponse>,
    ) -> Result<(), Stop> {
        let silence = self.client.timeouts.silence;
        loop {
            if sender.is_none() && self.unanswered.is_empty() {
                return Ok(());
            }
            tokio::select! {
                answer = Client::within(silence, answers.message()), if !self.unanswered.is_empty() => {
                    self.take_answer(answer?).await?;
                }
                batch = self.batches.next(), if sender.is_some() && self.unanswered.len() < self.window => {
                    match (batch, &sender) {
                        (Some(batch), Some(open)) => {
                            // A closed channel means that the connection broke; reading the answers reports how.
                            drop(open.try_send(self.request(&batch)));
                            self.unanswered.push_back(batch);
                        }
                        _ => sender = None,
                    }
                }
                () = self.results.closed() => return Err(Stop::Gone),
            }
        }
    }

    fn request(&self, batch: &[NewEvent]) -> v1::AppendStreamRequest {
        v1::AppendStreamRequest {
            network: self.client.network_name(),
            events: batch.iter().map(NewEvent::to_proto).collect(),
        }
    }

    async fn take_answer(&mut self, answer: Option<v1::AppendStreamResponse>) -> Result<(), Stop> {
        let Some(answer) = answer else {
            return Err(Error::new(Kind::Unreachable, "the server ended the stream before its last answer").into());
        };
        let batch = self.unanswered.pop_front().expect("answers are taken only while one is missing");
        if answer.results.len() != batch.len() {
            return Err(Error::answer("it does not have one result for each event").into());
        }
        let first = self.next_number;
        self.next_number += batch.len() as u64;
        self.backoff.reset();
        let results = batch.iter().zip(answer.results).zip(first..);
        let results = results.map(|((event, result), number)| read_result(number, event.id(), result));
        let results = results.collect::<Result<Vec<_>, _>>()?;
        self.results.send(Ok(results)).await.map_err(|_| Stop::Gone)
    }
}

pub(crate) fn outcome(proto: v1::AppendOutcome) -> Outcome {
    let position = Position::new(proto.position);
    if proto.duplicate { Outcome::Duplicate(position) } else { Outcome::Accepted(position) }
}

fn read_result(number: u64, id: EventId, proto: v1::AppendResult) -> Result<EventResult, Error> {
    let result = match proto.result {
        Some(append_result::Result::Outcome(proto)) => Ok(outcome(proto)),
        Some(append_result::Result::Refused(refused)) => Err(EventRefused {
            reason: Reason::try_from(refused.reason).ok().filter(|reason| *reason != Reason::Unspecified),
            field: refused.field,
            message: refused.message,
        }),
        None => return Err(Error::answer(format_args!("event {number} has no result"))),
    };
    Ok(EventResult { number, id, result })
}

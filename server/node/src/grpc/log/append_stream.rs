//! `AppendStream`: appends events as they arrive, each separately, pipelined and answered in order.
//!
//! A message is handed to the log only after the one before it, so that events may name earlier ones; its answer is
//! awaited later. While answers wait to be sent, nothing more is read.

use super::append::check_size;
use crate::{
    door::authenticator::{Caller, Visitor},
    grpc::{
        Call, Failure, convert, enter, status,
        stream::{Messages, Sender, Stop, fill},
    },
    limits::APPEND_STREAM_PIPELINE_MAX,
    node::Node,
};
use futures_util::{FutureExt, Stream, StreamExt, future::BoxFuture};
use kith_core::{
    decide::{Outcome, Refusal},
    prepare::Prepared,
};
use kith_log::{AppendError, Network, Unavailable};
use kith_proto::v1::{self, ErrorReason, append_result};
use std::{collections::VecDeque, pin::pin};
use tonic::{Request, Status};

/// Answers of the log, one for each event that could be decoded.
type Outcomes = Result<Vec<Result<Outcome, Refusal>>, AppendError>;

/// A message that was handed to the log and is not answered yet.
struct Waiting {
    /// Number of its first event in the stream.
    first: u64,
    /// For each event, why it was not handed to the log, if it was not.
    refused: Vec<Option<Failure>>,
    outcomes: BoxFuture<'static, Outcomes>,
}

/// One client's stream of events.
struct AppendStream {
    node: Node,
    caller: Caller,
    network: Network,
    next_number: u64,
    waiting: VecDeque<Waiting>,
}

/// What a client sends, message by message.
pub(crate) trait Inbound:
    Stream<Item = Result<v1::AppendStreamRequest, Status>> + Send + Unpin + 'static
{
}

impl<S: Stream<Item = Result<v1::AppendStreamRequest, Status>> + Send + Unpin + 'static> Inbound for S {}

pub(super) fn append_stream(
    node: &Node,
    request: Request<impl Inbound>,
) -> Result<Messages<v1::AppendStreamResponse>, Failure> {
    let Call { visitor, message: inbound } = Call::new(request)?;
    let counted = node.streams().open(&visitor.key())?;
    let node = node.clone();
    Ok(fill(node.outgoing(visitor.key()), counted, |sender| open(node, visitor, inbound, sender)))
}

/// Receives the first message, which names the network, and continues with the rest. A stream without messages just
/// ends.
async fn open(
    node: Node,
    visitor: Visitor,
    mut inbound: impl Inbound,
    sender: Sender<v1::AppendStreamResponse>,
) -> Result<(), Stop> {
    let first = tokio::select! {
        message = inbound.next() => receive(message)?,
        why = node.authenticator().visitor_dismissed(&visitor) => return Err(why.into()),
        () = node.closing() => return Err(Failure::new(ErrorReason::ShuttingDown).into()),
        () = sender.closed() => return Err(Stop::Gone),
    };
    let Some(first) = first else { return Ok(()) };
    let (network, caller) = enter(&node, &visitor, &first.network)?;
    let _counted = node.streams().open_in(network.name())?;
    let stream = AppendStream { node, caller, network, next_number: 1, waiting: VecDeque::new() };
    stream.run(first, inbound, sender).await
}

/// Receives a message of the client; errors of the message end the stream.
fn receive(
    message: Option<Result<v1::AppendStreamRequest, Status>>,
) -> Result<Option<v1::AppendStreamRequest>, Failure> {
    message.transpose().map_err(|status| status::received(&status))
}

impl AppendStream {
    async fn run(
        mut self,
        first: v1::AppendStreamRequest,
        mut inbound: impl Inbound,
        sender: Sender<v1::AppendStreamResponse>,
    ) -> Result<(), Stop> {
        let ended = match self.submit(first, &sender).await {
            Ok(()) => self.take_all(&mut inbound, &sender).await,
            Err(stop) => Err(stop),
        };
        // What was handed to the log is answered, whatever ended the stream.
        while !self.waiting.is_empty() {
            self.answer_next(&sender).await?;
        }
        ended
    }

    async fn take_all(
        &mut self,
        inbound: &mut impl Inbound,
        sender: &Sender<v1::AppendStreamResponse>,
    ) -> Result<(), Stop> {
        let (node, caller) = (self.node.clone(), self.caller.clone());
        let mut dismissed = pin!(node.authenticator().dismissed(&caller));
        loop {
            let full = self.waiting.len() >= APPEND_STREAM_PIPELINE_MAX;
            tokio::select! {
                biased;
                why = &mut dismissed => return Err(why.into()),
                () = node.closing() => return Err(Failure::new(ErrorReason::ShuttingDown).into()),
                () = sender.closed() => return Err(Stop::Gone),
                answer = next_outcomes(&mut self.waiting) => self.answer(answer, sender).await?,
                message = inbound.next(), if !full => match receive(message)? {
                    Some(message) => self.submit(message, sender).await?,
                    None => return Ok(()),
                },
            }
        }
    }

    /// Decodes a message's events and hands them to the log, after all earlier ones.
    async fn submit(
        &mut self,
        message: v1::AppendStreamRequest,
        sender: &Sender<v1::AppendStreamResponse>,
    ) -> Result<(), Stop> {
        if !message.events.is_empty() {
            check_size(&message.events)?;
        }
        loop {
            let (refused, prepared) = prepare_each(&message.events);
            let mut outcomes = self.append_each(prepared);
            // The first poll puts the events into the log's queue, or reports that it is full.
            match (&mut outcomes).now_or_never() {
                Some(Err(AppendError::Unavailable(Unavailable::Busy { retry_after }))) if self.waiting.is_empty() => {
                    tokio::time::sleep(retry_after).await;
                }
                Some(Err(AppendError::Unavailable(Unavailable::Busy { .. }))) => self.answer_next(sender).await?,
                Some(done) => break self.wait_for(refused, async { done }.boxed()),
                None => break self.wait_for(refused, outcomes),
            }
        }
        Ok(())
    }

    fn append_each(&self, prepared: Vec<Prepared>) -> BoxFuture<'static, Outcomes> {
        let (network, principal) = (self.network.clone(), self.caller.principal.clone());
        if prepared.is_empty() {
            return async { Ok(Vec::new()) }.boxed();
        }
        async move { network.append_each(principal, prepared).await }.boxed()
    }

    fn wait_for(&mut self, refused: Vec<Option<Failure>>, outcomes: BoxFuture<'static, Outcomes>) {
        let first = self.next_number;
        self.next_number += refused.len() as u64;
        self.waiting.push_back(Waiting { first, refused, outcomes });
    }

    async fn answer_next(&mut self, sender: &Sender<v1::AppendStreamResponse>) -> Result<(), Stop> {
        let outcomes = next_outcomes(&mut self.waiting).await;
        self.answer(outcomes, sender).await
    }

    async fn answer(&mut self, outcomes: Outcomes, sender: &Sender<v1::AppendStreamResponse>) -> Result<(), Stop> {
        let waiting = self.waiting.pop_front().expect("its answer just came");
        let outcomes = outcomes.map_err(Failure::from)?;
        sender.send(response(waiting.first, waiting.refused, outcomes)).await
    }
}

/// Waits for the answer to the oldest waiting message; pending for ever if there is none. Dropping it loses nothing.
async fn next_outcomes(waiting: &mut VecDeque<Waiting>) -> Outcomes {
    match waiting.front_mut() {
        Some(waiting) => (&mut waiting.outcomes).await,
        None => std::future::pending().await,
    }
}

/// Decodes events. Returns for each why it is refused, if it is, and those that can be appended.
fn prepare_each(events: &[v1::NewEvent]) -> (Vec<Option<Failure>>, Vec<Prepared>) {
    let mut prepared = Vec::with_capacity(events.len());
    let refused = events.iter().map(|event| match Prepared::new(event) {
        Ok(event) => {
            prepared.push(event);
            None
        }
        Err(invalid) => Some(convert::event_invalid(&invalid)),
    });
    (refused.collect(), prepared)
}

fn response(
    first: u64,
    refused: Vec<Option<Failure>>,
    outcomes: Vec<Result<Outcome, Refusal>>,
) -> v1::AppendStreamResponse {
    let mut outcomes = outcomes.into_iter();
    let mut next = || outcomes.next().expect("the log answers for every event");
    let results = refused.into_iter().zip(first..).map(|(refused, number)| {
        let outcome = refused.map_or_else(|| next().map_err(|refusal| convert::refusal(&refusal)), Err);
        let result = match outcome {
            Ok(outcome) => append_result::Result::Outcome(convert::outcome(outcome)),
            Err(failure) => append_result::Result::Refused(convert::append_refused(&failure)),
        };
        v1::AppendResult { number, result: Some(result) }
    });
    v1::AppendStreamResponse { results: results.collect() }
}

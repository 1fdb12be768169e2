//! `Append`: authorise, decode once, hand to the log. All or none.

use super::{Call, Failure, blocking, convert, enter};
use crate::node::Node;
use futures_util::{StreamExt, stream::FuturesOrdered};
use kith_core::{
    condition::Condition,
    decide::{Command, Origin, check_append_size},
    prepare::Prepared,
};
use kith_proto::v1;
use tonic::Request;

/// Events that are checked where the call is; more go to threads of their own, so many at a time.
const INLINE_EVENTS_MAX: usize = 64;
const EVENTS_PER_THREAD: usize = 250;

pub(super) async fn append(node: &Node, request: Request<v1::AppendRequest>) -> Result<v1::AppendResponse, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let network = enter(node, &caller, &message.network)?;
    check_size(&message.events)?;
    let condition = message.condition.as_ref().map(Condition::from_proto).transpose();
    let command = Command {
        principal: caller.principal,
        condition: condition.map_err(|invalid| convert::request_invalid(&invalid))?,
        events: prepare_all(message.events).await?,
        origin: Origin::Client,
    };
    let outcomes = network.append(command).await?;
    Ok(v1::AppendResponse { outcomes: outcomes.into_iter().map(convert::outcome).collect() })
}

/// Refuses too many events or bytes before any event is opened.
pub(super) fn check_size(events: &[v1::NewEvent]) -> Result<(), Failure> {
    let bytes = events.iter().map(|new| {
        new.event.len() + new.signature.len() + new.details.iter().map(|detail| detail.text.len()).sum::<usize>()
    });
    check_append_size(events.len(), bytes.sum()).map_err(|invalid| convert::request_invalid(&invalid))
}

async fn prepare_all(mut events: Vec<v1::NewEvent>) -> Result<Vec<Prepared>, Failure> {
    if events.len() <= INLINE_EVENTS_MAX {
        return prepare_each(&events, 0);
    }
    let mut parts = FuturesOrdered::new();
    let mut first = 0;
    while !events.is_empty() {
        let rest = events.split_off(EVENTS_PER_THREAD.min(events.len()));
        let part = std::mem::replace(&mut events, rest);
        let count = part.len();
        parts.push_back(blocking(move || prepare_each(&part, first)));
        first += count;
    }
    let mut prepared = Vec::with_capacity(first);
    while let Some(part) = parts.next().await {
        prepared.append(&mut part?);
    }
    Ok(prepared)
}

/// Opens and checks events, the first of which has a number in its call.
fn prepare_each(events: &[v1::NewEvent], first: usize) -> Result<Vec<Prepared>, Failure> {
    let prepare = |(number, new)| {
        Prepared::new(new).map_err(|invalid| convert::at_event(convert::event_invalid(&invalid), number))
    };
    (first..).zip(events).map(prepare).collect()
}

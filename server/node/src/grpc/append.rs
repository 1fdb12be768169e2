//! `Append`: authorise, decode once, hand to the log. All or none.

use super::{Call, Failure, blocking, convert, enter};
use crate::node::Node;
use kith_core::{
    condition::Condition,
    decide::{Command, Origin, check_append_size},
    prepare::Prepared,
};
use kith_proto::v1;
use tonic::Request;

/// From so many events on, checking and hashing them moves to a thread of its own.
const INLINE_EVENTS_MAX: usize = 64;

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

async fn prepare_all(events: Vec<v1::NewEvent>) -> Result<Vec<Prepared>, Failure> {
    if events.len() <= INLINE_EVENTS_MAX {
        return prepare_each(&events);
    }
    blocking(move || prepare_each(&events)).await
}

fn prepare_each(events: &[v1::NewEvent]) -> Result<Vec<Prepared>, Failure> {
    let prepare =
        |(index, new)| Prepared::new(new).map_err(|invalid| convert::at_event(convert::event_invalid(&invalid), index));
    events.iter().enumerate().map(prepare).collect()
}

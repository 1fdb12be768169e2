//! `Append`: authorises, decodes once, hands to the log. All events or none.

use crate::{
    grpc::{Call, Failure, convert, enter},
    node::Node,
};
use kith_core::{
    condition::Condition,
    decide::{Command, Origin, check_append_size},
    prepare::Prepared,
};
use kith_proto::v1;
use tonic::Request;

pub(super) async fn append(node: &Node, request: Request<v1::AppendRequest>) -> Result<v1::AppendResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    check_size(&message.events)?;
    let condition = message.condition.as_ref().map(Condition::from_proto).transpose();
    let command = Command {
        principal: caller.principal,
        condition: condition.map_err(|invalid| convert::request_invalid(&invalid))?,
        events: prepare(&message.events)?,
        origin: Origin::Client,
    };
    let outcomes = network.append(command).await?;
    Ok(v1::AppendResponse { outcomes: outcomes.into_iter().map(convert::outcome).collect() })
}

/// Refuses too many events or bytes before any event is decoded.
pub(super) fn check_size(events: &[v1::NewEvent]) -> Result<(), Failure> {
    let bytes = events.iter().map(|new| {
        new.event.len() + new.signature.len() + new.details.iter().map(|detail| detail.text.len()).sum::<usize>()
    });
    check_append_size(events.len(), bytes.sum()).map_err(|invalid| convert::request_invalid(&invalid))
}

/// Decodes and checks events: some hundred nanoseconds each, less than handing them to another thread would cost.
fn prepare(events: &[v1::NewEvent]) -> Result<Vec<Prepared>, Failure> {
    let prepare = |(number, new)| {
        Prepared::new(new).map_err(|invalid| convert::at_event(convert::event_invalid(&invalid), number))
    };
    (0..).zip(events).map(prepare).collect()
}

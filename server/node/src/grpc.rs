//! The gRPC services: a folder per service, a file per call. Wire types end in `convert`; `status` makes statuses.

mod admin;
mod audit;
mod call;
pub(crate) mod convert;
mod directory;
mod entries;
pub(crate) mod layers;
mod left_out;
mod limited;
mod listed;
mod log;
mod members;
mod networks;
mod page;
mod people;
mod plugins;
mod records;
mod reports;
mod rows;
mod sessions;
mod status;
pub(crate) mod stream;
mod views;
mod webhooks;
mod words;

use crate::{bounds::budget::Room, node::Node};
use call::{Call, allow, at_server, enter};
use entries::{Entries, read_entries};
use kith_proto::v1::ErrorReason;
pub(crate) use log::OneEvent;
use prost::Message;
pub(crate) use status::Failure;
use std::sync::Arc;
use stream::Messages;
use tonic::{Response, Status};

/// Every service of `kith.v1` on top of one node.
#[derive(Clone)]
pub(crate) struct Services {
    node: Node,
}

impl Services {
    /// The services of a node.
    pub(crate) fn new(node: Node) -> Self {
        Self { node }
    }
}

/// The answer to a call.
pub(crate) type Answer<T> = Result<Response<T>, Status>;

impl Services {
    /// Answers with one message, unless it is larger than the server may send.
    fn answer<T: Message>(&self, result: Result<T, Failure>) -> Answer<T> {
        self.respond(result?, None, false)
    }

    /// Like `answer`, for a call that has recorded something: its answer waits for room for as long as it takes.
    fn answer_recorded<T: Message>(&self, result: Result<T, Failure>) -> Answer<T> {
        self.respond(result?, None, true)
    }

    /// Like `answer`, for a message with details, which hold room until it is sent.
    fn answer_held<T: Message>(&self, result: Result<(T, Option<Room>), Failure>) -> Answer<T> {
        let (message, details) = result?;
        self.respond(message, details, false)
    }

    fn respond<T: Message>(&self, message: T, details: Option<Room>, recorded: bool) -> Answer<T> {
        let max = self.node.limits().response_bytes_max;
        let bytes = message.encoded_len();
        if bytes > max as usize {
            let failure = format_args!("the answer has {bytes} bytes; a message has {max} at most: ask for less");
            return Err(Failure::because(ErrorReason::LimitExceeded, failure)
                .with("limit", "response_bytes_max")
                .into());
        }
        let mut response = Response::new(message);
        let bytes = bytes.saturating_sub(details.as_ref().map_or(0, Room::bytes));
        response.extensions_mut().insert(Answered { bytes, details: details.map(Arc::new), recorded });
        Ok(response)
    }
}

/// What is needed to send an answer.
#[derive(Clone)]
pub(crate) struct Answered {
    /// Bytes of its message without the details, which have room of their own.
    pub(crate) bytes: usize,
    /// The room that details in it hold.
    pub(crate) details: Option<Arc<Room>>,
    /// Whether the call recorded something and so can no longer be refused.
    pub(crate) recorded: bool,
}

/// A stream of messages, each bounded in size where it is made.
fn stream<T>(result: Result<Messages<T>, Failure>) -> Answer<Messages<T>> {
    let messages = result?;
    let on_its_way = messages.on_its_way();
    let mut response = Response::new(messages);
    response.extensions_mut().insert(on_its_way);
    Ok(response)
}

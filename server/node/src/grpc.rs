//! The gRPC services: one folder per service, one file per call; wire types stop in `convert`, statuses are made in `status`.

mod admin;
mod audit;
mod call;
mod convert;
mod directory;
mod entries;
pub(crate) mod layers;
mod left_out;
mod limited;
mod listed;
mod log;
mod networks;
mod page;
mod plugins;
mod reports;
mod rows;
mod status;
mod stream;
mod views;
mod words;

use crate::node::Node;
use call::{Call, allow, enter};
use entries::{Entries, read_entries};
use kith_proto::v1::ErrorReason;
use prost::Message;
use status::Failure;
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

/// A call's answer: what a client gets.
type Answer<T> = Result<Response<T>, Status>;

impl Services {
    /// One message, if it is not larger than those that the server sends.
    fn answer<T: Message>(&self, result: Result<T, Failure>) -> Answer<T> {
        let (message, max) = (result?, self.node.limits().response_bytes_max);
        let bytes = message.encoded_len();
        if bytes > max as usize {
            let failure = format_args!("the answer has {bytes} bytes; a message has {max} at most: ask for less");
            return Err(Failure::because(ErrorReason::LimitExceeded, failure)
                .with("limit", "response_bytes_max")
                .into());
        }
        Ok(Response::new(message))
    }
}

/// A stream of messages, each of which is bounded where it is made.
fn stream<T>(result: Result<Messages<T>, Failure>) -> Answer<Messages<T>> {
    result.map(Response::new).map_err(Status::from)
}

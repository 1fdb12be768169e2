//! `LogService`: appends events to a log and reads its entries.

mod append;
mod append_stream;
mod head;
mod read;
mod read_event;
mod subscribe;

use super::{Answer, Services, stream, stream::Messages};
use append_stream::Inbound;
use kith_log::Mode;
use kith_proto::v1::{self, log_service_server::LogService};
pub(crate) use read_event::OneEvent;
use tonic::{Request, Streaming};

/// What only the HTTP door asks for.
impl Services {
    /// Like `append_stream`, of messages that this server makes itself.
    pub(crate) fn append_inbound(&self, request: Request<impl Inbound>) -> Answer<Messages<v1::AppendStreamResponse>> {
        stream(append_stream::append_stream(&self.node, request))
    }

    /// Like `subscribe`, but only with entries that match the filter themselves.
    pub(crate) fn subscribe_matching(
        &self,
        request: Request<v1::SubscribeRequest>,
    ) -> Answer<Messages<v1::SubscribeResponse>> {
        stream(subscribe::subscribe(&self.node, request, Mode::Matching))
    }

    /// The entry of one event, as `read` answers; without one, an error.
    pub(crate) async fn read_event(&self, request: Request<OneEvent>) -> Answer<v1::ReadResponse> {
        self.answer_held(read_event::read_event(&self.node, request).await)
    }
}

#[tonic::async_trait]
impl LogService for Services {
    type AppendStreamStream = Messages<v1::AppendStreamResponse>;
    type SubscribeStream = Messages<v1::SubscribeResponse>;

    async fn append(&self, request: Request<v1::AppendRequest>) -> Answer<v1::AppendResponse> {
        self.answer_recorded(append::append(&self.node, request).await)
    }

    async fn append_stream(
        &self,
        request: Request<Streaming<v1::AppendStreamRequest>>,
    ) -> Answer<Self::AppendStreamStream> {
        stream(append_stream::append_stream(&self.node, request))
    }

    async fn read(&self, request: Request<v1::ReadRequest>) -> Answer<v1::ReadResponse> {
        self.answer_held(read::read(&self.node, request).await)
    }

    async fn subscribe(&self, request: Request<v1::SubscribeRequest>) -> Answer<Self::SubscribeStream> {
        stream(subscribe::subscribe(&self.node, request, Mode::Passing))
    }

    async fn head(&self, request: Request<v1::HeadRequest>) -> Answer<v1::HeadResponse> {
        self.answer(head::head(&self.node, request))
    }
}

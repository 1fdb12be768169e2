//! `LogService`: appends events to a log and reads its entries.

mod append;
mod append_stream;
mod head;
mod read;
mod subscribe;

use super::{Answer, Services, stream, stream::Messages};
use kith_proto::v1::{self, log_service_server::LogService};
use tonic::{Request, Streaming};

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
        stream(subscribe::subscribe(&self.node, request))
    }

    async fn head(&self, request: Request<v1::HeadRequest>) -> Answer<v1::HeadResponse> {
        self.answer(head::head(&self.node, request))
    }
}

//! `ViewService`: rows of views and reports, and their evidence.

mod digest_view;
mod explain_row;
mod list_views;
mod query_view;
mod trace_row;
mod watch_view;

use super::{Answer, Services, stream, stream::Messages};
use kith_proto::v1::{self, view_service_server::ViewService};
use tonic::Request;

#[tonic::async_trait]
impl ViewService for Services {
    type WatchViewStream = Messages<v1::WatchViewResponse>;

    async fn list_views(&self, request: Request<v1::ListViewsRequest>) -> Answer<v1::ListViewsResponse> {
        self.answer(list_views::list_views(&self.node, request).await)
    }

    async fn query_view(&self, request: Request<v1::QueryViewRequest>) -> Answer<v1::QueryViewResponse> {
        self.answer(query_view::query_view(&self.node, request).await)
    }

    async fn watch_view(&self, request: Request<v1::WatchViewRequest>) -> Answer<Self::WatchViewStream> {
        stream(watch_view::watch_view(&self.node, request).await)
    }

    async fn trace_row(&self, request: Request<v1::TraceRowRequest>) -> Answer<v1::TraceRowResponse> {
        self.answer(trace_row::trace_row(&self.node, request).await)
    }

    async fn explain_row(&self, request: Request<v1::ExplainRowRequest>) -> Answer<v1::ExplainRowResponse> {
        self.answer_held(explain_row::explain_row(&self.node, request).await)
    }

    async fn digest_view(&self, request: Request<v1::DigestViewRequest>) -> Answer<v1::DigestViewResponse> {
        self.answer(digest_view::digest_view(&self.node, request).await)
    }
}

//! `AdminService`: remote administration of the server.

mod backup;
mod get_status;

use super::{Answer, Services, stream, stream::Messages};
use kith_proto::v1::{self, admin_service_server::AdminService};
use tonic::Request;

#[tonic::async_trait]
impl AdminService for Services {
    type BackupStream = Messages<v1::BackupResponse>;

    async fn backup(&self, request: Request<v1::BackupRequest>) -> Answer<Self::BackupStream> {
        stream(backup::backup(&self.node, request))
    }

    async fn get_status(&self, request: Request<v1::GetStatusRequest>) -> Answer<v1::GetStatusResponse> {
        self.answer(get_status::get_status(&self.node, request).await)
    }
}

//! `AuditService`: lets anybody verify that a log is complete and unaltered.

mod export;
mod get_checkpoint;
mod get_consistency_proof;
mod get_inclusion_proof;

use super::{Answer, Services, stream, stream::Messages};
use kith_proto::v1::{self, audit_service_server::AuditService};
use tonic::Request;

#[tonic::async_trait]
impl AuditService for Services {
    type ExportStream = Messages<v1::ExportResponse>;

    async fn get_checkpoint(&self, request: Request<v1::GetCheckpointRequest>) -> Answer<v1::GetCheckpointResponse> {
        self.answer(get_checkpoint::get_checkpoint(&self.node, request).await)
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<v1::GetInclusionProofRequest>,
    ) -> Answer<v1::GetInclusionProofResponse> {
        self.answer(get_inclusion_proof::get_inclusion_proof(&self.node, request).await)
    }

    async fn get_consistency_proof(
        &self,
        request: Request<v1::GetConsistencyProofRequest>,
    ) -> Answer<v1::GetConsistencyProofResponse> {
        self.answer(get_consistency_proof::get_consistency_proof(&self.node, request).await)
    }

    async fn export(&self, request: Request<v1::ExportRequest>) -> Answer<Self::ExportStream> {
        stream(export::export(&self.node, request).await)
    }
}

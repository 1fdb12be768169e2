//! The gRPC services: one file per call, wire types stop in `convert`, statuses are made in `status`.

mod append;
mod append_stream;
mod backup;
mod call;
mod certify_view;
mod change_plugin;
mod convert;
mod create_network;
mod diff_plugin;
mod digest_view;
mod entries;
mod explain_row;
mod fetch_component;
mod get_checkpoint;
mod get_consistency_proof;
mod get_inclusion_proof;
mod get_person;
mod head;
mod install_plugin;
mod issue_token;
mod left_out;
mod list_networks;
mod list_organisations;
mod list_people;
mod list_plugins;
mod list_tokens;
mod list_views;
mod page;
mod query_view;
mod read;
mod reports;
mod revoke_token;
mod rows;
mod status;
mod stream;
mod subscribe;
mod watch_view;
mod words;

pub(crate) use call::check_form;
pub(crate) use list_views::view as view_status;
pub(crate) use reports::Computed as ReportComputed;
pub(crate) use status::{Failure, with_reason};

use crate::node::Node;
use call::{Call, allow, enter};
use entries::{Entries, read_entries};
use kith_proto::v1::{
    self, ErrorReason, admin_service_server::AdminService, audit_service_server::AuditService,
    directory_service_server::DirectoryService, log_service_server::LogService, network_service_server::NetworkService,
    plugin_service_server::PluginService, view_service_server::ViewService,
};
use prost::Message;
use std::sync::Arc;
use stream::Messages;
use tonic::{Request, Response, Status, Streaming};

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

#[tonic::async_trait]
impl LogService for Services {
    type AppendStreamStream = Messages<v1::AppendStreamResponse>;
    type SubscribeStream = Messages<v1::SubscribeResponse>;

    async fn append(&self, request: Request<v1::AppendRequest>) -> Answer<v1::AppendResponse> {
        self.answer(append::append(&self.node, request).await)
    }

    async fn append_stream(
        &self,
        request: Request<Streaming<v1::AppendStreamRequest>>,
    ) -> Answer<Self::AppendStreamStream> {
        stream(append_stream::append_stream(&self.node, request))
    }

    async fn read(&self, request: Request<v1::ReadRequest>) -> Answer<v1::ReadResponse> {
        let (message, held) = read::read(&self.node, request).await?;
        let mut response = self.answer(Ok(message))?;
        if let Some(held) = held {
            response.extensions_mut().insert(Arc::new(held));
        }
        Ok(response)
    }

    async fn subscribe(&self, request: Request<v1::SubscribeRequest>) -> Answer<Self::SubscribeStream> {
        stream(subscribe::subscribe(&self.node, request))
    }

    async fn head(&self, request: Request<v1::HeadRequest>) -> Answer<v1::HeadResponse> {
        self.answer(head::head(&self.node, request))
    }
}

#[tonic::async_trait]
impl DirectoryService for Services {
    async fn list_people(&self, request: Request<v1::ListPeopleRequest>) -> Answer<v1::ListPeopleResponse> {
        self.answer(list_people::list_people(&self.node, request).await)
    }

    async fn get_person(&self, request: Request<v1::GetPersonRequest>) -> Answer<v1::GetPersonResponse> {
        self.answer(get_person::get_person(&self.node, request).await)
    }

    async fn list_organisations(
        &self,
        request: Request<v1::ListOrganisationsRequest>,
    ) -> Answer<v1::ListOrganisationsResponse> {
        self.answer(list_organisations::list_organisations(&self.node, request))
    }
}

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
        stream(watch_view::watch_view(&self.node, request))
    }

    async fn explain_row(&self, request: Request<v1::ExplainRowRequest>) -> Answer<v1::ExplainRowResponse> {
        self.answer(explain_row::explain_row(&self.node, request).await)
    }

    async fn digest_view(&self, request: Request<v1::DigestViewRequest>) -> Answer<v1::DigestViewResponse> {
        self.answer(digest_view::digest_view(&self.node, request).await)
    }
}

#[tonic::async_trait]
impl PluginService for Services {
    type InstallPluginStream = Messages<v1::InstallPluginResponse>;
    type FetchComponentStream = Messages<v1::FetchComponentResponse>;

    async fn install_plugin(
        &self,
        request: Request<Streaming<v1::InstallPluginRequest>>,
    ) -> Answer<Self::InstallPluginStream> {
        stream(install_plugin::install_plugin(&self.node, request))
    }

    async fn list_plugins(&self, request: Request<v1::ListPluginsRequest>) -> Answer<v1::ListPluginsResponse> {
        self.answer(list_plugins::list_plugins(&self.node, request).await)
    }

    async fn diff_plugin(&self, request: Request<v1::DiffPluginRequest>) -> Answer<v1::DiffPluginResponse> {
        self.answer(diff_plugin::diff_plugin(&self.node, request).await)
    }

    async fn activate_plugin(&self, request: Request<v1::ActivatePluginRequest>) -> Answer<v1::ActivatePluginResponse> {
        self.answer(change_plugin::activate_plugin(&self.node, request).await)
    }

    async fn rollback_plugin(&self, request: Request<v1::RollbackPluginRequest>) -> Answer<v1::RollbackPluginResponse> {
        self.answer(change_plugin::rollback_plugin(&self.node, request).await)
    }

    async fn pause_plugin(&self, request: Request<v1::PausePluginRequest>) -> Answer<v1::PausePluginResponse> {
        self.answer(change_plugin::pause_plugin(&self.node, request).await)
    }

    async fn resume_plugin(&self, request: Request<v1::ResumePluginRequest>) -> Answer<v1::ResumePluginResponse> {
        self.answer(change_plugin::resume_plugin(&self.node, request).await)
    }

    async fn remove_plugin(&self, request: Request<v1::RemovePluginRequest>) -> Answer<v1::RemovePluginResponse> {
        self.answer(change_plugin::remove_plugin(&self.node, request).await)
    }

    async fn fetch_component(&self, request: Request<v1::FetchComponentRequest>) -> Answer<Self::FetchComponentStream> {
        stream(fetch_component::fetch_component(&self.node, request).await)
    }

    async fn certify_view(&self, request: Request<v1::CertifyViewRequest>) -> Answer<v1::CertifyViewResponse> {
        self.answer(certify_view::certify_view(&self.node, request).await)
    }
}

#[tonic::async_trait]
impl AuditService for Services {
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
}

#[tonic::async_trait]
impl AdminService for Services {
    type BackupStream = Messages<v1::BackupResponse>;

    async fn backup(&self, request: Request<v1::BackupRequest>) -> Answer<Self::BackupStream> {
        stream(backup::backup(&self.node, request))
    }
}

#[tonic::async_trait]
impl NetworkService for Services {
    async fn create_network(&self, request: Request<v1::CreateNetworkRequest>) -> Answer<v1::CreateNetworkResponse> {
        self.answer(create_network::create_network(&self.node, request).await)
    }

    async fn list_networks(&self, request: Request<v1::ListNetworksRequest>) -> Answer<v1::ListNetworksResponse> {
        self.answer(list_networks::list_networks(&self.node, request))
    }

    async fn issue_token(&self, request: Request<v1::IssueTokenRequest>) -> Answer<v1::IssueTokenResponse> {
        self.answer(issue_token::issue_token(&self.node, request).await)
    }

    async fn list_tokens(&self, request: Request<v1::ListTokensRequest>) -> Answer<v1::ListTokensResponse> {
        self.answer(list_tokens::list_tokens(&self.node, request))
    }

    async fn revoke_token(&self, request: Request<v1::RevokeTokenRequest>) -> Answer<v1::RevokeTokenResponse> {
        self.answer(revoke_token::revoke_token(&self.node, request).await)
    }
}

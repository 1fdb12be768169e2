//! `NetworkService`: networks and the tokens that open them.

mod change_policy;
mod create_network;
mod get_policy;
mod issue_feed;
mod issue_token;
mod list_networks;
mod list_tokens;
mod revoke_token;

use super::{Answer, Services};
use kith_proto::v1::{self, network_service_server::NetworkService};
use tonic::Request;

#[tonic::async_trait]
impl NetworkService for Services {
    async fn create_network(&self, request: Request<v1::CreateNetworkRequest>) -> Answer<v1::CreateNetworkResponse> {
        self.answer_recorded(create_network::create_network(&self.node, request).await)
    }

    async fn list_networks(&self, request: Request<v1::ListNetworksRequest>) -> Answer<v1::ListNetworksResponse> {
        self.answer(list_networks::list_networks(&self.node, request))
    }

    async fn issue_token(&self, request: Request<v1::IssueTokenRequest>) -> Answer<v1::IssueTokenResponse> {
        self.answer_recorded(issue_token::issue_token(&self.node, request).await)
    }

    async fn issue_feed(&self, request: Request<v1::IssueFeedRequest>) -> Answer<v1::IssueFeedResponse> {
        self.answer_recorded(issue_feed::issue_feed(&self.node, request).await)
    }

    async fn list_tokens(&self, request: Request<v1::ListTokensRequest>) -> Answer<v1::ListTokensResponse> {
        self.answer(list_tokens::list_tokens(&self.node, request))
    }

    async fn revoke_token(&self, request: Request<v1::RevokeTokenRequest>) -> Answer<v1::RevokeTokenResponse> {
        self.answer_recorded(revoke_token::revoke_token(&self.node, request).await)
    }

    async fn get_policy(&self, request: Request<v1::GetPolicyRequest>) -> Answer<v1::GetPolicyResponse> {
        self.answer(get_policy::get_policy(&self.node, request))
    }

    async fn change_policy(&self, request: Request<v1::ChangePolicyRequest>) -> Answer<v1::ChangePolicyResponse> {
        self.answer_recorded(change_policy::change_policy(&self.node, request).await)
    }
}

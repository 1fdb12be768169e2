//! `PluginService`: the plugins of a network, and certificates of their views as of a checkpoint.

mod certify_view;
mod change_plugin;
mod diff_plugin;
mod fetch_component;
mod install_plugin;
mod list_plugins;
mod refused;

use super::{Answer, Services, stream, stream::Messages};
use kith_proto::v1::{self, plugin_service_server::PluginService};
use tonic::{Request, Streaming};

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
        self.answer_recorded(change_plugin::activate_plugin(&self.node, request).await)
    }

    async fn rollback_plugin(&self, request: Request<v1::RollbackPluginRequest>) -> Answer<v1::RollbackPluginResponse> {
        self.answer_recorded(change_plugin::rollback_plugin(&self.node, request).await)
    }

    async fn pause_plugin(&self, request: Request<v1::PausePluginRequest>) -> Answer<v1::PausePluginResponse> {
        self.answer_recorded(change_plugin::pause_plugin(&self.node, request).await)
    }

    async fn resume_plugin(&self, request: Request<v1::ResumePluginRequest>) -> Answer<v1::ResumePluginResponse> {
        self.answer_recorded(change_plugin::resume_plugin(&self.node, request).await)
    }

    async fn remove_plugin(&self, request: Request<v1::RemovePluginRequest>) -> Answer<v1::RemovePluginResponse> {
        self.answer_recorded(change_plugin::remove_plugin(&self.node, request).await)
    }

    async fn fetch_component(&self, request: Request<v1::FetchComponentRequest>) -> Answer<Self::FetchComponentStream> {
        stream(fetch_component::fetch_component(&self.node, request).await)
    }

    async fn certify_view(&self, request: Request<v1::CertifyViewRequest>) -> Answer<v1::CertifyViewResponse> {
        self.answer(certify_view::certify_view(&self.node, request).await)
    }
}

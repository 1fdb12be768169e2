//! Plugins of a network: installing, comparing, activating, and certifying the rows of their views.

use crate::{client::Client, error::Error, limits::COMPONENT_PIECE_BYTES_MAX, retry::Repeat};
use bytes::{Bytes, BytesMut};
use kith_core::{day::Day, id::EventId, position::Position};
use kith_proto::v1;
use sha2::{Digest, Sha256};
use tonic::Streaming;

/// What to install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPlugin {
    /// The view's name; `None` = the one in the component's manifest.
    pub name: Option<String>,
    /// Settings as JSON text; empty = `{}`.
    pub settings: String,
    /// Which events it folds.
    pub scope: kith_core::event::Scope,
    /// The component.
    pub component: Component,
}

/// Where a component comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Component {
    /// These bytes.
    Bytes(Bytes),
    /// That of a built-in view, by name.
    Builtin(String),
}

/// An installation in progress.
#[derive(Debug)]
pub struct Installing(Streaming<v1::InstallPluginResponse>);

impl Installing {
    /// The next progress message. The last one says what was installed; after it comes `None`.
    pub async fn next(&mut self) -> Result<Option<v1::InstallPluginResponse>, Error> {
        Ok(self.0.message().await?)
    }
}

/// The plugins of a network and the log's head.
#[derive(Debug, Clone, PartialEq)]
pub struct Plugins {
    /// The plugins, by name.
    pub plugins: Vec<v1::Plugin>,
    /// The log's last position.
    pub head: Position,
    /// For owners of the network: the resource use of organisations' plugins that the token may not see.
    pub unseen: Vec<v1::UnseenPlugin>,
}

impl Client {
    /// Installs a plugin, or another version of one. Needs an analyst or an owner. It is not retried automatically, but
    /// repeating it is safe: the same component with the same settings is installed once.
    pub async fn install_plugin(&self, plugin: NewPlugin) -> Result<Installing, Error> {
        let (data, builtin) = match plugin.component {
            Component::Bytes(bytes) => (bytes, String::new()),
            Component::Builtin(name) => (Bytes::new(), name),
        };
        let first = v1::NewPlugin {
            network: self.network_name(),
            name: plugin.name.unwrap_or_default(),
            settings: plugin.settings,
            scope: plugin.scope.to_proto().into(),
            builtin,
        };
        let first = v1::InstallPluginRequest { plugin: Some(first), data: Bytes::new() };
        let messages = futures_util::stream::iter(std::iter::once(first).chain(pieces(data)));
        let mut plugins = self.plugin_streams();
        let answers = Self::within(self.timeouts.call, plugins.install_plugin(messages)).await?;
        Ok(Installing(answers.into_inner()))
    }

    /// The plugins that the token may see, with every version.
    pub async fn list_plugins(&self) -> Result<Plugins, Error> {
        let plugins = self.plugins();
        let send = |request| {
            let mut plugins = plugins.clone();
            async move { plugins.list_plugins(request).await }
        };
        let mut request = v1::ListPluginsRequest { network: self.network_name(), ..Default::default() };
        let (mut listed, mut unseen) = (Vec::new(), Vec::new());
        loop {
            let page = self.call(Repeat::Safe, request.clone(), send).await?;
            listed.extend(page.plugins);
            unseen.extend(page.unseen);
            if page.next_page_token.is_empty() {
                return Ok(Plugins { plugins: listed, head: Position::new(page.head), unseen });
            }
            request.page_token = page.next_page_token;
        }
    }

    /// What would change if another version were active; `None` = the newest. Lists up to `moves_max` moves.
    pub async fn diff_plugin(
        &self,
        name: &str,
        version: Option<&str>,
        moves_max: u32,
    ) -> Result<v1::DiffPluginResponse, Error> {
        let version = version.unwrap_or_default().to_owned();
        let request = v1::DiffPluginRequest { network: self.network_name(), name: name.to_owned(), version, moves_max };
        let plugins = self.plugins();
        let send = |request| {
            let mut plugins = plugins.clone();
            async move { plugins.diff_plugin(request).await }
        };
        self.call(Repeat::Safe, request, send).await
    }

    /// Activates a version; zero if it was already active. While its view is being built, the error is retryable.
    pub async fn activate_plugin(&self, name: &str, version: &str) -> Result<Position, Error> {
        let (network, name, version) = (self.network_name(), name.to_owned(), version.to_owned());
        let request = v1::ActivatePluginRequest { network, name, version };
        let plugins = self.plugins();
        let send = |request| {
            let mut plugins = plugins.clone();
            async move { plugins.activate_plugin(request).await }
        };
        Ok(Position::new(self.call(Repeat::Safe, request, send).await?.position))
    }

    /// Reactivates the version that was active before; returns it, and the position of the entry that records this.
    pub async fn rollback_plugin(&self, name: &str) -> Result<(String, Position), Error> {
        let request = v1::RollbackPluginRequest { network: self.network_name(), name: name.to_owned() };
        let plugins = self.plugins();
        let send = |request| {
            let mut plugins = plugins.clone();
            async move { plugins.rollback_plugin(request).await }
        };
        let response = self.call(Repeat::Unsafe, request, send).await?;
        Ok((response.version, Position::new(response.position)))
    }

    /// Pauses a plugin's views at their current position; zero if it was already paused.
    pub async fn pause_plugin(&self, name: &str) -> Result<Position, Error> {
        let request = v1::PausePluginRequest { network: self.network_name(), name: name.to_owned() };
        let plugins = self.plugins();
        let send = |request| {
            let mut plugins = plugins.clone();
            async move { plugins.pause_plugin(request).await }
        };
        Ok(Position::new(self.call(Repeat::Safe, request, send).await?.position))
    }

    /// Resumes a plugin's views; zero if it was not paused.
    pub async fn resume_plugin(&self, name: &str) -> Result<Position, Error> {
        let request = v1::ResumePluginRequest { network: self.network_name(), name: name.to_owned() };
        let plugins = self.plugins();
        let send = |request| {
            let mut plugins = plugins.clone();
            async move { plugins.resume_plugin(request).await }
        };
        Ok(Position::new(self.call(Repeat::Safe, request, send).await?.position))
    }

    /// Removes a plugin with all its versions and rows.
    pub async fn remove_plugin(&self, name: &str) -> Result<Position, Error> {
        self.remove_any_plugin(name.to_owned(), Vec::new()).await
    }

    /// Removes an organisation's plugin by the event that installed it, as given in [`Plugins::unseen`]. Needs an owner
    /// of the network.
    pub async fn end_plugin(&self, installed: &EventId) -> Result<Position, Error> {
        self.remove_any_plugin(String::new(), installed.as_bytes().to_vec()).await
    }

    async fn remove_any_plugin(&self, name: String, installed: Vec<u8>) -> Result<Position, Error> {
        let request = v1::RemovePluginRequest { network: self.network_name(), name, installed };
        let plugins = self.plugins();
        let send = |request| {
            let mut plugins = plugins.clone();
            async move { plugins.remove_plugin(request).await }
        };
        Ok(Position::new(self.call(Repeat::Unsafe, request, send).await?.position))
    }

    /// The bytes of a component by its SHA-256, which is verified.
    pub async fn fetch_component(&self, digest: &[u8; 32]) -> Result<Bytes, Error> {
        let request = v1::FetchComponentRequest { network: self.network_name(), component: digest.to_vec() };
        let mut plugins = self.plugin_streams();
        let mut pieces = Self::within(self.timeouts.call, plugins.fetch_component(request)).await?.into_inner();
        let mut component = BytesMut::new();
        while let Some(piece) = pieces.message().await? {
            component.extend_from_slice(&piece.data);
            if component.len() > kith_core::limits::COMPONENT_BYTES_MAX {
                return Err(Error::answer("the component is longer than allowed"));
            }
        }
        if Sha256::digest(&component)[..] != digest[..] {
            return Err(Error::answer("the component does not match its digest"));
        }
        Ok(component.freeze())
    }

    /// A certificate of a view's rows as of the newest checkpoint and the end of a UTC day (`None` = today), which
    /// others can verify by recomputing them.
    pub async fn certify_view(&self, view: &str, day: Option<Day>) -> Result<v1::ViewCertificate, Error> {
        let day = day.map(Day::number);
        let request = v1::CertifyViewRequest { network: self.network_name(), view: view.to_owned(), day };
        let plugins = self.plugins();
        let send = |request| {
            let mut plugins = plugins.clone();
            async move { plugins.certify_view(request).await }
        };
        let response = self.call(Repeat::Safe, request, send).await?;
        response.certificate.ok_or_else(|| Error::answer("it has no certificate"))
    }
}

fn pieces(mut data: Bytes) -> impl Iterator<Item = v1::InstallPluginRequest> {
    std::iter::from_fn(move || {
        let piece = data.split_to(data.len().min(COMPONENT_PIECE_BYTES_MAX));
        (!piece.is_empty()).then_some(v1::InstallPluginRequest { plugin: None, data: piece })
    })
}

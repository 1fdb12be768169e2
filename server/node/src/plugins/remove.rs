//! Removes a plugin, with everything that only it used.

use super::{PluginChangeError, PluginChanges, changeable};
use crate::views::OpenViews;
use kith_core::{
    event::{Administration, RemovedPlugin, Scope},
    id::EventId,
    may::{Action, Principal, may},
    position::Position,
};
use kith_log::Network;

impl PluginChanges {
    /// Removes a plugin with its rows, and those of its components that no other plugin names.
    pub(crate) async fn remove(
        &self,
        network: &Network,
        principal: &Principal,
        name: &str,
    ) -> Result<Position, PluginChangeError> {
        let views = self.views.of(network).await?;
        let _turn = self.turn(network).await;
        let plugins = network.plugins();
        let (key, _) = changeable(&plugins, principal, name)?;
        let removed = RemovedPlugin::Named(name.to_owned());
        self.remove_from((network, &views), principal, key.owner.scope(), removed).await
    }

    /// Removes a plugin by the event that installed its first version. The principal need not be able to see it.
    pub(crate) async fn end(
        &self,
        network: &Network,
        principal: &Principal,
        installed: EventId,
    ) -> Result<Position, PluginChangeError> {
        if !may(principal, &Action::EndPlugin) {
            return Err(PluginChangeError::Forbidden);
        }
        let views = self.views.of(network).await?;
        let _turn = self.turn(network).await;
        let removed = RemovedPlugin::Installed(installed);
        let fact = Administration::PluginRemoved { plugin: removed.clone() };
        network.plugins().check(&fact, Scope::Network, None)?;
        self.remove_from((network, &views), principal, Scope::Network, removed).await
    }

    async fn remove_from(
        &self,
        (network, views): (&Network, &OpenViews),
        principal: &Principal,
        scope: Scope,
        plugin: RemovedPlugin,
    ) -> Result<Position, PluginChangeError> {
        let fact = Administration::PluginRemoved { plugin };
        let position = network.administer(principal, scope, vec![fact]).await?;
        tracing::info!(network = %network.name(), %position, "plugin removed");
        views.follow().await;
        self.forget_components().await?;
        Ok(position)
    }
}

//! Which version of a plugin answers: another one, or the one before.

use super::{PluginChangeError, PluginChanges, changeable};
use crate::{
    limits::VIEW_WAIT,
    views::{Served, ServedView},
};
use kith_core::{
    event::Administration,
    may::Principal,
    plugins::{Plugin, PluginKey, PluginRefusal, PluginVersion},
    position::Position,
};
use kith_log::Network;

impl PluginChanges {
    /// Lets a version answer, if its view is built; position 0 if it did before.
    pub(crate) async fn activate(
        &self,
        network: &Network,
        principal: &Principal,
        name: &str,
        version: &str,
    ) -> Result<Position, PluginChangeError> {
        let _turn = self.begin().await;
        let plugins = network.plugins();
        let (key, plugin) = changeable(&plugins, principal, name)?;
        let Some(version) = plugin.version(version) else { return Err(version_unknown(name, version)) };
        if plugin.active() == Some(version) {
            return Ok(Position::ZERO);
        }
        self.activate_version(network, principal, (key, plugin), version).await
    }

    /// Lets the version answer again that did before.
    pub(crate) async fn rollback(
        &self,
        network: &Network,
        principal: &Principal,
        name: &str,
    ) -> Result<(String, Position), PluginChangeError> {
        let _turn = self.begin().await;
        let plugins = network.plugins();
        let (key, plugin) = changeable(&plugins, principal, name)?;
        let Some(version) = plugin.before() else {
            return Err(PluginChangeError::NothingBefore(name.to_owned()));
        };
        let position = self.activate_version(network, principal, (key, plugin), version).await?;
        Ok((version.version.clone(), position))
    }

    async fn activate_version(
        &self,
        network: &Network,
        principal: &Principal,
        (key, plugin): (&PluginKey, &Plugin),
        version: &PluginVersion,
    ) -> Result<Position, PluginChangeError> {
        self.views.keep_version(network, key, plugin, version).await;
        self.await_built(network, key, version).await?;
        let (name, scope) = (&key.name, key.owner.scope());
        let fact = Administration::PluginActivated {
            name: name.clone(),
            version: version.version.clone(),
            component: version.component,
        };
        let position = network.administer(principal, scope, vec![fact]).await?;
        tracing::info!(network = %network.name(), plugin = name, version = version.version, "plugin activated");
        self.views.follow(network).await;
        Ok(position)
    }

    /// Waits a little for a version's view to be level with the log: nobody is to see a half-built one.
    async fn await_built(
        &self,
        network: &Network,
        key: &PluginKey,
        version: &PluginVersion,
    ) -> Result<(), PluginChangeError> {
        let wanted = (key, version.version.as_str());
        let ServedView { handle, paused, .. } = match self.views.version(network.name(), wanted) {
            Some(Ok(Served::View(view))) => view,
            Some(Ok(Served::Report(_))) => return Ok(()),
            Some(Err(problem)) => return Err(problem.into()),
            None => return Err(PluginChangeError::Stopped),
        };
        if paused && handle.cursor().day.is_some() {
            return Ok(());
        }
        let head = network.head();
        match tokio::time::timeout(VIEW_WAIT, handle.wait_for(head)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) if !paused => Err(PluginChangeError::Stopped),
            Ok(Err(_)) | Err(_) => {
                let cursor = handle.cursor().position;
                let (name, version) = (key.name.clone(), version.version.clone());
                Err(PluginChangeError::Building { name, version, cursor, head })
            }
        }
    }
}

fn version_unknown(name: &str, version: &str) -> PluginChangeError {
    PluginRefusal::VersionUnknown { name: name.to_owned(), version: version.to_owned() }.into()
}

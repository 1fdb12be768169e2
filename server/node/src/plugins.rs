//! The life cycle of plugins: each change is first recorded as an entry of the network's log, and then applied.
//!
//! Invariant: the changes of a network are made one at a time, so that what was checked is still true when it is
//! recorded, and no change waits for a view during its turn. Components are shared by all networks: none is forgotten
//! between being stored and being named by an entry.

mod activate;
mod error;
mod install;
mod pause;
mod remove;

pub(crate) use self::{
    error::{Misfit, PluginChangeError},
    install::NewPlugin,
    pause::Pause,
};

use crate::{
    bounds::shares::{Shares, acquire},
    limits::VIEWS_RETRY,
    views::{NetworkViews, is_builtin},
};
use kith_core::{
    event::Scope,
    id::NetworkName,
    may::{Action, Principal, may},
    plugins::{Plugin, PluginKey, PluginOwner, PluginRefusal, Plugins},
};
use kith_log::{Log, Network};
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedSemaphorePermit};

/// Changes the plugins of networks.
pub(crate) struct PluginChanges {
    log: Log,
    views: Arc<NetworkViews>,
    /// One for each network.
    turns: Shares<NetworkName>,
    /// Held from storing a component until an entry names it, and while components are forgotten.
    components: Mutex<()>,
}

/// The owner of a plugin that the principal installs in a scope, or an error if the principal may not.
pub(crate) fn owner_to_change(principal: &Principal, scope: Scope) -> Result<PluginOwner, PluginChangeError> {
    let owner = PluginOwner::of(scope, principal.organisation.as_ref())?;
    if may(principal, &Action::ChangePlugin(&owner)) {
        return Ok(owner);
    }
    Err(PluginChangeError::Forbidden)
}

impl PluginChanges {
    /// Changes the plugins in a log, and their views.
    pub(crate) fn new(log: Log, views: Arc<NetworkViews>) -> Self {
        Self { log, views, turns: Shares::of(1), components: Mutex::default() }
    }

    /// Waits until nobody else is changing plugins of a network.
    async fn turn(&self, network: &Network) -> OwnedSemaphorePermit {
        acquire(self.turns.find(network.name()), 1).await
    }

    /// Periodically retries built-in views that could not be started, for as long as the server runs.
    pub(crate) async fn retry_views(&self) {
        loop {
            tokio::time::sleep(VIEWS_RETRY).await;
            for network in self.log.networks() {
                let Some(views) = self.views.find_open(&network) else { continue };
                if !views.have_started() {
                    let _turn = self.turn(&network).await;
                    views.follow().await;
                }
            }
        }
    }

    /// Deletes components that no plugin of any network names any more.
    async fn forget_components(&self) -> Result<(), PluginChangeError> {
        let _alone = self.components.lock().await;
        let log = self.log.clone();
        let kept = kith_log::blocking(move || log.components()).await?;
        let used: Vec<_> = self.log.networks().iter().map(Network::plugins).collect();
        for digest in kept.iter().filter(|digest| !used.iter().any(|plugins| plugins.uses(digest))) {
            self.log.remove_component(digest).await?;
        }
        self.views.forget_code().await;
        Ok(())
    }
}

/// The plugin that a name means to the principal, if it may change it. One that it may not see counts as missing.
fn changeable<'a>(
    plugins: &'a Plugins,
    principal: &Principal,
    name: &str,
) -> Result<(&'a PluginKey, &'a Plugin), PluginChangeError> {
    if is_builtin(name) {
        return Err(PluginChangeError::BuiltIn(name.to_owned()));
    }
    let found = plugins.find(name, principal.organisation.as_ref());
    let Some((key, plugin)) = found else { return Err(PluginRefusal::Unknown(name.to_owned()).into()) };
    if may(principal, &Action::ChangePlugin(&key.owner)) {
        Ok((key, plugin))
    } else {
        Err(PluginChangeError::Forbidden)
    }
}

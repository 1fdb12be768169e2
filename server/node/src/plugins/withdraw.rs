//! Removes plugins that were installed and whose view stops before it has ever been built, so that nothing stays under
//! their name if whoever installed them is gone by then.
//!
//! Invariant: only what this process installed as a first version is removed, and only while no other version is there.

use super::{PluginChangeError, PluginChanges};
use crate::{
    limits::{FAILED_INSTALL_SHOWN, VIEWS_SWEEP},
    views::FirstBuild,
};
use kith_core::{
    event::RemovedPlugin,
    id::NetworkName,
    may::Principal,
    plugins::{PluginKey, PluginVersion, Plugins},
    position::Position,
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// First versions whose views have not been built yet.
#[derive(Default)]
pub(super) struct Unbuilt(Mutex<BTreeMap<(NetworkName, PluginKey), Installation>>);

/// An installation that may have to be undone.
#[derive(Clone)]
struct Installation {
    principal: Principal,
    version: String,
    position: Position,
    /// Since when the view is seen to have failed: whoever installed it sees why, and may remove it.
    failed_since: Option<Instant>,
    /// Whether the view was seen to be built. One that has just come to the head may yet stop there.
    was_built: bool,
}

impl Unbuilt {
    /// Notes a first version.
    pub(super) fn note(&self, network: &NetworkName, key: &PluginKey, principal: &Principal, of: (String, Position)) {
        let (version, position) = of;
        let installation =
            Installation { principal: principal.clone(), version, position, failed_since: None, was_built: false };
        self.all().insert((network.clone(), key.clone()), installation);
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<(NetworkName, PluginKey), Installation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Installation {
    /// Whether it is still the plugin's only version.
    fn stands(&self, plugins: &Plugins, key: &PluginKey) -> bool {
        let only = |versions: &[PluginVersion]| matches!(versions, [only] if only.installed_at == self.position);
        plugins.get(key).is_some_and(|plugin| only(plugin.versions()))
    }

    /// Notes how the view is doing. Returns whether there is still something to wait for.
    fn see(&mut self, build: FirstBuild) -> bool {
        match build {
            FirstBuild::NotOpen | FirstBuild::GoesOn => true,
            FirstBuild::Failed => {
                self.failed_since.get_or_insert_with(Instant::now);
                true
            }
            FirstBuild::Done => !std::mem::replace(&mut self.was_built, true),
        }
    }

    fn is_to_go(&self) -> bool {
        self.failed_since.is_some_and(|since| since.elapsed() > FAILED_INSTALL_SHOWN)
    }
}

impl PluginChanges {
    /// Undoes installations that failed, for as long as the server runs.
    pub(crate) async fn withdraw_failed(&self) {
        loop {
            tokio::time::sleep(VIEWS_SWEEP).await;
            for ((network, key), installation) in self.failed() {
                if let Err(error) = self.withdraw(&network, &key, &installation).await {
                    tracing::warn!(%network, plugin = key.name, %error, "plugin whose view stopped could not be removed");
                }
            }
        }
    }

    /// Those that failed a while ago. Forgets those that are built, changed or gone.
    fn failed(&self) -> Vec<((NetworkName, PluginKey), Installation)> {
        let mut all = self.unbuilt.all();
        all.retain(|(name, key), installation| {
            let Some(network) = self.log.network(name) else { return false };
            let build = self.views.first_build(name, key, &installation.version);
            installation.stands(&network.plugins(), key) && installation.see(build)
        });
        let failed = all.iter().filter(|(_, installation)| installation.is_to_go());
        failed.map(|(of, installation)| (of.clone(), installation.clone())).collect()
    }

    async fn withdraw(
        &self,
        name: &NetworkName,
        key: &PluginKey,
        installation: &Installation,
    ) -> Result<(), PluginChangeError> {
        let Some(network) = self.log.network(name) else { return Ok(()) };
        let views = self.views.of(&network).await?;
        let _turn = self.turn(&network).await;
        let has_failed = self.views.first_build(name, key, &installation.version) == FirstBuild::Failed;
        if !has_failed || !installation.stands(&network.plugins(), key) {
            return Ok(());
        }
        let removed = RemovedPlugin::Named(key.name.clone());
        self.remove_from((&network, &views), &installation.principal, key.owner.scope(), removed).await?;
        tracing::warn!(network = %name, plugin = key.name, "plugin was removed: its view stopped before it was built");
        Ok(())
    }
}

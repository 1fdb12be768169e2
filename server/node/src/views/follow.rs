//! Updates the views of a network to match the plugins in its log.

use super::{
    NetworkViews, NotKept,
    builtin::{builtin_key, is_builtin},
    open::{OpenViews, Opened},
    slot::{Kept, KeptView, Slot},
    start::Wanted,
};
use kith_bundle::{BUILTINS, Builtin};
use kith_core::plugins::{Plugin, PluginKey, PluginOwner, PluginVersion};
use kith_log::Network;
use kith_views::ViewScope;
use std::{collections::BTreeMap, error::Error, sync::Arc};

impl NetworkViews {
    /// Starts every view that should follow a network whose views are open, and stops all others. Returns once they run;
    /// they catch up in the background. One call at a time for a network.
    pub(super) async fn follow(&self, network: &Network) {
        for builtin in BUILTINS {
            if !self.has_started(network, builtin) {
                self.add_builtin(network, builtin).await;
            }
        }
        let plugins = network.plugins();
        for (key, plugin) in plugins.iter() {
            for version in plugin.followed() {
                self.keep_version(network, key, plugin, version).await;
            }
        }
        let gone = self.change(network.name(), |Opened { slots, .. }| {
            let removed = slots.extract_if(.., |key, _| plugins.get(key).is_none() && !is_builtin(&key.name));
            let mut gone: Vec<KeptView> = removed.flat_map(|(_, slot)| slot.into_views()).collect();
            for (key, slot) in slots {
                gone.extend(plugins.get(key).into_iter().flat_map(|plugin| slot.bring_to_date(plugin)));
            }
            gone
        });
        self.set_pauses(network).await;
        discard(gone.unwrap_or_default()).await;
    }

    fn has_started(&self, network: &Network, builtin: &Builtin) -> bool {
        let has_started = |opened: &Opened| {
            opened.slots.get(&builtin_key(builtin.name)).is_some_and(|slot| slot.answering().is_some())
        };
        self.look(network.name(), has_started) == Some(true)
    }

    async fn add_builtin(&self, network: &Network, builtin: &Builtin) {
        let component = bytes::Bytes::from_static(builtin.component);
        let wanted = Wanted { name: builtin.name, component, settings: "{}", scope: ViewScope::Network };
        let kept = self.start(network, wanted, None).await;
        let version = kept.as_ref().map(|kept| kept.version().to_owned()).unwrap_or_default();
        let active = Some(version.clone());
        let slot = Slot { paused: false, active, versions: BTreeMap::from([(version, kept.map_err(Arc::new))]) };
        self.change(network.name(), |opened| opened.slots.insert(builtin_key(builtin.name), slot));
    }

    async fn keep_version(&self, network: &Network, key: &PluginKey, plugin: &Plugin, version: &PluginVersion) {
        let is_kept = |opened: &Opened| {
            let slot = opened.slots.get(key);
            slot.is_some_and(|slot| matches!(slot.versions.get(&version.version), Some(Ok(_))))
        };
        if self.look(network.name(), is_kept) == Some(true) {
            return;
        }
        let kept = self.start_version(network, key, plugin, version).await;
        self.change(network.name(), |opened| {
            let slot = opened.slots.entry(key.clone()).or_insert_with(|| Slot {
                paused: plugin.is_paused(),
                active: None,
                versions: BTreeMap::new(),
            });
            slot.versions.insert(version.version.clone(), kept.map_err(Arc::new));
        });
    }

    async fn start_version(
        &self,
        network: &Network,
        key: &PluginKey,
        plugin: &Plugin,
        version: &PluginVersion,
    ) -> Result<Kept, NotKept> {
        let component = self.component(&version.component).await?;
        let scope = match &key.owner {
            PluginOwner::Network => ViewScope::Network,
            PluginOwner::Organisation(organisation) => ViewScope::Organisation(organisation.clone()),
        };
        let wanted = Wanted { name: &key.name, component, settings: &version.settings, scope };
        self.start(network, wanted, plugin.paused_at()).await
    }

    /// Stops views that are paused and resumes those that are not.
    async fn set_pauses(&self, network: &Network) {
        let kept = self.look(network.name(), |opened| {
            let views = |slot: &Slot| slot.views().map(|(_, view)| (view.clone(), slot.paused)).collect::<Vec<_>>();
            opened.slots.values().flat_map(views).collect::<Vec<_>>()
        });
        let Some(kept) = kept else { return };
        let head = network.watch_head();
        kith_log::blocking(move || {
            for (KeptView { handle, comes_back, .. }, paused) in kept {
                // A view that is being rebuilt stops by itself where it was paused.
                match (paused, comes_back) {
                    (true, true) => continue,
                    (true, false) | (false, true) => handle.stop(),
                    (false, false) => {}
                }
                if paused {
                    continue;
                }
                if let Err(error) = handle.resume(head.clone()) {
                    tracing::error!(error = &error as &dyn Error, "view could not be resumed");
                }
            }
        })
        .await;
    }
}

impl OpenViews {
    /// Starts every view that should follow the network, and stops all others. One call at a time for a network.
    pub(crate) async fn follow(&self) {
        self.views.follow(&self.network).await;
    }

    /// Whether every built-in view and report has been started. If not, another attempt may succeed.
    pub(crate) fn have_started(&self) -> bool {
        BUILTINS.iter().all(|builtin| self.views.has_started(&self.network, builtin))
    }

    /// Starts a version of a plugin alongside the others, unless it is running already.
    pub(crate) async fn keep_version(&self, key: &PluginKey, plugin: &Plugin, version: &PluginVersion) {
        self.views.keep_version(&self.network, key, plugin, version).await;
    }
}

/// Deletes the files of views that are no longer needed; they can be built again.
async fn discard(gone: Vec<KeptView>) {
    kith_log::blocking(move || {
        for KeptView { handle, .. } in gone {
            if let Err(error) = handle.delete() {
                tracing::warn!(%error, "the file of a removed view could not be deleted");
            }
        }
    })
    .await;
}

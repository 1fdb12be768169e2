//! The network's installed plugins, on a replica: the entries here say which there are, and each component is fetched
//! by digest once, when the replica syncs.
//!
//! Invariant: a component's file contains exactly the bytes whose digest is its name.

use super::OfflinePlugin;
use crate::{client::Client, error::Kind, replica::Inner};
use bytes::Bytes;
use kith_core::plugins::{Plugin, PluginKey, PluginOwner};
use kith_core::reason::Reason;
use kith_views::ViewScope;
use sha2::{Digest, Sha256};
use std::{fs, io, path::PathBuf};

impl Inner {
    /// Fetches the missing components of active plugins. One that is not available, now or to this token, is left for
    /// next time: views matter less than entries.
    pub(in crate::replica) async fn fetch_components(&self, client: &Client) {
        let Ok(plugins) = self.plugins() else { return };
        for (_, plugin) in plugins.iter() {
            let Some(version) = plugin.active() else { continue };
            let Some(path) = self.component_path(&version.component).filter(|path| !path.exists()) else { continue };
            match client.fetch_component(&version.component).await {
                Ok(component) => drop(keep(&path, &component)),
                // It was removed in the meantime.
                Err(error) if error.kind() == Kind::Refused(Reason::ViewUnknown) => {}
                Err(_) => return,
            }
        }
    }

    /// The active plugins whose components are here.
    pub(super) fn installed(&self) -> Vec<OfflinePlugin> {
        let Ok(plugins) = self.plugins() else { return Vec::new() };
        plugins.iter().filter_map(|(key, plugin)| self.offline(key, plugin)).collect()
    }

    fn offline(&self, key: &PluginKey, plugin: &Plugin) -> Option<OfflinePlugin> {
        let version = plugin.active()?;
        let component = fs::read(self.component_path(&version.component)?).ok()?;
        let is_whole = Sha256::digest(&component)[..] == version.component[..];
        is_whole.then(|| OfflinePlugin {
            name: key.name.clone(),
            component: Bytes::from(component),
            settings: version.settings.clone(),
            scope: match &key.owner {
                PluginOwner::Network => ViewScope::Network,
                PluginOwner::Organisation(organisation) => ViewScope::Organisation(organisation.clone()),
            },
        })
    }

    fn component_path(&self, digest: &[u8; 32]) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join("components").join(format!("{}.wasm", hex::encode(digest))))
    }
}

/// Writes a complete file or none.
fn keep(path: &std::path::Path, component: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let part = path.with_extension("part");
    fs::write(&part, component)?;
    fs::rename(part, path)
}

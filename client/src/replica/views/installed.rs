//! The network's installed plugins, on a replica: the entries here say which there are, and each component is fetched
//! by digest once, when the replica syncs.
//!
//! Invariant: a component's file contains exactly the bytes whose digest is its name.

use super::OfflinePlugin;
use crate::{
    client::Client,
    error::{Error, Kind},
    replica::Inner,
};
use bytes::Bytes;
use kith_core::plugins::{Plugin, PluginKey, PluginOwner};
use kith_core::reason::Reason;
use kith_views::ViewScope;
use sha2::{Digest, Sha256};
use std::{fs, io, path::PathBuf};

impl Inner {
    /// Fetches the missing components of active plugins, and of built-in ones of which the server has another version.
    /// One that is not available, now or to this token, is left for next time: views matter less than entries.
    pub(in crate::replica) async fn fetch_components(&self, client: &Client, builtins: &[u8]) {
        self.fetch_builtins(client, builtins).await;
        let Ok(plugins) = self.plugins() else { return };
        for (_, plugin) in plugins.iter() {
            let Some(version) = plugin.active() else { continue };
            if self.fetch_component(client, &version.component).await.is_err() {
                return;
            }
        }
    }

    /// Fetches a component unless it is here.
    pub(super) async fn fetch_component(&self, client: &Client, digest: &[u8; 32]) -> Result<(), Error> {
        let Some(path) = self.component_path(digest).filter(|path| !path.exists()) else { return Ok(()) };
        match client.fetch_component(digest).await {
            Ok(component) => drop(keep(&path, &component)),
            // It was removed in the meantime.
            Err(error) if error.kind() == Kind::Refused(Reason::ViewUnknown) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The active plugins whose components are here.
    pub(super) fn installed(&self) -> Vec<OfflinePlugin> {
        let Ok(plugins) = self.plugins() else { return Vec::new() };
        plugins.iter().filter_map(|(key, plugin)| self.offline(key, plugin)).collect()
    }

    fn offline(&self, key: &PluginKey, plugin: &Plugin) -> Option<OfflinePlugin> {
        let version = plugin.active()?;
        Some(OfflinePlugin {
            name: key.name.clone(),
            component: Bytes::from(self.component(&version.component)?),
            settings: version.settings.clone(),
            scope: match &key.owner {
                PluginOwner::Network => ViewScope::Network,
                PluginOwner::Organisation(organisation) => ViewScope::Organisation(organisation.clone()),
            },
        })
    }

    /// A component that was fetched.
    pub(super) fn component(&self, digest: &[u8; 32]) -> Option<Vec<u8>> {
        let component = fs::read(self.component_path(digest)?).ok()?;
        (Sha256::digest(&component)[..] == digest[..]).then_some(component)
    }

    /// The folder of components and of what is known about the server's.
    pub(super) fn components_folder(&self) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join("components"))
    }

    fn component_path(&self, digest: &[u8; 32]) -> Option<PathBuf> {
        Some(self.components_folder()?.join(format!("{}.wasm", hex::encode(digest))))
    }
}

/// Writes a complete file or none.
pub(super) fn keep(path: &std::path::Path, component: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let part = path.with_extension("part");
    fs::write(&part, component)?;
    fs::rename(part, path)
}

//! The built-in views of every network. What goes wrong with a view is told and never stops the server.

use crate::clock::Clock;
use kith_bundle::{BUILTINS, Builtin};
use kith_core::id::NetworkName;
use kith_log::Network;
use kith_views::{FollowError, Following, SandboxError, ViewHandle, ViewScope, Views};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

/// Settings of the plugin host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Bytes that each view may use to keep pages of its file.
    pub store_cache_bytes: usize,
    /// Bytes of a plugin's memory, at most 256 MiB.
    pub memory_bytes_max: usize,
}

/// Bytes of a plugin's memory that no configuration can exceed.
const MEMORY_BYTES_LIMIT: usize = 256 * 1024 * 1024;

impl Default for Config {
    fn default() -> Self {
        let usual = host_config(Path::new(""));
        Self { store_cache_bytes: usual.store_cache_bytes, memory_bytes_max: usual.sandbox.memory_bytes }
    }
}

impl Config {
    /// What is out of range.
    pub fn problem(&self) -> Option<String> {
        let (value, max) = (self.memory_bytes_max, MEMORY_BYTES_LIMIT);
        (!(1..=max).contains(&value)).then(|| format!("views.memory_bytes_max: {value} is not between 1 and {max}"))
    }
}

fn host_config(data: &Path) -> kith_views::Config {
    kith_views::Config::new(data.join("views"), data.join("cache"))
}

/// A network's views by name.
type Handles = BTreeMap<String, Arc<ViewHandle>>;

/// The views that follow each network.
pub struct NetworkViews {
    host: Arc<Views>,
    clock: Clock,
    handles: RwLock<BTreeMap<NetworkName, Handles>>,
}

impl NetworkViews {
    /// Sets up the plugin host in a data folder.
    pub(crate) async fn open(data: &Path, config: &Config, clock: Clock) -> Result<Self, SandboxError> {
        let mut host = host_config(data);
        host.store_cache_bytes = config.store_cache_bytes;
        host.sandbox.memory_bytes = config.memory_bytes_max;
        let host = crate::blocking(move || Views::open(host)).await?;
        Ok(Self { host: Arc::new(host), clock, handles: RwLock::default() })
    }

    /// Lets every built-in view follow a network. Returns once they run; they catch up in the background.
    pub(crate) async fn follow(&self, network: &Network) {
        for builtin in BUILTINS {
            match self.follow_one(network, builtin).await {
                Ok(handle) => self.keep(network.name(), builtin.name, handle),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, network = %network.name(), view = builtin.name, "view does not follow");
                }
            }
        }
    }

    async fn follow_one(&self, network: &Network, builtin: &Builtin) -> Result<ViewHandle, FollowError> {
        let clock = self.clock.clone();
        let following = Following {
            network: network.name().clone(),
            scope: ViewScope::Network,
            component: bytes::Bytes::from_static(builtin.component),
            settings: "{}".to_owned(),
            history: network.history(),
            head: network.watch_head(),
            clock: Arc::new(move || clock().millis()),
        };
        let host = self.host.clone();
        crate::blocking(move || host.follow(following)).await
    }

    fn keep(&self, network: &NetworkName, view: &str, handle: ViewHandle) {
        let mut handles = self.handles.write().unwrap_or_else(PoisonError::into_inner);
        handles.entry(network.clone()).or_default().insert(view.to_owned(), Arc::new(handle));
    }

    /// A view of a network.
    pub fn find(&self, network: &NetworkName, view: &str) -> Option<Arc<ViewHandle>> {
        let handles = self.handles.read().unwrap_or_else(PoisonError::into_inner);
        handles.get(network)?.get(view).cloned()
    }

    /// A network's views, by name.
    pub fn list(&self, network: &NetworkName) -> Vec<(String, Arc<ViewHandle>)> {
        let handles = self.handles.read().unwrap_or_else(PoisonError::into_inner);
        let of_network = handles.get(network).into_iter().flatten();
        of_network.map(|(name, handle)| (name.clone(), handle.clone())).collect()
    }

    /// Stops every view at the end of its batch.
    pub(crate) async fn shutdown(&self) {
        let handles = std::mem::take(&mut *self.handles.write().unwrap_or_else(PoisonError::into_inner));
        crate::blocking(move || {
            for handle in handles.values().flat_map(BTreeMap::values) {
                handle.stop();
            }
        })
        .await;
    }
}

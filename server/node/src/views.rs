//! The views and reports of every network: the built-in ones, and those of the plugins that its log names. A failure of
//! one is reported and never stops the server.
//!
//! Invariant: the networks' logs alone determine which views exist; `NetworkViews::follow` applies that.

mod builtin;
mod code;
mod config;
mod follow;
mod not_kept;
mod seen;
mod slot;
mod start;
pub(crate) mod tables;

pub(crate) use self::{
    builtin::{builtin_component, is_builtin},
    not_kept::NotKept,
    slot::Served,
};
pub use self::{
    config::{Config, Program},
    slot::{ServedReport, ServedView},
};

use self::{builtin::digest_of, config::host_config, slot::Slot};
use crate::{clock::Clock, compile::Compiler};
use kith_bundle::BUILTINS;
use kith_core::{id::NetworkName, plugins::PluginKey};
use kith_log::Log;
use kith_views::{CacheKey, Compiling, Room, SandboxError, Views};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// A network's views by owner and name.
type Slots = BTreeMap<PluginKey, Slot>;

/// The views that follow each network.
pub struct NetworkViews {
    host: Arc<Views>,
    compiler: Compiler,
    log: Log,
    clock: Clock,
    slots: RwLock<BTreeMap<NetworkName, Slots>>,
}

impl NetworkViews {
    /// Sets up the plugin host in a data folder.
    pub(crate) async fn open(
        config: &Config,
        log_config: &kith_log::Config,
        log: Log,
        clock: Clock,
    ) -> Result<Self, SandboxError> {
        let data = &log_config.data;
        let mut host = host_config(data);
        host.store_cache_bytes = config.store_cache_bytes;
        host.runs_bytes_max = config.runs_bytes_max;
        host.sandbox.memory_bytes = config.memory_bytes_max;
        host.sandbox.report_memory_bytes = config.report_memory_bytes_max;
        host.sandbox.report_input_bytes = config.report_input_bytes_max;
        host.cache_key = CacheKey::new(log.derive_key("compiled components"));
        let built_in = BUILTINS.iter().map(|builtin| digest_of(builtin.component));
        host.compiling = Compiling::Elsewhere { but_here: built_in.collect() };
        host.room = Room {
            view_bytes: config.file_bytes_max,
            log: Some(data.join("log.redb")),
            // Twice the log's reserve: views stop while the log still accepts events.
            free_bytes: config.free_bytes_min.max(log_config.disk_reserve_bytes.saturating_mul(2)),
            free_per_cent: log_config.disk_reserve_per_cent.saturating_mul(2),
        };
        let host = kith_log::blocking(move || Views::open(host)).await?;
        let compiler = Compiler::new(config.compiler.0.clone(), config.compile_s_max);
        Ok(Self { host: Arc::new(host), compiler, log, clock, slots: RwLock::default() })
    }

    /// Stops every view at the end of its batch.
    pub(crate) async fn shutdown(&self) {
        let slots = std::mem::take(&mut *self.slots_mut());
        kith_log::blocking(move || {
            for (_, view) in slots.values().flat_map(BTreeMap::values).flat_map(Slot::views) {
                view.handle.stop();
            }
        })
        .await;
    }

    fn find_slot<T>(&self, network: &NetworkName, key: &PluginKey, look: impl FnOnce(&Slot) -> T) -> Option<T> {
        self.look(|slots| slots.get(network)?.get(key).map(look))
    }

    fn look<T>(&self, look: impl FnOnce(&BTreeMap<NetworkName, Slots>) -> T) -> T {
        let slots: RwLockReadGuard<'_, _> = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        look(&slots)
    }

    fn change<T>(&self, network: &NetworkName, change: impl FnOnce(&mut Slots) -> T) -> T {
        change(self.slots_mut().entry(network.clone()).or_default())
    }

    fn slots_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<NetworkName, Slots>> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The views and reports of every network: the built-in ones, and those of the plugins that its log names. A failure of
//! one is reported and never stops the server.
//!
//! Invariant: the networks' logs alone determine which views exist; `NetworkViews::follow` applies that to those that are
//! open (`open.rs`).

mod builtin;
mod code;
mod config;
mod follow;
mod keep;
mod levels;
mod not_kept;
mod open;
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
    open::{AllInUse, OpenViews},
    slot::{ServedReport, ServedView},
};

use self::{builtin::digest_of, config::host_config, levels::Levels, open::Opened, slot::Slot};
use crate::{bounds::shares::Shares, clock::Clock, compile::Compiler, limits::VIEWS_OPEN_MAX};
use kith_bundle::BUILTINS;
use kith_core::{id::NetworkName, plugins::PluginKey};
use kith_log::Log;
use kith_views::{CacheKey, Compiling, Room, SandboxError, Views};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};
use tokio::sync::Semaphore;

/// A network's views by owner and name.
type Slots = BTreeMap<PluginKey, Slot>;

/// The views of a server's networks: open are those that are used or have entries to process.
pub struct NetworkViews {
    host: Arc<Views>,
    compiler: Compiler,
    log: Log,
    clock: Clock,
    opened: RwLock<BTreeMap<NetworkName, Opened>>,
    /// One for each network: held while its views are opened or closed.
    doors: Shares<NetworkName>,
    /// One for each network whose views are open.
    places: Arc<Semaphore>,
    levels: Arc<Levels>,
    /// Whether networks have views here.
    follows: bool,
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
        let (levels_path, networks) = (host.folder.join("levels"), log.networks());
        let (host, packs, levels) = kith_log::blocking(move || {
            let host = Views::open(host)?;
            let packs = host.packs().map_err(SandboxError::of_folder)?;
            Ok((host, packs, Levels::read(levels_path, &networks)))
        })
        .await?;
        let compiler = Compiler::new(config.compiler.0.clone(), config.compile_s_max, packs);
        Ok(Self {
            host: Arc::new(host),
            compiler,
            log,
            clock,
            opened: RwLock::default(),
            doors: Shares::of(1),
            places: Arc::new(Semaphore::new(VIEWS_OPEN_MAX)),
            levels: Arc::new(levels),
            follows: true,
        })
    }

    /// The same, without views: what is asked for does not exist.
    #[cfg(feature = "faults")]
    pub(crate) fn without_views(self) -> Self {
        Self { follows: false, ..self }
    }

    /// Stops every view at the end of its batch.
    pub(crate) async fn shutdown(&self) {
        self.places.close();
        let opened = std::mem::take(&mut *self.opened_mut());
        self.close_views(opened.into_iter().collect()).await;
        self.write_levels().await;
    }

    /// The number of networks whose views are open.
    pub fn open_networks(&self) -> usize {
        self.opened().len()
    }

    /// Looks at a network's views, if they are open.
    fn look<T>(&self, network: &NetworkName, look: impl FnOnce(&Opened) -> T) -> Option<T> {
        self.opened().get(network).map(look)
    }

    /// Changes a network's views, if they are open.
    fn change<T>(&self, network: &NetworkName, change: impl FnOnce(&mut Opened) -> T) -> Option<T> {
        self.opened_mut().get_mut(network).map(change)
    }

    fn opened(&self) -> RwLockReadGuard<'_, BTreeMap<NetworkName, Opened>> {
        self.opened.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<NetworkName, Opened>> {
        self.opened.write().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The views and reports of every network: the built-in ones, and those of the plugins that its log names. What goes
//! wrong with one is told and never stops the server.
//!
//! Invariant: which views there are follows from the networks' logs alone; `NetworkViews::follow` brings them in line.

mod slot;

pub(crate) use self::slot::Served;
pub use self::slot::{ServedReport, ServedView};

use self::slot::{Kept, KeptView, Slot};
use crate::clock::Clock;
use kith_bundle::{BUILTINS, Builtin, REPORTS};
use kith_core::{
    filter::Filter,
    id::NetworkName,
    may::Principal,
    plugins::{Plugin, PluginOwner, PluginVersion},
    position::Position,
};
use kith_log::{ComponentDigest, Log, Network};
use kith_views::{
    Declared, FollowError, Following, Refused, Report, Room, SandboxError, ViewHandle, ViewScope, ViewStopped, Views,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    error::Error,
    path::Path,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Settings of the plugin host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Bytes that each view may use to keep pages of its file.
    pub store_cache_bytes: usize,
    /// Bytes of a plugin's memory, at most 256 MiB.
    pub memory_bytes_max: usize,
    /// Bytes of a view's file; four times the log if that is more.
    pub file_bytes_max: u64,
    /// Bytes of the disk that views leave free.
    pub free_bytes_min: u64,
}

/// Bytes of a plugin's memory that no configuration can exceed.
const MEMORY_BYTES_LIMIT: usize = 256 * 1024 * 1024;

/// Bytes of the disk that views leave free unless configured otherwise. Enough for the log to go on for a long while;
/// little enough for a laptop that is nearly full, and for the demonstration on it.
const FREE_BYTES_MIN: u64 = 512 * 1024 * 1024;

impl Default for Config {
    fn default() -> Self {
        let usual = host_config(Path::new(""));
        Self {
            store_cache_bytes: usual.store_cache_bytes,
            memory_bytes_max: usual.sandbox.memory_bytes,
            file_bytes_max: kith_views::limits::VIEW_FILE_BYTES_DEFAULT,
            free_bytes_min: FREE_BYTES_MIN,
        }
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
type Slots = BTreeMap<String, Slot>;

/// What a view is made of.
struct Wanted<'a> {
    name: &'a str,
    component: bytes::Bytes,
    settings: &'a str,
    scope: ViewScope,
}

/// The views that follow each network.
pub struct NetworkViews {
    host: Arc<Views>,
    log: Log,
    clock: Clock,
    slots: RwLock<BTreeMap<NetworkName, Slots>>,
}

impl NetworkViews {
    /// Sets up the plugin host in a data folder.
    pub(crate) async fn open(data: &Path, config: &Config, log: Log, clock: Clock) -> Result<Self, SandboxError> {
        let mut host = host_config(data);
        host.store_cache_bytes = config.store_cache_bytes;
        host.sandbox.memory_bytes = config.memory_bytes_max;
        let (view_bytes, free_bytes) = (config.file_bytes_max, config.free_bytes_min);
        host.room = Room { view_bytes, log: Some(data.join("log.redb")), free_bytes };
        let host = crate::blocking(move || Views::open(host)).await?;
        Ok(Self { host: Arc::new(host), log, clock, slots: RwLock::default() })
    }

    /// Compiles a component and asks it what it is.
    pub(crate) async fn inspect(&self, component: bytes::Bytes, settings: String) -> Result<Declared, Refused> {
        let host = self.host.clone();
        crate::blocking(move || host.inspect(&component, &settings)).await
    }

    /// Lets every view of a network follow it that should, and no other. Returns once they run; they catch up in the
    /// background. One call at a time for a network.
    pub(crate) async fn follow(&self, network: &Network) {
        for builtin in BUILTINS.iter().chain(REPORTS) {
            if self.find_slot(network.name(), builtin.name, |_| ()).is_none() {
                self.add_builtin(network, builtin).await;
            }
        }
        let plugins = network.plugins();
        for (name, plugin) in plugins.iter() {
            for version in plugin.followed() {
                self.keep_version(network, name, plugin, version).await;
            }
        }
        let gone = self.change(network.name(), |slots| {
            let removed = slots.extract_if(.., |name, _| plugins.get(name).is_none() && !is_builtin(name));
            let mut gone: Vec<KeptView> = removed.flat_map(|(_, slot)| slot.into_views()).collect();
            for (name, slot) in slots {
                gone.extend(plugins.get(name).into_iter().flat_map(|plugin| slot.bring_to_date(plugin)));
            }
            gone
        });
        self.set_pauses(network).await;
        discard(gone).await;
    }

    async fn add_builtin(&self, network: &Network, builtin: &Builtin) {
        let component = bytes::Bytes::from_static(builtin.component);
        let wanted = Wanted { name: builtin.name, component, settings: "{}", scope: ViewScope::Network };
        let kept = self.start(network, wanted, None).await;
        let version = kept.as_ref().map(|kept| kept.version().to_owned()).unwrap_or_default();
        let active = Some(version.clone());
        let slot =
            Slot { owner: PluginOwner::Network, paused: false, active, versions: BTreeMap::from([(version, kept)]) };
        self.change(network.name(), |slots| slots.insert(builtin.name.to_owned(), slot));
    }

    /// Lets a version of a plugin follow the network beside the others, if it does not yet.
    pub(crate) async fn keep_version(&self, network: &Network, name: &str, plugin: &Plugin, version: &PluginVersion) {
        let kept =
            self.find_slot(network.name(), name, |slot| matches!(slot.versions.get(&version.version), Some(Ok(_))));
        if kept == Some(true) {
            return;
        }
        let kept = self.start_version(network, name, plugin, version).await;
        self.change(network.name(), |slots| {
            let slot = slots.entry(name.to_owned()).or_insert_with(|| Slot {
                owner: plugin.owner().clone(),
                paused: plugin.is_paused(),
                active: None,
                versions: BTreeMap::new(),
            });
            slot.versions.insert(version.version.clone(), kept);
        });
    }

    async fn start_version(
        &self,
        network: &Network,
        name: &str,
        plugin: &Plugin,
        version: &PluginVersion,
    ) -> Result<Kept, String> {
        let component = self.component(&version.component).await?;
        let scope = match plugin.owner() {
            PluginOwner::Network => ViewScope::Network,
            PluginOwner::Organisation(organisation) => ViewScope::Organisation(organisation.clone()),
        };
        let wanted = Wanted { name, component, settings: &version.settings, scope };
        self.start(network, wanted, plugin.paused_at()).await
    }

    /// The bytes of a component: of a built-in view, or as the log keeps it.
    pub(crate) async fn component(&self, digest: &ComponentDigest) -> Result<bytes::Bytes, String> {
        if let Some(component) = builtin_component(digest) {
            return Ok(component);
        }
        let (log, digest) = (self.log.clone(), *digest);
        match crate::blocking(move || log.component(&digest)).await {
            Ok(Some(component)) => Ok(component),
            Ok(None) => Err("its component is not here: install it again".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Lets a view follow the network, or holds it where it was paused; a report is ready when it is compiled.
    async fn start(&self, network: &Network, wanted: Wanted<'_>, paused_at: Option<Position>) -> Result<Kept, String> {
        match self.report_of(&wanted).await {
            Ok(Some(report)) => Ok(Kept::Report(Arc::new(report))),
            Ok(None) => self.start_view(network, wanted, paused_at).await.map(Kept::View),
            Err(refused) => {
                let shown = &refused as &dyn Error;
                tracing::error!(error = shown, network = %network.name(), name = wanted.name, "plugin is refused");
                Err(refused.to_string())
            }
        }
    }

    async fn report_of(&self, wanted: &Wanted<'_>) -> Result<Option<Report>, Refused> {
        let (host, component, settings) = (self.host.clone(), wanted.component.clone(), wanted.settings.to_owned());
        crate::blocking(move || {
            let report = host.is_report(&component)?.then(|| host.report(&component, &settings));
            report.transpose()
        })
        .await
    }

    async fn start_view(
        &self,
        network: &Network,
        wanted: Wanted<'_>,
        paused_at: Option<Position>,
    ) -> Result<KeptView, String> {
        let following = Following {
            name: wanted.name.to_owned(),
            network: network.name().clone(),
            scope: wanted.scope,
            component: wanted.component,
            settings: wanted.settings.to_owned(),
            history: network.history(),
            held: Filter::default(),
            head: network.watch_head(),
            clock: self.view_clock(),
        };
        let host = self.host.clone();
        let started = crate::blocking(move || match paused_at {
            None => host.follow(following).map(|handle| (handle, false)),
            Some(paused_at) => hold(&host, &following, paused_at),
        });
        match started.await {
            Ok((handle, comes_back)) => {
                let handle = Arc::new(handle);
                if let Some(paused_at) = paused_at.filter(|_| comes_back) {
                    tokio::spawn(stop_at(Arc::clone(&handle), paused_at));
                }
                Ok(KeptView { handle, retired: CancellationToken::new(), comes_back })
            }
            Err(error) => {
                let shown = &error as &dyn Error;
                tracing::error!(error = shown, network = %network.name(), view = wanted.name, "view does not follow");
                Err(error.to_string())
            }
        }
    }

    fn view_clock(&self) -> kith_views::Clock {
        let clock = self.clock.clone();
        Arc::new(move || clock().millis())
    }

    /// Stops what is paused, and lets go on what is not.
    async fn set_pauses(&self, network: &Network) {
        let kept = self.look(|slots| {
            let slots = slots.get(network.name()).into_iter().flat_map(BTreeMap::values);
            slots.flat_map(|slot| slot.views().map(|(_, view)| (view.clone(), slot.paused))).collect::<Vec<_>>()
        });
        let (head, clock) = (network.watch_head(), self.view_clock());
        crate::blocking(move || {
            for (KeptView { handle, comes_back, .. }, paused) in kept {
                // A view that comes back stops by itself where it was paused.
                match (paused, comes_back) {
                    (true, true) => continue,
                    (true, false) | (false, true) => handle.stop(),
                    (false, false) => {}
                }
                if paused {
                    continue;
                }
                if let Err(error) = handle.resume(head.clone(), clock.clone()) {
                    tracing::error!(error = &error as &dyn Error, "view does not go on");
                }
            }
        })
        .await;
    }

    /// The view of a network that answers by a name, if the principal may see it.
    pub fn find(&self, network: &NetworkName, view: &str, principal: &Principal) -> Option<ServedView> {
        self.find_slot(network, view, |slot| slot.view(principal))?
    }

    /// The report of a network that answers by a name, if the principal may see it.
    pub(crate) fn report(&self, network: &NetworkName, name: &str, principal: &Principal) -> Option<ServedReport> {
        let report = self.find_slot(network, name, |slot| slot.report(principal))??;
        Some(self.serve(network, report, principal))
    }

    /// A report with the views that it reads, of those that the principal may see.
    fn serve(&self, network: &NetworkName, report: Arc<Report>, principal: &Principal) -> ServedReport {
        let (mut views, mut missing) = (Vec::new(), None);
        for input in &report.manifest().inputs {
            match self.find(network, &input.view, principal) {
                Some(view) => views.push(view),
                None => missing = missing.or_else(|| Some(input.view.clone())),
            }
        }
        ServedReport { report, views, missing }
    }

    /// The views and reports of a network that a principal may see, by name.
    pub(crate) fn list(&self, network: &NetworkName, principal: &Principal) -> Vec<(String, Served)> {
        let seen = self.look(|slots| {
            let of_network = slots.get(network).into_iter().flatten();
            let seen = of_network
                .filter_map(|(name, slot)| Some((name.clone(), slot.answering(principal)?.clone(), slot.paused)));
            seen.collect::<Vec<_>>()
        });
        let served = |(name, kept, paused)| (name, self.served(network, kept, paused, principal));
        seen.into_iter().map(served).collect()
    }

    fn served(&self, network: &NetworkName, kept: Kept, paused: bool, principal: &Principal) -> Served {
        match kept {
            Kept::View(view) => Served::View(view.served(paused)),
            Kept::Report(report) => Served::Report(self.serve(network, report, principal)),
        }
    }

    /// Every view that there is, with its network, name and version.
    pub(crate) fn all(&self) -> Vec<(NetworkName, String, String, ServedView)> {
        self.look(|slots| {
            let mut all = Vec::new();
            for (network, slots) in slots {
                for (name, slot) in slots {
                    let views = slot.views().map(|(version, view)| (version, view.clone().served(slot.paused)));
                    all.extend(views.map(|(version, view)| (network.clone(), name.clone(), version.to_owned(), view)));
                }
            }
            all
        })
    }

    /// A version of a plugin, or why it is not kept; nothing if it need not be.
    pub(crate) fn version(
        &self,
        network: &NetworkName,
        (name, version): (&str, &str),
        principal: &Principal,
    ) -> Option<Result<Served, String>> {
        let kept = |slot: &Slot| Some((slot.versions.get(version)?.clone(), slot.paused));
        let (kept, paused) = self.find_slot(network, name, kept)??;
        Some(kept.map(|kept| self.served(network, kept, paused, principal)))
    }

    /// Stops every view at the end of its batch.
    pub(crate) async fn shutdown(&self) {
        let slots = std::mem::take(&mut *self.slots_mut());
        crate::blocking(move || {
            for (_, view) in slots.values().flat_map(BTreeMap::values).flat_map(Slot::views) {
                view.handle.stop();
            }
        })
        .await;
    }

    fn find_slot<T>(&self, network: &NetworkName, name: &str, look: impl FnOnce(&Slot) -> T) -> Option<T> {
        self.look(|slots| slots.get(network)?.get(name).map(look))
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

/// Opens a view that stands still. One whose file was lost is built again up to where it was paused: the answer says
/// so.
fn hold(host: &Views, following: &Following, paused_at: Position) -> Result<(ViewHandle, bool), FollowError> {
    let handle = host.hold(following)?;
    let is_lost = handle.cursor().day.is_none();
    if is_lost {
        let (_, head) = watch::channel(paused_at);
        handle.resume(head, Arc::clone(&following.clock))?;
    }
    Ok((handle, is_lost))
}

/// Stops a view when it has come to a position.
async fn stop_at(handle: Arc<ViewHandle>, position: Position) {
    match handle.wait_for(position).await {
        // A view that stopped by itself stands still, too.
        Ok(_) | Err(ViewStopped) => {}
    }
    crate::blocking(move || handle.stop()).await;
}

/// Whether a name is that of a built-in view or report.
pub(crate) fn is_builtin(name: &str) -> bool {
    BUILTINS.iter().chain(REPORTS).any(|builtin| builtin.name == name)
}

/// The component of a built-in view or report with this digest.
pub(crate) fn builtin_component(digest: &ComponentDigest) -> Option<bytes::Bytes> {
    use sha2::{Digest, Sha256};
    let mut components = BUILTINS.iter().chain(REPORTS).map(|builtin| builtin.component);
    let found = components.find(|component| Sha256::digest(component)[..] == digest[..])?;
    Some(bytes::Bytes::from_static(found))
}

/// Deletes the files of views that nobody needs; they can be built again.
async fn discard(gone: Vec<KeptView>) {
    crate::blocking(move || {
        for KeptView { handle, retired, .. } in gone {
            retired.cancel();
            if let Err(error) = handle.delete() {
                tracing::warn!(%error, "the file of a view that is gone could not be deleted");
            }
        }
    })
    .await;
}

//! The views and reports of every network: the built-in ones, and those of the plugins that its log names. What goes
//! wrong with one is told and never stops the server.
//!
//! Invariant: which views there are follows from the networks' logs alone; `NetworkViews::follow` brings them in line.

mod not_kept;
mod slot;
pub(crate) mod tables;

pub use self::slot::{ServedReport, ServedView};
pub(crate) use self::{not_kept::NotKept, slot::Served};

use self::slot::{Kept, KeptReport, KeptView, Slot};
use crate::{
    clock::Clock,
    compile::{CompileError, Compiler, For},
};
use kith_bundle::{BUILTINS, Builtin};
use kith_core::{
    filter::Filter,
    id::{NetworkName, OrganisationId},
    may::Principal,
    plugins::{Plugin, PluginKey, PluginOwner, PluginVersion},
    position::Position,
};
use kith_log::{ComponentDigest, Log, Network, Range};
use kith_views::{
    CacheKey, Compiled, Compiling, Declared, FollowError, Following, Refused, Report, Room, SandboxError, ViewHandle,
    ViewScope, ViewStopped, Views,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    path::{Path, PathBuf},
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
    /// Seconds of processor time that compiling a plugin may take.
    pub compile_s_max: u32,
    /// The program that compiles plugins, as `kithd compile-component` does: this one. Another one only where the server
    /// is part of another program.
    #[serde(skip)]
    pub compiler: Program,
}

/// The path of `kithd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program(pub PathBuf);

impl Default for Program {
    fn default() -> Self {
        Self("/proc/self/exe".into())
    }
}

/// Bytes of a plugin's memory that no configuration can exceed.
const MEMORY_BYTES_LIMIT: i64 = 256 * 1024 * 1024;

/// Bytes of the disk that views leave free unless configured otherwise. Enough for the log to go on for a long while;
/// little enough for a laptop that is nearly full, and for the demonstration on it.
const FREE_BYTES_MIN: u64 = 512 * 1024 * 1024;

impl Default for Config {
    fn default() -> Self {
        let usual = host_config(Path::new(""));
        Self {
            store_cache_bytes: usual.store_cache_bytes,
            memory_bytes_max: usual.sandbox.memory_bytes,
            compile_s_max: 60,
            compiler: Program::default(),
            file_bytes_max: kith_views::limits::VIEW_FILE_BYTES_DEFAULT,
            free_bytes_min: FREE_BYTES_MIN,
        }
    }
}

impl Config {
    /// The least and the most that each setting may be.
    pub const RANGES: &[Range] = &[
        ("store_cache_bytes", 0, 1024 * 1024 * 1024 * 1024),
        ("memory_bytes_max", 1, MEMORY_BYTES_LIMIT),
        ("file_bytes_max", 1024 * 1024, 1024 * 1024 * 1024 * 1024 * 1024),
        ("free_bytes_min", 0, 1024 * 1024 * 1024 * 1024 * 1024),
        ("compile_s_max", 1, 3_600),
    ];
}

fn host_config(data: &Path) -> kith_views::Config {
    kith_views::Config::new(data.join("views"), data.join("cache"))
}

/// A network's views by owner and name.
type Slots = BTreeMap<PluginKey, Slot>;

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
        host.sandbox.memory_bytes = config.memory_bytes_max;
        host.cache_key = CacheKey::new(log.derive_key("compiled components"));
        let built_in = BUILTINS.iter().map(|builtin| digest_of(builtin.component));
        host.compiling = Compiling::Elsewhere { but_here: built_in.collect() };
        host.room = Room {
            view_bytes: config.file_bytes_max,
            log: Some(data.join("log.redb")),
            // Twice what the log leaves: views stop while it still takes events.
            free_bytes: config.free_bytes_min.max(log_config.disk_reserve_bytes.saturating_mul(2)),
            free_per_cent: log_config.disk_reserve_per_cent.saturating_mul(2),
        };
        let host = crate::blocking(move || Views::open(host)).await?;
        let compiler = Compiler::new(config.compiler.0.clone(), config.compile_s_max);
        Ok(Self { host: Arc::new(host), compiler, log, clock, slots: RwLock::default() })
    }

    /// Compiles a component for whoever installs it and asks it what it is. It is not compiled again as long as the code
    /// is held that is given back.
    pub(crate) async fn inspect(
        &self,
        principal: &Principal,
        component: bytes::Bytes,
        settings: String,
    ) -> Result<(Declared, Compiled), CompileError> {
        let compiled = self.compile(component.clone(), For::principal(principal)).await?;
        let host = self.host.clone();
        let declared = crate::blocking(move || host.inspect(&component, &settings)).await?;
        Ok((declared, compiled))
    }

    /// The code of a component, compiled if need be.
    async fn compile(&self, component: bytes::Bytes, of: For) -> Result<Compiled, CompileError> {
        let (host, bytes) = (self.host.clone(), component.clone());
        if let Some(compiled) = crate::blocking(move || host.find_compiled(&bytes)).await? {
            return Ok(compiled);
        }
        let code = self.compiler.compile(&component, of).await?;
        let host = self.host.clone();
        Ok(crate::blocking(move || host.adopt(&component, &code)).await?)
    }

    /// Deletes from disk the code of all components that neither a plugin names nor this program brings.
    pub(crate) async fn forget_code(&self) {
        let plugins: Vec<_> = self.log.networks().iter().map(Network::plugins).collect();
        let host = self.host.clone();
        let deleted = crate::blocking(move || {
            let is_named = |digest: &ComponentDigest| plugins.iter().any(|plugins| plugins.uses(digest));
            host.retain_compiled(|digest| is_named(digest) || builtin_component(digest).is_some())
        });
        match deleted.await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "compiled code that nothing names is deleted"),
            Err(error) => tracing::warn!(%error, "the folder of compiled code cannot be read"),
        }
    }

    /// Lets every view of a network follow it that should, and no other. Returns once they run; they catch up in the
    /// background. One call at a time for a network.
    pub(crate) async fn follow(&self, network: &Network) {
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
        let gone = self.change(network.name(), |slots| {
            let removed = slots.extract_if(.., |key, _| plugins.get(key).is_none() && !is_builtin(&key.name));
            let mut gone: Vec<KeptView> = removed.flat_map(|(_, slot)| slot.into_views()).collect();
            for (key, slot) in slots {
                gone.extend(plugins.get(key).into_iter().flat_map(|plugin| slot.bring_to_date(plugin)));
            }
            gone
        });
        self.set_pauses(network).await;
        discard(gone).await;
    }

    /// Whether every built-in view and report of a network could be started: what kept one from it may be over.
    pub(crate) fn have_started(&self, network: &Network) -> bool {
        BUILTINS.iter().all(|builtin| self.has_started(network, builtin))
    }

    fn has_started(&self, network: &Network, builtin: &Builtin) -> bool {
        self.find_slot(network.name(), &builtin_key(builtin.name), |slot| slot.answering().is_some()) == Some(true)
    }

    async fn add_builtin(&self, network: &Network, builtin: &Builtin) {
        let component = bytes::Bytes::from_static(builtin.component);
        let wanted = Wanted { name: builtin.name, component, settings: "{}", scope: ViewScope::Network };
        let kept = self.start(network, wanted, None).await;
        let version = kept.as_ref().map(|kept| kept.version().to_owned()).unwrap_or_default();
        let active = Some(version.clone());
        let slot = Slot { paused: false, active, versions: BTreeMap::from([(version, kept.map_err(Arc::new))]) };
        self.change(network.name(), |slots| slots.insert(builtin_key(builtin.name), slot));
    }

    /// Lets a version of a plugin follow the network beside the others, if it does not yet.
    pub(crate) async fn keep_version(
        &self,
        network: &Network,
        key: &PluginKey,
        plugin: &Plugin,
        version: &PluginVersion,
    ) {
        let kept =
            self.find_slot(network.name(), key, |slot| matches!(slot.versions.get(&version.version), Some(Ok(_))));
        if kept == Some(true) {
            return;
        }
        let kept = self.start_version(network, key, plugin, version).await;
        self.change(network.name(), |slots| {
            let slot = slots.entry(key.clone()).or_insert_with(|| Slot {
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

    /// The bytes of a component: of a built-in view, or as the log keeps it.
    pub(crate) async fn component(&self, digest: &ComponentDigest) -> Result<bytes::Bytes, NotKept> {
        if let Some(component) = builtin_component(digest) {
            return Ok(component);
        }
        let (log, digest) = (self.log.clone(), *digest);
        crate::blocking(move || log.component(&digest)).await?.ok_or(NotKept::ComponentGone)
    }

    /// Lets a view follow the network, or holds it where it was paused; a report is ready when it is compiled.
    async fn start(&self, network: &Network, wanted: Wanted<'_>, paused_at: Option<Position>) -> Result<Kept, NotKept> {
        let name = wanted.name;
        let kept = self.try_start(network, wanted, paused_at).await;
        kept.inspect_err(|error| {
            let error = error as &dyn Error;
            tracing::error!(error, network = %network.name(), name, "a version of a plugin is not kept");
        })
    }

    async fn try_start(
        &self,
        network: &Network,
        wanted: Wanted<'_>,
        paused_at: Option<Position>,
    ) -> Result<Kept, NotKept> {
        // Held until the view or report holds it.
        let _compiled = self.compile(wanted.component.clone(), For::Server).await?;
        match self.report_of(&wanted).await? {
            Some(report) => {
                Ok(Kept::Report(KeptReport { report: Arc::new(report), retired: CancellationToken::new() }))
            }
            None => Ok(Kept::View(self.start_view(network, wanted, paused_at).await?)),
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
    ) -> Result<KeptView, FollowError> {
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
        let (handle, comes_back) = started.await?;
        let handle = Arc::new(handle);
        if let Some(paused_at) = paused_at.filter(|_| comes_back) {
            tokio::spawn(stop_at(Arc::clone(&handle), paused_at));
        }
        Ok(KeptView { handle, retired: CancellationToken::new(), comes_back })
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
        let seen = Seen::by(principal);
        self.look(|slots| seen.slot(slots.get(network)?, view)?.1.view())
    }

    /// The report of a network that answers by a name, if the principal may see it.
    pub(crate) fn report(&self, network: &NetworkName, name: &str, principal: &Principal) -> Option<ServedReport> {
        let seen = Seen::by(principal);
        self.look(|slots| {
            let slots = slots.get(network)?;
            let (key, slot) = seen.slot(slots, name)?;
            Some(serve(slots, slot.report()?, &key.owner))
        })
    }

    /// What answers of an owner's plugin. The caller has asked whether the plugin may be seen.
    pub(crate) fn answering(&self, network: &NetworkName, key: &PluginKey) -> Option<Served> {
        self.look(|slots| {
            let slots = slots.get(network)?;
            let slot = slots.get(key)?;
            Some(served(slots, key, slot, slot.answering()?))
        })
    }

    /// The view that a report of an owner reads by a name.
    pub(crate) fn input(&self, network: &NetworkName, view: &str, owner: &PluginOwner) -> Option<ServedView> {
        self.look(|slots| Seen::of(owner).slot(slots.get(network)?, view)?.1.view())
    }

    /// The views and reports of a network that a principal may see, by name.
    pub(crate) fn list(&self, network: &NetworkName, principal: &Principal) -> Vec<(String, Served)> {
        let seen = Seen::by(principal);
        self.look(|slots| {
            let Some(slots) = slots.get(network) else { return Vec::new() };
            let names: BTreeSet<&str> = slots.keys().map(|key| key.name.as_str()).collect();
            let found = names.into_iter().filter_map(|name| {
                let (key, slot) = seen.slot(slots, name)?;
                Some((name.to_owned(), served(slots, key, slot, slot.answering()?)))
            });
            found.collect()
        })
    }

    /// Every view that there is, with its network, owner and name, and version.
    pub(crate) fn all(&self) -> Vec<(NetworkName, PluginKey, String, ServedView)> {
        self.look(|slots| {
            let mut all = Vec::new();
            for (network, slots) in slots {
                for (key, slot) in slots {
                    let views = slot.views().map(|(version, view)| (version, view.clone().served(slot.paused)));
                    all.extend(views.map(|(version, view)| (network.clone(), key.clone(), version.to_owned(), view)));
                }
            }
            all
        })
    }

    /// A version of a plugin, or why it is not kept; nothing if it need not be. The caller has asked whether the plugin
    /// may be seen.
    pub(crate) fn version(
        &self,
        network: &NetworkName,
        (key, version): (&PluginKey, &str),
    ) -> Option<Result<Served, Arc<NotKept>>> {
        self.look(|slots| {
            let slots = slots.get(network)?;
            let slot = slots.get(key)?;
            let kept = slot.versions.get(version)?.as_ref();
            Some(kept.map(|kept| served(slots, key, slot, kept)).map_err(Clone::clone))
        })
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

/// Whose plugins a name is looked up among: an organisation's own first, then the network's.
struct Seen(Option<OrganisationId>);

impl Seen {
    fn by(principal: &Principal) -> Self {
        Self(principal.organisation.clone())
    }

    /// As an owner's own plugins look: those of the network see the network's alone, and are the same for everybody.
    fn of(owner: &PluginOwner) -> Self {
        match owner {
            PluginOwner::Network => Self(None),
            PluginOwner::Organisation(organisation) => Self(Some(organisation.clone())),
        }
    }

    fn slot<'a>(&self, slots: &'a Slots, name: &str) -> Option<(&'a PluginKey, &'a Slot)> {
        PluginOwner::in_order_of_lookup(self.0.as_ref())
            .find_map(|owner| slots.get_key_value(&PluginKey::new(owner, name)))
    }
}

fn builtin_key(name: &str) -> PluginKey {
    PluginKey::new(PluginOwner::Network, name)
}

/// A version of a plugin, as it answers.
fn served(slots: &Slots, key: &PluginKey, slot: &Slot, kept: &Kept) -> Served {
    match kept {
        Kept::View(view) => Served::View(view.clone().served(slot.paused)),
        Kept::Report(report) => Served::Report(serve(slots, report.clone(), &key.owner)),
    }
}

/// A report of an owner with the views that it reads.
fn serve(slots: &Slots, kept: KeptReport, owner: &PluginOwner) -> ServedReport {
    let KeptReport { report, retired } = kept;
    let (mut views, mut missing) = (Vec::new(), None);
    for input in &report.manifest().inputs {
        match Seen::of(owner).slot(slots, &input.view).and_then(|(_, slot)| slot.view()) {
            Some(view) => views.push(view),
            None => missing = missing.or_else(|| Some(input.view.clone())),
        }
    }
    ServedReport { report, views, missing, retired }
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
    kith_bundle::find(name).is_some()
}

/// The component of a built-in view or report with this digest.
pub(crate) fn builtin_component(digest: &ComponentDigest) -> Option<bytes::Bytes> {
    let mut components = BUILTINS.iter().map(|builtin| builtin.component);
    let found = components.find(|component| digest_of(component) == *digest)?;
    Some(bytes::Bytes::from_static(found))
}

fn digest_of(component: &[u8]) -> ComponentDigest {
    use sha2::{Digest, Sha256};
    Sha256::digest(component).into()
}

/// Deletes the files of views that nobody needs; they can be built again.
async fn discard(gone: Vec<KeptView>) {
    crate::blocking(move || {
        for KeptView { handle, .. } in gone {
            if let Err(error) = handle.delete() {
                tracing::warn!(%error, "the file of a view that is gone could not be deleted");
            }
        }
    })
    .await;
}

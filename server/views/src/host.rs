//! The plugin host: one sandbox, and the views and reports that work in it.

use crate::{
    check::{
        cost,
        found::{CheckError, CheckReport, Checking, CostReport},
        look_over,
    },
    contract::declared::Declared,
    file::store::Store,
    fold::{
        routing::Routes,
        source::{Source, ViewScope},
    },
    limits,
    plugin::{
        abi::view_v1::{CONTRACT, Plugin},
        cache::CacheKey,
        compile::{Compiled, Compiling},
        engine::SandboxLimits,
        packs::Packs,
        refused::Refused,
        sandbox::{Keep, Sandbox, SandboxError},
    },
    report::Report,
    share::{
        folder,
        kept::{Corner, Shelf},
        portions::Portions,
        room::Room,
        turns::Turns,
    },
    view::{
        follower::Follower,
        following::{FollowError, Following},
        handle::ViewHandle,
        shared::{File, Host, Shared},
        thread::Priority,
    },
};
use kith_core::id::NetworkName;
use sha2::{Digest, Sha256};
use std::{path::PathBuf, sync::Arc};

/// Where views are stored, and what they may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The folder of the views' files.
    pub folder: PathBuf,
    /// The folder of compiled components.
    pub cache_folder: PathBuf,
    /// The key that distinguishes code of this program in that folder from other files.
    pub cache_key: CacheKey,
    /// Where components are compiled.
    pub compiling: Compiling,
    /// Bytes of memory in which each view may cache pages of its file; less if there are many views.
    pub store_cache_bytes: usize,
    /// Bytes of memory in which all views together process more entries at once while they are far behind; 0 for none.
    pub runs_bytes_max: usize,
    /// What plugins may use.
    pub sandbox: SandboxLimits,
    /// The disk space that views may use.
    pub room: Room,
    /// Which threads of this computer run first.
    pub priority: Priority,
}

impl Config {
    /// The default limits, compilation in this process, and a cache without a secret.
    pub fn new(folder: PathBuf, cache_folder: PathBuf) -> Self {
        let store_cache_bytes = limits::STORE_CACHE_BYTES_DEFAULT;
        Self {
            folder,
            cache_folder,
            cache_key: CacheKey::of_the_account(),
            compiling: Compiling::Here,
            store_cache_bytes,
            runs_bytes_max: limits::RUNS_BYTES_DEFAULT,
            sandbox: SandboxLimits::default(),
            room: Room::default(),
            priority: Priority::OthersFirst,
        }
    }
}

/// How many views work at the same time while the log is busy: half of the processors are left to appends.
fn turns_at_a_time() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| processors.get().div_ceil(2))
}

/// The plugin host.
pub struct Views {
    sandbox: Sandbox,
    config: Config,
    turns: Turns,
    /// Memory for the pages of views' files.
    pages: Portions,
    kept: Arc<Shelf>,
}

impl Views {
    /// Sets up the sandbox. Blocks.
    pub fn open(config: Config) -> Result<Self, SandboxError> {
        folder::make_private(&config.folder).map_err(SandboxError::new)?;
        let (cache, key) = (config.cache_folder.clone(), config.cache_key.clone());
        let sandbox = Sandbox::open(cache, key, config.compiling.clone(), config.sandbox, config.runs_bytes_max)?;
        let pages = Portions::of(
            limits::STORE_CACHES_BYTES_MAX.max(config.store_cache_bytes),
            limits::STORE_CACHE_BYTES_MIN.min(config.store_cache_bytes),
            config.store_cache_bytes,
        );
        Ok(Self {
            sandbox,
            config,
            turns: Turns::new(turns_at_a_time(), limits::TURN_MAX),
            kept: Arc::default(),
            pages,
        })
    }

    /// The places of instances.
    #[cfg(test)]
    pub(crate) fn places(&self) -> &crate::share::places::Places {
        self.sandbox.places()
    }

    /// The code of a component. While it is held, the component is not compiled again. `None` if it has to be compiled
    /// elsewhere and its shape is within the bounds. Blocks for as long as compiling takes.
    pub fn find_compiled(&self, component: &[u8]) -> Result<Option<Compiled>, Refused> {
        self.sandbox.find_compiled(component)
    }

    /// Accepts the code of a component, which must have been made by [`crate::compile_component`] of this very program
    /// in another process: the code is run without further checks. Blocks for as long as loading takes.
    pub fn adopt(&self, component: &[u8], code: &[u8]) -> Result<Compiled, Refused> {
        self.sandbox.adopt(component, code)
    }

    /// The compiled functions of authors whose components are compiled in other processes. Blocks on the disk.
    pub fn packs(&self) -> std::io::Result<Packs> {
        let (folder, key) = (self.config.cache_folder.join("functions"), self.config.cache_key.clone());
        Packs::open(&folder, self.sandbox.fingerprint(), key)
    }

    /// Deletes from disk the code of all components that are not named, whatever version of this program made it.
    /// Returns the number of files deleted. Blocks on the disk.
    pub fn retain_compiled(&self, is_named: impl Fn(&[u8; 32]) -> bool) -> std::io::Result<usize> {
        self.sandbox.retain(is_named)
    }

    /// Compiles a component and reads its manifest, to check an upload. Blocks for as long as compiling takes.
    pub fn inspect(&self, component: &[u8], settings: &str) -> Result<Declared, Refused> {
        // Held, so that it is compiled once.
        let _compiled = self.sandbox.find_compiled(component)?;
        let keep = match self.config.compiling {
            Compiling::AgainAndAgain => Keep::Yes,
            Compiling::Here | Compiling::Elsewhere { .. } => Keep::No,
        };
        if self.sandbox.is_report(component)? {
            let report = self.sandbox.load_report(component, settings, keep)?;
            return Ok(Declared::Report(report.manifest().clone()));
        }
        Ok(Declared::View(self.sandbox.load(component, settings, keep)?.manifest().clone()))
    }

    /// Checks a plugin. Blocks for as long as compiling and folding the sample six times take.
    pub fn check(&self, checking: &Checking) -> Result<CheckReport, CheckError> {
        let plugin = self.sandbox.load(&checking.component, &checking.settings, Keep::Yes)?;
        look_over(&plugin, checking, self.config.sandbox.call_fuel)
    }

    /// What a plugin costs on a sample. Blocks for as long as compiling and folding the sample once take.
    pub fn cost(&self, checking: &Checking) -> Result<CostReport, CheckError> {
        let plugin = self.sandbox.load(&checking.component, &checking.settings, Keep::Yes)?;
        cost(&plugin, checking)
    }

    /// Whether a component is a report; if not, it is a view or cannot run here. Blocks for as long as compiling takes.
    pub fn is_report(&self, component: &[u8]) -> Result<bool, Refused> {
        self.sandbox.is_report(component)
    }

    /// Compiles a report and reads its manifest. Blocks for as long as compiling takes.
    pub fn report(&self, component: &[u8], settings: &str) -> Result<Report, Refused> {
        Ok(Report::new(self.sandbox.load_report(component, settings, Keep::Yes)?, Corner::of(&self.kept)))
    }

    /// Opens a view's file and follows the log from where the file ends, on a thread of its own. Blocks for as long as
    /// compiling takes.
    pub fn follow(&self, following: Following) -> Result<ViewHandle, FollowError> {
        let (follower, shared) = self.prepare(&following)?;
        ViewHandle::start(follower, shared, following.head).map_err(FollowError::Thread)
    }

    /// Opens a view's file without following the log: its rows can be queried, and [`ViewHandle::resume`] resumes it.
    /// Blocks for as long as compiling takes.
    pub fn hold(&self, following: &Following) -> Result<ViewHandle, FollowError> {
        let (follower, shared) = self.prepare(following)?;
        drop(follower);
        Ok(ViewHandle::without_thread(shared))
    }

    pub(crate) fn prepare(&self, following: &Following) -> Result<(Follower, Arc<Shared>), FollowError> {
        let plugin = self.sandbox.load(&following.component, &following.settings, Keep::Yes)?;
        let id = view_id(&plugin, &following.network, &following.scope);
        let mut identity = Sha256::new_with_prefix(id);
        identity.update(self.sandbox.identity());
        identity.update(following.history.id().map_err(FollowError::History)?.0);
        let path = self.config.folder.join(format!("{}.redb", hex::encode(id)));
        let store = Store::open(&path, identity.finalize().into(), self.pages.take())?;
        let routes = Routes::new(&plugin.manifest().routes);
        let source = Source::new(Arc::clone(&following.history), following.scope.clone(), routes);
        let (turns, tables, room) = (self.turns.clone(), Corner::of(&self.kept), self.config.room.clone());
        let (file, host) = (File { id, path, store }, Host { turns, tables, room, priority: self.config.priority });
        let shared = Arc::new(Shared::new(following, plugin, file, source, host));
        let follower = Follower::open(Arc::clone(&shared))?;
        Ok((follower, shared))
    }
}

/// A view's id: SHA-256 over its component, settings, contract, network and scope, each with its length. Its file is of
/// one history of that network.
fn view_id(plugin: &Plugin, network: &NetworkName, scope: &ViewScope) -> [u8; 32] {
    let owner = match scope {
        ViewScope::Network => "",
        ViewScope::Organisation(id) => id.as_str(),
    };
    let mut hash = Sha256::new_with_prefix(b"kith/view/1");
    let parts = [plugin.settings(), CONTRACT, network.as_str(), owner].map(str::as_bytes);
    for part in [plugin.digest().as_slice()].into_iter().chain(parts) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

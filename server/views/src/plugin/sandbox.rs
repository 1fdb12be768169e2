//! The sandbox: one engine, the code of components, and loading of plugins.

use super::{
    abi::{report_v1::ReportPlugin, view_v1::Plugin},
    cache::{CacheKey, ComponentCache},
    compile::{Compiled, Compiler, Compiling},
    engine::{Allocation, SandboxLimits, Ticker, engine_with, fingerprint},
    functions::FunctionCache,
    refused::Refused,
};
use crate::{
    limits,
    share::{folder::make_private, places::Places},
};
use sha2::{Digest, Sha256};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use wasmtime::{CacheStore, Engine};

/// The sandbox could not be set up; the text is for the operator.
#[derive(Debug, thiserror::Error)]
#[error("the plugin sandbox could not be set up: {0}")]
pub struct SandboxError(String);

impl SandboxError {
    pub(crate) fn new(reason: impl std::fmt::Display) -> Self {
        Self(format!("{reason:#}"))
    }

    /// A folder of compiled code cannot be used.
    pub fn of_folder(error: std::io::Error) -> Self {
        Self::new(error)
    }
}

/// The engine, its epoch clock and the code of components.
pub(crate) struct Sandbox {
    engine: Engine,
    compiler: Compiler,
    limits: SandboxLimits,
    places: Places,
    fingerprint: [u8; 32],
    _ticker: Ticker,
}

/// The compiled functions beside the compiled components, if this host keeps them and no other process has them.
fn functions(folder: &Path, key: &CacheKey, compiling: &Compiling) -> Option<Arc<FunctionCache>> {
    match compiling {
        Compiling::Here | Compiling::Elsewhere { .. } => None,
        Compiling::AgainAndAgain => {
            let opened =
                make_private(folder).and_then(|()| FunctionCache::open(&folder.join("functions.redb"), key.clone()));
            opened.map(Arc::new).inspect_err(|error| tracing::debug!(%error, "no cache of functions")).ok()
        }
    }
}

/// Whether to store the code of a component on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Yes: the component is in use.
    Yes,
    /// No: the component is only being inspected.
    No,
}

impl Sandbox {
    /// Sets up the engine; compiled components are stored in `cache_folder`. Views that are far behind have `runs_bytes_max`
    /// of memory together.
    pub(crate) fn open(
        cache_folder: PathBuf,
        cache_key: CacheKey,
        compiling: Compiling,
        limits: SandboxLimits,
        runs_bytes_max: usize,
    ) -> Result<Self, SandboxError> {
        let functions = functions(&cache_folder, &cache_key, &compiling);
        let store = functions.clone().map(|functions| functions as Arc<dyn CacheStore>);
        let engine = engine_with(Allocation::Pool, store).map_err(SandboxError::new)?;
        let fingerprint = fingerprint(&engine);
        let cache = ComponentCache::open(cache_folder, fingerprint, cache_key).map_err(SandboxError::new)?;
        let ticker = Ticker::start(engine.weak()).map_err(SandboxError::new)?;
        let limits = SandboxLimits {
            memory_bytes: limits.memory_bytes.min(limits::MEMORY_BYTES_MAX),
            report_memory_bytes: limits.report_memory_bytes.min(limits::MEMORY_BYTES_MAX),
            report_input_bytes: limits.report_input_bytes.min(limits::REPORT_INPUT_BYTES_MAX),
            ..limits
        };
        let (compiler, places) = (
            Compiler::new(compiling, cache, functions),
            Places::new(limits.memory_bytes, limits.report_memory_bytes, runs_bytes_max),
        );
        Ok(Self { engine, compiler, limits, places, fingerprint, _ticker: ticker })
    }

    /// The places of instances.
    #[cfg(test)]
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Compiles a component, or finds its code, and reads its manifest.
    pub(crate) fn load(&self, component: &[u8], settings: &str, keep: Keep) -> Result<Plugin, Refused> {
        let compiled = self.compiler.load(&self.engine, component)?;
        let plugin = Plugin::new(&compiled, settings, self.limits, &self.places)?;
        self.keep(&compiled, keep);
        Ok(plugin)
    }

    /// The same for a report.
    pub(crate) fn load_report(&self, component: &[u8], settings: &str, keep: Keep) -> Result<ReportPlugin, Refused> {
        let compiled = self.compiler.load(&self.engine, component)?;
        let plugin = ReportPlugin::new(&compiled, settings, self.limits, &self.places)?;
        self.keep(&compiled, keep);
        Ok(plugin)
    }

    fn keep(&self, compiled: &Compiled, keep: Keep) {
        match keep {
            Keep::Yes => self.compiler.keep(compiled),
            Keep::No => {}
        }
    }

    /// Whether a component is a report; if not, it is a view or cannot run here.
    pub(crate) fn is_report(&self, component: &[u8]) -> Result<bool, Refused> {
        Ok(ReportPlugin::is_one(self.compiler.load(&self.engine, component)?.component()))
    }

    /// The code of a component; `None` if it has to be compiled elsewhere.
    pub(crate) fn find_compiled(&self, component: &[u8]) -> Result<Option<Compiled>, Refused> {
        self.compiler.find(&self.engine, component)
    }

    /// Accepts code that was compiled elsewhere.
    pub(crate) fn adopt(&self, component: &[u8], code: &[u8]) -> Result<Compiled, Refused> {
        self.compiler.adopt(&self.engine, component, code)
    }

    /// Deletes the code of all components that are not named.
    pub(crate) fn retain(&self, is_named: impl Fn(&[u8; 32]) -> bool) -> std::io::Result<usize> {
        self.compiler.retain(is_named)
    }

    /// Identifies what compiled code depends on.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// Identifies the engine's version and settings and the limits of a call: rows may depend on them.
    pub(crate) fn identity(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.fingerprint);
        hash.update((self.limits.memory_bytes as u64).to_le_bytes());
        hash.update(self.limits.call_fuel.to_le_bytes());
        hash.finalize().into()
    }
}

//! The engine that plugins run in: fuel, epochs, memory limits and deterministic features.
//!
//! A plugin sees nothing but its arguments: no imports, threads or relaxed SIMD, and one form of NaN.

use super::{
    abi::{report_v1::ReportPlugin, view_v1::Plugin},
    cache::{CacheKey, ComponentCache},
    compile::{Compiled, Compiler, Compiling},
    refused::Refused,
};
use crate::{limits, share::places::Places};
use sha2::{Digest, Sha256};
use std::{
    hash::{Hash, Hasher},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use wasmtime::{Config, Engine, EngineWeak, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

/// Functions in a table.
const TABLE_ELEMENTS_MAX: usize = 65_536;

/// What a plugin may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SandboxLimits {
    /// Bytes of memory, at most 256 MiB.
    pub memory_bytes: usize,
    /// Fuel of one call.
    pub call_fuel: u64,
    /// Wall-clock limit of one call, in epochs of 100 ms.
    pub call_epochs: u64,
}

impl Default for SandboxLimits {
    fn default() -> Self {
        Self {
            memory_bytes: limits::MEMORY_BYTES_DEFAULT,
            call_fuel: limits::CALL_FUEL_MAX,
            call_epochs: limits::CALL_EPOCHS_MAX,
        }
    }
}

/// The sandbox could not be set up; the text is for the operator.
#[derive(Debug, thiserror::Error)]
#[error("the plugin sandbox could not be set up: {0}")]
pub struct SandboxError(String);

impl SandboxError {
    pub(crate) fn new(reason: impl std::fmt::Display) -> Self {
        Self(format!("{reason:#}"))
    }
}

/// The engine, its clock of epochs and the code of components.
pub(crate) struct Sandbox {
    engine: Engine,
    compiler: Compiler,
    limits: SandboxLimits,
    places: Places,
    fingerprint: [u8; 32],
    _ticker: Ticker,
}

/// Whether the code of a component is kept on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It is: somebody named the component.
    Yes,
    /// Not yet: it is only looked at.
    No,
}

impl Sandbox {
    /// Sets up the engine; compiled components are kept in `cache_folder`.
    pub(crate) fn open(
        cache_folder: PathBuf,
        cache_key: CacheKey,
        compiling: Compiling,
        limits: SandboxLimits,
    ) -> Result<Self, SandboxError> {
        let engine = engine(Allocation::Pool).map_err(SandboxError::new)?;
        let fingerprint = fingerprint(&engine);
        let cache = ComponentCache::open(cache_folder, fingerprint, cache_key).map_err(SandboxError::new)?;
        let ticker = Ticker::start(engine.weak()).map_err(SandboxError::new)?;
        let limits = SandboxLimits { memory_bytes: limits.memory_bytes.min(limits::MEMORY_BYTES_MAX), ..limits };
        let (compiler, places) = (Compiler::new(compiling, cache), Places::new(limits.memory_bytes));
        Ok(Self { engine, compiler, limits, places, fingerprint, _ticker: ticker })
    }

    /// Where instances have their places.
    #[cfg(test)]
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Compiles a component, or takes its code from where it is, and asks it what it is.
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

    /// Whether a component is a report; otherwise it is a view, or nothing that can run here.
    pub(crate) fn is_report(&self, component: &[u8]) -> Result<bool, Refused> {
        Ok(ReportPlugin::is_one(self.compiler.load(&self.engine, component)?.component()))
    }

    /// The code of a component; none if it is compiled elsewhere.
    pub(crate) fn find_compiled(&self, component: &[u8]) -> Result<Option<Compiled>, Refused> {
        self.compiler.find(&self.engine, component)
    }

    /// Takes code that was compiled elsewhere.
    pub(crate) fn adopt(&self, component: &[u8], code: &[u8]) -> Result<Compiled, Refused> {
        self.compiler.adopt(&self.engine, component, code)
    }

    /// Deletes the code of all components but those that are named.
    pub(crate) fn retain(&self, is_named: impl Fn(&[u8; 32]) -> bool) -> std::io::Result<usize> {
        self.compiler.retain(is_named)
    }

    /// Stands for the engine's version and settings, and for what a call may use: rows may depend on them.
    pub(crate) fn identity(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.fingerprint);
        hash.update((self.limits.memory_bytes as u64).to_le_bytes());
        hash.update(self.limits.call_fuel.to_le_bytes());
        hash.finalize().into()
    }
}

/// Where the memory of instances comes from; code does not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allocation {
    /// Reserved for as many instances as may live.
    Pool,
    /// From the system, as it is needed: for processes that only compile.
    OnDemand,
}

/// An engine with the settings that all code is compiled for.
pub(crate) fn engine(allocation: Allocation) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .wasm_relaxed_simd(false)
        .cranelift_nan_canonicalization(true)
        .cranelift_opt_level(OptLevel::Speed)
        .wasm_backtrace_max_frames(None)
        .allocation_strategy(match allocation {
            Allocation::Pool => InstanceAllocationStrategy::Pooling(pool()),
            Allocation::OnDemand => InstanceAllocationStrategy::OnDemand,
        });
    Engine::new(&config)
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits::INSTANCES_MAX)
        .total_core_instances(limits::INSTANCES_MAX * limits::CORE_INSTANCES_MAX)
        .total_memories(limits::INSTANCES_MAX)
        .total_tables(limits::INSTANCES_MAX * limits::TABLES_MAX)
        .max_core_instances_per_component(limits::CORE_INSTANCES_MAX)
        .max_tables_per_component(limits::TABLES_MAX)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_memories_per_component(1)
        .max_memory_size(limits::MEMORY_BYTES_MAX)
        .max_unused_warm_slots(4);
    pool
}

/// SHA-256 over all that compiled code depends on: wasmtime's version, its settings and the processor.
fn fingerprint(engine: &Engine) -> [u8; 32] {
    let mut hasher = Sha256Hasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().into()
}

struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest: [u8; 32] = self.0.clone().finalize().into();
        u64::from_le_bytes(crate::contract::key::first(&digest))
    }
}

/// Moves the engine's epoch on, until it is dropped.
struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: EngineWeak) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let tick = move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::park_timeout(Duration::from_millis(limits::EPOCH_MS));
                if let Some(engine) = engine.upgrade() {
                    engine.increment_epoch();
                }
            }
        };
        let thread = std::thread::Builder::new().name("kith-epochs".into()).spawn(tick)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            thread.join().expect("the ticker only sleeps and counts");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_compiled_without_a_pool_runs_in_one() {
        let (with, without) = (engine(Allocation::Pool).unwrap(), engine(Allocation::OnDemand).unwrap());
        assert_eq!(fingerprint(&with), fingerprint(&without));
        for builtin in kith_bundle::BUILTINS.iter().take(1) {
            let code = crate::plugin::compile::compile_component(builtin.component).unwrap();
            crate::plugin::cache::deserialize(&with, &code).unwrap();
        }
    }
}

//! The engine that plugins run in: fuel, epochs, memory limits and deterministic features.
//!
//! A plugin sees nothing but its arguments: no imports, threads or relaxed SIMD, and one form of NaN.

use crate::{abi::report_v1::ReportPlugin, abi::v1::Plugin, cache::ComponentCache, limits, refused::Refused};
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
use wasmtime::{
    Config, Engine, EngineWeak, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, component::Component,
};

/// Core instances and tables in a component, on average: those of interpreters have several.
const CORE_INSTANCES_EACH: u32 = 16;
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

/// The engine, its clock of epochs and its cache of compiled components.
pub(crate) struct Sandbox {
    engine: Engine,
    cache: ComponentCache,
    limits: SandboxLimits,
    fingerprint: [u8; 32],
    _ticker: Ticker,
}

impl Sandbox {
    /// Sets up the engine; compiled components are kept in `cache_folder`.
    pub(crate) fn open(cache_folder: PathBuf, limits: SandboxLimits) -> Result<Self, SandboxError> {
        let engine = Engine::new(&config()).map_err(SandboxError::new)?;
        let fingerprint = fingerprint(&engine);
        let cache = ComponentCache::open(cache_folder, fingerprint).map_err(SandboxError::new)?;
        let ticker = Ticker::start(engine.weak()).map_err(SandboxError::new)?;
        Ok(Self { engine, cache, limits, fingerprint, _ticker: ticker })
    }

    /// Compiles a component, or takes it from the cache, and asks it what it is.
    pub(crate) fn load(&self, component: &[u8], settings: &str) -> Result<Plugin, Refused> {
        let (compiled, digest) = self.compile(component)?;
        Plugin::new(&compiled, digest, settings, self.limits)
    }

    /// The same for a report.
    pub(crate) fn load_report(&self, component: &[u8], settings: &str) -> Result<ReportPlugin, Refused> {
        let (compiled, digest) = self.compile(component)?;
        ReportPlugin::new(&compiled, digest, settings, self.limits)
    }

    /// Whether a component is a report; otherwise it is a view, or nothing that can run here.
    pub(crate) fn is_report(&self, component: &[u8]) -> Result<bool, Refused> {
        let (compiled, _) = self.compile(component)?;
        Ok(ReportPlugin::is_one(&compiled))
    }

    fn compile(&self, component: &[u8]) -> Result<(Component, [u8; 32]), Refused> {
        if component.len() > limits::COMPONENT_BYTES_MAX {
            return Err(Refused::TooLarge { found: component.len() });
        }
        let digest = Sha256::digest(component).into();
        Ok((self.cache.load(&self.engine, component, &digest)?, digest))
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

fn config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits::INSTANCES_MAX)
        .total_core_instances(limits::INSTANCES_MAX * CORE_INSTANCES_EACH)
        .total_memories(limits::INSTANCES_MAX)
        .total_tables(limits::INSTANCES_MAX * CORE_INSTANCES_EACH)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_memories_per_component(1)
        .max_memory_size(limits::MEMORY_BYTES_MAX)
        .max_unused_warm_slots(4);
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .wasm_relaxed_simd(false)
        .cranelift_nan_canonicalization(true)
        .cranelift_opt_level(OptLevel::Speed)
        .wasm_backtrace_max_frames(None)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
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
        u64::from_le_bytes(crate::key::first(&digest))
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

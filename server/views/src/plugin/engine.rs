//! The engine that runs plugins: fuel, epochs, memory limits and deterministic features.
//!
//! A plugin depends on nothing but its arguments: no imports, threads or relaxed SIMD, and one form of NaN.

use crate::{contract::key::first, limits};
use sha2::{Digest, Sha256};
use std::{
    hash::{Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use wasmtime::{CacheStore, Config, Engine, EngineWeak, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

/// What a plugin may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SandboxLimits {
    /// Bytes of memory, at most 256 MiB.
    pub memory_bytes: usize,
    /// Bytes of memory of a report, at most 256 MiB.
    pub report_memory_bytes: usize,
    /// Bytes of the rows that are passed to a report.
    pub report_input_bytes: usize,
    /// Fuel of one call.
    pub call_fuel: u64,
    /// Wall-clock limit of one call, in epochs of 100 ms.
    pub call_epochs: u64,
}

impl Default for SandboxLimits {
    fn default() -> Self {
        Self {
            memory_bytes: limits::MEMORY_BYTES_DEFAULT,
            report_memory_bytes: limits::REPORT_MEMORY_BYTES_DEFAULT,
            report_input_bytes: limits::REPORT_INPUT_BYTES_DEFAULT,
            call_fuel: limits::CALL_FUEL_MAX,
            call_epochs: limits::CALL_EPOCHS_MAX,
        }
    }
}

/// How memory for instances is allocated; compiled code does not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allocation {
    /// Reserved for the maximum number of instances.
    Pool,
    /// From the system as needed: for processes that only compile.
    OnDemand,
}

/// An engine with the settings that all code is compiled for. Functions that are known already are not compiled again.
pub(crate) fn engine_with(allocation: Allocation, functions: Option<Arc<dyn CacheStore>>) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    if let Some(functions) = functions {
        config.enable_incremental_compilation(functions)?;
    }
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .wasm_relaxed_simd(false)
        .cranelift_nan_canonicalization(true)
        .cranelift_opt_level(OptLevel::Speed)
        .wasm_backtrace_max_frames(None)
        // To find what a plugin said before it trapped.
        .coredump_on_trap(true)
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
        .table_elements(limits::TABLE_ELEMENTS_MAX)
        .max_memories_per_component(1)
        .max_memory_size(limits::MEMORY_BYTES_MAX)
        .max_unused_warm_slots(4);
    pool
}

/// SHA-256 over everything that compiled code depends on: wasmtime's version, its settings and the processor.
pub(super) fn fingerprint(engine: &Engine) -> [u8; 32] {
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
        u64::from_le_bytes(first(&digest))
    }
}

/// Advances the engine's epoch until dropped.
pub(super) struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(super) fn start(engine: EngineWeak) -> std::io::Result<Self> {
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
    use crate::plugin::{compile::compile_component, known::KnownFunctions};

    #[test]
    fn code_compiled_without_a_pool_runs_in_one() {
        let (with, without) =
            (engine_with(Allocation::Pool, None).unwrap(), engine_with(Allocation::OnDemand, None).unwrap());
        assert_eq!(fingerprint(&with), fingerprint(&without));
        for builtin in kith_bundle::BUILTINS.iter().take(1) {
            let functions = Arc::new(KnownFunctions::default());
            let code = compile_component(builtin.component, &functions).unwrap();
            crate::plugin::cache::deserialize(&with, &code).unwrap();
            let made = functions.take_made().concat();
            let functions = Arc::new(KnownFunctions::new(vec![made.clone()]));
            let code = compile_component(builtin.component, &functions).unwrap();
            crate::plugin::cache::deserialize(&with, &code).unwrap();
            // The compiler's keys of some functions differ from time to time.
            let anew = functions.take_made().concat().len();
            assert!(functions.used() == 1 && anew < made.len() / 2, "{anew} of {} bytes were made anew", made.len());
        }
    }
}

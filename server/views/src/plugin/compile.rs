//! Compiles components: in this process, or in another one with bounded memory and time.
//!
//! Invariant: no component whose shape exceeds a bound is compiled.

use super::{
    cache::{ComponentCache, deserialize},
    engine::{Allocation, engine_with},
    functions::FunctionCache,
    known::KnownFunctions,
    refused::Refused,
    shape::Shape,
};
use crate::limits;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};
use wasmtime::{CacheStore, Engine, component::Component};

/// Where components are compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiling {
    /// In this process, for as long as it takes.
    Here,
    /// The same, by a host that compiles nearly the same components again and again: it keeps every compiled function.
    AgainAndAgain,
    /// Elsewhere: [`crate::Views::adopt`] accepts what [`compile_component`] made in another process. A component that
    /// is neither adopted nor in the cache is refused.
    Elsewhere {
        /// SHA-256 of the components that come with this program and are compiled here.
        but_here: BTreeSet<[u8; 32]>,
    },
}

/// Compiles a component to the code that [`crate::Views::adopt`] accepts, except for functions that are known already.
/// Another process does this for a plugin host. Blocks for as long as compiling takes.
pub fn compile_component(component: &[u8], functions: &Arc<KnownFunctions>) -> Result<Vec<u8>, Refused> {
    check(component)?;
    let functions = Arc::clone(functions) as Arc<dyn CacheStore>;
    let engine = engine_with(Allocation::OnDemand, Some(functions)).map_err(|error| Refused::no_component(&error))?;
    engine.precompile_component(component).map_err(|error| Refused::no_component(&error))
}

/// A component's code. While it is held, the component is not compiled again.
#[derive(Clone)]
pub struct Compiled(Arc<Code>);

struct Code {
    component: Component,
    digest: [u8; 32],
    kept: AtomicBool,
}

impl Compiled {
    pub(crate) fn component(&self) -> &Component {
        &self.0.component
    }

    /// SHA-256 of the component.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.0.digest
    }
}

/// The code in memory and on disk.
pub(crate) struct Compiler {
    compiling: Compiling,
    cache: ComponentCache,
    functions: Option<Arc<FunctionCache>>,
    loaded: Mutex<HashMap<[u8; 32], Weak<Code>>>,
}

impl Compiler {
    pub(crate) fn new(compiling: Compiling, cache: ComponentCache, functions: Option<Arc<FunctionCache>>) -> Self {
        Self { compiling, cache, functions, loaded: Mutex::default() }
    }

    /// A component's code: already loaded, from the cache, or compiled here if that is allowed.
    pub(crate) fn load(&self, engine: &Engine, component: &[u8]) -> Result<Compiled, Refused> {
        self.find(engine, component)?.ok_or(Refused::NotCompiled)
    }

    /// The same; `None` if it has to be compiled elsewhere and its shape is within the bounds.
    pub(crate) fn find(&self, engine: &Engine, component: &[u8]) -> Result<Option<Compiled>, Refused> {
        check_bytes(component)?;
        let digest = Sha256::digest(component).into();
        if let Some(known) = self.loaded().get(&digest).and_then(Weak::upgrade) {
            return Ok(Some(Compiled(known)));
        }
        if let Some(kept) = self.cache.find(engine, &digest) {
            return Ok(Some(self.remember(kept, digest, true)));
        }
        check(component)?;
        let here = match &self.compiling {
            Compiling::Here | Compiling::AgainAndAgain => true,
            Compiling::Elsewhere { but_here } => but_here.contains(&digest),
        };
        if !here {
            return Ok(None);
        }
        let compiled = Component::new(engine, component).map_err(|error| Refused::no_component(&error))?;
        if let Some(functions) = &self.functions {
            functions.keep();
        }
        Ok(Some(self.remember(compiled, digest, false)))
    }

    /// Accepts code that was compiled elsewhere.
    pub(crate) fn adopt(&self, engine: &Engine, component: &[u8], code: &[u8]) -> Result<Compiled, Refused> {
        let compiled = deserialize(engine, code).map_err(|error| Refused::no_component(&error))?;
        Ok(self.remember(compiled, Sha256::digest(component).into(), false))
    }

    /// Stores the code of an accepted component in the cache.
    pub(crate) fn keep(&self, compiled: &Compiled) {
        if !compiled.0.kept.swap(true, Ordering::AcqRel) {
            self.cache.keep(&compiled.0.component, &compiled.0.digest);
        }
    }

    /// Deletes the code of all components that are not named.
    pub(crate) fn retain(&self, is_named: impl Fn(&[u8; 32]) -> bool) -> std::io::Result<usize> {
        for (digest, code) in &*self.loaded() {
            if let Some(code) = code.upgrade().filter(|_| !is_named(digest)) {
                code.kept.store(false, Ordering::Release);
            }
        }
        self.cache.retain(is_named)
    }

    fn remember(&self, component: Component, digest: [u8; 32], kept: bool) -> Compiled {
        let code = Arc::new(Code { component, digest, kept: AtomicBool::new(kept) });
        let mut loaded = self.loaded();
        loaded.retain(|_, code| code.strong_count() > 0);
        loaded.insert(digest, Arc::downgrade(&code));
        Compiled(code)
    }

    fn loaded(&self) -> MutexGuard<'_, HashMap<[u8; 32], Weak<Code>>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_bytes(component: &[u8]) -> Result<(), Refused> {
    let found = component.len();
    if found > limits::COMPONENT_BYTES_MAX { Err(Refused::TooLarge { found }) } else { Ok(()) }
}

/// Every WebAssembly file begins with this.
const MAGIC: &[u8] = b"\0asm";
/// What follows in a core module; a component has something else.
const CORE_MODULE: &[u8] = &[1, 0, 0, 0];

fn check_head(component: &[u8]) -> Result<(), Refused> {
    let refused = |reason: &str| Err(Refused::NoComponent { reason: reason.to_owned() });
    match component.strip_prefix(MAGIC) {
        None => refused("it does not begin like one"),
        Some(rest) if rest.starts_with(CORE_MODULE) => {
            refused("it is a core module; `kith plugin build` makes components")
        }
        Some(_) => Ok(()),
    }
}

/// Checks the size and shape of a component.
fn check(component: &[u8]) -> Result<(), Refused> {
    check_bytes(component)?;
    check_head(component)?;
    Shape::of(component)?;
    Ok(())
}

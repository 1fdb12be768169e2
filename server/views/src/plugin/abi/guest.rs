//! What the adapters of all contracts share: a plugin that was compiled, checked and configured, and its instances,
//! whose calls are limited. [`Contract`] covers what differs between contracts.

pub(crate) mod error;
mod last_words;
pub(super) mod words;

use self::error::{GuestError, shortened};
use crate::{
    contract::manifest::ManifestInvalid,
    limits,
    plugin::{call_clock::CallClock, compile::Compiled, engine::SandboxLimits, refused::Refused},
    share::{
        cancel::Cancel,
        places::{Lending, Place, Places},
    },
};
use wasmtime::{
    Engine, Store,
    component::{Component, InstancePre, Linker},
};

/// A version of the contract between the host and a kind of plugin.
pub(crate) trait Contract {
    /// The interface that a component must export.
    const EXPORT: &'static str;

    /// A component whose exports for the contract have been found.
    type Linked;
    /// The exports of an instance, to be called.
    type Exports;
    /// The manifest of a plugin.
    type Manifest;

    /// The limits of its calls, within those of this sandbox.
    fn limits(sandbox: SandboxLimits) -> SandboxLimits;

    /// Finds the exports of the contract.
    fn link(component: InstancePre<Place>) -> wasmtime::Result<Self::Linked>;

    /// The engine that a component is compiled for.
    fn engine(linked: &Self::Linked) -> &Engine;

    /// Creates an instance.
    fn instantiate(linked: &Self::Linked, store: &mut Store<Place>) -> wasmtime::Result<Self::Exports>;

    /// Asks a plugin for its manifest, and checks it.
    fn describe(
        exports: &Self::Exports,
        store: &mut Store<Place>,
    ) -> wasmtime::Result<Result<Self::Manifest, ManifestInvalid>>;

    /// Configures a plugin; the inner error is its reason for refusing the settings.
    fn configure(
        exports: &Self::Exports,
        store: &mut Store<Place>,
        settings: &str,
    ) -> wasmtime::Result<Result<(), String>>;
}

/// A plugin that was compiled, checked and configured once; instances can be created at any time.
#[derive(Clone)]
pub(crate) struct Configured<C: Contract> {
    linked: C::Linked,
    digest: [u8; 32],
    settings: String,
    manifest: C::Manifest,
    limits: SandboxLimits,
    places: Places,
    /// Keeps the code in memory for others that load the component.
    _compiled: Compiled,
}

impl<C: Contract> Configured<C> {
    /// Checks a compiled component: no imports, the contract, a valid manifest, and that it accepts the settings.
    pub(crate) fn new(
        compiled: &Compiled,
        settings: &str,
        sandbox: SandboxLimits,
        places: &Places,
    ) -> Result<Self, Refused> {
        let (component, limits) = (compiled.component(), C::limits(sandbox));
        check_surface(component, C::EXPORT)?;
        let linked = Linker::new(component.engine()).instantiate_pre(component).and_then(C::link);
        let linked = linked.map_err(|error| Refused::no_component(&error))?;
        let mut guest = Guest::<C>::instantiate(&linked, limits, &places.asking, &Cancel::default())
            .map_err(|error| Refused::failed("instantiate", &error))?;
        let manifest = guest.describe().map_err(|error| Refused::failed("describe", &error))??;
        guest
            .configure(settings)
            .map_err(|error| Refused::failed("configure", &error))?
            .map_err(|reason| Refused::Settings { reason: shortened(&reason) })?;
        Ok(Self {
            linked,
            digest: compiled.digest(),
            settings: settings.to_owned(),
            manifest,
            limits,
            places: places.clone(),
            _compiled: compiled.clone(),
        })
    }

    /// SHA-256 of the component.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The settings it is configured with.
    pub(crate) fn settings(&self) -> &str {
        &self.settings
    }

    /// What it declares.
    pub(crate) fn manifest(&self) -> &C::Manifest {
        &self.manifest
    }

    /// The limits of its calls.
    pub(crate) fn limits(&self) -> SandboxLimits {
        self.limits
    }

    /// The places of its instances.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// A fresh, configured instance in a place that is lent. Its calls end when cancelled.
    pub(crate) fn instantiate(&self, lending: &Lending, cancel: &Cancel) -> Result<Guest<C>, GuestError> {
        let mut guest = Guest::instantiate(&self.linked, self.limits, lending, cancel)?;
        guest.configure(&self.settings)?.map_err(|reason| GuestError::failed(None, &reason))?;
        Ok(guest)
    }
}

/// Refuses components with imports or without the interface of their contract.
fn check_surface(component: &Component, export: &'static str) -> Result<(), Refused> {
    let (engine, surface) = (component.engine(), component.component_type());
    let names: Vec<String> = surface.imports(engine).map(|(name, _)| name.to_owned()).collect();
    if !names.is_empty() {
        return Err(Refused::Imports { names });
    }
    if exports(component, export) {
        return Ok(());
    }
    Err(Refused::Contract { found: surface.exports(engine).map(|(name, _)| name.to_owned()).collect(), export })
}

/// Whether a component exports an interface.
pub(super) fn exports(component: &Component, export: &str) -> bool {
    component.component_type().exports(component.engine()).any(|(name, _)| name == export)
}

/// One instance of a plugin. After a failed call it must not be used again.
pub(crate) struct Guest<C: Contract> {
    store: Store<Place>,
    exports: C::Exports,
    limits: SandboxLimits,
    clock: CallClock,
    fuel_used: u64,
}

impl<C: Contract> Guest<C> {
    fn instantiate(
        linked: &C::Linked,
        limits: SandboxLimits,
        lending: &Lending,
        cancel: &Cancel,
    ) -> Result<Self, GuestError> {
        let place = lending.lend(limits.memory_bytes).map_err(|none| GuestError::NoInstance(none.to_string()))?;
        let mut store = Store::new(C::engine(linked), place);
        store.limiter(|place| place);
        store.set_hostcall_fuel(limits::DESCRIBE_BYTES_MAX);
        refill(&mut store, limits);
        let clock = CallClock::start(&mut store, cancel, limits.call_epochs);
        let exports = C::instantiate(linked, &mut store).map_err(|error| GuestError::of_instantiation(&error))?;
        Ok(Self { store, exports, limits, clock, fuel_used: 0 })
    }

    fn describe(&mut self) -> Result<Result<C::Manifest, ManifestInvalid>, GuestError> {
        self.call(limits::DESCRIBE_BYTES_MAX, C::describe)
    }

    fn configure(&mut self, settings: &str) -> Result<Result<(), String>, GuestError> {
        self.call(limits::DESCRIBE_BYTES_MAX, |exports, store| C::configure(exports, store, settings))
    }

    /// Calls the plugin, which may return only a limited number of bytes.
    pub(super) fn call<T>(
        &mut self,
        result_bytes_max: usize,
        call: impl FnOnce(&C::Exports, &mut Store<Place>) -> wasmtime::Result<T>,
    ) -> Result<T, GuestError> {
        refill(&mut self.store, self.limits);
        self.clock.begin(&mut self.store);
        self.store.set_hostcall_fuel(result_bytes_max);
        let result = call(&self.exports, &mut self.store);
        self.fuel_used += self.last_fuel();
        result.map_err(|error| match (last_words::of(&error, &self.store), self.store.data().beyond()) {
            (Some(text), _) => GuestError::failed(None, &text),
            (None, Some(bytes)) => GuestError::Memory { bytes, bytes_max: self.limits.memory_bytes },
            (None, None) => GuestError::of(&error),
        })
    }

    /// Fuel used by the last call.
    pub(crate) fn last_fuel(&self) -> u64 {
        self.limits.call_fuel - self.store.get_fuel().expect("the engine counts fuel")
    }

    /// Fuel used since this was last called.
    pub(crate) fn take_fuel_used(&mut self) -> u64 {
        std::mem::take(&mut self.fuel_used)
    }
}

fn refill(store: &mut Store<Place>, limits: SandboxLimits) {
    store.set_fuel(limits.call_fuel).expect("the engine counts fuel");
}

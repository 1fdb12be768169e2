//! Write Kith views in Rust: an author defines how one key's events become a state and a state becomes
//! rows; packing, calls and faults are handled here.
//!
//! Everything compiles natively too, so a plugin is tested like any crate. Only on wasm32 does
//! [`export!`] make it a component. Invariant: a plugin's answer depends only on its arguments.
//!
//! ```
//! use kith_plugin_sdk::{
//!     Day, Event, Fault, Field, FieldType, Key, KeyBy, Malformed, Manifest, Packer, Route, Row,
//!     StateBytes, Unpacker, Value, View, export, testing,
//! };
//!
//! /// How often two people met.
//! struct Meetings;
//!
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Settings {}
//!
//! struct Count(u64);
//!
//! impl StateBytes for Count {
//!     fn pack(&self, out: &mut Packer) {
//!         out.put_varint(self.0);
//!     }
//!     fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Malformed> {
//!         from.take_varint().map(Self)
//!     }
//! }
//!
//! impl View for Meetings {
//!     type Settings = Settings;
//!     type State = Count;
//!     const MANIFEST: Manifest = Manifest {
//!         name: "meetings",
//!         version: "1.0.0",
//!         state_version: 1,
//!         routes: &[Route { kind: "met", key_by: KeyBy::Pair }],
//!         fields: &[Field { name: "count", of: FieldType::Integer, about: "meetings so far" }],
//!         settings: r#"{"type":"object","additionalProperties":false}"#,
//!     };
//!
//!     fn configure(_: Settings) -> Result<Self, String> {
//!         Ok(Self)
//!     }
//!
//!     fn fold(&self, _: Key, state: Option<Count>, events: &[Event<'_>]) -> Result<Option<Count>, Fault> {
//!         let before = state.map_or(0, |count| count.0);
//!         Ok(Some(Count(before + events.len() as u64)))
//!     }
//!
//!     fn rows(&self, _: Key, state: &Count, _: Day) -> Result<Vec<Row>, Fault> {
//!         Ok(vec![Row::of(vec![Value::Integer(state.0.cast_signed())])])
//!     }
//! }
//!
//! export!(Meetings);
//!
//! let harness = testing::Harness::<Meetings>::new("{}").unwrap();
//! let key = Key::pair(1, 2);
//! let met = harness.event("met", 7, Day(20_000));
//! let state = harness.fold(key, &[], &[met]).unwrap();
//! assert_eq!(harness.rows(key, &state, Day(20_000)).unwrap()[0].values, [Value::Integer(1)]);
//! ```

pub mod batch;
mod calls;
mod decay;
mod event;
mod manifest;
mod pack;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
#[rustfmt::skip]
#[allow(unsafe_code, missing_docs, unreachable_pub, clippy::pedantic, reason = "generated")]
pub mod bindings;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod guest;

use serde::de::DeserializeOwned;

pub use calls::{SlotFault, SlotRow, StateSlot, configure, fold_batch, read_rows};
pub use decay::Decay;
pub use event::{Answer, Event, Extra, Extras, Key};
pub use kith_plugin_words::{Day, Field, FieldType, Malformed, Person, Position, Value};
pub use manifest::{KeyBy, Manifest, Route, Row};
pub use pack::{Packer, StateBytes, Unpacker};

/// A view: a pure keyed fold. The value is the view with its settings.
pub trait View: Sized + 'static {
    /// The settings, as JSON according to the manifest's schema. Give every field a default and deny
    /// unknown fields, so that `{}` works and a misspelt name is refused.
    type Settings: DeserializeOwned;

    /// The state of a key, at most 64 KiB packed.
    type State: StateBytes;

    /// The plugin's manifest.
    const MANIFEST: Manifest;

    /// Accepts the settings, or returns what is wrong with them. Compute tables for later calls here.
    fn configure(settings: Self::Settings) -> Result<Self, String>;

    /// Adds a key's events, in the order of (time, position), to its state; `None` drops the key.
    ///
    /// Must give the same state however the events are split into calls.
    fn fold(&self, key: Key, state: Option<Self::State>, events: &[Event<'_>]) -> Result<Option<Self::State>, Fault>;

    /// Makes the rows of a key as of the end of a day, at most 1,000.
    fn rows(&self, key: Key, state: &Self::State, as_of: Day) -> Result<Vec<Row>, Fault>;
}

/// Why a view cannot continue with a key. The host stops that key and shows the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The event at fault, if any.
    pub event: Option<Position>,
    /// A message for people.
    pub message: String,
}

impl Fault {
    /// A fault of the key as a whole.
    pub fn key(message: impl Into<String>) -> Self {
        Self { event: None, message: message.into() }
    }

    /// A fault of one event.
    pub fn event(position: Position, message: impl Into<String>) -> Self {
        Self { event: Some(position), message: message.into() }
    }
}

/// Makes the crate a component with the view of this type. Does nothing except on wasm32.
///
/// The crate is a `cdylib`; built for `wasm32-unknown-unknown` with
/// `-C linker=wasm-component-ld` the file is the component.
#[macro_export]
macro_rules! export {
    ($view:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            ::std::thread_local! {
                static VIEW: ::std::cell::RefCell<::std::option::Option<$view>> =
                    const { ::std::cell::RefCell::new(::std::option::Option::None) };
            }

            struct Component;

            impl $crate::guest::Hosted for Component {
                type View = $view;

                fn with<R>(call: impl FnOnce(&mut ::std::option::Option<$view>) -> R) -> R {
                    VIEW.with_borrow_mut(call)
                }
            }

    $crate::bindings::__export_bindings!(Component with_types_in $crate::bindings);
        };
    };
}

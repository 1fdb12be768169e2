//! Write Kith reports in Rust: a table over many keys, computed from the rows of views and the directory.
//!
//! Everything compiles natively too, so a report is tested like any function. Only on wasm32 does
//! [`export!`] make it a component. Invariant: a report's answer depends only on its arguments.
//!
//! A separate crate from `kith-plugin-sdk`, with which it shares its types: a component carries the description of
//! only one contract.

mod input;
mod manifest;

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
#[rustfmt::skip]
#[allow(unsafe_code, missing_docs, unreachable_pub, clippy::pedantic, reason = "generated")]
pub mod bindings;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod guest;

use serde::de::DeserializeOwned;

pub use input::{Input, InputRow, Member, Table, encode_input};
use kith_plugin_words::settings;
pub use kith_plugin_words::{Day, Field, FieldType, Malformed, Person, Position, Value};
pub use manifest::{InputNeeded, KeyBy, Least, Manifest, Output, Row};

/// A report: a pure function. The value is the report with its settings.
pub trait Report: Sized + 'static {
    /// The settings, as JSON according to the manifest's schema. Give every field a default and deny
    /// unknown fields, so that `{}` works and a misspelt name is refused.
    type Settings: DeserializeOwned;

    /// The report's manifest.
    const MANIFEST: Manifest;

    /// Accepts the settings, or returns what is wrong with them.
    fn configure(settings: Self::Settings) -> Result<Self, String>;

    /// Computes the rows as of the end of a day, and remarks on them; or returns why it cannot.
    fn compute(&self, as_of: Day, input: &Input) -> Result<Output, String>;
}

/// Configures a report from JSON text.
pub fn configure<R: Report>(settings: &str) -> Result<R, String> {
    R::configure(settings::parse(settings)?)
}

/// Makes the crate a component with the report of this type. Does nothing except on wasm32.
///
/// The crate is a `cdylib`; built for `wasm32-unknown-unknown` with
/// `-C linker=wasm-component-ld` the file is the component.
#[macro_export]
macro_rules! export {
    ($report:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            ::std::thread_local! {
                static REPORT: ::std::cell::RefCell<::std::option::Option<$report>> =
                    const { ::std::cell::RefCell::new(::std::option::Option::None) };
            }

            struct Component;

            impl $crate::guest::Hosted for Component {
                type Report = $report;

                fn with<R>(call: impl FnOnce(&mut ::std::option::Option<$report>) -> R) -> R {
                    REPORT.with_borrow_mut(call)
                }
            }

    $crate::bindings::__export_bindings!(Component with_types_in $crate::bindings);
        };
    };
}

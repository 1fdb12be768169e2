//! Why components are refused, as reported to whoever uploads one.

use super::{
    abi::guest::error::{GuestError, shortened},
    shape::Bound,
};
use crate::{contract::manifest::ManifestInvalid, limits};

/// Why a component is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The component is too large.
    #[error("the component has {found} bytes; at most {} are allowed", limits::COMPONENT_BYTES_MAX)]
    TooLarge {
        /// Its bytes.
        found: usize,
    },
    /// The component has more of something than can be compiled in bounded time and memory.
    #[error("the component has {found} {}; at most {} are allowed", bound.name(), bound.max())]
    Shape {
        /// The bound.
        bound: Bound,
        /// The count at which counting stopped.
        found: u64,
    },
    /// The bytes are not a component, or use disabled features.
    #[error("this is not a WebAssembly component that can run here: {reason}")]
    NoComponent {
        /// The compiler's error.
        reason: String,
    },
    /// Compiling the component exceeded a limit.
    #[error("compiling the component takes more than {limit}")]
    Costly {
        /// The limit.
        limit: String,
    },
    /// No instance was available to read the manifest: this says nothing about the component.
    #[error("{reason}")]
    Busy {
        /// The sandbox's error.
        reason: String,
    },
    /// The component has to be compiled elsewhere first.
    #[error("the component is not compiled yet")]
    NotCompiled,
    /// The component imports something.
    #[error("the component imports {}; a plugin imports nothing", names.join(", "))]
    Imports {
        /// What it imports.
        names: Vec<String>,
    },
    /// The component does not export the contract.
    #[error("the component exports [{}]; {export} is needed", found.join(", "))]
    Contract {
        /// What it exports.
        found: Vec<String>,
        /// What it should export.
        export: &'static str,
    },
    /// The manifest breaks a rule.
    #[error("the manifest is not valid: {0}")]
    Manifest(#[from] ManifestInvalid),
    /// The plugin refuses the settings.
    #[error("the plugin refuses the settings: {reason}")]
    Settings {
        /// The plugin's message.
        reason: String,
    },
    /// The plugin failed while it returned its manifest or was configured.
    #[error("the plugin failed in `{function}`: {reason}")]
    Failed {
        /// The function.
        function: &'static str,
        /// What went wrong.
        reason: String,
    },
}

impl Refused {
    pub(crate) fn no_component(error: &wasmtime::Error) -> Self {
        Self::NoComponent { reason: shortened(&format!("{error:#}")) }
    }

    pub(crate) fn malformed(error: &wasmparser::Error) -> Self {
        Self::NoComponent { reason: shortened(&error.to_string()) }
    }

    pub(crate) fn failed(function: &'static str, error: &GuestError) -> Self {
        match error {
            GuestError::NoInstance(_) => Self::Busy { reason: error.to_string() },
            GuestError::Failed { .. } | GuestError::Memory { .. } | GuestError::Untaken(_) | GuestError::Deadline => {
                Self::Failed { function, reason: error.to_string() }
            }
        }
    }
}

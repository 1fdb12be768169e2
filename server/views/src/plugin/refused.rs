//! Why components are refused: what whoever uploads one is told.

use super::{
    abi::guest::error::{GuestError, shortened},
    shape::Bound,
};
use crate::{contract::manifest::ManifestInvalid, limits};

/// Why a component is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It has too many bytes.
    #[error("the component has {found} bytes; at most {} are allowed", limits::COMPONENT_BYTES_MAX)]
    TooLarge {
        /// Its bytes.
        found: usize,
    },
    /// It has more of something than can be compiled in bounded time and memory.
    #[error("the component has {found} {}; at most {} are allowed", bound.name(), bound.max())]
    Shape {
        /// Of what.
        bound: Bound,
        /// How much, or as much as was counted.
        found: u64,
    },
    /// It is no component, or uses features that are off.
    #[error("this is no WebAssembly component that can run here: {reason}")]
    NoComponent {
        /// What the compiler says.
        reason: String,
    },
    /// Compiling it took more than it may take.
    #[error("compiling the component takes more than {limit}")]
    Costly {
        /// What it took.
        limit: String,
    },
    /// No instance could be made to ask it what it is: this says nothing about it.
    #[error("{reason}")]
    Busy {
        /// What the sandbox says.
        reason: String,
    },
    /// It is compiled elsewhere, and was not yet.
    #[error("the component is not compiled yet")]
    NotCompiled,
    /// It imports something.
    #[error("the component imports {}; a plugin imports nothing", names.join(", "))]
    Imports {
        /// What it imports.
        names: Vec<String>,
    },
    /// It does not export the contract.
    #[error("the component exports [{}]; {export} is needed", found.join(", "))]
    Contract {
        /// What it exports.
        found: Vec<String>,
        /// What it should.
        export: &'static str,
    },
    /// Its manifest breaks a rule.
    #[error("the manifest is not valid: {0}")]
    Manifest(#[from] ManifestInvalid),
    /// It does not take the settings.
    #[error("the plugin refuses the settings: {reason}")]
    Settings {
        /// What it says.
        reason: String,
    },
    /// It failed while it was asked what it is, or while it took the settings.
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
            GuestError::Failed { .. } | GuestError::Untaken(_) | GuestError::Deadline => {
                Self::Failed { function, reason: error.to_string() }
            }
        }
    }
}

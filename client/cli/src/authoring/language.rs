//! The languages that plugins can be written in.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A language that plugins can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    /// Rust: small and fast, built by cargo
    Rust,
    /// Python: the component carries a whole interpreter
    Python,
    /// JavaScript: the component carries a whole engine
    #[value(name = "js", alias = "javascript")]
    Javascript,
}

/// The compiler of Python components, on `PyPI`.
pub(crate) const COMPONENTIZE_PY: &str = "0.25.1";
/// The compiler of JavaScript components, on npm.
pub(crate) const COMPONENTIZE_JS: &str = "0.23.0";

impl Language {
    /// Its name in sentences.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::Javascript => "JavaScript",
        }
    }

    /// The version of its compiler that new plugins are built with; none where the toolchain has it.
    pub(crate) fn compiler(self) -> Option<&'static str> {
        match self {
            Self::Rust => None,
            Self::Python => Some(COMPONENTIZE_PY),
            Self::Javascript => Some(COMPONENTIZE_JS),
        }
    }

    /// The file an author begins with.
    pub(crate) fn main_file(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::Python => "main.py",
            Self::Javascript => "main.js",
        }
    }
}

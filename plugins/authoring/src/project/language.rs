//! The languages that plugins can be written in.

use serde::{Deserialize, Serialize};

/// A language that plugins can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Rust: small and fast, built by cargo
    Rust,
    /// Python: the component carries a whole interpreter
    Python,
    /// JavaScript: the component carries a whole engine
    Javascript,
}

/// The compiler of Python components, on `PyPI`.
pub const COMPONENTIZE_PY: &str = "0.25.1";
/// The compiler of JavaScript components, on npm.
pub const COMPONENTIZE_JS: &str = "0.23.0";

impl Language {
    /// The name of the language in sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::Javascript => "JavaScript",
        }
    }

    /// The compiler version for new plugins; `None` if the toolchain includes the compiler.
    pub fn compiler(self) -> Option<&'static str> {
        match self {
            Self::Rust => None,
            Self::Python => Some(COMPONENTIZE_PY),
            Self::Javascript => Some(COMPONENTIZE_JS),
        }
    }

    /// Fuel per event of the example on the log of `kith plugin check`, to two digits.
    pub fn example_fuel(self) -> u64 {
        match self {
            Self::Rust => 900,
            Self::Python => 41_000,
            Self::Javascript => 53_000,
        }
    }

    /// The file where an author starts.
    pub fn main_file(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::Python => "main.py",
            Self::Javascript => "main.js",
        }
    }
}

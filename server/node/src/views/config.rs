//! Settings of the plugin host.

use kith_log::Range;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Settings of the plugin host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Bytes that each view may use to keep pages of its file.
    pub store_cache_bytes: usize,
    /// Bytes of a plugin's memory, at most 256 MiB.
    pub memory_bytes_max: usize,
    /// Bytes of a view's file; four times the log if that is more.
    pub file_bytes_max: u64,
    /// Bytes of the disk that views leave free.
    pub free_bytes_min: u64,
    /// Seconds of processor time that compiling a plugin may take.
    pub compile_s_max: u32,
    /// The program that compiles plugins, as `kithd compile-component` does: this one. Another one only where the server
    /// is part of another program.
    #[serde(skip)]
    pub compiler: Program,
}

/// The path of `kithd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program(pub PathBuf);

impl Default for Program {
    fn default() -> Self {
        Self("/proc/self/exe".into())
    }
}

/// Bytes of a plugin's memory that no configuration can exceed.
const MEMORY_BYTES_LIMIT: i64 = 256 * 1024 * 1024;

/// Bytes of the disk that views leave free unless configured otherwise. Enough for the log to go on for a long while;
/// little enough for a laptop that is nearly full, and for the demonstration on it.
const FREE_BYTES_MIN: u64 = 512 * 1024 * 1024;

impl Default for Config {
    fn default() -> Self {
        let usual = host_config(Path::new(""));
        Self {
            store_cache_bytes: usual.store_cache_bytes,
            memory_bytes_max: usual.sandbox.memory_bytes,
            compile_s_max: 60,
            compiler: Program::default(),
            file_bytes_max: kith_views::limits::VIEW_FILE_BYTES_DEFAULT,
            free_bytes_min: FREE_BYTES_MIN,
        }
    }
}

impl Config {
    /// The least and the most that each setting may be.
    pub const RANGES: &[Range] = &[
        ("store_cache_bytes", 0, 1024 * 1024 * 1024 * 1024),
        ("memory_bytes_max", 1, MEMORY_BYTES_LIMIT),
        ("file_bytes_max", 1024 * 1024, 1024 * 1024 * 1024 * 1024 * 1024),
        ("free_bytes_min", 0, 1024 * 1024 * 1024 * 1024 * 1024),
        ("compile_s_max", 1, 3_600),
    ];
}

pub(super) fn host_config(data: &Path) -> kith_views::Config {
    kith_views::Config::new(data.join("views"), data.join("cache"))
}

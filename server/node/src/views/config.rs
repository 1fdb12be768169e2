//! Settings of the plugin host.

use crate::limits::FREE_BYTES_MIN_DEFAULT;
use kith_log::Range;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Settings of the plugin host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Bytes of memory in which each view may cache pages of its file.
    pub store_cache_bytes: usize,
    /// Bytes of memory in which all views together process more entries at once while they are far behind.
    pub runs_bytes_max: usize,
    /// Bytes of a plugin's memory, at most 256 MiB.
    pub memory_bytes_max: usize,
    /// Bytes of a report's memory, at most 256 MiB. A report that needs more fails.
    pub report_memory_bytes_max: usize,
    /// Bytes of the rows that are passed to a report, at most 128 MiB.
    pub report_input_bytes_max: usize,
    /// Bytes of a view's file, or four times the size of the log if that is more.
    pub file_bytes_max: u64,
    /// Bytes of the disk that views leave free.
    pub free_bytes_min: u64,
    /// Seconds of processor time that compiling a plugin may take.
    pub compile_s_max: u32,
    /// The program that compiles plugins with `compile-component`. By default this program; set only where the server
    /// is embedded in another one.
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

impl Default for Config {
    fn default() -> Self {
        let usual = host_config(Path::new(""));
        Self {
            store_cache_bytes: usual.store_cache_bytes,
            runs_bytes_max: usual.runs_bytes_max,
            memory_bytes_max: usual.sandbox.memory_bytes,
            report_memory_bytes_max: usual.sandbox.report_memory_bytes,
            report_input_bytes_max: usual.sandbox.report_input_bytes,
            compile_s_max: 60,
            compiler: Program::default(),
            file_bytes_max: kith_views::limits::VIEW_FILE_BYTES_DEFAULT,
            free_bytes_min: FREE_BYTES_MIN_DEFAULT,
        }
    }
}

impl Config {
    /// Minimum and maximum of each setting.
    #[allow(clippy::cast_possible_wrap, reason = "the memory of a plugin is far below 2^63")]
    pub const RANGES: &[Range] = &[
        ("store_cache_bytes", 0, 1024 * 1024 * 1024 * 1024),
        ("runs_bytes_max", 0, 1024 * 1024 * 1024 * 1024),
        ("memory_bytes_max", 1, kith_views::limits::MEMORY_BYTES_MAX as i64),
        ("report_memory_bytes_max", 1, kith_views::limits::MEMORY_BYTES_MAX as i64),
        ("report_input_bytes_max", 1, kith_views::limits::REPORT_INPUT_BYTES_MAX as i64),
        ("file_bytes_max", 1024 * 1024, 1024 * 1024 * 1024 * 1024 * 1024),
        ("free_bytes_min", 0, 1024 * 1024 * 1024 * 1024 * 1024),
        ("compile_s_max", 1, 3_600),
    ];
}

pub(super) fn host_config(data: &Path) -> kith_views::Config {
    kith_views::Config::new(data.join("views"), data.join("cache"))
}

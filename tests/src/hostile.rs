//! Plugins that misbehave.

use std::sync::LazyLock;

/// A plugin that misbehaves as its settings say.
pub static HOSTILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let text = include_str!("../../server/views/src/tests/hostile.wat");
    wat::parse_str(text).expect("it is WebAssembly text")
});

/// A plugin that returns 1,000 rows of 16 kB for every key.
pub static FAT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let text = include_str!("../../server/views/src/tests/fat.wat");
    wat::parse_str(text).expect("it is WebAssembly text")
});

/// The ways in which [`HOSTILE`] fails on an entry with an attribute, each the name of a setting: it traps, loops,
/// allocates memory, faults, returns too large a state, no states, recurses endlessly, returns 2 GiB, or returns data
/// outside its memory.
pub const WAYS: [&str; 9] = ["t", "l", "g", "f", "s", "b", "d", "h", "o"];

/// A report on `strength` whose computation never ends.
pub static ENDLESS_REPORT: LazyLock<Vec<u8>> =
    LazyLock::new(|| wat::parse_str(include_str!("endless_report.wat")).expect("it is WebAssembly text"));

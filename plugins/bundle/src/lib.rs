//! The built-in plugins as WASM components, made from their source by the build script.
//!
//! Invariant: the bytes depend on the source, the lock file and the toolchain alone, not on the
//! folder, the profile or the flags of the build around them.

/// A plugin that comes with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// The name of its view or report.
    pub name: &'static str,
    /// The component: it exports its contract, `kith:view/view@1.0.0` unless it says otherwise, and imports nothing.
    pub component: &'static [u8],
}

/// All built-in views.
pub const BUILTINS: &[Builtin] = &[
    Builtin { name: "strength", component: include_bytes!(concat!(env!("OUT_DIR"), "/strength.wasm")) },
    Builtin { name: "introductions", component: include_bytes!(concat!(env!("OUT_DIR"), "/introductions.wasm")) },
    Builtin { name: "follow_ups", component: include_bytes!(concat!(env!("OUT_DIR"), "/follow_ups.wasm")) },
    Builtin { name: "help", component: include_bytes!(concat!(env!("OUT_DIR"), "/help.wasm")) },
    Builtin { name: "keep_in_touch", component: include_bytes!(concat!(env!("OUT_DIR"), "/keep_in_touch.wasm")) },
];

/// All built-in reports. Their components export `kith:report/report@1.0.0`.
pub const REPORTS: &[Builtin] = &[
    Builtin { name: "bridges", component: include_bytes!(concat!(env!("OUT_DIR"), "/bridges.wasm")) },
    Builtin { name: "referrers", component: include_bytes!(concat!(env!("OUT_DIR"), "/referrers.wasm")) },
    Builtin {
        name: "follow_up_latency",
        component: include_bytes!(concat!(env!("OUT_DIR"), "/follow_up_latency.wasm")),
    },
    Builtin { name: "who_should_meet", component: include_bytes!(concat!(env!("OUT_DIR"), "/who_should_meet.wasm")) },
];

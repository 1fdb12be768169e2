//! The built-in plugins as WASM components, built from source by the build script.
//!
//! Invariant: the bytes depend only on the source, the lock file and the toolchain, not on the
//! folder, the profile or the flags of the surrounding build.

use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// A plugin that comes with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// The name of its view or report.
    pub name: &'static str,
    /// Whether it is a view or a report.
    pub kind: Kind,
    /// The component: it exports the contract of its kind, and imports nothing.
    pub component: &'static [u8],
}

/// The kind of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It derives a view from entries: `kith:view/view@1.0.0`.
    View,
    /// It computes a report from rows of views: `kith:report/report@1.0.0`.
    Report,
}

/// All built-in plugins.
pub const BUILTINS: &[Builtin] = &[
    view("strength", include_bytes!(concat!(env!("OUT_DIR"), "/strength.wasm"))),
    view("introductions", include_bytes!(concat!(env!("OUT_DIR"), "/introductions.wasm"))),
    view("follow_ups", include_bytes!(concat!(env!("OUT_DIR"), "/follow_ups.wasm"))),
    view("help", include_bytes!(concat!(env!("OUT_DIR"), "/help.wasm"))),
    view("keep_in_touch", include_bytes!(concat!(env!("OUT_DIR"), "/keep_in_touch.wasm"))),
    report("bridges", include_bytes!(concat!(env!("OUT_DIR"), "/bridges.wasm"))),
    report("referrers", include_bytes!(concat!(env!("OUT_DIR"), "/referrers.wasm"))),
    report("follow_up_latency", include_bytes!(concat!(env!("OUT_DIR"), "/follow_up_latency.wasm"))),
    report("who_should_meet", include_bytes!(concat!(env!("OUT_DIR"), "/who_should_meet.wasm"))),
];

/// The built-in views.
pub fn views() -> impl Iterator<Item = &'static Builtin> {
    BUILTINS.iter().filter(|builtin| builtin.kind == Kind::View)
}

/// The built-in reports.
pub fn reports() -> impl Iterator<Item = &'static Builtin> {
    BUILTINS.iter().filter(|builtin| builtin.kind == Kind::Report)
}

/// SHA-256 over all of them: of each, its name, a line end, and the SHA-256 of its component.
pub fn digest() -> &'static [u8; 32] {
    static DIGEST: LazyLock<[u8; 32]> = LazyLock::new(|| {
        let mut all = Sha256::new();
        for Builtin { name, component, .. } in BUILTINS {
            all.update(name);
            all.update("\n");
            all.update(Sha256::digest(component));
        }
        all.finalize().into()
    });
    &DIGEST
}

/// The built-in plugin of this name.
pub fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.name == name)
}

const fn view(name: &'static str, component: &'static [u8]) -> Builtin {
    Builtin { name, kind: Kind::View, component }
}

const fn report(name: &'static str, component: &'static [u8]) -> Builtin {
    Builtin { name, kind: Kind::Report, component }
}

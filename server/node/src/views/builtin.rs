//! The plugins that come with this program.

use kith_bundle::BUILTINS;
use kith_core::plugins::{PluginKey, PluginOwner};
use kith_log::ComponentDigest;

/// Whether a name is that of a built-in view or report.
pub(crate) fn is_builtin(name: &str) -> bool {
    kith_bundle::find(name).is_some()
}

/// The component of a built-in view or report with this digest.
pub(crate) fn builtin_component(digest: &ComponentDigest) -> Option<bytes::Bytes> {
    let mut components = BUILTINS.iter().map(|builtin| builtin.component);
    let found = components.find(|component| digest_of(component) == *digest)?;
    Some(bytes::Bytes::from_static(found))
}

pub(super) fn digest_of(component: &[u8]) -> ComponentDigest {
    use sha2::{Digest, Sha256};
    Sha256::digest(component).into()
}

/// The key of a built-in plugin: every network owns one of each.
pub(super) fn builtin_key(name: &str) -> PluginKey {
    PluginKey::new(PluginOwner::Network, name)
}

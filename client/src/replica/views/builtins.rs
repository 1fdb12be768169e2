//! The built-in plugins, in the server's versions: where this program comes with another one, the server's component is
//! fetched when the replica syncs, so that rows under one name are the same everywhere. The file that notes them begins
//! with the digest of all of the server's.
//!
//! Invariant: what the server answers with under a built-in name is known from the last sync; until the first one, it is
//! taken to be what this program comes with.

use super::{Inner, OfflinePlugin, ViewError, installed::keep};
use crate::{client::Client, error::Error};
use bytes::Bytes;
use kith_bundle::BUILTINS;
use kith_core::reason::Reason;
use kith_proto::v1;
use kith_views::ViewScope;
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// SHA-256 of the components that this program comes with, in their order.
static OWN: LazyLock<Vec<[u8; 32]>> =
    LazyLock::new(|| BUILTINS.iter().map(|builtin| Sha256::digest(builtin.component).into()).collect());

/// A built-in view or report, as the server answers with it, where this program comes with another version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedBuiltin {
    /// Its name.
    pub name: String,
    /// The server's version of it.
    pub version: String,
    /// SHA-256 of the server's component.
    pub component: [u8; 32],
}

impl ServedBuiltin {
    /// The failure that the server's version is not here.
    pub(super) fn missing(&self) -> ViewError {
        let message = format!(
            "`{}` is another version at the server, {} with the component {}, which is not here: sync fetches it",
            self.name,
            self.version,
            hex::encode(self.component)
        );
        Error::refused(Reason::ViewIncomplete, message).at("view").into()
    }

    fn line(&self) -> String {
        format!("{} {} {}\n", self.name, self.version, hex::encode(self.component))
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (name, version) = (words.next()?.to_owned(), words.next()?.to_owned());
        let component = hex::decode(words.next()?).ok()?.try_into().ok()?;
        Some(Self { name, version, component })
    }

    /// A listed view or report, if it is built in here in another version.
    fn of(view: &v1::View) -> Option<Self> {
        let place = BUILTINS.iter().position(|builtin| builtin.name == view.name)?;
        let component = view.component[..].try_into().ok()?;
        let is_other = OWN[place] != component && !view.version.contains(char::is_whitespace);
        is_other.then(|| Self { name: view.name.clone(), version: view.version.clone(), component })
    }
}

impl Inner {
    /// Finds out which built-in plugins the server has in another version, and fetches their components. What is not
    /// available now is left for next time. `digest` is that of all built-in plugins at the server: as long as it says
    /// nothing new, the server is not asked, because a question about views opens them there.
    pub(super) async fn fetch_builtins(&self, client: &Client, digest: &[u8]) {
        let Some(path) = self.served_path() else { return };
        let known = fs::read_to_string(&path).unwrap_or_default();
        let mut served = self.served_builtins();
        if digest == kith_bundle::digest() {
            served.clear();
            note(&path, &known, "");
        } else if known.lines().next() != Some(&*hex::encode(digest)) {
            let Ok(listed) = client.list_views().await else { return };
            // A server that was just started may not have all of its views yet.
            let missing = |name: &str| listed.views.iter().all(|view| view.name != name);
            served.retain(|known| missing(&known.name));
            served.extend(listed.views.iter().filter_map(ServedBuiltin::of));
            let is_whole = !BUILTINS.iter().any(|builtin| missing(builtin.name));
            let heading =
                if is_whole && !digest.is_empty() { format!("{}\n", hex::encode(digest)) } else { String::new() };
            let lines = served.iter().map(ServedBuiltin::line);
            note(&path, &known, &std::iter::once(heading).chain(lines).collect::<String>());
        }
        for builtin in served {
            if self.fetch_component(client, &builtin.component).await.is_err() {
                return;
            }
        }
    }

    /// The built-in plugins whose versions at the server are here.
    pub(super) fn builtins(&self) -> Vec<OfflinePlugin> {
        let mut plugins = OfflinePlugin::builtins();
        for served in self.served_builtins() {
            plugins.retain(|plugin| plugin.name != served.name);
            plugins.extend(self.component(&served.component).map(|component| OfflinePlugin {
                name: served.name,
                component: Bytes::from(component),
                settings: "{}".to_owned(),
                scope: ViewScope::Network,
            }));
        }
        plugins
    }

    /// Those of which this program comes with another version than the server's, as of the last sync.
    pub(super) fn served_builtins(&self) -> Vec<ServedBuiltin> {
        let text = self.served_path().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        let served = text.lines().filter_map(ServedBuiltin::read);
        // Meanwhile, this may be a later program.
        let is_own = |served: &ServedBuiltin| {
            BUILTINS.iter().zip(&*OWN).any(|(own, digest)| own.name == served.name && *digest == served.component)
        };
        served.filter(|served| !is_own(served)).collect()
    }

    fn served_path(&self) -> Option<PathBuf> {
        Some(self.components_folder()?.join("built-in"))
    }
}

/// Keeps what is known of the server, if it is not what was known before.
fn note(path: &Path, known: &str, text: &str) {
    if known != text {
        drop(keep(path, text.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_built_in_in_another_version_is_noted() {
        let view = |name: &str, version: &str, component: &[u8]| v1::View {
            name: name.to_owned(),
            version: version.to_owned(),
            component: component.to_vec(),
            ..v1::View::default()
        };
        let other = ServedBuiltin::of(&view("strength", "9.0.0", &[7; 32])).unwrap();
        assert_eq!(ServedBuiltin::read(other.line().trim_end()), Some(other));
        assert_eq!(ServedBuiltin::of(&view("strength", "2.0.0", &OWN[0])), None);
        assert_eq!(ServedBuiltin::of(&view("visits", "1.0.0", &[7; 32])), None);
        assert_eq!(ServedBuiltin::of(&view("strength", "9.0.0", &[7; 31])), None);
        assert_eq!(ServedBuiltin::of(&view("strength", "9\n", &[7; 32])), None);
        assert_eq!(ServedBuiltin::read("strength 9.0.0"), None);
    }
}

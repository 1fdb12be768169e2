//! How far the views of networks have come that are not open, so that nobody has to open them to find out.
//!
//! The file `views/levels` may be missing or out of date: then views are opened in vain.

use super::{NetworkViews, builtin::digest_of};
use kith_bundle::BUILTINS;
use kith_core::{id::NetworkName, plugins::PluginOwner, position::Position};
use kith_log::Network;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    fs,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

/// Identifies the built-in plugins of this program.
static BUILT_IN: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let digests = BUILTINS.iter().map(|builtin| digest_of(builtin.component));
    digests.fold(Sha256::new(), Digest::chain_update).finalize().into()
});

/// The positions that views have reached.
pub(super) struct Levels {
    path: PathBuf,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    levels: HashMap<NetworkName, Position>,
    /// Whether they differ from those in the file.
    is_changed: bool,
}

impl Levels {
    /// Reads the file: a line of each network, with its views and their position. What it says of other views counts
    /// for nothing. Blocks on the disk.
    pub(super) fn read(path: PathBuf, networks: &[Network]) -> Self {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let stated: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once(' ')).collect();
        let level = |network: &Network| {
            let (views, position) = stated.get(network.name().as_str())?.split_once(' ')?;
            let position = position.parse().ok().filter(|_| views == which_views(network))?;
            Some((network.name().clone(), Position::new(position)))
        };
        let levels = networks.iter().filter_map(level).collect();
        Self { path, known: Mutex::new(Known { levels, is_changed: false }) }
    }

    /// Notes the position that a network's views have reached; `None` if one of them has no rows yet.
    pub(super) fn note(&self, network: &NetworkName, level: Option<Position>) {
        let mut known = self.known();
        known.is_changed = true;
        match level {
            Some(level) => known.levels.insert(network.clone(), level),
            None => known.levels.remove(network),
        };
    }

    /// Whether a network's views have processed all its entries.
    pub(super) fn is_level(&self, network: &NetworkName, head: Position) -> bool {
        self.known().levels.get(network).copied().unwrap_or_default() == head
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text to write, if anything has changed.
    fn changed(&self, networks: &[Network]) -> Option<String> {
        let mut known = self.known();
        if !std::mem::take(&mut known.is_changed) {
            return None;
        }
        let lines = networks.iter().filter_map(|network| {
            let level = known.levels.get(network.name())?;
            Some(format!("{} {} {level}\n", network.name(), which_views(network)))
        });
        Some(lines.collect())
    }

    /// Replaces the file whole.
    fn write(&self, text: &str) -> io::Result<()> {
        let folder = self.path.parent().expect("it lies in the folder of views");
        let mut part = tempfile::NamedTempFile::new_in(folder)?;
        part.write_all(text.as_bytes())?;
        part.persist(&self.path)?;
        Ok(())
    }
}

impl NetworkViews {
    /// Writes how far the views have come that are not open.
    pub(super) async fn write_levels(&self) {
        let Some(text) = self.levels.changed(&self.log.networks()) else { return };
        let levels = Arc::clone(&self.levels);
        if let Err(error) = kith_log::blocking(move || levels.write(&text)).await {
            tracing::warn!(%error, "how far views have come could not be written; some will be opened in vain");
        }
    }
}

/// Identifies the views of a network: the history that they are of, the built-in plugins, and those in its log.
fn which_views(network: &Network) -> String {
    let mut hash = Sha256::new_with_prefix(b"kith/levels/1");
    hash.update(network.incarnation());
    hash.update(*BUILT_IN);
    for (key, plugin) in network.plugins().iter() {
        let owner = match &key.owner {
            PluginOwner::Network => "",
            PluginOwner::Organisation(organisation) => organisation.as_str(),
        };
        for version in plugin.followed() {
            for text in [owner, &key.name, &version.settings] {
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text);
            }
            hash.update(version.component);
            hash.update([u8::from(plugin.is_paused())]);
        }
    }
    hex::encode(&hash.finalize()[..16])
}

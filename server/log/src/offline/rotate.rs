//! Replaces the root key of a data folder.

use crate::{
    config::Config,
    error::OpenError,
    files::open_database,
    keys::{place::KeyPlace, rotation},
};

/// Wraps every key of a data folder by a new root key, and overwrites the old one. No server may have the folder open.
/// Sessions of browsers end, and plugins are compiled again. Backups of the keys from before hold the old root key.
pub fn rotate_root_key(config: &Config) -> Result<(), OpenError> {
    // Whoever has the log open has the keys open.
    let _log = open_database(config, &config.data.join("log.redb"))?;
    rotation::rotate(&KeyPlace::of(config))
}

//! `kithd rotate-root-key`: a new root key in the place of the old one.

use super::{exit, out::say};
use clap::Args;
use kith_log::Config;
use std::process::ExitCode;

/// Replace the root key of a data folder that no server uses
///
/// Every other key is wrapped by the new one, and the old one is overwritten: copies of the old one, such as in
/// snapshots of the disk, open nothing of what is here now. Back up the keys afterwards: a backup from before has the old
/// root key and the keys as they were. Sessions of browsers end.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kithd rotate-root-key --data ./data && kithd backup-keys --data ./data --to kith.keys"
)]
pub(crate) struct RotateRootKeyArgs {}

pub(crate) fn rotate_root_key(config: &Config) -> ExitCode {
    match kith_log::rotate_root_key(config) {
        Ok(()) => {
            let folder = config.data.join("keys");
            let text = format!("the keys in {} have a new root key: back them up again", folder.display());
            say(ExitCode::SUCCESS, &text)
        }
        Err(error) => exit::failed(&error),
    }
}

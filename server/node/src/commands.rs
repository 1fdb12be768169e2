//! The subcommands of `kithd`, which work on a data folder that no server uses; one file each.

mod backup;
mod check;
mod exit;
mod files;
mod out;
mod progress;
mod restore;
mod rewrite;
mod rotate;
mod server_token;

pub(crate) use backup::{BackupArgs, BackupKeysArgs, backup, backup_keys};
pub(crate) use check::{CheckArgs, check};
pub(crate) use out::{complain_of, write_out};
pub(crate) use restore::{RestoreArgs, RestoreKeysArgs, restore, restore_keys};
pub(crate) use rewrite::{RewriteArgs, rewrite};
pub(crate) use rotate::{RotateRootKeyArgs, rotate_root_key};
pub(crate) use server_token::{OperatorArgs, OwnerArgs, operator, owner};

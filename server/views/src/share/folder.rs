//! Folders of derived files, restricted to this account.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

/// The permissions of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Creates a folder that only this account may enter, or removes others' access to an existing one.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & OTHERS != 0 {
        fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS & 0o7777))?;
    }
    Ok(())
}

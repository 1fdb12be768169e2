//! Files that only their owner may read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

/// Creates or replaces a file that only the owner may read: whole and on disk when this returns, or unchanged.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    File::open(folder_of(path))?.sync_all()
}

/// The folder that contains a file.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    }
}

/// Whether others than its owner may use a secret file. What only root and its group may read is none of theirs:
/// systemd hands credentials over so, with the account they are for in a list of its own, which shows as the group's.
pub fn is_exposed(metadata: &fs::Metadata) -> bool {
    exposes(metadata.mode(), (metadata.uid(), metadata.gid()))
}

fn exposes(mode: u32, owner_and_group: (u32, u32)) -> bool {
    mode & if owner_and_group == (0, 0) { 0o037 } else { 0o077 } != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_for_its_owner_or_for_root_s_group_to_read() {
        for (mode, of_somebody, of_root) in
            [(0o600, false, false), (0o400, false, false), (0o440, true, false), (0o640, true, false)]
        {
            assert_eq!((exposes(mode, (7, 7)), exposes(mode, (0, 0))), (of_somebody, of_root), "{mode:o}");
        }
        for mode in [0o660, 0o650, 0o604, 0o602, 0o601] {
            assert!(exposes(mode, (7, 7)) && exposes(mode, (0, 0)), "{mode:o}");
        }
        assert!(exposes(0o440, (0, 7)));
    }
}
